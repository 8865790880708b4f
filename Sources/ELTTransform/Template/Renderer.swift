/// What a template gave, and what it asked for on the way.
struct Rendered {
    var text = ""
    /// Where each stretch of `text` comes from, in order.
    var origins: [Origin] = []
    var uses: [StaticUses.Placed] = []
    var configs: [ConfigEntry] = []
    /// Where the template begins, for text that's empty.
    let start: FilePlace

    init(_ template: Template) { start = template.source.place(at: 0) }

    struct Origin {
        /// The first byte in `text`.
        let start: Int
        let place: Place
        /// Whether the text stands in the file as it is, so that offsets inside of it count.
        let isVerbatim: Bool
    }

    /// The place in the template that gave byte `offset` of the text.
    func place(of offset: Int) -> FilePlace {
        guard let origin = origins.last(where: { $0.start <= offset }) else { return start }
        guard origin.isVerbatim else { return origin.place.file }
        return Place(source: origin.place.source, offset: origin.place.offset + offset - origin.start).file
    }
}

/// One setting of a `config(…)` call or of `config:` in a schema file.
struct ConfigEntry: Sendable {
    let key: String
    let value: TemplateValue
    let place: FilePlace
}

/// Runs a template once.
struct Renderer<Scope: TemplateScope> {
    let scope: Scope
    let macros: MacroLibrary
    let limits: TemplateLimits

    var rendered: Rendered
    /// Where text goes while a macro or `{% set %}…{% endset %}` collects it.
    private var captures: [String] = []
    private var frames: [[String: TemplateValue]] = [[:]]
    private var macroStack: [(name: String, call: Place)] = []
    private var depth = 0
    private var iterations = 0
    private var produced = 0
    private var steps = 0

    static func render(
        _ template: Template, _ scope: Scope, _ macros: MacroLibrary,
        limits: TemplateLimits = TemplateLimits()
    ) throws(ModelIssue) -> Rendered {
        try ModelIssue.typed {
            var renderer = Renderer(template, scope, macros, limits)
            do {
                try renderer.run(template.body)
            } catch var issue as ModelIssue {
                if let outermost = renderer.macroStack.first { issue.caller = outermost.call.file }
                throw issue
            }
            return renderer.rendered
        }
    }

    private init(
        _ template: Template, _ scope: Scope, _ macros: MacroLibrary, _ limits: TemplateLimits
    ) {
        rendered = Rendered(template)
        self.scope = scope
        self.macros = macros
        self.limits = limits
    }

    // MARK: Statements

    private mutating func run(_ statements: [Statement]) throws {
        for statement in statements {
            switch statement {
            case .text(let text, let place): try emit(text, place, isVerbatim: true)
            case .output(let expression, let place):
                let value = try evaluate(expression)
                guard let text = value.printed else { throw issue(.unprintable(value.kind), place) }
                try emit(text, place, isVerbatim: false)
            case .branch(let branches, let otherwise): try run(branches, otherwise)
            case .loop(let loop): try run(loop)
            case .set(let name, let expression):
                let value = try evaluate(expression)
                frames[frames.count - 1][name] = value
            case .capture(let name, let body):
                let text = try captured(body)
                frames[frames.count - 1][name] = .string(text)
            }
        }
    }

    private mutating func run(_ branches: [Statement.Branch], _ otherwise: [Statement]) throws {
        for branch in branches where try evaluate(branch.condition).isTrue {
            return try run(branch.body)
        }
        try run(otherwise)
    }

    private mutating func run(_ loop: Statement.Loop) throws {
        let value = try evaluate(loop.list)
        let items: [TemplateValue]
        switch value {
        case .list(let list): items = list
        case .dict(let dictionary): items = dictionary.entries.map { .string($0.key) }
        default:
            throw issue(
                .wrongType(found: value.kind, wanted: "a list", what: "What the loop goes over"),
                loop.list.place)
        }
        guard !items.isEmpty else { return try run(loop.otherwise) }
        for (index, item) in items.enumerated() {
            iterations += 1
            guard iterations <= limits.iterations else {
                throw issue(.tooManyIterations(limit: limits.iterations), loop.place)
            }
            var frame: [String: TemplateValue] = [
                "loop": .dict(
                    TemplateDictionary([
                        .init(key: "first", value: .bool(index == 0)),
                        .init(key: "last", value: .bool(index == items.count - 1)),
                        .init(key: "index", value: .int(index + 1)),
                        .init(key: "index0", value: .int(index)),
                        .init(key: "length", value: .int(items.count)),
                    ]))
            ]
            if loop.names.count == 1 {
                frame[loop.names[0]] = item
            } else {
                guard case .list(let parts) = item, parts.count == loop.names.count else {
                    let found = if case .list(let parts) = item { "a list of \(parts.count)" } else { item.kind }
                    throw issue(.unpack(found: found, names: loop.names.count), loop.list.place)
                }
                for (name, part) in zip(loop.names, parts) { frame[name] = part }
            }
            frames.append(frame)
            try run(loop.body)
            frames.removeLast()
        }
    }

    private mutating func captured(_ body: [Statement]) throws -> String {
        captures.append("")
        try run(body)
        return captures.removeLast()
    }

    private mutating func emit(_ text: String, _ place: Place, isVerbatim: Bool) throws {
        try step(place)
        try produce(text.utf8.count, place)
        if captures.isEmpty {
            guard !text.isEmpty else { return }
            rendered.origins.append(
                .init(start: rendered.text.utf8.count, place: place, isVerbatim: isVerbatim))
            rendered.text += text
        } else {
            captures[captures.count - 1] += text
        }
    }

    // MARK: Bounds

    func issue(_ fault: TemplateFault, _ place: Place) -> ModelIssue { ModelIssue(fault, at: place.file) }

    /// Called before text of so many bytes is made.
    mutating func produce(_ bytes: Int, _ place: Place) throws {
        produced += bytes
        guard produced <= limits.outputBytes else {
            throw issue(.tooMuchOutput(limit: limits.outputBytes), place)
        }
    }

    mutating func step(_ place: Place, count: Int = 1) throws {
        steps += count
        guard steps <= limits.steps else { throw issue(.tooManySteps(limit: limits.steps), place) }
    }

    /// A list or dictionary was made: is it small and flat enough?
    mutating func checked(_ value: TemplateValue, _ place: Place) throws -> TemplateValue {
        _ = try measure(value, left: limits.valueDepth, place)
        return value
    }

    private mutating func measure(_ value: TemplateValue, left: Int, _ place: Place) throws {
        let items: [TemplateValue]
        switch value {
        case .list(let list): items = list
        case .dict(let dictionary): items = dictionary.entries.map(\.value)
        default: return
        }
        guard left > 0 else { throw issue(.valueTooDeep(limit: limits.valueDepth), place) }
        guard items.count <= limits.elements else {
            throw issue(.tooManyElements(limit: limits.elements), place)
        }
        try step(place, count: items.count)
        for item in items { try measure(item, left: left - 1, place) }
    }

    // MARK: Names

    private func local(_ name: String) -> TemplateValue? {
        for frame in frames.reversed() { if let value = frame[name] { return value } }
        return nil
    }

    private mutating func value(of name: String, _ place: Place) throws -> TemplateValue? {
        if let value = local(name) { return value }
        switch name {
        case "this":
            rendered.uses.append(.init(use: .this, place: place))
            return .string(scope.this)
        case "run":
            rendered.uses.append(.init(use: .run, place: place))
            return .dict(
                TemplateDictionary([
                    .init(key: "now", value: .string(scope.runNow)),
                    .init(key: "today", value: .string(scope.runToday)),
                    .init(key: "day", value: .string(scope.runToday)),
                ]))
        case "flags":
            return .dict(TemplateDictionary([.init(key: "FULL_REFRESH", value: .bool(scope.isFullRefresh))]))
        default:
            if Vocabulary.refused[name] != nil { throw issue(.refusedName(name), place) }
            if Vocabulary.functions.contains(name) || macros[name] != nil {
                throw issue(.functionAsValue(name), place)
            }
            return nil
        }
    }

    // MARK: Expressions

    mutating func evaluate(_ expression: Expression) throws -> TemplateValue {
        if let value = try evaluateIfDefined(expression) { return value }
        switch expression.kind {
        case .name(let name):
            let known = frames.flatMap(\.keys) + Vocabulary.names.filter { $0 != "loop" }
            throw issue(.unknownName(name, known: known), expression.place)
        case .attribute(let owner, let name):
            let value = try evaluate(owner)
            let known = if case .dict(let dictionary) = value { dictionary.entries.map(\.key) } else { [String]() }
            let shown = if case .name(let name) = owner.kind { "'\(name)'" } else { value.kind.capitalizedFirst }
            throw issue(.noAttribute(name, of: shown, known: known), expression.place)
        case .index(let owner, let index):
            let shown = try evaluate(index).printed ?? "of that kind"
            throw issue(.noElement(shown, of: try evaluate(owner).kind), expression.place)
        default:
            throw issue(.unexpected("nothing", wanted: "a value"), expression.place)
        }
    }

    /// nil where a name, attribute or element isn't there, which `default` and `is defined` allow.
    mutating func evaluateIfDefined(_ expression: Expression) throws -> TemplateValue? {
        try step(expression.place)
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.depth else { throw issue(.tooDeep(limit: limits.depth), expression.place) }
        switch expression.kind {
        case .literal(let value): return value
        case .name(let name): return try value(of: name, expression.place)
        case .list(let items):
            var values: [TemplateValue] = []
            for item in items { values.append(try evaluate(item)) }
            return try checked(.list(values), expression.place)
        case .dict(let pairs): return try dictionary(pairs, expression.place)
        case .attribute(let owner, let name):
            guard case .dict(let dictionary)? = try evaluateIfDefined(owner) else { return nil }
            return dictionary[name]
        case .index(let owner, let index): return try element(owner, index)
        case .call(let name, let arguments): return try call(name, arguments, expression.place)
        case .method(let owner, let name, let arguments):
            return try method(name, of: owner, arguments, expression.place)
        case .filter(let input, let name, let arguments):
            return try filter(name, input, arguments, expression.place)
        case .test(let input, let name, let negated):
            let value = try evaluateIfDefined(input)
            let holds =
                switch name {
                case "defined": value != nil
                case "undefined": value == nil
                default: if case TemplateValue.none? = value { true } else { false }
                }
            return .bool(holds != negated)
        case .unary(let unary, let operand): return try sign(unary, try evaluate(operand), expression.place)
        case .binary(let binary, let left, let right): return try combine(binary, left, right, expression.place)
        case .conditional(let value, let condition, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(value) }
            return try otherwise.map { try evaluate($0) } ?? .string("")
        }
    }

    private mutating func dictionary(_ pairs: [Expression.Pair], _ place: Place) throws -> TemplateValue {
        var dictionary = TemplateDictionary()
        for pair in pairs {
            let key = try evaluate(pair.key)
            guard case .string(let name) = key else {
                throw issue(
                    .wrongType(found: key.kind, wanted: "a string", what: "The key"), pair.key.place)
            }
            try step(place, count: dictionary.entries.count)
            dictionary.set(name, try evaluate(pair.value))
        }
        return try checked(.dict(dictionary), place)
    }

    private mutating func element(_ owner: Expression, _ index: Expression) throws -> TemplateValue? {
        guard let value = try evaluateIfDefined(owner) else { return nil }
        switch (value, try evaluate(index)) {
        case (.list(let items), .int(let position)):
            let index = position < 0 ? items.count + max(position, -items.count - 1) : position
            return items.indices.contains(index) ? items[index] : nil
        case (.string(let text), .int(let position)):
            let scalars = Array(text.unicodeScalars)
            try step(index.place, count: scalars.count)
            let index = position < 0 ? scalars.count + max(position, -scalars.count - 1) : position
            return scalars.indices.contains(index) ? .string(String(scalars[index])) : nil
        case (.dict(let dictionary), .string(let key)):
            try step(index.place, count: dictionary.entries.count)
            return dictionary[key]
        case (.list, let index), (.string, let index), (.dict, let index):
            throw issue(
                .operands("[ ]", value.kind, index.kind), owner.place)
        default: throw issue(.operands("[ ]", value.kind, "an index"), owner.place)
        }
    }

    // MARK: Macros

    mutating func call(macro: Macro, _ arguments: Arguments, _ place: Place) throws -> TemplateValue {
        guard macroStack.count < limits.macroDepth else {
            throw issue(.macroLoop(Array((macroStack.map(\.name) + [macro.name]).suffix(4))), place)
        }
        let parameters = macro.parameters.map(\.name)
        let given = try bind(arguments, to: parameters, of: macro.name, required: 0, place)
        let (outer, outerCaptures) = (frames, captures)
        frames = [[:]]
        macroStack.append((macro.name, place))
        for (parameter, value) in zip(macro.parameters, given) {
            if let value {
                frames[0][parameter.name] = value
            } else if let standard = parameter.standard {
                frames[0][parameter.name] = try evaluate(standard)
            } else {
                macroStack.removeLast()
                throw issue(.missingArgument(parameter.name, of: macro.name), place)
            }
        }
        let text = try captured(macro.body)
        macroStack.removeLast()
        (frames, captures) = (outer, outerCaptures)
        return .string(text)
    }

    /// Evaluates arguments in their order and sorts them to the parameters.
    mutating func bind(
        _ arguments: Arguments, to parameters: [String], of function: String, required: Int, _ place: Place
    ) throws -> [TemplateValue?] {
        var values = [TemplateValue?](repeating: nil, count: parameters.count)
        for (index, argument) in arguments.positional.enumerated() {
            guard index < parameters.count else {
                throw issue(.tooManyArguments(of: function, most: parameters.count), argument.place)
            }
            values[index] = try evaluate(argument)
        }
        for argument in arguments.named {
            guard let index = parameters.firstIndex(of: argument.name) else {
                throw issue(
                    .unknownArgument(argument.name, of: function, known: parameters), argument.place)
            }
            guard values[index] == nil else { throw issue(.twice(argument: argument.name), argument.place) }
            values[index] = try evaluate(argument.value)
        }
        for index in 0..<required where values[index] == nil {
            throw issue(.missingArgument(parameters[index], of: function), place)
        }
        return values
    }
}
