/// Finds tables that a model reads by their bare names.
///
/// Nobody knows then that the model reads them: it's built before them or after, and a rebuild from nothing stops at it.
struct BareTable {
    /// What stands for `ref(…)`, `source(…)` and `this` while a template is looked at begins with this, which no name of a
    /// table can.
    static let knownPrefix = "elt relation "

    private static let clauseEnds: Set<String> = [
        "where", "group", "having", "order", "limit", "window", "union", "intersect", "except", "select", "values",
    ]

    /// The first such name, or nil.
    static func fault(in tokens: [SQLTokens.Token]) -> SQLFault.Located? {
        let common = commonNames(tokens)
        // Inside of parentheses a list of tables goes on after them.
        var outer: [(inTables: Bool, isDue: Bool)] = []
        var inTables = false
        var isDue = false
        for (index, token) in tokens.enumerated() {
            let next = index + 1 < tokens.count ? tokens[index + 1] : nil
            switch (token.kind, token.text) {
            case (.symbol, "("):
                let begins = next.map { $0.kind == .word ? $0.text : "" } ?? ""
                let isQuery = ["select", "values", "with"].contains(begins)
                outer.append((inTables, false))
                (inTables, isDue) = isDue && !isQuery ? (true, true) : (false, false)
            case (.symbol, ")"): (inTables, isDue) = outer.popLast() ?? (false, false)
            case (.symbol, ","): if inTables { isDue = true }
            case (.word, "from") where !isComparison(index, tokens): (inTables, isDue) = (true, true)
            case (.word, "join"): (inTables, isDue) = (true, true)
            case (.word, "in") where !isDue && next.map({ $0.kind != .symbol && $0.kind != .number }) ?? false:
                // `x in customers`.
                isDue = true
            case (.word, let word) where clauseEnds.contains(word) && !isDue: (inTables, isDue) = (false, false)
            case (.word, _), (.quoted, _), (.bracketed, _), (.string, _):
                guard isDue else { break }
                // The name of a schema, whose table follows.
                if next?.isSymbol(".") == true { break }
                isDue = false
                let isOfSchema = index > 0 && tokens[index - 1].isSymbol(".")
                if next?.isSymbol("(") == true || token.text.hasPrefix(knownPrefix) { break }
                if isOfSchema || !common.contains(token.text) {
                    return SQLFault.bareTable(token.text).at(token.range.lowerBound)
                }
            default: break
            }
        }
        return nil
    }

    /// `is distinct from`.
    private static func isComparison(_ index: Int, _ tokens: [SQLTokens.Token]) -> Bool {
        index > 1 && tokens[index - 1].text == "distinct" && ["is", "not"].contains(tokens[index - 2].text)
    }

    /// Names that a WITH gives to queries: `name as (`, `name(columns) as (`. More than those do no harm.
    private static func commonNames(_ tokens: [SQLTokens.Token]) -> Set<String> {
        var names: Set<String> = []
        for index in tokens.indices where tokens[index].kind == .word && tokens[index].text == "as" {
            let follows = tokens[(index + 1)...].prefix(3).first { !["not", "materialized"].contains($0.text) }
            guard follows?.isSymbol("(") == true, index > 0 else { continue }
            var name = index - 1
            if tokens[name].isSymbol(")") {
                var depth = 0
                while name >= 0 {
                    if tokens[name].isSymbol(")") { depth += 1 }
                    if tokens[name].isSymbol("(") { depth -= 1 }
                    name -= 1
                    if depth == 0 { break }
                }
            }
            if name >= 0 { names.insert(tokens[name].text) }
        }
        return names
    }
}
