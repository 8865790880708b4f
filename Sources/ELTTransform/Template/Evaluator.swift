/// Expressions and macros: what has a value.
extension Renderer {
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
            let known =
                if case .dict(let dictionary) = value { dictionary.entries.map(\.key) } else { [String]() }
            let shown =
                if case .name(let name) = owner.kind { "'\(name)'" } else { value.kind.capitalizedFirst }
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
        case .binary(let binary, let left, let right):
            return try combine(binary, left, right, expression.place)
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
