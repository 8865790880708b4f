import CRdKafka

/// librdkafka's properties: the user's, with our defaults under them and our promises over them.
package struct ClientSettings: Sendable {
    /// What the reader's promises rest on. They win over whatever the user sets.
    package static let promised: [String: String] = [
        // Our own ledger decides where to read; the broker's notes are for lag tools.
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        // An offset that's gone is an error, never a jump.
        "auto.offset.reset": "error",
        // The end of a partition is an event, also behind holes.
        "enable.partition.eof": "true",
        "allow.auto.create.topics": "false",
        // Without it a bit flipped on the wire passes unseen.
        "check.crcs": "true",
    ]

    /// Sensible values that the user may change.
    package static let readingDefaults: [String: String] = [
        "client.id": "elt",
        "isolation.level": "read_committed",
        // Some brokers answer a fetch with the whole rest of a partition; with less than that
        // librdkafka drops the connection and tries again for ever.
        "receive.message.max.bytes": "1000000000",
        // Bounds the memory: what's fetched and not yet read, of all partitions together.
        "queued.max.messages.kbytes": "65536",
        "queued.min.messages": "100000",
        "fetch.message.max.bytes": "4194304",
        // How long the broker holds back an answer when it has nothing: how late an end is known.
        "fetch.wait.max.ms": "10",
        "fetch.error.backoff.ms": "100",
        "socket.nagle.disable": "true",
        "reconnect.backoff.ms": "50",
        "reconnect.backoff.max.ms": "2000",
        "topic.metadata.refresh.fast.interval.ms": "50",
    ]

    package var properties: [String: String]

    /// For reading: the user's properties over the defaults and under the promises.
    package static func reading(_ properties: [String: String], groupID: String) -> ClientSettings {
        var all = readingDefaults
        if knowsFetchBackoff { all["fetch.queue.backoff.ms"] = "\(FetchWaking.interval.pollMilliseconds)" }
        for (name, value) in properties {
            // librdkafka knows some properties by two names; a default must not shadow the user's.
            if let twin = aliases[name] { all[twin] = nil }
            all[name] = value
        }
        if all["group.id"] == nil { all["group.id"] = groupID }
        for (name, value) in promised { all[name] = value }
        return ClientSettings(properties: all)
    }

    /// For writing and administration: what concerns reading alone is left out.
    package static func writing(_ properties: [String: String]) -> ClientSettings {
        var all = ["client.id": "elt", "socket.nagle.disable": "true"]
        all.merge(properties) { _, new in new }
        return ClientSettings(properties: all)
    }

    package init(properties: [String: String]) { self.properties = properties }

    private static let aliases: [String: String] = [
        "max.partition.fetch.bytes": "fetch.message.max.bytes",
        "metadata.broker.list": "bootstrap.servers",
        "bootstrap.servers": "metadata.broker.list",
    ]

    /// Whether a property's value must not be seen by anybody.
    package static func isSecret(_ property: String) -> Bool {
        ["password", "secret", "ssl.key.pem", "sasl.oauthbearer.config", "token", "jaas"].contains {
            property.contains($0)
        }
    }

    /// Whether tokens are fetched by librdkafka itself, which must then go on while nobody polls.
    var usesTokens: Bool {
        (properties["sasl.mechanisms"] ?? properties["sasl.mechanism"] ?? "").uppercased() == "OAUTHBEARER"
    }

    var secrets: [String] { properties.filter { Self.isSecret($0.key) }.map(\.value) }

    /// Builds librdkafka's configuration object, which the caller owns.
    func makeConfiguration() throws(KafkaError) -> OpaquePointer {
        guard let configuration = rd_kafka_conf_new() else {
            throw KafkaError(.invalidArgument, "out of memory")
        }
        // Sorted: `debug` and presets behave alike on every run.
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            var text = [CChar](repeating: 0, count: 512)
            let result = rd_kafka_conf_set(configuration, name, value, &text, text.count)
            if result != RD_KAFKA_CONF_OK {
                rd_kafka_conf_destroy(configuration)
                let reason =
                    if result == RD_KAFKA_CONF_UNKNOWN {
                        "librdkafka \(Self.libraryVersion) has no property '\(name)'"
                    } else if Self.isSecret(name) {
                        "librdkafka refuses the value of '\(name)'"
                    } else {
                        String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                    }
                throw KafkaError(.invalidArgument, reason)
            }
        }
        return configuration
    }

    /// Whether librdkafka can be told how soon it looks at a full queue again.
    static let knowsFetchBackoff = rd_kafka_version() >= 0x0202_0000

    package static var libraryVersion: String { String(cString: rd_kafka_version_str()) }
}

extension ClientSettings {
    /// librdkafka's complaint about one property's name or value; nil if it takes it.
    package static func complaint(_ name: String, _ value: String) -> String? {
        guard let configuration = rd_kafka_conf_new() else { return nil }
        defer { rd_kafka_conf_destroy(configuration) }
        var text = [CChar](repeating: 0, count: 512)
        switch rd_kafka_conf_set(configuration, name, value, &text, text.count) {
        case RD_KAFKA_CONF_OK: return nil
        case RD_KAFKA_CONF_UNKNOWN: return "librdkafka \(libraryVersion) has no property '\(name)'"
        default:
            return isSecret(name)
                ? "librdkafka refuses the value of '\(name)'"
                : String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }
}
