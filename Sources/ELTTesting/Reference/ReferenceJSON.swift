/// A JSON value with the text it was written as.
///
/// The reference has a reader of its own, plain and strict, so that a mistake in the product's can't
/// hide in both.
struct ReferenceJSON {
    enum Kind {
        case null
        case boolean(Bool)
        case number
        case text(String)
        case list
        /// In the order of the text; a name may come twice.
        case object([(name: String, value: ReferenceJSON)])
    }

    let kind: Kind
    let written: String

    /// nil if the bytes aren't exactly one JSON value in UTF-8.
    init?(_ bytes: [UInt8]) {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = Reader(bytes: bytes)
        reader.skipSpace()
        guard let value = reader.value(depth: 0) else { return nil }
        reader.skipSpace()
        guard reader.at == bytes.count else { return nil }
        self = value
    }

    fileprivate init(kind: Kind, written: ArraySlice<UInt8>) {
        self.kind = kind
        self.written = String(decoding: written, as: UTF8.self)
    }

    /// The value of a name in an object; of a name that comes twice, the last.
    subscript(name: String) -> ReferenceJSON? {
        guard case .object(let members) = kind else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The value at a path of names; nil if there's none.
    subscript(path: [String]) -> ReferenceJSON? {
        var value = self
        for name in path {
            guard let next = value[name] else { return nil }
            value = next
        }
        return value
    }
}

private struct Reader {
    /// Deeper nesting than this is refused, here as in the product.
    static let depthMax = 1000

    let bytes: [UInt8]
    var at = 0

    var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func skipSpace() {
        while let byte, byte == 32 || byte == 9 || byte == 10 || byte == 13 { at += 1 }
    }

    mutating func take(_ character: Character) -> Bool {
        guard byte == character.asciiValue else { return false }
        at += 1
        return true
    }

    mutating func value(depth: Int) -> ReferenceJSON? {
        guard depth < Self.depthMax, let byte else { return nil }
        let start = at
        let kind: ReferenceJSON.Kind?
        switch Character(UnicodeScalar(byte)) {
        case "{": kind = object(depth: depth)
        case "[": kind = list(depth: depth) ? .list : nil
        case "\"": kind = text().map { .text($0) }
        case "t": kind = word("true") ? .boolean(true) : nil
        case "f": kind = word("false") ? .boolean(false) : nil
        case "n": kind = word("null") ? .null : nil
        default: kind = number() ? .number : nil
        }
        return kind.map { ReferenceJSON(kind: $0, written: bytes[start..<at]) }
    }

    mutating func word(_ word: String) -> Bool {
        for character in word where !take(character) { return false }
        return true
    }

    mutating func digits() -> Bool {
        let start = at
        while let byte, (48...57).contains(byte) { at += 1 }
        return at > start
    }

    mutating func number() -> Bool {
        _ = take("-")
        if !take("0"), !digits() { return false }
        if take("."), !digits() { return false }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            return digits()
        }
        return true
    }

    mutating func list(depth: Int) -> Bool {
        at += 1
        skipSpace()
        if take("]") { return true }
        while true {
            skipSpace()
            guard value(depth: depth + 1) != nil else { return false }
            skipSpace()
            if take("]") { return true }
            guard take(",") else { return false }
        }
    }

    mutating func object(depth: Int) -> ReferenceJSON.Kind? {
        var members: [(name: String, value: ReferenceJSON)] = []
        at += 1
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard byte == 34, let name = text() else { return nil }
            skipSpace()
            guard take(":") else { return nil }
            skipSpace()
            guard let value = value(depth: depth + 1) else { return nil }
            members.append((name, value))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { return nil }
        }
    }

    mutating func text() -> String? {
        at += 1
        var result: [UInt8] = []
        while let byte {
            at += 1
            switch byte {
            case 34: return String(decoding: result, as: UTF8.self)
            case 0..<32: return nil
            case 92:
                guard let scalar = escape() else { return nil }
                result += Array(String(Character(scalar)).utf8)
            default: result.append(byte)
            }
        }
        return nil
    }

    mutating func escape() -> UnicodeScalar? {
        guard let byte else { return nil }
        at += 1
        switch Character(UnicodeScalar(byte)) {
        case "\"": return "\""
        case "\\": return "\\"
        case "/": return "/"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            guard let first = hexadecimal() else { return nil }
            guard (0xD800..<0xDC00).contains(first) else { return UnicodeScalar(first) }
            guard take("\\"), take("u"), let second = hexadecimal(), (0xDC00..<0xE000).contains(second)
            else { return nil }
            return UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        default: return nil
        }
    }

    mutating func hexadecimal() -> UInt32? {
        guard at + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[at..<(at + 4)] {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
            value = value << 4 + UInt32(digit)
        }
        at += 4
        return value
    }
}
