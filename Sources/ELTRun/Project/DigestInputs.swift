import ELTCore

/// Texts to take digests of, to see whether settings that decide something have changed.
///
/// Equal settings give equal texts however `elt.yml` is written. Credentials are in none of them.
package struct DigestInputs: Sendable, Equatable {
    /// What decides the rows of the tables, besides the archive and the models.
    package let tables: String
    /// By entity, what shapes its listing: a full load begun with other settings isn't resumed.
    package let listings: [String: String]

    package init(_ settings: ProjectSettings) {
        var lines = ["zone \(settings.zone.name)"]
        lines.append("max_clock_skew \(settings.limits.maxClockSkew.wholeMilliseconds)")
        lines.append("max_message_bytes \(settings.limits.maxMessageBytes)")
        for (name, value) in settings.variables.sorted(by: { $0.key < $1.key }) {
            lines.append("var \(Self.quoted(name)) \(Self.quoted(value))")
        }
        for entity in settings.entities { lines += Self.lines(of: entity) }
        tables = lines.joined(separator: "\n") + "\n"
        listings = Dictionary(
            uniqueKeysWithValues: settings.entities.compactMap { entity in
                entity.fullLoad.map { (entity.name, Self.listing($0)) }
            })
    }

    private static func lines(of entity: EntitySettings) -> [String] {
        var lines = ["entity \(quoted(entity.name)) key \(path(entity.key)) record \(path(entity.record))"]
        let time = entity.eventTime.map(path) ?? "kafka"
        lines.append("event_time \(time) \(entity.eventTimeUnit?.rawValue ?? "text")")
        for topic in entity.topics {
            lines.append("topic \(topic.operation.word) \(quoted(topic.name)) \(topic.mode.rawValue)")
        }
        for column in entity.columns {
            lines.append("column \(quoted(column.name)) \(column.type?.rawValue ?? "discovered")")
        }
        lines.append("column_policy \(entity.columnPolicy.rawValue)")
        if let load = entity.fullLoad {
            lines.append("full_load records \(path(load.records)) absent \(load.absent.rawValue)")
        }
        return lines
    }

    private static func listing(_ load: FullLoadSettings) -> String {
        """
        url \(quoted(load.url))
        records \(path(load.records))
        pagination \(pagination(load.pagination))
        headers \(load.headers.keys.sorted().map(quoted).joined(separator: " "))

        """
    }

    private static func pagination(_ pagination: Pagination) -> String {
        func text(_ value: String?) -> String { value.map(quoted) ?? "-" }
        func number(_ value: Int?) -> String { value.map(String.init) ?? "-" }
        func place(_ value: [String]?) -> String { value.map(path) ?? "-" }
        switch pagination {
        case .none: return "none"
        case .page(let page, let sizeParam, let size, let first, let total):
            return "page \(text(page)) \(text(sizeParam)) \(size) \(first) \(place(total))"
        case .offset(let offset, let limitParam, let limit, let total):
            return "offset \(text(offset)) \(text(limitParam)) \(limit) \(place(total))"
        case .cursor(let cursor, let parameter, let sizeParam, let size):
            return "cursor \(path(cursor)) \(text(parameter)) \(text(sizeParam)) \(number(size))"
        case .link(let next, let sizeParam, let size):
            return "link \(place(next)) \(text(sizeParam)) \(number(size))"
        case .keyset(let key, let parameter, let sizeParam, let size):
            return "keyset \(path(key)) \(text(parameter)) \(text(sizeParam)) \(number(size))"
        }
    }

    private static func path(_ parts: [String]) -> String {
        "[" + parts.map(quoted).joined(separator: ",") + "]"
    }

    /// One way to write a text, so that no two lists of texts look the same.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            default: quoted.unicodeScalars.append(character)
            }
        }
        return quoted + "\""
    }
}
