import ELTCore
import Kafka

/// Which partitions topics have, without ever bringing a topic into being.
extension KafkaChangeSource {
    /// Between two questions for topics that aren't ready.
    private static let pause = Duration.milliseconds(100)

    /// All partitions of all the topics, by topic in the given order and by number.
    /// Waits for any answer of the broker, for commands at which somebody waits: whether there's a broker
    /// shows much sooner than how long a busy one may take. Whether the topic is there doesn't matter.
    package func reach(for topic: String, deadline: ContinuousClock.Instant) throws {
        _ = try retrying("connecting", until: deadline) { consumer, slice in
            do {
                return try consumer.metadata(of: topic, timeout: slice)
            } catch let error as KafkaError where [.unknownTopic, .topicAuthorization].contains(error.code) {
                return []
            }
        }
    }

    func partitions(of topics: [String], deadline: ContinuousClock.Instant) throws -> [TopicPartition] {
        let names = topics.sorted().joined(separator: ", ")
        let doing = "asking for the topics \(names)"
        var missingSince: ContinuousClock.Instant?
        var unusableSince: ContinuousClock.Instant?
        while true {
            // One question for all topics creates none on any broker, and costs one answer.
            let found = try retrying(doing, until: deadline) { consumer, slice in
                try consumer.metadata(of: nil, timeout: slice)
            }
            var known = Dictionary(found.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            for topic in topics where known[topic] == nil {
                known[topic] = try confirmed(topic, deadline)
            }
            let mayWait = deadline - .now > Self.pause * 2
            switch verdict(topics, known) {
            case .usable(let partitions):
                return partitions
            case .missing(let topic):
                let since = missingSince ?? .now
                missingSince = since
                guard since + Self.missingGrace > .now, mayWait else {
                    throw KafkaSourceError.topicMissing(topic: topic, brokers: brokers)
                }
            case .forbidden(let topic):
                throw KafkaSourceError.topicNotAuthorised(topic: topic, brokers: brokers)
            case .unusable(let topic, let error):
                if unusableSince == nil {
                    unusableSince = .now
                    progress.note("Waiting for the topic '\(topic)': \(error)")
                }
                guard error.isRetryable, mayWait else {
                    throw KafkaSourceError.topicUnusable(
                        topic: topic, brokers: brokers, reason: error.description)
                }
            }
            try Interruption.check()
            try client().serve()
            sleepThread(for: Self.pause)
        }
    }

    private enum Verdict {
        case usable([TopicPartition])
        case missing(String)
        case forbidden(String)
        case unusable(String, KafkaError)
    }

    private func verdict(_ topics: [String], _ known: [String: TopicMetadata]) -> Verdict {
        var partitions: [TopicPartition] = []
        for topic in topics {
            guard let metadata = known[topic] else { return .missing(topic) }
            if let error = metadata.error {
                switch error.code {
                case .unknownTopic, .localUnknownTopic: return .missing(topic)
                case .topicAuthorization: return .forbidden(topic)
                default: return .unusable(topic, error)
                }
            }
            if metadata.partitions.isEmpty { return .missing(topic) }
            // Offsets are asked of leaders, and replicas that lag don't matter.
            if let headless = metadata.partitions.first(where: { $0.leader < 0 }) {
                let error = KafkaError(.leaderNotAvailable, topic: topic, partition: headless.id)
                return .unusable(topic, headless.error ?? error)
            }
            partitions += metadata.partitions.map { TopicPartition(topic, $0.id) }
        }
        return .usable(partitions)
    }

    /// Asks for a topic by its name, to tell "not there" from "not for you"; nil where it can't be asked.
    private func confirmed(_ topic: String, _ deadline: ContinuousClock.Instant) throws -> TopicMetadata? {
        try retrying("asking for the topic \(topic)", until: deadline) { consumer, slice in
            // librdkafka's mock cluster would create it.
            let cluster = consumer.clusterID(timeout: .zero) ?? ""
            guard !cluster.isEmpty, !cluster.hasPrefix(MockCluster.clusterIDPrefix) else { return nil }
            return try consumer.metadata(of: topic, timeout: slice).first { $0.name == topic }
        }
    }
}
