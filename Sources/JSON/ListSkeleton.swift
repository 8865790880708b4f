import CSimdJSON

/// A document with its list emptied: what it says besides its rows.
package struct Skeleton: Sendable, Equatable {
    package enum Shape: Sendable, Equatable {
        /// An object with the list at the path.
        case envelope
        /// The document is the list.
        case array
        /// Objects one after another.
        case lines
        /// No byte but space.
        case empty
    }

    /// Valid JSON; empty for `lines` and `empty`.
    package let bytes: [UInt8]
    package let shape: Shape
    /// Elements that the list had.
    package let rows: Int64

    /// What stands at a path.
    package func value(at path: [String]) -> JSONScalar {
        bytes.withUnsafeBytes { JSONScalar(in: $0, at: path) }
    }
}

/// One value looked up in a JSON text.
package enum JSONScalar: Sendable, Equatable {
    case absent
    case null
    case boolean(Bool)
    /// As it's written: a number of any size stays exact.
    case number(String)
    case string(String)
    /// An object or a list.
    case container

    /// Looks up `path` in a text that's known to be valid JSON. Of keys that occur twice the last counts.
    package init(in text: UnsafeRawBufferPointer, at path: [String]) {
        let bytes = text.assumingMemoryBound(to: UInt8.self)
        guard let base = bytes.baseAddress, !path.isEmpty else {
            self = .absent
            return
        }
        var start: UnsafePointer<UInt8>?
        var length = 0
        let keys = path.map { $0 + "\0" }.joined()
        let kind = elt_list_find(base, bytes.count, keys, path.count, &start, &length)
        let value = UnsafeBufferPointer(start: start, count: length)
        switch Int(kind) {
        case elt_list_null: self = .null
        case elt_list_boolean: self = .boolean(value.first == UInt8(ascii: "t"))
        case elt_list_number: self = .number(String(decoding: value, as: UTF8.self))
        case elt_list_string: self = .string(Self.unescaped(value))
        case elt_list_container: self = .container
        default: self = .absent
        }
    }

    private static func unescaped(_ text: UnsafeBufferPointer<UInt8>) -> String {
        guard let base = text.baseAddress, text.contains(UInt8(ascii: "\\")) else {
            return String(decoding: text, as: UTF8.self)
        }
        return String(unsafeUninitializedCapacity: text.count) { out in
            guard let to = out.baseAddress else { return 0 }
            return elt_list_unescape(base, text.count, to)
        }
    }
}
