extension JSONDocument {
    /// The document with each name but once in each object, the last; nil if no name stands twice.
    ///
    /// Readers don't agree on which of two counts: SQLite's functions take the first.
    package func withoutDuplicates() -> [UInt8]? {
        guard Self.hasDuplicates(root) else { return nil }
        let text = JSONText()
        Self.write(root, to: text)
        return text.contents
    }

    private static func hasDuplicates(_ node: Node) -> Bool {
        guard node.kind == .object || node.kind == .array else { return false }
        var names: Set<String> = []
        return node.elements.contains { element in
            node.kind == .object && !names.insert(element.name).inserted || hasDuplicates(element)
        }
    }

    private static func write(_ node: Node, to text: JSONText) {
        guard node.kind == .object || node.kind == .array else { return node.append(to: text) }
        let isObject = node.kind == .object
        var elements = node.elements
        if isObject {
            var names: Set<String> = []
            elements = elements.reversed().filter { names.insert($0.name).inserted }.reversed()
        }
        text.append(byte: UInt8(ascii: isObject ? "{" : "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(byte: UInt8(ascii: ",")) }
            if isObject {
                text.append(string: element.name)
                text.append(byte: UInt8(ascii: ":"))
            }
            write(element, to: text)
        }
        text.append(byte: UInt8(ascii: isObject ? "}" : "]"))
    }
}
