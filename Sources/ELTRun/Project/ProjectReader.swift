import ELTCore
import Foundation

/// Reads the whole of `elt.yml` from its nodes; each subject has its own reader.
struct ProjectReader {
    let folder: String
    let faults: ProjectFaults
    let secrets: SecretCollector
    /// What librdkafka says against a property, or nil.
    let checkKafka: (_ name: String, _ value: String) -> String?

    private static let names = [
        "name", "timezone", "warehouse", "archive", "models", "kafka", "entities", "vars", "limits",
        "max_clock_skew", "max_message_bytes", "max_quarantined",
    ]

    /// nil only where `faults` has an error.
    func read(_ root: ConfigNode) -> ProjectSettings? {
        guard let fields = ConfigFields(root, allowed: Self.names, faults) else { return nil }
        let name = projectName(fields)
        let zone = zone(fields)
        let (archive, compression) = archive(fields)
        let entities = entities(fields)
        let kafka = KafkaReader(faults: faults, secrets: secrets, check: checkKafka)
            .read(fields, project: name ?? "", needsBroker: entities.contains { !$0.topics.isEmpty })
        var settings = ProjectSettings(
            name: name ?? "", zone: zone ?? .utc, folder: folder, warehousePath: warehouse(fields),
            archivePath: archive, modelsPath: models(fields), kafka: kafka, entities: entities)
        settings.compression = compression
        settings.variables = variables(fields)
        settings.limits = LimitsReader(faults: faults).read(fields)
        checkPlaces(settings, fields)
        return name == nil || zone == nil ? nil : settings
    }

    private func projectName(_ fields: ConfigFields) -> String? {
        guard let node = fields.required("name", "write 'name: my-project'"),
            let text = ConfigFields.text(node, "the project's name", faults)
        else { return nil }
        if let complaint = NameRules.project(text.value) {
            faults.error(node.place, "name: \(text.shown) can't be a project's name: \(complaint).")
            return nil
        }
        return text.value
    }

    // MARK: Zone

    private func zone(_ fields: ConfigFields) -> Zone? {
        guard
            let node = fields.required(
                "timezone",
                "write the zone that decides what a day is, such as 'timezone: Europe/Berlin' or 'UTC'"),
            let text = ConfigFields.text(node, "an IANA time zone such as Europe/Berlin", faults)
        else { return nil }
        let known = TimeZone.knownTimeZoneIdentifiers + ["UTC"]
        let otherCase = known.contains { $0 != text.value && $0.lowercased() == text.value.lowercased() }
        if !otherCase, let zone = Zone(text.value) { return zone }
        // The city alone is what people write first.
        let city = known.first { $0.split(separator: "/").last?.lowercased() == text.value.lowercased() }
        let nearest = city.map { " (did you mean '\($0)'?)" } ?? Wording.suggestion(text.value, among: known)
        faults.error(
            node.place,
            "timezone: \(text.shown) isn't an IANA time zone such as Europe/Berlin or UTC\(nearest).")
        return nil
    }

    // MARK: Paths

    private func warehouse(_ fields: ConfigFields) -> String {
        path(fields.node("warehouse"), default: "warehouse/elt.db").path
    }

    private func models(_ fields: ConfigFields) -> String {
        path(fields.node("models"), default: "models").path
    }

    private func archive(_ fields: ConfigFields) -> (String, Compression) {
        let (path, archive) = path(
            fields.node("archive"), default: "archive", others: ["compression", "compression_level"])
        var compression = Compression()
        if let node = archive?.node("compression") { _ = ConfigFields.word(node, ["zstd"], faults) }
        if let level = archive?.integer("compression_level", in: 1...19) { compression.level = Int32(level) }
        return (path, compression)
    }

    /// A path as a text, or as `path` in a mapping; absolute in the end.
    private func path(
        _ node: ConfigNode?, default fallback: String, others: [String] = []
    ) -> (path: String, fields: ConfigFields?) {
        guard let node else { return (absolute(fallback), nil) }
        if case .mapping = node.content {
            guard let fields = ConfigFields(node, allowed: ["path"] + others, faults) else {
                return (absolute(fallback), nil)
            }
            let path = fields.node("path").flatMap(place)
            return (path ?? absolute(fallback), fields)
        }
        return (place(node) ?? absolute(fallback), nil)
    }

    private func place(_ node: ConfigNode) -> String? {
        guard let text = ConfigFields.text(node, "a path, or a mapping with 'path'", faults) else {
            return nil
        }
        if text.value == "~" || text.value.hasPrefix("~/") {
            faults.error(node.place, "\(node.path): '~' isn't replaced here; write '${HOME}/…'.")
            return nil
        }
        if text.value.contains("\0") || text.value.contains("://") {
            faults.error(node.place, "\(node.path): expected a path of a local file, found \(text.shown).")
            return nil
        }
        return absolute(text.value)
    }

    private func absolute(_ path: String) -> String {
        ProjectPath.normal(path.hasPrefix("/") ? path : folder + "/" + path)
    }

    /// The archive holds nothing but what the archive wrote, or `archive verify` would find strangers.
    private func checkPlaces(_ settings: ProjectSettings, _ fields: ConfigFields) {
        let archive = settings.archivePath + "/"
        if folder.hasPrefix(archive) || folder + "/" == archive {
            let place = (fields.node("archive") ?? fields.node).place
            faults.error(place, "archive: it needs a folder of its own, not the project's or one above it.")
            return
        }
        for (name, path) in [("warehouse", settings.warehousePath), ("models", settings.modelsPath)] {
            guard (path + "/").hasPrefix(archive) else { continue }
            let place = (fields.node(name) ?? fields.node("archive") ?? fields.node).place
            faults.error(
                place, "\(name): \(Wording.quoted(path)) lies in the archive's folder; move one of them.")
        }
    }

    // MARK: Variables and entities

    private func variables(_ fields: ConfigFields) -> [String: String] {
        guard let node = fields.node("vars"), !node.isNothing,
            let pairs = ConfigFields.mapping(node, "names and values for the models", faults)
        else { return [:] }
        var variables: [String: String] = [:]
        for field in pairs {
            if let complaint = NameRules.variable(field.name) {
                faults.error(
                    field.place,
                    "vars: \(Wording.quoted(field.name)) can't be a variable's name: \(complaint).")
            }
            switch field.value.content {
            case .text(let text): variables[field.name] = text.value
            default: ConfigFields.wrong(field.value, "a text, a number or true or false", faults)
            }
        }
        return variables
    }

    private func entities(_ fields: ConfigFields) -> [EntitySettings] {
        guard
            let node = fields.required(
                "entities", "name what is loaded: 'entities: { customer: { key: id, … } }'"),
            let pairs = ConfigFields.mapping(node, "a mapping of entities", faults)
        else { return [] }
        if pairs.isEmpty { faults.error(node.place, "entities: expected at least one entity, found none.") }
        let reader = EntityReader(faults: faults, secrets: secrets)
        var entities: [EntitySettings] = []
        for field in pairs {
            if let complaint = NameRules.identifier(field.name) {
                faults.error(
                    field.place,
                    "entities: \(Wording.quoted(field.name)) can't be an entity's name: \(complaint).")
            }
            if let twin = entities.first(where: { $0.name.lowercased() == field.name.lowercased() }) {
                faults.error(
                    field.place, "entities: '\(field.name)' and '\(twin.name)' differ in case only.")
            }
            if let entity = reader.read(field) { entities.append(entity) }
        }
        return entities
    }
}
