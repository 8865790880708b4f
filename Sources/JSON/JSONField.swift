import CSimdJSON

/// A member of an object, borrowed from the decoder that found it.
///
/// It has the layout of the C struct, so a row of them is bound to a statement without copying.
@frozen package struct JSONField {
    @usableFromInline let c: elt_json_field

    @inlinable init(_ c: elt_json_field) { self.c = c }

    @frozen package enum Kind: UInt8, Sendable {
        case null, boolean, integer, number, string, object, array
    }

    @inlinable package var kind: Kind { Kind(rawValue: c.kind) ?? .null }
    /// Without quotes and escapes.
    @inlinable package var name: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: c.name, count: Int(c.name_length))
    }
    /// A string without quotes and escapes; anything else exactly as it's written.
    @inlinable package var text: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: c.text, count: Int(c.text_length))
    }
    /// The value of an integer; 0 or 1 of a boolean; else 0.
    @inlinable package var integer: Int64 { c.integer }

    /// An owned copy.
    package var value: JSONValue {
        switch kind {
        case .null: .null
        case .boolean: .bool(integer != 0)
        case .integer: .integer(integer)
        case .number: .number(String(decoding: text, as: UTF8.self))
        case .string: .string(String(decoding: text, as: UTF8.self))
        case .object: .object(Array(text))
        case .array: .array(Array(text))
        }
    }
}

/// A value that doesn't depend on a decoder. Containers are the text as written.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// With a fraction, an exponent or beyond 64 bits, exactly as written.
    case number(String)
    case string(String)
    case object([UInt8])
    case array([UInt8])
}
