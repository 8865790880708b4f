/// Reads the expressions of one tag, with Jinja's precedence.
struct ExpressionParser {
    private let source: SourceText
    private let tokens: [Token]
    private let limits: TemplateLimits
    private var index: Int
    private var nesting = 0

    init(_ tokens: [Token], from index: Int, in source: SourceText, limits: TemplateLimits) {
        self.tokens = tokens
        self.index = index
        self.source = source
        self.limits = limits
    }

    // MARK: Tokens

    var current: Token { tokens[index] }
    var isAtEnd: Bool { current.kind == .end }

    mutating func advance() { if index < tokens.count - 1 { index += 1 } }

    mutating func take(_ symbol: String) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func take(word: String) -> Bool {
        guard current.kind == .name(word) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: String) throws {
        guard take(symbol) else { throw unexpected(wanted: "'\(symbol)'") }
    }

    func expectEnd() throws {
        guard isAtEnd else { throw unexpected(wanted: "the end of the tag") }
    }

    /// A name that may be given to something.
    mutating func newName(wanted: String) throws -> String {
        guard case .name(let name) = current.kind else { throw unexpected(wanted: wanted) }
        guard !Vocabulary.reserved.contains(name) else { throw issue(.reservedName(name), current.offset) }
        advance()
        return name
    }

    func unexpected(wanted: String) -> ModelIssue {
        issue(.unexpected(current.shown, wanted: wanted), current.offset)
    }

    func issue(_ fault: TemplateFault, _ offset: Int) -> ModelIssue {
        ModelIssue(fault, at: source.place(at: offset))
    }

    func place(_ offset: Int) -> Place { Place(source: source, offset: offset) }

    func node(_ kind: Expression.Kind, _ offset: Int) throws -> Expression {
        let node = Expression(kind, at: place(offset))
        guard node.depth <= limits.nesting else { throw issue(.nestedTooDeep(limit: limits.nesting), offset) }
        return node
    }

    // MARK: Grammar

    /// `a if condition else b`, or anything that binds tighter.
    mutating func expression() throws -> Expression {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.nesting else {
            throw issue(.nestedTooDeep(limit: limits.nesting), current.offset)
        }
        let start = current.offset
        let value = try disjunction()
        guard take(word: "if") else { return value }
        let condition = try disjunction()
        let otherwise = take(word: "else") ? try expression() : nil
        return try node(.conditional(value, condition: condition, otherwise: otherwise), start)
    }

    private mutating func disjunction() throws -> Expression {
        var left = try conjunction()
        while current.kind == .name("or") {
            let offset = current.offset
            advance()
            left = try node(.binary(.or, left, try conjunction()), offset)
        }
        return left
    }

    private mutating func conjunction() throws -> Expression {
        var left = try negation()
        while current.kind == .name("and") {
            let offset = current.offset
            advance()
            left = try node(.binary(.and, left, try negation()), offset)
        }
        return left
    }

    private mutating func negation() throws -> Expression {
        let offset = current.offset
        guard current.kind == .name("not") else { return try comparison() }
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.nesting else { throw issue(.nestedTooDeep(limit: limits.nesting), offset) }
        advance()
        return try node(.unary(.not, try negation()), offset)
    }

    private mutating func comparison() throws -> Expression {
        let left = try sum()
        let offset = current.offset
        guard let comparison = takeComparison() else { return left }
        let result = try node(.binary(comparison, left, try sum()), offset)
        let next = current.offset
        if takeComparison() != nil { throw issue(.chainedComparison, next) }
        return result
    }

    private mutating func takeComparison() -> Expression.Binary? {
        switch current.kind {
        case .symbol(let symbol) where ["==", "!=", "<", "<=", ">", ">="].contains(symbol):
            advance()
            return Expression.Binary(rawValue: symbol)
        case .name("in"):
            advance()
            return .isIn
        case .name("not") where tokens[min(index + 1, tokens.count - 1)].kind == .name("in"):
            advance()
            advance()
            return .isNotIn
        default: return nil
        }
    }

    private mutating func sum() throws -> Expression {
        var left = try concatenation()
        while case .symbol(let symbol) = current.kind, ["+", "-"].contains(symbol),
            let binary = Expression.Binary(rawValue: symbol)
        {
            let offset = current.offset
            advance()
            left = try node(.binary(binary, left, try concatenation()), offset)
        }
        return left
    }

    private mutating func concatenation() throws -> Expression {
        var left = try product()
        while current.kind == .symbol("~") {
            let offset = current.offset
            advance()
            left = try node(.binary(.concatenate, left, try product()), offset)
        }
        return left
    }

    private mutating func product() throws -> Expression {
        var left = try unary()
        while case .symbol(let symbol) = current.kind, ["*", "/", "//", "%"].contains(symbol),
            let binary = Expression.Binary(rawValue: symbol)
        {
            let offset = current.offset
            advance()
            left = try node(.binary(binary, left, try unary()), offset)
        }
        return left
    }

    private mutating func unary() throws -> Expression { try filtered(try signed()) }

    private mutating func signed() throws -> Expression {
        let offset = current.offset
        guard case .symbol(let symbol) = current.kind, ["+", "-"].contains(symbol),
            let sign = Expression.Unary(rawValue: symbol)
        else { return try postfixed(try primary()) }
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.nesting else { throw issue(.nestedTooDeep(limit: limits.nesting), offset) }
        advance()
        return try node(.unary(sign, try signed()), offset)
    }

    /// `x | filter(…)` and `x is test`, which bind tighter than every operator.
    private mutating func filtered(_ input: Expression) throws -> Expression {
        var result = input
        while true {
            if take("|") {
                result = try filter(result)
            } else if take(word: "is") {
                let negated = take(word: "not")
                let offset = current.offset
                guard case .name(let name) = current.kind else { throw unexpected(wanted: "a test") }
                let test = name == "None" ? "none" : name
                guard Vocabulary.tests.contains(test) else { throw issue(.unknownTest(name), offset) }
                advance()
                result = try node(.test(result, test, negated: negated), offset)
            } else {
                return result
            }
        }
    }

    private mutating func filter(_ input: Expression) throws -> Expression {
        let offset = current.offset
        guard case .name(let name) = current.kind else { throw unexpected(wanted: "a filter") }
        if Vocabulary.refusedFilters[name] != nil { throw issue(.refusedFilter(name), offset) }
        guard Vocabulary.filters.contains(name) else { throw issue(.unknownFilter(name), offset) }
        advance()
        let arguments = take("(") ? try arguments() : Arguments()
        return try node(.filter(input, name, arguments), offset)
    }

    private mutating func postfixed(_ input: Expression) throws -> Expression {
        var result = input
        while true {
            let offset = current.offset
            if take(".") {
                let nameOffset = current.offset
                guard case .name(let name) = current.kind else { throw unexpected(wanted: "a name") }
                advance()
                result =
                    take("(")
                    ? try node(.method(result, name, try arguments()), nameOffset)
                    : try node(.attribute(result, name), nameOffset)
            } else if take("[") {
                if current.kind == .symbol(":") { throw issue(.slice, current.offset) }
                let index = try expression()
                if current.kind == .symbol(":") { throw issue(.slice, current.offset) }
                try expect("]")
                result = try node(.index(result, index), offset)
            } else if take("(") {
                guard case .name(let name) = result.kind else { throw issue(.notCallable, offset) }
                result = try node(.call(name, try arguments()), result.place.offset)
            } else {
                return result
            }
        }
    }

    /// After `(`: arguments up to and with `)`.
    private mutating func arguments() throws -> Arguments {
        var arguments = Arguments()
        while !take(")") {
            let offset = current.offset
            if take("*") || take("**") { throw issue(.starArguments, offset) }
            if case .name(let name) = current.kind,
                tokens[min(index + 1, tokens.count - 1)].kind == .symbol("=")
            {
                advance()
                advance()
                guard !arguments.named.contains(where: { $0.name == name }) else {
                    throw issue(.twice(argument: name), offset)
                }
                let value = try expression()
                arguments.named.append(.init(name: name, value: value, place: place(offset)))
            } else {
                guard arguments.named.isEmpty else { throw issue(.positionalAfterNamed, offset) }
                arguments.positional.append(try expression())
            }
            if !take(",") {
                try expect(")")
                break
            }
        }
        return arguments
    }
}
