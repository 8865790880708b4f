import CSimdJSON

/// A small document, checked as strictly as a message and kept, to look things up in it.
package struct JSONDocument {
    private let tree: Tree

    /// Checks and copies.
    package init(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) { tree = try Tree(bytes) }

    package init(_ bytes: [UInt8]) throws(JSONFault) {
        let result = bytes.withUnsafeBytes { bytes in
            Result<Tree, JSONFault> { () throws(JSONFault) in try Tree(bytes) }
        }
        tree = try result.get()
    }

    /// Throws unless the bytes are one whole, valid document.
    package static func validate(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) { _ = try Tree(bytes) }

    package var root: Node { Node(tree: tree, token: 0) }

    /// What stands at a path of names; nil if nothing does. Of names that stand twice the last counts.
    package func value(at path: [String]) -> JSONValue? { node(at: path)?.value }

    package func node(at path: [String]) -> Node? {
        var node = root
        for name in path {
            guard let member = node[name] else { return nil }
            node = member
        }
        return node
    }

    /// A value in a document.
    package struct Node {
        fileprivate let tree: Tree
        fileprivate let token: UInt32

        package var kind: JSONField.Kind { field.kind }
        package var value: JSONValue { field.value }
        /// The text of a string; nil for anything else.
        package var string: String? {
            let field = field
            return field.kind == .string ? String(decoding: field.text, as: UTF8.self) : nil
        }
        package var integer: Int64? {
            let field = field
            return field.kind == .integer ? field.integer : nil
        }
        package var bool: Bool? {
            let field = field
            return field.kind == .boolean ? field.integer != 0 : nil
        }

        /// The last member of that name; nil if there's none, or this is no object.
        package subscript(name: String) -> Node? {
            var name = name
            let member = name.withUTF8 { name in
                elt_json_document_member(
                    tree.handle, token, elt_json_bytes(base: name.baseAddress, length: name.count))
            }
            return member == 0 ? nil : Node(tree: tree, token: member)
        }

        /// The elements of an array, or the values of an object; empty for anything else.
        package var elements: [Node] {
            var found: [Node] = []
            var next = elt_json_document_first(tree.handle, token)
            while next != 0 {
                found.append(Node(tree: tree, token: next))
                next = elt_json_document_next(tree.handle, next)
            }
            return found
        }

        /// The name of this member; empty for an element.
        package var name: String {
            let name = elt_json_document_name(tree.handle, token)
            return String(decoding: UnsafeBufferPointer(start: name.base, count: name.length), as: UTF8.self)
        }

        /// Appends a value that has no others in it, as JSON.
        func append(to text: JSONText) {
            let field = field
            if let string { text.append(string: string) } else { text.append(field.text) }
        }

        private var field: JSONField { JSONField(elt_json_document_value(tree.handle, token)) }
    }

    /// Owns the C document and the bytes that it points into.
    fileprivate final class Tree {
        let handle: OpaquePointer
        private let bytes: UnsafeMutableRawBufferPointer

        init(_ source: UnsafeRawBufferPointer) throws(JSONFault) {
            guard let handle = elt_json_document_new() else { throw JSONFault(reason: .noMemory, offset: 0) }
            self.handle = handle
            bytes = .allocate(byteCount: max(source.count, 1), alignment: 1)
            bytes.copyMemory(from: source)
            var offset = 0
            let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let code = elt_json_document_parse(handle, start, source.count, &offset)
            guard code == 0 else { throw JSONFault(code: code, offset: offset) }
        }

        deinit {
            elt_json_document_free(handle)
            bytes.deallocate()
        }
    }
}
