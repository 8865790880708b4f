import ELTCore

extension Renderer {
    mutating func call(_ name: String, _ arguments: Arguments, _ place: Place) throws -> TemplateValue {
        switch name {
        case "config": return try config(arguments, place)
        case "ref": return try ref(arguments, place)
        case "source": return try source(arguments, place)
        case "var": return try variable(arguments, place)
        case "columns": return try columns(arguments, place)
        case "range": return try range(arguments, place)
        case "is_incremental":
            _ = try bind(arguments, to: [], of: name, required: 0, place)
            rendered.uses.append(.init(use: .incremental, place: place))
            return .bool(scope.isIncremental)
        case "should_full_refresh":
            _ = try bind(arguments, to: [], of: name, required: 0, place)
            return .bool(scope.isFullRefresh)
        default:
            if let macro = macros[name] { return try call(macro: macro, arguments, place) }
            if Vocabulary.refused[name] != nil { throw issue(.refusedName(name), place) }
            if Vocabulary.names.contains(name) { throw issue(.notCallable, place) }
            throw issue(.unknownFunction(name, macros: macros.names), place)
        }
    }

    private mutating func config(_ arguments: Arguments, _ place: Place) throws -> TemplateValue {
        if let first = arguments.positional.first { throw issue(.configPositional, first.place) }
        for argument in arguments.named {
            let value = try evaluate(argument.value)
            rendered.configs.append(
                ConfigEntry(key: argument.name, value: value, place: argument.place.file))
        }
        return .string("")
    }

    private mutating func ref(_ arguments: Arguments, _ place: Place) throws -> TemplateValue {
        if arguments.positional.count > 1 { throw issue(.refWithPackage, arguments.positional[1].place) }
        if let named = arguments.named.first(where: { ["v", "version"].contains($0.name) }) {
            throw issue(.refWithVersion, named.place)
        }
        let model = try text(arguments, to: ["model"], of: "ref", place)[0]
        rendered.uses.append(.init(use: .ref(model), place: place))
        return .string(try asking(place) { try $0.ref(model) })
    }

    private mutating func source(_ arguments: Arguments, _ place: Place) throws -> TemplateValue {
        let names = try text(arguments, to: ["entity", "table"], of: "source", place)
        let use = Use.source(SourceName(entity: names[0], table: names[1]))
        rendered.uses.append(.init(use: use, place: place))
        return .string(try asking(place) { try $0.source(names[0], names[1]) })
    }

    private mutating func columns(_ arguments: Arguments, _ place: Place) throws -> TemplateValue {
        let entity = try text(arguments, to: ["entity"], of: "columns", place)[0]
        rendered.uses.append(.init(use: .columns(entity), place: place))
        return .string(try asking(place) { try $0.columns(entity) })
    }

    private mutating func variable(_ arguments: Arguments, _ place: Place) throws -> TemplateValue {
        let values = try bind(arguments, to: ["name", "default"], of: "var", required: 1, place)
        guard case .string(let name)? = values[0] else {
            throw issue(.wrongType(found: values[0]?.kind ?? "", wanted: "a string", what: "The name"), place)
        }
        rendered.uses.append(.init(use: .variable(name), place: place))
        guard let value = scope.variable(name) ?? values[1] else {
            throw issue(.unknownVariable(name), place)
        }
        return try checked(value, place)
    }

    /// `range(end)`, `range(start, end)` or `range(start, end, step)`, as in Python.
    private mutating func range(_ arguments: Arguments, _ place: Place) throws -> TemplateValue {
        let values = try bind(arguments, to: ["start", "end", "step"], of: "range", required: 1, place)
        let numbers = try values.compactMap { value -> Int? in
            guard let value else { return nil }
            guard case .int(let number) = value else {
                throw issue(
                    .wrongType(found: value.kind, wanted: "a whole number", what: "A bound of range()"), place
                )
            }
            return number
        }
        let (start, end) = numbers.count == 1 ? (0, numbers[0]) : (numbers[0], numbers[1])
        let step = numbers.count > 2 ? numbers[2] : 1
        guard step != 0 else { throw issue(.dividedByZero, place) }
        var items: [TemplateValue] = []
        var next = start
        while step > 0 ? next < end : next > end {
            items.append(.int(next))
            guard items.count <= limits.elements else {
                throw issue(.tooManyElements(limit: limits.elements), place)
            }
            let (sum, overflow) = next.addingReportingOverflow(step)
            if overflow { break }
            next = sum
        }
        return try checked(.list(items), place)
    }

    /// The arguments, which all have to be there and to be texts.
    private mutating func text(
        _ arguments: Arguments, to parameters: [String], of function: String, _ place: Place
    ) throws -> [String] {
        let values = try bind(arguments, to: parameters, of: function, required: parameters.count, place)
        return try zip(parameters, values).map { parameter, value in
            guard case .string(let text)? = value else {
                throw issue(
                    .wrongType(
                        found: value?.kind ?? "none", wanted: "a string",
                        what: "The argument '\(parameter)' of \(function)()"),
                    place)
            }
            return text
        }
    }

    /// Asks the scope; its error gets the place that asked.
    private func asking(_ place: Place, _ body: (Scope) throws -> String) throws -> String {
        do {
            return try body(scope)
        } catch let error as ModelIssue {
            throw ModelIssue(
                code: error.code, place: error.place ?? place.file, problem: error.problem,
                remedy: error.remedy)
        } catch let error as any ELTError {
            throw ModelIssue(
                code: error.code, place: place.file, problem: error.problem, remedy: error.remedy)
        }
    }
}
