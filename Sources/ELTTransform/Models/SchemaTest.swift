import Yams

/// A test as a schema file declares it, before its model is known.
struct SchemaTest {
    let kind: DataTest.Kind
    let place: FilePlace
    var name: String?
    var description: String?
    var severity = DataTest.Severity.error
    var condition: String?
    var template: Template?

    /// Failing rows are shown by the model's key, and by the day where days repeat the key.
    func test(of model: Model, column: String, macros: MacroLibrary) -> DataTest {
        let days = model.config.partitionBy.map { [$0] } ?? []
        let keys = model.config.uniqueKey.isEmpty ? [] : model.config.uniqueKey + days
        return DataTest(
            model: model.name, column: column, kind: kind, severity: severity, name: name, keys: keys,
            description: description, condition: condition, template: template, macros: macros, place: place)
    }
}

extension SchemaReader {
    private static let common = ["arguments", "config", "description", "name", "severity", "where"]

    /// What stands around a test's own arguments.
    private struct Parts {
        var own: [String: (place: FilePlace, value: Node)] = [:]
        var name: String?
        var description: String?
        var severity = DataTest.Severity.error
        var condition: (text: String, place: FilePlace)?
        var isEnabled = true
    }

    /// `- unique`, or `- accepted_values: { values: [a, b], severity: warn }`.
    mutating func test(_ node: Node) -> SchemaTest? {
        if case .scalar = node {
            guard let word = text(node, "a test") else { return nil }
            return test(word, Parts(), place(node))
        }
        guard case .mapping(let mapping) = node, let (key, value) = mapping.first, let word = key.string
        else {
            report(.wrongKind("a test", found: kind(node), wanted: "a name or a mapping"), place(node))
            return nil
        }
        for (other, _) in mapping.dropFirst() {
            report(.unknownKey(other.string ?? "", of: "a test", known: [word]), place(other))
        }
        guard let arguments = Self.arguments(of: word) else {
            report(.unknownTest(word), place(key))
            return nil
        }
        var parts = Parts()
        if !isNull(value) { read(value, word, arguments, &parts) }
        guard parts.isEnabled else { return nil }
        return test(word, parts, place(key))
    }

    private static func arguments(of word: String) -> [String]? {
        switch word {
        case "not_null", "unique": []
        case "accepted_values": ["quote", "values"]
        case "relationships": ["field", "to"]
        default: nil
        }
    }

    private mutating func read(_ node: Node, _ word: String, _ arguments: [String], _ parts: inout Parts) {
        for (key, value) in pairs(node, "the test '\(word)'", Self.common + arguments) {
            switch key.text {
            case "name": parts.name = text(value, "name")
            case "description": parts.description = text(value, "description")
            case "severity", "where": setting(key.text, value, &parts)
            case "config":
                let known = ["enabled", "severity", "where"]
                for (key, value) in pairs(value, "the test's config", known) {
                    setting(key.text, value, &parts)
                }
            case "arguments":
                for (key, value) in pairs(value, "the test's arguments", arguments) {
                    parts.own[key.text] = (key.place, value)
                }
            default: parts.own[key.text] = (key.place, value)
            }
        }
    }

    private mutating func setting(_ key: String, _ node: Node, _ parts: inout Parts) {
        switch key {
        case "enabled":
            guard case .bool(let flag)? = scalar(node) else {
                return report(.wrongKind(key, found: kind(node), wanted: "true or false"), place(node))
            }
            parts.isEnabled = flag
        case "where":
            if let text = text(node, key) { parts.condition = (text, place(node)) }
        default:
            guard let text = text(node, key) else { return }
            if let severity = DataTest.Severity(rawValue: text.lowercased()) {
                parts.severity = severity
            } else {
                report(.severity(text), place(node))
            }
        }
    }

    private mutating func test(_ word: String, _ parts: Parts, _ place: FilePlace) -> SchemaTest? {
        guard let kind = testKind(word, parts, place) else { return nil }
        var test = SchemaTest(
            kind: kind, place: place, name: parts.name, description: parts.description,
            severity: parts.severity, condition: parts.condition?.text)
        if let condition = parts.condition {
            do throws(ModelIssue) {
                test.template = try Template(condition.text, path: place.path)
            } catch {
                report(error, at: condition.place)
            }
        }
        return test
    }

    /// An issue inside of a text of the YAML gets the text's place.
    private mutating func report(_ issue: ModelIssue, at place: FilePlace) {
        add(ModelIssue(code: issue.code, place: place, problem: issue.problem, remedy: issue.remedy))
    }

    private mutating func testKind(_ word: String, _ parts: Parts, _ place: FilePlace) -> DataTest.Kind? {
        switch word {
        case "accepted_values":
            guard let values = parts.own["values"]?.value else {
                report(.missingKey("values", of: "the test '\(word)'"), place)
                return nil
            }
            return acceptedValues(values, quote: parts.own["quote"]?.value)
        case "relationships":
            guard let to = parts.own["to"]?.value, let field = parts.own["field"]?.value else {
                let missing = parts.own["to"] == nil ? "to" : "field"
                report(.missingKey(missing, of: "the test '\(word)'"), place)
                return nil
            }
            guard let target = target(to), let field = text(field, "field") else { return nil }
            return .relationships(to: target, field: field)
        default:
            guard let kind = DataTest.Kind(plain: word) else {
                Self.arguments(of: word) == nil
                    ? report(.unknownTest(word), place) : report(.missingKey("values", of: word), place)
                return nil
            }
            return kind
        }
    }

    /// The values as SQL. Without `quote` a text is a text and a number a number, as they were written.
    private mutating func acceptedValues(_ node: Node, quote: Node?) -> DataTest.Kind? {
        var isQuoted: Bool?
        if let quote {
            guard case .bool(let flag)? = scalar(quote) else {
                report(.wrongKind("quote", found: kind(quote), wanted: "true or false"), place(quote))
                return nil
            }
            isQuoted = flag
        }
        let items = list(node, "values")
        var literals: [String] = []
        for item in items {
            guard let value = scalar(item), value != .none, case .scalar(let written) = item else {
                report(.wrongKind("a value", found: kind(item), wanted: "a text or a number"), place(item))
                return nil
            }
            switch (isQuoted, value) {
            case (true, _): literals.append(SQLText.literal(written.string))
            case (false, .string(let text)):
                // `quote: false` with a quoted number is dbt's way to write numbers.
                guard let number = TemplateValue(scalar: text).sqlLiteral, !number.hasPrefix("'") else {
                    report(.rawValue(text), place(item))
                    return nil
                }
                literals.append(number)
            default: literals.append(value.sqlLiteral ?? "NULL")
            }
        }
        guard !literals.isEmpty else {
            report(.wrongKind("values", found: "empty", wanted: "a list of values"), place(node))
            return nil
        }
        return .acceptedValues(literals)
    }

    /// `ref('model')` or `source('entity', 'table')`.
    private mutating func target(_ node: Node) -> DataTest.Target? {
        guard let text = text(node, "to") else { return nil }
        var inner = text.trimmingPrefix { $0.isWhitespace }
        if inner.hasPrefix("{{") { inner = inner.dropFirst(2).prefix { $0 != "}" } }
        do throws(ModelIssue) {
            let template = try Template("{{ \(inner) }}", path: "")
            let uses = StaticUses(template.body).uses
            guard case .output(let expression, _)? = template.body.first, template.body.count == 1,
                case .call = expression.kind, uses.count == 1
            else { throw ModelIssue(SchemaFault.target(text), at: nil) }
            switch uses[0].use {
            case .ref(let name): return .model(name)
            case .source(let name): return .source(name)
            default: throw ModelIssue(SchemaFault.target(text), at: nil)
            }
        } catch {
            report(.target(text), place(node))
            return nil
        }
    }
}
