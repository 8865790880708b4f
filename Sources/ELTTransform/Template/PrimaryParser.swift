/// Literals, names and what stands in brackets.
extension ExpressionParser {
    mutating func primary() throws -> Expression {
        let token = current
        switch token.kind {
        case .name(let name):
            if let literal = Self.literal(name) {
                advance()
                return try node(.literal(literal), token.offset)
            }
            guard !Vocabulary.reserved.contains(name) else { throw unexpected(wanted: "an expression") }
            advance()
            return try node(.name(name), token.offset)
        case .string(var text):
            advance()
            // As in Python, strings side by side are one.
            while case .string(let more) = current.kind {
                text += more
                advance()
            }
            return try node(.literal(.string(text)), token.offset)
        case .int(let number):
            advance()
            return try node(.literal(.int(number)), token.offset)
        case .decimal(let number):
            advance()
            return try node(.literal(.decimal(number)), token.offset)
        case .symbol("("):
            advance()
            return try parenthesized(token.offset)
        case .symbol("["):
            advance()
            return try node(.list(try elements(until: "]")), token.offset)
        case .symbol("{"):
            advance()
            return try dictionary(token.offset)
        case .symbol, .end: throw unexpected(wanted: "an expression")
        }
    }

    private static func literal(_ name: String) -> TemplateValue? {
        switch name {
        case "true", "True": .bool(true)
        case "false", "False": .bool(false)
        case "none", "None": TemplateValue.none
        default: nil
        }
    }

    /// `(a)` is a; `(a, b)` is a list.
    private mutating func parenthesized(_ offset: Int) throws -> Expression {
        if take(")") { return try node(.list([]), offset) }
        let first = try expression()
        if take(")") { return first }
        try expect(",")
        return try node(.list([first] + (try elements(until: ")"))), offset)
    }

    private mutating func elements(until close: String) throws -> [Expression] {
        var items: [Expression] = []
        while !take(close) {
            items.append(try expression())
            if !take(",") {
                try expect(close)
                break
            }
        }
        return items
    }

    private mutating func dictionary(_ offset: Int) throws -> Expression {
        var pairs: [Expression.Pair] = []
        while !take("}") {
            let key = try expression()
            try expect(":")
            pairs.append(.init(key: key, value: try expression()))
            if !take(",") {
                try expect("}")
                break
            }
        }
        return try node(.dict(pairs), offset)
    }
}
