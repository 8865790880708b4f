import ELTCore

/// `entities:`, one at a time; it remembers the topics of all of them.
final class EntityReader {
    private let faults: ProjectFaults
    private let secrets: SecretCollector
    /// Line of each topic so far: a topic's offsets are counted once, so it belongs to one entity.
    private var topicLines: [String: Int] = [:]

    init(faults: ProjectFaults, secrets: SecretCollector) {
        self.faults = faults
        self.secrets = secrets
    }

    private static let names = [
        "key", "record", "event_time", "topics", "columns", "column_policy", "full_load",
    ]

    func read(_ field: ConfigField) -> EntitySettings? {
        guard let fields = ConfigFields(field.value, allowed: Self.names, faults) else { return nil }
        let key = fields.required("key", "write the path of the key in the record, such as 'key: id'")
            .flatMap { ConfigFields.path($0, faults) }
        var entity = EntitySettings(name: field.name, key: key ?? ["id"])
        entity.record = fields.path("record") ?? []
        readEventTime(fields, into: &entity)
        if let node = fields.node("topics") { entity.topics = topics(node) }
        if let node = fields.node("columns") {
            entity.columns = ColumnReader(faults: faults).read(node)
        }
        entity.columnPolicy = fields.word("column_policy") ?? .evolve
        if let node = fields.node("full_load") {
            entity.fullLoad = FullLoadReader(faults: faults, secrets: secrets).read(node, key: entity.key)
        }
        if !fields.has("topics"), !fields.has("full_load") {
            faults.error(
                field.place, "\(field.value.path): expected 'topics', 'full_load' or both, found neither.")
        }
        return entity
    }

    /// A path, or `{ path: …, unit: ms }`.
    private func readEventTime(_ fields: ConfigFields, into entity: inout EntitySettings) {
        guard let node = fields.node("event_time") else { return }
        guard case .mapping = node.content else {
            entity.eventTime = ConfigFields.path(node, faults)
            return
        }
        guard let time = ConfigFields(node, allowed: ["path", "unit"], faults) else { return }
        entity.eventTime = time.required("path", "write the path of the time in the message")
            .flatMap { ConfigFields.path($0, faults) }
        entity.eventTimeUnit = time.word("unit")
    }

    // MARK: Topics

    /// In the order of the file, which is the order that breaks ties.
    private func topics(_ node: ConfigNode) -> [TopicSettings] {
        guard let operations = ConfigFields(node, allowed: Operation.allCases.map(\.word), faults),
            case .mapping(let fields) = node.content
        else { return [] }
        if fields.isEmpty {
            faults.error(node.place, "\(operations.node.path): expected at least one topic, found none.")
        }
        var topics: [TopicSettings] = []
        for field in fields {
            guard let operation = Operation.allCases.first(where: { $0.word == field.name }) else { continue }
            if case .list(let items) = field.value.content {
                if items.isEmpty {
                    faults.error(
                        field.value.place, "\(field.value.path): expected at least one topic, found none.")
                }
                topics += items.compactMap { topic($0, operation) }
            } else if let topic = topic(field.value, operation) {
                topics.append(topic)
            }
        }
        return topics
    }

    /// A name, or `{ name: …, mode: … }`.
    private func topic(_ node: ConfigNode, _ operation: Operation) -> TopicSettings? {
        guard case .mapping = node.content else {
            return topicName(node).map { TopicSettings(name: $0, operation: operation) }
        }
        guard let fields = ConfigFields(node, allowed: ["name", "mode"], faults),
            let name = fields.required("name", "write the topic's name").flatMap(topicName)
        else { return nil }
        var topic = TopicSettings(name: name, operation: operation)
        topic.mode = fields.word("mode") ?? .deactivate
        return topic
    }

    private func topicName(_ node: ConfigNode) -> String? {
        let expected = "a topic's name, a mapping of name and mode, or a list of those"
        guard let text = ConfigFields.text(node, expected, faults) else { return nil }
        if let complaint = NameRules.topic(text.value) {
            faults.error(node.place, "\(node.path): \(text.shown) can't be a topic's name: \(complaint).")
            return nil
        }
        if let line = topicLines[text.value] {
            faults.error(
                node.place,
                "\(node.path): topic \(text.shown) is named twice, first in line \(line); "
                    + "each topic belongs to one entity and one operation.")
            return nil
        }
        topicLines[text.value] = node.place.line
        return text.value
    }
}
