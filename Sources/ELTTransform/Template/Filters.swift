extension Renderer {
    mutating func filter(_ name: String, _ input: Expression, _ arguments: Arguments, _ place: Place) throws
        -> TemplateValue
    {
        if name == "default" || name == "d" { return try standard(input, arguments, place) }
        let value = try evaluate(input)
        switch name {
        case "upper", "lower", "string":
            _ = try bind(arguments, to: [], of: name, required: 0, place)
            let text = try printed(value, name, place)
            try produce(text.utf8.count, place)
            return .string(name == "upper" ? text.uppercased() : (name == "lower" ? text.lowercased() : text))
        case "trim":
            _ = try bind(arguments, to: [], of: name, required: 0, place)
            return try trimmed(try printed(value, name, place), place)
        case "replace":
            let values = try bind(arguments, to: ["old", "new"], of: name, required: 2, place)
            return try replaced(
                in: try printed(value, name, place), try printed(values[0], name, place),
                by: try printed(values[1], name, place), place)
        case "join": return try joined(value, arguments, place)
        case "length", "count":
            _ = try bind(arguments, to: [], of: name, required: 0, place)
            return .int(try elements(value, name, place).count)
        case "first", "last":
            _ = try bind(arguments, to: [], of: name, required: 0, place)
            let elements = try elements(value, name, place)
            guard let element = name == "first" ? elements.first : elements.last else {
                throw issue(.noElement("'\(name)'", of: value.kind), place)
            }
            return element
        case "list":
            _ = try bind(arguments, to: [], of: name, required: 0, place)
            return try checked(.list(try elements(value, name, place)), place)
        default: return try whole(value, arguments, place)
        }
    }

    private func printed(_ value: TemplateValue?, _ name: String, _ place: Place) throws -> String {
        guard let value, let text = value.printed else {
            throw issue(
                .wrongType(found: value?.kind ?? "none", wanted: "text", what: "What '\(name)' gets"), place)
        }
        return text
    }

    /// `default(value)` stands in for what isn't defined; `default(value, true)` also for what is empty.
    private mutating func standard(_ input: Expression, _ arguments: Arguments, _ place: Place) throws
        -> TemplateValue
    {
        let values = try bind(arguments, to: ["default_value", "boolean"], of: "default", required: 0, place)
        let value = try evaluateIfDefined(input)
        if let value, value.isTrue || !(values[1]?.isTrue ?? false) { return value }
        return values[0] ?? .string("")
    }

    private mutating func trimmed(_ text: String, _ place: Place) throws -> TemplateValue {
        try produce(text.utf8.count, place)
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return .string("") }
        return .string(String(scalars[first...last]))
    }

    mutating func replaced(in text: String, _ old: String, by new: String, _ place: Place) throws
        -> TemplateValue
    {
        guard !old.isEmpty else {
            throw issue(.wrongType(found: "empty", wanted: "a text", what: "What 'replace' looks for"), place)
        }
        let found = ranges(of: old, in: text, most: .max)
        let (added, overflow) = found.count.multipliedReportingOverflow(by: new.utf8.count)
        try produce(overflow ? limits.outputBytes + 1 : text.utf8.count + added, place)
        var result: [UInt8] = []
        let bytes = Array(text.utf8)
        var next = 0
        for range in found {
            result += bytes[next..<range.lowerBound]
            result += new.utf8
            next = range.upperBound
        }
        result += bytes[next...]
        return .string(String(decoding: result, as: UTF8.self))
    }

    /// Where `part` stands in `text`, from left to right without overlap, in bytes.
    func ranges(of part: String, in text: String, most: Int) -> [Range<Int>] {
        let (bytes, wanted) = (Array(text.utf8), Array(part.utf8))
        guard let first = wanted.first, wanted.count <= bytes.count else { return [] }
        var found: [Range<Int>] = []
        var index = 0
        while index + wanted.count <= bytes.count, found.count < most {
            if bytes[index] == first, bytes[index..<(index + wanted.count)].elementsEqual(wanted) {
                found.append(index..<(index + wanted.count))
                index += wanted.count
            } else {
                index += 1
            }
        }
        return found
    }

    private mutating func joined(_ value: TemplateValue, _ arguments: Arguments, _ place: Place) throws
        -> TemplateValue
    {
        let values = try bind(arguments, to: ["d"], of: "join", required: 0, place)
        let separator = try printed(values[0] ?? .string(""), "join", place)
        var result = ""
        for (index, element) in try elements(value, "join", place).enumerated() {
            guard let text = element.printed else {
                throw issue(
                    .wrongType(found: element.kind, wanted: "text", what: "An element that 'join' gets"),
                    place)
            }
            try produce(text.utf8.count + separator.utf8.count, place)
            if index > 0 { result += separator }
            result += text
        }
        return .string(result)
    }

    /// Of a list its elements, of a dictionary its keys, of a text its characters.
    private mutating func elements(_ value: TemplateValue, _ name: String, _ place: Place) throws
        -> [TemplateValue]
    {
        switch value {
        case .list(let items):
            try step(place, count: items.count)
            return items
        case .dict(let dictionary):
            try step(place, count: dictionary.entries.count)
            return dictionary.entries.map { .string($0.key) }
        case .string(let text):
            try step(place, count: text.utf8.count)
            return text.unicodeScalars.map { .string(String($0)) }
        default:
            throw issue(
                .wrongType(found: value.kind, wanted: "a list or text", what: "What '\(name)' gets"), place)
        }
    }

    /// A whole number from a number or a text; without a default what can't be read is an error.
    private mutating func whole(_ value: TemplateValue, _ arguments: Arguments, _ place: Place) throws
        -> TemplateValue
    {
        let values = try bind(arguments, to: ["default"], of: "int", required: 0, place)
        switch value {
        case .int: return value
        case .bool(let flag): return .int(flag ? 1 : 0)
        case .decimal(let number):
            if let whole = Int(exactly: number.rounded(.towardZero)) { return .int(whole) }
        case .string(let text):
            let digits = text.split(separator: " ", omittingEmptySubsequences: true)
            if digits.count == 1, let number = Int(digits[0]) { return .int(number) }
            if digits.count == 1, let number = Double(digits[0]),
                let whole = Int(exactly: number.rounded(.towardZero))
            {
                return .int(whole)
            }
        case .none, .list, .dict: break
        }
        if let standard = values[0] { return standard }
        let found = if case .string = value { "a text without a number" } else { value.kind }
        throw issue(.wrongType(found: found, wanted: "a number", what: "What 'int' gets"), place)
    }
}

// MARK: Methods

/// The methods of Python's texts and dictionaries that people write without thinking.
private let textMethods = ["endswith", "lower", "replace", "split", "startswith", "strip", "upper"]
private let dictionaryMethods = ["get", "items", "keys", "values"]

extension Renderer {
    mutating func method(
        _ name: String, of owner: Expression, _ arguments: Arguments, _ place: Place
    ) throws -> TemplateValue {
        // `adapter.dispatch(…)` should be told about adapter, not about dispatch.
        let value = try evaluate(owner)
        let shown = if case .name(let name) = owner.kind { "'\(name)'" } else { value.kind.capitalizedFirst }
        switch value {
        case .string(let text) where textMethods.contains(name):
            return try textMethod(name, text, arguments, place)
        case .dict(let dictionary) where dictionaryMethods.contains(name):
            return try dictionaryMethod(name, dictionary, arguments, place)
        case .string: throw issue(.noMethod(name, of: shown, known: textMethods), place)
        case .dict(let dictionary):
            let known = dictionary.entries.map(\.key) + dictionaryMethods
            throw issue(.noMethod(name, of: shown, known: known), place)
        default: throw issue(.noMethod(name, of: shown, known: []), place)
        }
    }

    private mutating func textMethod(
        _ name: String, _ text: String, _ arguments: Arguments, _ place: Place
    ) throws -> TemplateValue {
        let parameters: [String] =
            switch name {
            case "replace": ["old", "new"]
            case "split": ["separator"]
            case "startswith", "endswith": ["part"]
            default: []
            }
        let values = try bind(arguments, to: parameters, of: name, required: parameters.count, place)
        let texts = try values.map { try printed($0, name, place) }
        switch name {
        case "upper", "lower":
            try produce(text.utf8.count, place)
            return .string(name == "upper" ? text.uppercased() : text.lowercased())
        case "strip": return try trimmed(text, place)
        case "replace": return try replaced(in: text, texts[0], by: texts[1], place)
        case "split":
            guard !texts[0].isEmpty else {
                throw issue(.wrongType(found: "empty", wanted: "a text", what: "The separator"), place)
            }
            try produce(text.utf8.count, place)
            let bytes = Array(text.utf8)
            var (parts, next): ([TemplateValue], Int) = ([], 0)
            for range in ranges(of: texts[0], in: text, most: .max) {
                parts.append(.string(String(decoding: bytes[next..<range.lowerBound], as: UTF8.self)))
                next = range.upperBound
            }
            parts.append(.string(String(decoding: bytes[next...], as: UTF8.self)))
            return try checked(.list(parts), place)
        case "startswith": return .bool(text.utf8.starts(with: texts[0].utf8))
        default: return .bool(text.utf8.reversed().starts(with: texts[0].utf8.reversed()))
        }
    }

    private mutating func dictionaryMethod(
        _ name: String, _ dictionary: TemplateDictionary, _ arguments: Arguments, _ place: Place
    ) throws -> TemplateValue {
        let parameters = name == "get" ? ["key", "default"] : []
        let values = try bind(arguments, to: parameters, of: name, required: min(parameters.count, 1), place)
        try step(place, count: dictionary.entries.count)
        switch name {
        case "get":
            guard case .string(let key)? = values[0] else { return values[1] ?? TemplateValue.none }
            return dictionary[key] ?? values[1] ?? TemplateValue.none
        case "keys": return .list(dictionary.entries.map { .string($0.key) })
        case "values": return .list(dictionary.entries.map(\.value))
        default:
            return try checked(
                .list(dictionary.entries.map { .list([.string($0.key), $0.value]) }), place)
        }
    }
}
