import ELTCore

/// `kafka:`: librdkafka's properties, which pass through, without those that would break a promise.
struct KafkaReader {
    let faults: ProjectFaults
    let secrets: SecretCollector
    let check: (_ name: String, _ value: String) -> String?

    func read(_ top: ConfigFields, project: String, needsBroker: Bool) -> [String: String] {
        var properties: [String: String] = [:]
        if let node = top.node("kafka"), !node.isNothing,
            let fields = ConfigFields.mapping(node, "librdkafka's properties by name", faults)
        {
            for field in fields {
                if let value = property(field) { properties[field.name] = value }
            }
            warnOfOpenPasswords(properties, node)
            refuseTokensFromNowhere(properties, node)
        }
        let broker = ["bootstrap.servers", "metadata.broker.list"]
        let isNamed: Bool
        if let node = top.node("kafka"), case .mapping(let fields) = node.content {
            isNamed = fields.contains { broker.contains($0.name) }
        } else {
            isNamed = false
        }
        if needsBroker, !isNamed {
            let place = (top.node("kafka") ?? top.node).namePlace
            faults.error(
                place,
                "'bootstrap.servers' is missing in kafka; entities with topics need it: "
                    + "'kafka: { bootstrap.servers: \"host:9092\" }'.")
        }
        // Only `commitToGroup` uses the group, for lag tools; two projects should not share one.
        if properties["group.id"] == nil { properties["group.id"] = "elt-\(project)" }
        return properties
    }

    private func property(_ field: ConfigField) -> String? {
        let (name, node) = (field.name, field.value)
        guard case .text(let text) = node.content else {
            if case .mapping = node.content {
                let hint = "write properties with their full names, such as 'ssl.ca.location'"
                faults.error(node.place, "\(node.path): expected a value, found a mapping; \(hint).")
            } else if case .list = node.content {
                let hint = "write several as one text with commas"
                faults.error(node.place, "\(node.path): expected a value, found a list; \(hint).")
            } else {
                ConfigFields.wrong(node, "a value", faults)
            }
            return nil
        }
        let isSecret = SecretCollector.isSecretName(name)
        if isSecret { secrets.add(text, at: node) }
        if let reason = Self.refusal(name, text.value) {
            faults.error(field.place, "kafka: '\(name)\(reason)")
            return nil
        }
        if let complaint = check(name, text.value) {
            let safe =
                isSecret || text.isFromFile
                ? complaint.split(separator: text.value).joined(separator: "***") : complaint
            faults.error(
                field.place,
                "kafka: \(Wording.quoted(name)): \(Wording.sentence(safe))"
                    + "\(Wording.suggestion(name, among: Self.commonNames)).")
            return nil
        }
        if text.value.isEmpty, name == "bootstrap.servers" {
            faults.error(node.place, "\(node.path): expected brokers such as host:9092, found an empty text.")
        }
        if Self.membership.contains(name) {
            faults.warn(
                field.place,
                "kafka: '\(name)' has no effect, because partitions are assigned and no group is joined.")
        }
        if name == "ssl.endpoint.identification.algorithm", text.value == "none" {
            faults.warn(
                field.place, "kafka: with '\(name)' none, any host with a valid certificate is trusted.")
        }
        return text.value
    }

    private func warnOfOpenPasswords(_ properties: [String: String], _ node: ConfigNode) {
        guard properties["sasl.password"] != nil,
            properties["security.protocol"]?.lowercased() == "sasl_plaintext"
        else { return }
        faults.warn(
            node.namePlace, "kafka: the password travels unencrypted; 'security.protocol: sasl_ssl' hides it."
        )
    }

    // MARK: What is refused

    /// librdkafka waits for a token that nobody gives it, without a word.
    private func refuseTokensFromNowhere(_ properties: [String: String], _ node: ConfigNode) {
        guard properties["security.protocol"]?.lowercased().hasPrefix("sasl") == true,
            (properties["sasl.mechanisms"] ?? properties["sasl.mechanism"])?.uppercased() == "OAUTHBEARER",
            properties["sasl.oauthbearer.method"]?.lowercased() != "oidc",
            !["true", "t", "1", "on"].contains(properties["enable.sasl.oauthbearer.unsecure.jwt"]?.lowercased())
        else { return }
        faults.error(
            node.namePlace,
            "kafka: with OAUTHBEARER tokens must come from somewhere: 'sasl.oauthbearer.method: oidc' and its 'sasl.oauthbearer.token.endpoint.url'."
        )
    }

    /// Why a property can't be set, beginning after its name and quote; nil if it can.
    static func refusal(_ name: String, _ value: String) -> String? {
        // librdkafka takes it for the name behind the point, whatever that may be.
        if name.hasPrefix("topic.") { return "' can't be set: write '\(name.dropFirst(6))', which means the same." }
        if let reason = alwaysRefused[name] { return "' can't be set: \(reason)." }
        guard let (bad, reason) = refusedValues[name], bad.contains(value.lowercased()) else { return nil }
        return ": \(value.lowercased())' can't be set: \(reason)."
    }

    private static let alwaysRefused = [
        "enable.auto.commit":
            "offsets are kept in the warehouse, with the rows; committing before that would lose messages",
        "enable.auto.offset.store":
            "offsets are kept in the warehouse, with the rows; storing them earlier would lose messages",
        "auto.offset.reset":
            "a lost offset must stop the run; jumping to another would lose messages in silence",
        "enable.partition.eof":
            "it's always on, because the end of a partition is how a run knows that it has read all",
        "group.instance.id": "partitions are assigned and no group is joined",
        "partition.assignment.strategy": "partitions are assigned and no group is joined",
    ]

    private static let refusedValues: [String: (values: [String], reason: String)] = [
        "isolation.level":
            (["read_uncommitted"], "messages of aborted transactions would be loaded"),
        "allow.auto.create.topics":
            (["true", "t", "1", "on"], "a mistyped topic must be an error, not a new and empty topic"),
        "check.crcs":
            (
                ["false", "f", "0", "off"],
                "a message damaged on its way would be archived as if it were whole"
            ),
        "enable.ssl.certificate.verification":
            (
                ["false", "f", "0", "off"],
                "anybody could pose as the broker; name the authority in 'ssl.ca.location'"
            ),
    ]

    /// They concern members of a consumer group only.
    private static let membership: Set<String> = [
        "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "group.protocol",
        "group.protocol.type", "group.remote.assignor", "auto.commit.interval.ms",
    ]

    /// What people set, to suggest a name by. librdkafka itself says which names exist.
    private static let commonNames = [
        "bootstrap.servers", "broker.address.family", "client.id", "client.rack", "connections.max.idle.ms",
        "debug", "fetch.error.backoff.ms", "fetch.max.bytes", "fetch.message.max.bytes", "fetch.min.bytes",
        "fetch.wait.max.ms", "group.id", "isolation.level", "log_level", "max.partition.fetch.bytes",
        "message.max.bytes", "metadata.max.age.ms", "queued.max.messages.kbytes", "queued.min.messages",
        "receive.message.max.bytes", "reconnect.backoff.max.ms", "reconnect.backoff.ms", "retry.backoff.ms",
        "sasl.kerberos.keytab", "sasl.kerberos.principal", "sasl.kerberos.service.name", "sasl.mechanism",
        "sasl.mechanisms", "sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config", "sasl.oauthbearer.method", "sasl.oauthbearer.scope",
        "sasl.oauthbearer.token.endpoint.url", "sasl.password", "sasl.username", "security.protocol",
        "socket.connection.setup.timeout.ms", "socket.keepalive.enable", "socket.max.fails",
        "socket.receive.buffer.bytes", "socket.timeout.ms", "ssl.ca.location", "ssl.ca.pem",
        "ssl.certificate.location", "ssl.certificate.pem", "ssl.cipher.suites", "ssl.crl.location",
        "ssl.endpoint.identification.algorithm", "ssl.key.location", "ssl.key.password", "ssl.key.pem",
        "ssl.keystore.location", "ssl.keystore.password", "statistics.interval.ms",
    ]
}

extension Wording {
    /// A complaint from elsewhere, to go on after: without the full stop, small at the start.
    static func sentence(_ text: String) -> String {
        var text = text
        while text.last == "." || text.last == "\n" { text.removeLast() }
        return String(
            text.unicodeScalars.filter { $0.properties.generalCategory != .control }.map(Character.init))
    }
}
