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
    var captures: [String] = []
    var frames: [[String: TemplateValue]] = [[:]]
    var macroStack: [(name: String, call: Place)] = []
    var depth = 0
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
                    let found =
                        if case .list(let parts) = item { "a list of \(parts.count)" } else { item.kind }
                    throw issue(.unpack(found: found, names: loop.names.count), loop.list.place)
                }
                for (name, part) in zip(loop.names, parts) { frame[name] = part }
            }
            frames.append(frame)
            try run(loop.body)
            frames.removeLast()
        }
    }

    mutating func captured(_ body: [Statement]) throws -> String {
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
}
