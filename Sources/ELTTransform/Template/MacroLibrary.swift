/// The project's macros by name. Every template sees all of them.
struct MacroLibrary: Sendable {
    private(set) var macros: [String: Macro] = [:]

    var names: [String] { macros.keys.sorted() }
    subscript(name: String) -> Macro? { macros[name] }

    /// Adds the macros of a file; the issues are those of the file.
    mutating func read(_ source: SourceText, limits: TemplateLimits) -> [ModelIssue] {
        do throws(ModelIssue) {
            let found = try ModelIssue.typed {
                var parser = try TemplateParser(source, limits: limits)
                return try parser.macros()
            }
            return found.compactMap { macro in
                if let other = macros[macro.name] {
                    let fault = TemplateFault.macroTwice(macro.name, other: other.place.file)
                    return ModelIssue(fault, at: macro.place.file)
                }
                macros[macro.name] = macro
                return nil
            }
        } catch {
            return [error]
        }
    }

    /// The macros that these statements can call, directly or through others, by name.
    func used(by statements: [Statement]) -> [Macro] {
        var found: [String: Macro] = [:]
        var waiting = [statements]
        while let next = waiting.popLast() {
            for call in StaticUses(next).calls where found[call.name] == nil {
                guard let macro = macros[call.name] else { continue }
                found[call.name] = macro
                waiting.append(macro.body)
                waiting.append(macro.parameters.compactMap(\.standard).map { .output($0, $0.place) })
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    /// Calls of functions that don't exist, also where no check ever renders them.
    func unknownCalls(in statements: [Statement]) -> [ModelIssue] {
        StaticUses(statements).calls.compactMap { call in
            if Vocabulary.functions.contains(call.name) || macros[call.name] != nil { return nil }
            let fault: TemplateFault =
                Vocabulary.refused[call.name] != nil
                ? .refusedName(call.name) : .unknownFunction(call.name, macros: names)
            return ModelIssue(fault, at: call.place.file)
        }
    }
}

/// What a template reads of the project, as far as a look at its text tells.
enum Use: Hashable, Sendable {
    case ref(String)
    case source(SourceName)
    case variable(String)
    case columns(String)
    case this
    /// `run.now` and its like.
    case run
    case incremental
}

/// A source as templates name it: an entity and one of its tables.
package struct SourceName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let entity: String
    package let table: String

    package init(entity: String, table: String) {
        self.entity = entity
        self.table = table
    }

    /// The tables that every entity has.
    package static let tables = ["daily_winners", "full", "stream", "winners"]

    package static func < (a: Self, b: Self) -> Bool { (a.entity, a.table) < (b.entity, b.table) }
    package var description: String { "source('\(entity)', '\(table)')" }
}

/// Collects what statements use, in all branches, without rendering them.
struct StaticUses {
    struct Call {
        let name: String
        let place: Place
    }

    struct Placed {
        let use: Use
        let place: Place
    }

    private(set) var calls: [Call] = []
    private(set) var uses: [Placed] = []

    init(_ statements: [Statement]) { walk(statements) }

    private mutating func walk(_ statements: [Statement]) {
        for statement in statements {
            switch statement {
            case .text: break
            case .output(let expression, _), .set(_, let expression): walk(expression)
            case .branch(let branches, let otherwise):
                for branch in branches {
                    walk(branch.condition)
                    walk(branch.body)
                }
                walk(otherwise)
            case .loop(let loop):
                walk(loop.list)
                walk(loop.body)
                walk(loop.otherwise)
            case .capture(_, let body): walk(body)
            }
        }
    }

    private mutating func walk(_ expression: Expression) {
        switch expression.kind {
        case .name("this"): uses.append(.init(use: .this, place: expression.place))
        case .name("run"): uses.append(.init(use: .run, place: expression.place))
        case .call(let name, let arguments):
            calls.append(Call(name: name, place: expression.place))
            if let use = Self.use(name, arguments) { uses.append(.init(use: use, place: expression.place)) }
        default: break
        }
        for child in expression.children { walk(child) }
    }

    private static func use(_ name: String, _ arguments: Arguments) -> Use? {
        let texts = arguments.positional.map { argument -> String? in
            if case .literal(.string(let text)) = argument.kind { text } else { nil }
        }
        switch (name, texts.count) {
        case ("is_incremental", _): return .incremental
        case ("ref", 1): return texts[0].map(Use.ref)
        case ("columns", 1): return texts[0].map(Use.columns)
        case ("var", 1...2): return texts[0].map(Use.variable)
        case ("source", 2):
            guard let entity = texts[0], let table = texts[1] else { return nil }
            return .source(SourceName(entity: entity, table: table))
        default: return nil
        }
    }
}
