/// A template, read and ready to be rendered any number of times.
package struct Template: Sendable {
    let source: SourceText
    let body: [Statement]

    /// Reads a template. `path` is what errors show.
    package init(_ text: String, path: String, limits: TemplateLimits = TemplateLimits()) throws(ModelIssue) {
        try self.init(SourceText(path: path, text: text), limits: limits)
    }

    init(_ source: SourceText, limits: TemplateLimits = TemplateLimits()) throws(ModelIssue) {
        self.source = source
        self.body = try ModelIssue.typed {
            var parser = try TemplateParser(source, limits: limits)
            return try parser.template()
        }
    }
}

extension ModelIssue {
    /// Everything inside of this module that reads or renders throws issues and nothing else.
    static func typed<T>(_ body: () throws -> T) throws(ModelIssue) -> T {
        do {
            return try body()
        } catch let issue as ModelIssue {
            throw issue
        } catch {
            throw ModelIssue(
                code: "template.failed", place: nil, problem: "\(error)", remedy: "Correct the template.")
        }
    }
}

/// Reads the blocks of a template.
struct TemplateParser {
    private let source: SourceText
    private let pieces: [Piece]
    private let limits: TemplateLimits
    private var index = 0
    private var nesting = 0

    init(_ source: SourceText, limits: TemplateLimits) throws {
        self.source = source
        self.limits = limits
        pieces = try TemplateLexer.pieces(of: source, limits: limits)
    }

    /// A model or a test: everything but macros.
    mutating func template() throws -> [Statement] {
        try body(until: [], of: nil).statements
    }

    /// A file of macros: nothing but macros, comments and white space.
    mutating func macros() throws -> [Macro] {
        var macros: [Macro] = []
        while index < pieces.count {
            let piece = pieces[index]
            index += 1
            switch piece {
            case .text(let range): try checkOutside(range)
            case .output(_, let open): throw issue(.textOutsideMacro, open)
            case .statement(let tokens, let open, _):
                let word = try statementWord(tokens, open)
                guard word == "macro" else {
                    throw Self.known(word) ? issue(.textOutsideMacro, open) : statementIssue(word, tokens)
                }
                macros.append(try macro(tokens, open))
            }
        }
        return macros
    }

    /// Between macros SQL comments may stand, but no SQL: it would never run.
    private func checkOutside(_ range: Range<Int>) throws {
        let text = source.text(range)
        guard let tokens = try? SQLTokens(text), tokens.tokens.isEmpty else {
            let first = source.bytes[range].firstIndex { !$0.isSpace } ?? range.lowerBound
            throw issue(.textOutsideMacro, first)
        }
    }

    private static func known(_ word: String) -> Bool {
        Vocabulary.statements.contains(word)
    }

    private struct Ended {
        var statements: [Statement]
        /// The tokens of the tag that ended the body.
        var closer: [Token]
    }

    private mutating func body(until closers: [String], of opener: (word: String, offset: Int)?) throws
        -> Ended
    {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.nesting else {
            throw issue(.nestedTooDeep(limit: limits.nesting), opener?.offset ?? 0)
        }
        var statements: [Statement] = []
        while index < pieces.count {
            let piece = pieces[index]
            index += 1
            switch piece {
            case .text(let range):
                statements.append(.text(source.text(range), place(range.lowerBound)))
            case .output(let tokens, let open):
                guard tokens.count > 1 else { throw issue(.emptyTag("{{ }}"), open) }
                var parser = expressions(tokens, from: 0)
                let expression = try parser.expression()
                try parser.expectEnd()
                statements.append(.output(expression, place(open)))
            case .statement(let tokens, let open, _):
                let word = try statementWord(tokens, open)
                if closers.contains(word) { return Ended(statements: statements, closer: tokens) }
                statements.append(try statement(word, tokens, open))
            }
        }
        if let opener { throw issue(.unclosedBlock(opener.word), opener.offset) }
        return Ended(statements: statements, closer: [])
    }

    private func statementWord(_ tokens: [Token], _ open: Int) throws -> String {
        guard case .name(let word)? = tokens.first?.kind else {
            guard tokens.count > 1 else { throw issue(.emptyTag("{% %}"), open) }
            throw issue(.unexpected(tokens[0].shown, wanted: "a statement"), tokens[0].offset)
        }
        return word
    }

    private func statementIssue(_ word: String, _ tokens: [Token]) -> ModelIssue {
        let offset = tokens[0].offset
        if Vocabulary.refusedStatements[word] != nil { return issue(.refusedStatement(word), offset) }
        let closers = Vocabulary.closers + Vocabulary.refusedStatements.keys.map { "end\($0)" }
        if closers.contains(word) { return issue(.strayCloser(word), offset) }
        return issue(.unknownStatement(word), offset)
    }

    private mutating func statement(_ word: String, _ tokens: [Token], _ open: Int) throws -> Statement {
        switch word {
        case "if": return try branch(tokens, open)
        case "for": return try loop(tokens, open)
        case "set": return try assignment(tokens, open)
        case "macro": throw issue(.macroInside(word), tokens[0].offset)
        case "raw": throw issue(.unexpected(tokens[1].shown, wanted: "the end of the tag"), tokens[1].offset)
        default: throw statementIssue(word, tokens)
        }
    }

    private mutating func branch(_ tokens: [Token], _ open: Int) throws -> Statement {
        var branches: [Statement.Branch] = []
        var condition = try only(expressions(tokens, from: 1))
        while true {
            let ended = try body(until: ["elif", "else", "endif"], of: ("if", open))
            branches.append(.init(condition: condition, body: ended.statements))
            switch ended.closer[0].kind {
            case .name("elif"): condition = try only(expressions(ended.closer, from: 1))
            case .name("else"):
                try expressions(ended.closer, from: 1).expectEnd()
                let last = try body(until: ["endif"], of: ("if", open))
                try expressions(last.closer, from: 1).expectEnd()
                return .branch(branches, otherwise: last.statements)
            default:
                try expressions(ended.closer, from: 1).expectEnd()
                return .branch(branches, otherwise: [])
            }
        }
    }

    private func only(_ parser: ExpressionParser) throws -> Expression {
        var parser = parser
        let expression = try parser.expression()
        try parser.expectEnd()
        return expression
    }

    private mutating func loop(_ tokens: [Token], _ open: Int) throws -> Statement {
        var parser = expressions(tokens, from: 1)
        var names = [try parser.newName(wanted: "a name")]
        while parser.take(",") { names.append(try parser.newName(wanted: "a name")) }
        guard parser.take(word: "in") else { throw parser.unexpected(wanted: "'in'") }
        // `for x in a if b` filters in Jinja; an inline if reads the same and means another thing.
        let list = try parser.expression()
        if case .conditional(_, _, nil) = list.kind {
            throw issue(.unexpected("'if'", wanted: "the end of the tag"), list.place.offset)
        }
        try parser.expectEnd()
        let ended = try body(until: ["else", "endfor"], of: ("for", open))
        try expressions(ended.closer, from: 1).expectEnd()
        var otherwise: [Statement] = []
        if ended.closer[0].kind == .name("else") {
            let last = try body(until: ["endfor"], of: ("for", open))
            try expressions(last.closer, from: 1).expectEnd()
            otherwise = last.statements
        }
        return .loop(
            .init(
                names: names, list: list, body: ended.statements, otherwise: otherwise, place: place(open)))
    }

    private mutating func assignment(_ tokens: [Token], _ open: Int) throws -> Statement {
        var parser = expressions(tokens, from: 1)
        let name = try parser.newName(wanted: "a name")
        guard !Vocabulary.names.contains(name) else { throw issue(.reservedName(name), tokens[1].offset) }
        switch parser.current.kind {
        case .symbol("="):
            parser.advance()
            let value = try parser.expression()
            if parser.current.kind == .symbol(",") { throw issue(.setTarget, parser.current.offset) }
            try parser.expectEnd()
            return .set(name, value)
        case .end:
            let ended = try body(until: ["endset"], of: ("set", open))
            try expressions(ended.closer, from: 1).expectEnd()
            return .capture(name, ended.statements)
        case .symbol("."), .symbol(","), .symbol("["): throw issue(.setTarget, parser.current.offset)
        default: throw parser.unexpected(wanted: "'='")
        }
    }

    private mutating func macro(_ tokens: [Token], _ open: Int) throws -> Macro {
        var parser = expressions(tokens, from: 1)
        let offset = parser.current.offset
        let name = try parser.newName(wanted: "the macro's name")
        let builtIn = Vocabulary.functions + Vocabulary.names + Array(Vocabulary.refused.keys)
        guard !builtIn.contains(name) else { throw issue(.macroNameTaken(name), offset) }
        try parser.expect("(")
        var parameters: [Macro.Parameter] = []
        while !parser.take(")") {
            let offset = parser.current.offset
            let parameter = try parser.newName(wanted: "a parameter")
            guard !parameters.contains(where: { $0.name == parameter }) else {
                throw issue(.duplicateParameter(parameter), offset)
            }
            let standard = parser.take("=") ? try parser.expression() : nil
            parameters.append(.init(name: parameter, standard: standard))
            if !parser.take(",") {
                try parser.expect(")")
                break
            }
        }
        try parser.expectEnd()
        let ended = try body(until: ["endmacro"], of: ("macro", open))
        try expressions(ended.closer, from: 1).expectEnd()
        let end = ended.closer.last?.offset ?? open
        return Macro(
            name: name, parameters: parameters, body: ended.statements, place: place(offset),
            text: source.text(open..<end))
    }

    private func expressions(_ tokens: [Token], from index: Int) -> ExpressionParser {
        ExpressionParser(tokens, from: min(index, tokens.count - 1), in: source, limits: limits)
    }

    private func place(_ offset: Int) -> Place { Place(source: source, offset: offset) }

    private func issue(_ fault: TemplateFault, _ offset: Int) -> ModelIssue {
        ModelIssue(fault, at: source.place(at: offset))
    }
}
