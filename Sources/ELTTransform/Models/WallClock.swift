/// Finds SQL whose rows depend on when, where or how often it runs.
///
/// A table is a function of the archive and the models. One look at the wall clock, and a rebuild
/// gives other rows than the hours did.
enum WallClock {
    private static let keywords: [String: String] = [
        "current_timestamp": "'{{ run.now }}'", "current_date": "'{{ run.today }}'",
        "current_time": "'{{ run.now }}'", "localtimestamp": "'{{ run.now }}'",
        "localtime": "'{{ run.now }}'",
    ]
    /// SQLite's functions, and how many arguments they need before they mean a given time.
    private static let timeFunctions: [String: Int] = [
        "date": 1, "time": 1, "datetime": 1, "julianday": 1, "unixepoch": 1, "strftime": 2, "timediff": 2,
    ]
    /// Functions of other databases; SQLite would refuse them too, but without saying what to do.
    private static let foreign: Set<String> = ["now", "getdate", "sysdate", "clock_timestamp", "today"]
    private static let chance: Set<String> = ["random", "randomblob"]
    private static let session: Set<String> = ["changes", "total_changes", "last_insert_rowid"]

    /// The first such place, or nil.
    static func fault(in tokens: [SQLTokens.Token]) -> SQLFault.Located? {
        for index in tokens.indices {
            let token = tokens[index]
            guard [.word, .quoted, .bracketed].contains(token.kind) else { continue }
            let offset = token.range.lowerBound
            let isCall = index + 1 < tokens.count && tokens[index + 1].isSymbol("(")
            if token.kind == .word, let instead = keywords[token.text], isKeyword(index, tokens) {
                return SQLFault.clock(token.text.uppercased(), instead: instead).at(offset)
            }
            guard isCall, !follows(".", index, tokens) else { continue }
            if let least = timeFunctions[token.text],
                let fault = fault(inCall: index, least: least, tokens)
            {
                return fault
            }
            // `select … from t as now(…)` can't be, so a call is a call.
            if foreign.contains(token.text) {
                return SQLFault.clock("\(token.text)()", instead: "'{{ run.now }}'").at(offset)
            }
            if chance.contains(token.text) { return SQLFault.chance("\(token.text)()").at(offset) }
            if session.contains(token.text) { return SQLFault.session("\(token.text)()").at(offset) }
        }
        return nil
    }

    private static func follows(_ symbol: String, _ index: Int, _ tokens: [SQLTokens.Token]) -> Bool {
        index > 0 && tokens[index - 1].isSymbol(symbol)
    }

    /// A column may be called like a keyword where only a name can stand: `t.current_date`,
    /// `as current_date`.
    private static func isKeyword(_ index: Int, _ tokens: [SQLTokens.Token]) -> Bool {
        if follows(".", index, tokens) { return false }
        if index > 0, tokens[index - 1].kind == .word, tokens[index - 1].text == "as" { return false }
        // SQLite itself knows only three of the five as keywords; the others are names unless called.
        guard tokens[index].text.hasPrefix("local") else { return true }
        return index + 1 < tokens.count && tokens[index + 1].isSymbol("(")
    }

    private static func fault(inCall index: Int, least: Int, _ tokens: [SQLTokens.Token])
        -> SQLFault.Located?
    {
        let name = tokens[index].text
        let offset = tokens[index].range.lowerBound
        let instead = ["date", "julianday"].contains(name) ? "'{{ run.today }}'" : "'{{ run.now }}'"
        let arguments = arguments(ofCall: index, tokens)
        if arguments.count < least {
            let what = "\(name)() without a time"
            return SQLFault.clock(what, instead: instead).at(offset)
        }
        for (position, argument) in arguments.enumerated() {
            // A lone 'subsec' where the time should be means now.
            if position == least - 1, argument.count == 1, isText(tokens[argument.lowerBound]),
                ["subsec", "subsecond"].contains(tokens[argument.lowerBound].text)
            {
                return SQLFault.clock("\(name)('subsec')", instead: instead).at(offset)
            }
            for inner in argument where isText(tokens[inner]) && !isCompared(inner, tokens) {
                let token = tokens[inner]
                let text = token.text.filter { !$0.isWhitespace }
                if text == "now" {
                    return SQLFault.clock("\(name)('now')", instead: instead).at(token.range.lowerBound)
                }
                if text == "localtime" || text == "utc" {
                    return SQLFault.zone(text).at(token.range.lowerBound)
                }
            }
        }
        return nil
    }

    /// SQLite reads a name in double quotes as a text where no column is called so.
    private static func isText(_ token: SQLTokens.Token) -> Bool {
        token.kind == .string || token.kind == .quoted
    }

    /// `case when status = 'now' then …` inside of a call is a comparison and not a time.
    private static func isCompared(_ index: Int, _ tokens: [SQLTokens.Token]) -> Bool {
        func compares(_ token: SQLTokens.Token) -> Bool {
            ["=", "==", "<>", "!=", "is", "like", "glob"].contains(token.text) && token.kind != .string
        }
        let isAfter = index > 0 && compares(tokens[index - 1])
        return isAfter || (index + 1 < tokens.count && compares(tokens[index + 1]))
    }

    /// The tokens of each argument; none for `f()`.
    private static func arguments(ofCall index: Int, _ tokens: [SQLTokens.Token]) -> [Range<Int>] {
        var arguments: [Range<Int>] = []
        var depth = 0
        var start = index + 2
        for position in (index + 1)..<tokens.count {
            let token = tokens[position]
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") { depth -= 1 }
            guard depth == 0 || (depth == 1 && token.isSymbol(",")) else { continue }
            if start < position { arguments.append(start..<position) }
            start = position + 1
            if depth == 0 { break }
        }
        return arguments
    }
}
