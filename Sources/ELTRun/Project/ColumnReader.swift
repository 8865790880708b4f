import ELTCore

/// `columns:` of an entity, with their tests.
struct ColumnReader {
    let faults: ProjectFaults

    func read(_ node: ConfigNode) -> [ColumnSettings] {
        if node.isNothing { return [] }
        let expected = "a list of columns such as { name: id, type: text }"
        guard let items = ConfigFields.list(node, expected, faults) else { return [] }
        var columns: [ColumnSettings] = []
        for item in items {
            guard let (column, place) = column(item) else { continue }
            if columns.contains(where: { $0.name.lowercased() == column.name.lowercased() }) {
                faults.error(place, "\(item.path): column '\(column.name)' is named twice.")
            }
            columns.append(column)
        }
        return columns
    }

    /// `{ name, type, test }`, or a bare name.
    private func column(_ node: ConfigNode) -> (ColumnSettings, Place)? {
        if case .text = node.content {
            return columnName(node).map { (ColumnSettings(name: $0), node.place) }
        }
        guard let fields = ConfigFields(node, allowed: ["name", "type", "test"], faults) else { return nil }
        guard let nameNode = fields.required("name", "write the column's name") else { return nil }
        let name = columnName(nameNode)
        var column = ColumnSettings(name: name ?? "", type: fields.word("type"))
        column.checks = fields.node("test").map(tests) ?? []
        column.tests = column.checks.map(\.yaml)
        return name == nil ? nil : (column, nameNode.place)
    }

    private func columnName(_ node: ConfigNode) -> String? {
        guard let text = ConfigFields.text(node, "a column's name", faults) else { return nil }
        if let complaint = NameRules.identifier(text.value) {
            faults.error(node.place, "\(node.path): \(text.shown) can't be a column's name: \(complaint).")
            return nil
        }
        if ["day", "changed"].contains(text.value) {
            faults.warn(
                node.place,
                "\(node.path): the shipped history model has a column '\(text.value)' of its own; "
                    + "rename one of them in the model.")
        }
        return text.value
    }

    // MARK: Tests

    private static let testNames = ["not_null", "unique", "accepted_values", "relationships"]

    /// A list of tests, or a single one.
    private func tests(_ node: ConfigNode) -> [ColumnTest] {
        if case .list(let items) = node.content { return items.compactMap(test) }
        return test(node).map { [$0] } ?? []
    }

    private func test(_ node: ConfigNode) -> ColumnTest? {
        guard case .mapping(let pairs) = node.content else { return plainTest(node) }
        guard pairs.count == 1, let pair = pairs.first else {
            faults.error(node.place, "\(node.path): expected one test, found a mapping of \(pairs.count).")
            return nil
        }
        switch pair.name {
        case "accepted_values": return acceptedValues(pair.value)
        case "relationships": return relationship(pair.value)
        case "not_null" where pair.value.isNothing: return .notNull
        case "unique" where pair.value.isNothing: return .unique
        case "not_null", "unique":
            faults.error(pair.place, "\(node.path): '\(pair.name)' takes no settings; write it alone.")
        default:
            faults.error(
                pair.place,
                "\(node.path): unknown test \(Wording.quoted(pair.name))"
                    + "\(Wording.suggestion(pair.name, among: Self.testNames)). "
                    + "Allowed: \(Self.testNames.joined(separator: ", ")).")
        }
        return nil
    }

    private func plainTest(_ node: ConfigNode) -> ColumnTest? {
        guard let text = ConfigFields.text(node, "a test such as not_null", faults) else { return nil }
        switch text.value {
        case "not_null": return .notNull
        case "unique": return .unique
        case "accepted_values":
            faults.error(node.place, "\(node.path): write { accepted_values: { values: [a, b] } }.")
        case "relationships":
            faults.error(
                node.place, "\(node.path): write { relationships: { to: ref('model'), field: id } }.")
        default:
            faults.error(
                node.place,
                "\(node.path): unknown test \(text.shown)"
                    + "\(Wording.suggestion(text.value, among: Self.testNames)). "
                    + "Allowed: \(Self.testNames.joined(separator: ", ")).")
        }
        return nil
    }

    private func acceptedValues(_ node: ConfigNode) -> ColumnTest? {
        guard let fields = ConfigFields(node, allowed: ["values"], faults),
            let list = fields.required("values", "write 'values: [a, b]'"),
            let items = ConfigFields.list(list, "a list of values", faults)
        else { return nil }
        if items.isEmpty {
            faults.error(list.place, "\(list.path): expected at least one value, found none.")
        }
        var values: [AcceptedValue] = []
        for item in items {
            guard case .text(let text) = item.content else {
                ConfigFields.wrong(item, "a text, a number or true or false", faults)
                continue
            }
            values.append(AcceptedValue(text.value, isQuoted: text.isQuoted))
        }
        return .acceptedValues(values)
    }

    private func relationship(_ node: ConfigNode) -> ColumnTest? {
        guard let fields = ConfigFields(node, allowed: ["to", "field"], faults) else { return nil }
        let field = fields.required("field", "write the column of the other model")
            .flatMap { ConfigFields.text($0, "a column's name", faults)?.value }
        let to = fields.required("to", "write the other model as ref('name')")
            .flatMap { ConfigFields.value($0, "a model as ref('name')", faults, Self.model) }
        guard let field, let to else { return nil }
        return .relationships(to: to, field: field)
    }

    /// The name in `ref('name')`, or a bare name.
    private static func model(_ text: String) -> String? {
        var name = text[...]
        if name.hasPrefix("ref("), name.hasSuffix(")") {
            name = name.dropFirst(4).dropLast()
            guard let quote = name.first, quote == "'" || quote == "\"", name.last == quote, name.count > 2
            else { return nil }
            name = name.dropFirst().dropLast()
        }
        return NameRules.variable(String(name)) == nil ? String(name) : nil
    }
}

extension AcceptedValue {
    /// A plain number or `true`/`false` is one; everything else, and what stands in quotes, is a text.
    fileprivate init(_ text: String, isQuoted: Bool) {
        if isQuoted {
            self = .text(text)
        } else if text == "true" || text == "false" {
            self = .boolean(text == "true")
        } else if Self.isNumber(text) {
            self = .number(text)
        } else {
            self = .text(text)
        }
    }

    /// A JSON number: leading zeros, as in a postcode, make a text.
    private static func isNumber(_ text: String) -> Bool {
        text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil
    }
}
