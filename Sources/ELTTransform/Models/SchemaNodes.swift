import Yams

/// What a schema reader asks of YAML.
extension SchemaReader {
    struct Key {
        let text: String
        let place: FilePlace
    }

    mutating func add(_ issue: ModelIssue) { issues.append(issue) }

    mutating func report(_ fault: SchemaFault, _ place: FilePlace) {
        issues.append(ModelIssue(fault, at: place))
    }

    /// The pairs of a mapping whose keys are known; the others are reported.
    mutating func pairs(_ node: Node, _ owner: String, _ known: [String]) -> [(key: Key, value: Node)] {
        guard case .mapping(let mapping) = node else {
            report(.wrongKind(owner, found: kind(node), wanted: "a mapping"), place(node))
            return []
        }
        return mapping.compactMap { key, value in
            let text = key.string ?? ""
            if known.contains(text) { return (Key(text: text, place: place(key)), value) }
            if let refused = Self.refused[text] {
                report(.refusedKey(text, why: refused.why, instead: refused.instead), place(key))
            } else {
                report(.unknownKey(text, of: owner, known: known), place(key))
            }
            return nil
        }
    }

    mutating func name(_ pairs: [(key: Key, value: Node)], _ owner: String, _ node: Node) -> String? {
        guard let value = pairs.first(where: { $0.key.text == "name" })?.value else {
            if case .mapping = node { report(.missingKey("name", of: owner), place(node)) }
            return nil
        }
        guard let name = text(value, "name"), !name.isEmpty else { return nil }
        return name
    }

    mutating func list(_ node: Node, _ key: String) -> [Node] {
        if isNull(node) { return [] }
        guard case .sequence(let sequence) = node else {
            report(.wrongKind(key, found: kind(node), wanted: "a list"), place(node))
            return []
        }
        return Array(sequence)
    }

    mutating func text(_ node: Node, _ key: String) -> String? {
        guard case .scalar(let scalar) = node else {
            report(.wrongKind(key, found: kind(node), wanted: "a text"), place(node))
            return nil
        }
        return isNull(node) ? nil : scalar.string
    }

    func place(_ node: Node) -> FilePlace {
        FilePlace(path: path, line: node.mark?.line, column: node.mark?.column)
    }

    func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node, scalar.style == .any || scalar.style == .plain else {
            return false
        }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    func scalar(_ node: Node) -> TemplateValue? {
        guard case .scalar(let scalar) = node else { return nil }
        if isNull(node) { return TemplateValue.none }
        let isPlain = scalar.style == .any || scalar.style == .plain
        return isPlain ? TemplateValue(scalar: scalar.string) : .string(scalar.string)
    }

    func scalarText(_ node: Node) -> String {
        if case .scalar(let scalar) = node { "'\(scalar.string)'" } else { kind(node) }
    }

    func kind(_ node: Node) -> String {
        switch node {
        case .scalar: isNull(node) ? "empty" : (scalar(node)?.kind ?? "a text")
        case .mapping: "a mapping"
        case .sequence: "a list"
        default: "an alias"
        }
    }

    func value(_ node: Node, depth: Int) -> TemplateValue? {
        guard depth > 0 else { return nil }
        switch node {
        case .scalar: return scalar(node)
        case .sequence(let sequence):
            var items: [TemplateValue] = []
            for item in sequence {
                guard let item = value(item, depth: depth - 1) else { return nil }
                items.append(item)
            }
            return .list(items)
        case .mapping(let mapping):
            var dictionary = TemplateDictionary()
            for (key, item) in mapping {
                guard let name = key.string, let item = value(item, depth: depth - 1) else { return nil }
                dictionary.set(name, item)
            }
            return .dict(dictionary)
        default: return nil
        }
    }

    // MARK: Errors of the YAML itself

    func place(of error: any Error) -> FilePlace {
        switch error as? YamlError {
        case .scanner(_, _, let mark, _)?, .parser(_, _, let mark, _)?, .composer(_, _, let mark, _)?:
            FilePlace(path: path, line: mark.line, column: mark.column)
        case .duplicatedKeysInMapping(_, let context)?:
            FilePlace(path: path, line: context.mark.line, column: context.mark.column)
        default: FilePlace(path: path)
        }
    }

    static func text(of error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, _, _)?, .parser(_, let problem, _, _)?,
            .composer(_, let problem, _, _)?:
            problem
        case .duplicatedKeysInMapping(let duplicates, _)?:
            "the key '\(duplicates.min() ?? "")' stands there twice"
        default: "it isn't YAML"
        }
    }
}
