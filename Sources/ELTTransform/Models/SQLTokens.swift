/// SQL cut into words, as SQLite cuts it; comments and white space are left out.
///
/// It knows just enough to tell what is text and what is not, so that a rule about words never
/// stumbles over a string or a comment.
struct SQLTokens {
    enum Kind: Equatable {
        /// A keyword or a plain name.
        case word
        /// `"name"`, which SQLite reads as a string where no column is called so.
        case quoted
        /// `` `name` `` or `[name]`.
        case bracketed
        case string
        case number
        case symbol
    }

    struct Token {
        let kind: Kind
        /// Bytes in the text.
        let range: Range<Int>
        /// In lower case; without quotes for names and strings.
        let text: String
    }

    private(set) var tokens: [Token] = []
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) throws(SQLFault.Located) {
        bytes = Array(text.utf8)
        while let token = try next() { tokens.append(token) }
    }

    private func at(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }

    private mutating func next() throws(SQLFault.Located) -> Token? {
        try skipSpace()
        guard index < bytes.count else { return nil }
        let start = index
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "'"): return try quoted(start, byte, .string, .openString)
        case UInt8(ascii: "\""): return try quoted(start, byte, .quoted, .openName)
        case UInt8(ascii: "`"): return try quoted(start, byte, .bracketed, .openName)
        case UInt8(ascii: "["): return try quoted(start, UInt8(ascii: "]"), .bracketed, .openName)
        case 0: throw SQLFault.nul.at(start)
        case UInt8(ascii: "?"): throw SQLFault.parameter.at(start)
        case UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "$"), UInt8(ascii: "#"):
            throw (at(1) == UInt8(ascii: ":") ? SQLFault.cast : SQLFault.parameter).at(start)
        default: break
        }
        if Self.isWordStart(byte) {
            while index < bytes.count, Self.isWordPart(bytes[index]) { index += 1 }
            return token(.word, start)
        }
        if byte.isDigit || (byte == UInt8(ascii: ".") && at(1).isDigit) {
            while index < bytes.count, isNumberPart(start) { index += 1 }
            return token(.number, start)
        }
        let two = String(decoding: bytes[index..<min(index + 2, bytes.count)], as: UTF8.self)
        index += ["==", "<>", "!=", "<=", ">=", "||", "->"].contains(two) ? 2 : 1
        return token(.symbol, start)
    }

    private func isNumberPart(_ start: Int) -> Bool {
        let byte = bytes[index]
        if Self.isWordPart(byte) || byte == UInt8(ascii: ".") { return true }
        // The sign of an exponent; not that of `0xe+1`.
        let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
        let isHex = index - start > 1 && bytes[start] == UInt8(ascii: "0") && bytes[start + 1] | 0x20 == 0x78
        return isSign && !isHex && bytes[index - 1] | 0x20 == UInt8(ascii: "e") && at(1).isDigit
    }

    private static func isWordStart(_ byte: UInt8) -> Bool { byte.isNameStart || byte >= 0x80 }
    private static func isWordPart(_ byte: UInt8) -> Bool {
        byte.isNamePart || byte >= 0x80 || byte == UInt8(ascii: "$")
    }

    private func token(_ kind: Kind, _ start: Int) -> Token {
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        return Token(kind: kind, range: start..<index, text: text.lowercased())
    }

    private mutating func quoted(_ start: Int, _ close: UInt8, _ kind: Kind, _ fault: SQLFault)
        throws(SQLFault.Located) -> Token
    {
        var text: [UInt8] = []
        index += 1
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == 0 { throw SQLFault.nul.at(index - 1) }
            if byte == close {
                // A doubled quote is one quote; brackets have no such way out.
                guard at(0) == close, close != UInt8(ascii: "]") else {
                    let text = String(decoding: text, as: UTF8.self)
                    return Token(kind: kind, range: start..<index, text: text.lowercased())
                }
                index += 1
            }
            text.append(byte)
        }
        throw fault.at(start)
    }

    private mutating func skipSpace() throws(SQLFault.Located) {
        while index < bytes.count {
            if bytes[index].isSpace {
                index += 1
            } else if bytes[index] == UInt8(ascii: "-"), at(1) == UInt8(ascii: "-") {
                while index < bytes.count, bytes[index] != UInt8(ascii: "\n") {
                    if bytes[index] == 0 { throw SQLFault.nul.at(index) }
                    index += 1
                }
            } else if bytes[index] == UInt8(ascii: "/"), at(1) == UInt8(ascii: "*") {
                let start = index
                index += 2
                while !(at(0) == UInt8(ascii: "*") && at(1) == UInt8(ascii: "/")) {
                    guard index < bytes.count else { throw SQLFault.openComment.at(start) }
                    if bytes[index] == 0 { throw SQLFault.nul.at(index) }
                    index += 1
                }
                index += 2
            } else {
                return
            }
        }
    }
}

/// How names and texts are written in SQL.
package enum SQLText {
    /// `"name"`
    package static func name(_ name: String) -> String { quoted(name, by: "\"") }
    /// `'text'`
    package static func literal(_ text: String) -> String { quoted(text, by: "'") }

    private static func quoted(_ text: String, by quote: Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        result.append(quote)
        for scalar in text.unicodeScalars {
            result.append(scalar)
            if scalar == quote { result.append(quote) }
        }
        result.append(quote)
        return String(result)
    }
}
