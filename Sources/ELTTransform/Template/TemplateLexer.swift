/// A word of an expression.
struct Token: Sendable {
    enum Kind: Equatable, Sendable {
        case name(String)
        case string(String)
        case int(Int)
        case decimal(Double)
        case symbol(String)
        case end
    }

    let kind: Kind
    let offset: Int

    /// How errors show it.
    var shown: String {
        switch kind {
        case .name(let name): "'\(name)'"
        case .string: "a string"
        case .int(let number): "'\(number)'"
        case .decimal(let number): "'\(number)'"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end of the tag"
        }
    }
}

/// A template cut at its tags.
enum Piece: Sendable {
    case text(Range<Int>)
    case output([Token], Int)
    case statement([Token], Int, end: Int)
}

/// Cuts a template into text and tags, and tags into tokens.
struct TemplateLexer {
    private let source: SourceText
    private let bytes: [UInt8]
    private let limits: TemplateLimits
    private var index = 0
    private var pieces: [Piece] = []
    /// `-` at the end of the last tag: the white space that follows goes.
    private var trimsNext = false

    static func pieces(of source: SourceText, limits: TemplateLimits) throws -> [Piece] {
        var lexer = TemplateLexer(source, limits)
        return try lexer.run()
    }

    private init(_ source: SourceText, _ limits: TemplateLimits) {
        self.source = source
        self.limits = limits
        // As in Jinja, the newline that ends the file isn't part of the template.
        bytes = source.bytes.last == UInt8(ascii: "\n") ? source.bytes.dropLast() : source.bytes
    }

    private mutating func run() throws -> [Piece] {
        guard bytes.count <= limits.sourceBytes else {
            throw issue(.tooLong(bytes: bytes.count, limit: limits.sourceBytes), 0)
        }
        while index < bytes.count {
            let start = index
            guard let open = nextTag(from: index) else {
                append(text: start..<bytes.count, trimsEnd: false)
                break
            }
            let kind = bytes[open + 1]
            let mark = open + 2 < bytes.count ? bytes[open + 2] : 0
            let control = mark == UInt8(ascii: "-") || mark == UInt8(ascii: "+")
            append(text: start..<open, trimsEnd: mark == UInt8(ascii: "-"))
            index = open + (control ? 3 : 2)
            switch kind {
            case UInt8(ascii: "#"): try skipComment(open)
            case UInt8(ascii: "{"):
                pieces.append(.output(try tokens(until: "}}", open: open), open))
            default:
                let tokens = try tokens(until: "%}", open: open)
                if tokens.first?.kind == .name("raw"), tokens.count == 2 {
                    try raw(open)
                } else {
                    pieces.append(.statement(tokens, open, end: index))
                }
            }
        }
        return pieces
    }

    private func nextTag(from start: Int) -> Int? {
        var position = start
        while position + 1 < bytes.count {
            if bytes[position] == UInt8(ascii: "{") {
                switch bytes[position + 1] {
                case UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "#"): return position
                default: break
                }
            }
            position += 1
        }
        return nil
    }

    private mutating func append(text range: Range<Int>, trimsEnd: Bool) {
        var (start, end) = (range.lowerBound, range.upperBound)
        if trimsNext { while start < end, bytes[start].isSpace { start += 1 } }
        if trimsEnd { while start < end, bytes[end - 1].isSpace { end -= 1 } }
        trimsNext = false
        if start < end { pieces.append(.text(start..<end)) }
    }

    private mutating func skipComment(_ open: Int) throws {
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "#"), bytes[index + 1] == UInt8(ascii: "}") {
                trimsNext = index > open + 2 && bytes[index - 1] == UInt8(ascii: "-")
                index += 2
                return
            }
            index += 1
        }
        throw issue(.unclosedTag("{#", close: "#}"), open)
    }

    /// After `{% raw %}`: everything up to `{% endraw %}` is text.
    private mutating func raw(_ open: Int) throws {
        let start = index
        var position = index
        while let tag = nextTag(from: position) {
            if bytes[tag + 1] == UInt8(ascii: "%"), let end = endRaw(at: tag) {
                append(text: start..<tag, trimsEnd: bytes[tag + 2] == UInt8(ascii: "-"))
                trimsNext = bytes[end - 3] == UInt8(ascii: "-")
                index = end
                return
            }
            position = tag + 2
        }
        throw issue(.unclosedBlock("raw"), open)
    }

    /// Where `{%- endraw -%}` at `tag` ends; nil if something else stands there.
    private func endRaw(at tag: Int) -> Int? {
        var position = tag + 2
        func skip(_ characters: String) {
            while position < bytes.count, characters.utf8.contains(bytes[position]) { position += 1 }
        }
        if position < bytes.count,
            bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+")
        {
            position += 1
        }
        skip(" \t\n\r")
        guard bytes[position...].starts(with: "endraw".utf8) else { return nil }
        position += 6
        skip(" \t\n\r")
        if position < bytes.count,
            bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+")
        {
            position += 1
        }
        return bytes[position...].starts(with: "%}".utf8) ? position + 2 : nil
    }

    /// The tokens of a tag; afterwards `index` is behind its end.
    private mutating func tokens(until close: String, open: Int) throws -> [Token] {
        let name = close == "}}" ? "{{" : "{%"
        var tokens: [Token] = []
        var brackets: [UInt8] = []
        while true {
            while index < bytes.count, bytes[index].isSpace { index += 1 }
            guard index < bytes.count else { throw issue(.unclosedTag(name, close: close), open) }
            // Inside of brackets `}}` closes two dictionaries.
            if brackets.isEmpty, let length = closeLength(close) {
                trimsNext = bytes[index] == UInt8(ascii: "-")
                tokens.append(Token(kind: .end, offset: index))
                index += length
                return tokens
            }
            let token = try token(open: open)
            tokens.append(token)
            guard case .symbol(let symbol) = token.kind, let byte = symbol.utf8.first else { continue }
            switch symbol {
            case "(", "[", "{":
                brackets.append(byte)
                guard brackets.count <= limits.nesting else {
                    throw issue(.nestedTooDeep(limit: limits.nesting), token.offset)
                }
            case ")", "]", "}": try match(symbol, &brackets, token.offset)
            default: break
            }
        }
    }

    /// A bracket that closes another kind ends the reading: what follows can't be told from text.
    private func match(_ symbol: String, _ brackets: inout [UInt8], _ offset: Int) throws {
        guard let open = brackets.popLast() else { return }
        let wanted = [UInt8(ascii: "("): ")", UInt8(ascii: "["): "]", UInt8(ascii: "{"): "}"][open] ?? symbol
        guard wanted == symbol else {
            throw issue(.unexpected("'\(symbol)'", wanted: "'\(wanted)'"), offset)
        }
    }

    private func closeLength(_ close: String) -> Int? {
        let rest = bytes[index...]
        if rest.starts(with: close.utf8) { return 2 }
        let first = rest.first
        let control = first == UInt8(ascii: "-") || (close == "%}" && first == UInt8(ascii: "+"))
        return control && rest.dropFirst().starts(with: close.utf8) ? 3 : nil
    }

    private mutating func token(open: Int) throws -> Token {
        let start = index
        let byte = bytes[index]
        if byte.isNameStart {
            while index < bytes.count, bytes[index].isNamePart { index += 1 }
            return Token(kind: .name(source.text(start..<index)), offset: start)
        }
        if byte.isDigit { return try number(start) }
        if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") { return try string(start) }
        for symbol in ["==", "!=", "<=", ">=", "//", "**"] where bytes[index...].starts(with: symbol.utf8) {
            index += 2
            return Token(kind: .symbol(symbol), offset: start)
        }
        guard "+-*/%~<>=()[]{},.:|".utf8.contains(byte) else {
            let rest = String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self)
            throw issue(.unexpectedCharacter(rest.unicodeScalars.first.map(String.init) ?? "?"), start)
        }
        index += 1
        return Token(kind: .symbol(String(Unicode.Scalar(byte))), offset: start)
    }

    private mutating func number(_ start: Int) throws -> Token {
        func digits() { while index < bytes.count, bytes[index].isDigit { index += 1 } }
        func at(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
        digits()
        var isDecimal = false
        if at(0) == UInt8(ascii: "."), at(1).isDigit {
            isDecimal = true
            index += 1
            digits()
        }
        if at(0) | 0x20 == UInt8(ascii: "e") {
            let signed = at(1) == UInt8(ascii: "+") || at(1) == UInt8(ascii: "-")
            if at(signed ? 2 : 1).isDigit {
                isDecimal = true
                index += signed ? 2 : 1
                digits()
            }
        }
        if index < bytes.count, bytes[index].isNamePart {
            while index < bytes.count, bytes[index].isNamePart { index += 1 }
            throw issue(.badNumber(source.text(start..<index)), start)
        }
        let text = source.text(start..<index)
        if !isDecimal, let number = Int(text) { return Token(kind: .int(number), offset: start) }
        guard isDecimal, let number = Double(text), number.isFinite else {
            throw issue(.badNumber(text), start)
        }
        return Token(kind: .decimal(number), offset: start)
    }

    private mutating func string(_ start: Int) throws -> Token {
        let quote = bytes[start]
        var text: [UInt8] = []
        index += 1
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == quote {
                return Token(kind: .string(String(decoding: text, as: UTF8.self)), offset: start)
            }
            guard byte == UInt8(ascii: "\\"), index < bytes.count else {
                text.append(byte)
                continue
            }
            let escaped = bytes[index]
            index += 1
            switch escaped {
            case UInt8(ascii: "n"): text.append(10)
            case UInt8(ascii: "t"): text.append(9)
            case UInt8(ascii: "r"): text.append(13)
            case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): text.append(escaped)
            // As in Python, a backslash before anything else is a backslash.
            default: text += [byte, escaped]
            }
        }
        throw issue(.unclosedString, start)
    }

    private func issue(_ fault: TemplateFault, _ offset: Int) -> ModelIssue {
        ModelIssue(fault, at: source.place(at: offset))
    }
}

extension UInt8 {
    var isSpace: Bool { self == 32 || (9...13).contains(self) }
    var isDigit: Bool { (48...57).contains(self) }
    var isNameStart: Bool { (65...90).contains(self) || (97...122).contains(self) || self == 95 }
    var isNamePart: Bool { isNameStart || isDigit }
}
