/// One SELECT that's safe to put in parentheses behind `FROM` or behind `CREATE TABLE … AS`.
struct SelectStatement {
    /// Without comments around it and without the final `;`: a `--` at the end would swallow what follows.
    let sql: String
    /// Where it begins in the text that it's from, in bytes.
    let start: Int
    let tokens: [SQLTokens.Token]

    init(_ text: String) throws(SQLFault.Located) {
        let tokens = try SQLTokens(text).tokens
        var end = tokens.count
        while end > 0, tokens[end - 1].isSymbol(";") { end -= 1 }
        guard let first = tokens.first, end > 0 else { throw SQLFault.empty.at(0) }
        try Self.checkStart(first, tokens[..<end])
        try Self.checkBalance(tokens[..<end])
        let last = tokens[end - 1]
        let utf8 = Array(text.utf8)
        start = first.range.lowerBound
        sql = String(decoding: utf8[first.range.lowerBound..<last.range.upperBound], as: UTF8.self)
        self.tokens = Array(tokens[..<end])
    }

    private static func checkStart(_ first: SQLTokens.Token, _ tokens: ArraySlice<SQLTokens.Token>)
        throws(SQLFault.Located)
    {
        let begins = first.kind == .word ? first.text : ""
        if begins == "select" || begins == "values" { return }
        guard begins == "with" else {
            throw SQLFault.notSelect(first.kind == .string ? "a string" : first.text).at(
                first.range.lowerBound)
        }
        // The bodies of a WITH stand in parentheses, so the first verb outside of them is the statement's.
        var depth = 0
        for token in tokens {
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") { depth -= 1 }
            guard depth == 0, token.kind == .word else { continue }
            if token.text == "select" || token.text == "values" { return }
            if ["insert", "update", "delete", "replace"].contains(token.text) {
                throw SQLFault.notSelect(token.text).at(token.range.lowerBound)
            }
        }
        throw SQLFault.withoutSelect.at(first.range.lowerBound)
    }

    private static func checkBalance(_ tokens: ArraySlice<SQLTokens.Token>) throws(SQLFault.Located) {
        var open: [Int] = []
        for token in tokens where token.kind == .symbol {
            switch token.text {
            case "(": open.append(token.range.lowerBound)
            case ")":
                guard open.popLast() != nil else {
                    throw SQLFault.strayParenthesis.at(token.range.lowerBound)
                }
            case ";": throw SQLFault.severalStatements.at(token.range.lowerBound)
            default: break
            }
        }
        if let offset = open.last { throw SQLFault.unclosedParenthesis.at(offset) }
    }
}

extension SelectStatement {
    private static let words: Set<String> = ["distinct", "except", "group", "having", "intersect", "limit"]
    private static let aggregates: Set<String> = [
        "avg", "count", "group_concat", "json_group_array", "json_group_object", "string_agg", "sum", "total",
    ]

    /// A word of the outermost SELECT that makes one row of many; `max` and `min` only with one argument.
    var acrossRows: SQLTokens.Token? {
        var depth = 0
        for (index, token) in tokens.enumerated() {
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") { depth -= 1 }
            guard depth == 0, token.kind == .word, index == 0 || !tokens[index - 1].isSymbol(".") else { continue }
            if Self.words.contains(token.text) { return token }
            // `over w`, whose window has a name.
            if token.text == "over", index > 0, tokens[index - 1].isSymbol(")") { return token }
            guard index + 1 < tokens.count, tokens[index + 1].isSymbol("(") else { continue }
            if Self.aggregates.contains(token.text) || token.text == "over" { return token }
            if ["max", "min"].contains(token.text), !hasComma(inCallAt: index) { return token }
        }
        return nil
    }

    private func hasComma(inCallAt index: Int) -> Bool {
        var depth = 0
        for token in tokens[(index + 1)...] {
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") { depth -= 1 }
            if depth == 0 { return false }
            if depth == 1, token.isSymbol(",") { return true }
        }
        return false
    }
}

/// A condition for `WHERE`, as tests have it.
struct SQLCondition {
    let sql: String

    init(_ text: String) throws(SQLFault.Located) {
        let tokens = try SQLTokens(text).tokens
        guard let first = tokens.first, let last = tokens.last else { throw SQLFault.empty.at(0) }
        var depth = 0
        for token in tokens where token.kind == .symbol {
            if token.text == ";" { throw SQLFault.severalStatements.at(token.range.lowerBound) }
            if token.text == "(" { depth += 1 }
            if token.text == ")" { depth -= 1 }
            if depth < 0 { throw SQLFault.strayParenthesis.at(token.range.lowerBound) }
        }
        if depth > 0 { throw SQLFault.unclosedParenthesis.at(first.range.lowerBound) }
        if let fault = WallClock.fault(in: tokens) { throw fault }
        sql = String(
            decoding: Array(text.utf8)[first.range.lowerBound..<last.range.upperBound], as: UTF8.self)
    }
}

extension SQLTokens.Token {
    func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
}
