import ELTCore

/// Why changes could not be read.
package enum KafkaSourceError: ELTError, Equatable {
    /// A property under `kafka:` that librdkafka doesn't know or doesn't take.
    case configuration(reason: String)
    /// No answer until the deadline.
    case unreachable(brokers: String, doing: String, seconds: Int64, last: String?)
    /// The cluster doesn't accept us: password, certificate.
    case refused(brokers: String, reason: String)
    case topicMissing(topic: String, brokers: String)
    case topicNotAuthorised(topic: String, brokers: String)
    /// A partition's answer stayed an error, such as having no leader.
    case topicUnusable(topic: String, brokers: String, reason: String)
    /// The broker doesn't have the offset any more, or not yet again.
    case offsetOutOfRange(partition: TopicPartition, offset: Int64, low: Int64?, end: Int64?)
    /// Bytes that don't match their checksum, also when read again.
    case corrupt(partition: String, position: Int64?, reason: String)
    /// The broker is there but nothing arrives.
    case stalled(waiting: [String], seconds: Int64, last: String?)
    /// The run's deadline came while reading.
    case deadline(waiting: [String])
    case failed(doing: String, reason: String)

    package var code: String {
        switch self {
        case .configuration: "kafka.configuration"
        case .unreachable: "kafka.unreachable"
        case .refused: "kafka.refused"
        case .topicMissing: "kafka.topic-missing"
        case .topicNotAuthorised: "kafka.topic-not-authorised"
        case .topicUnusable: "kafka.topic-unusable"
        case .offsetOutOfRange: "kafka.offset-out-of-range"
        case .corrupt: "kafka.corrupt"
        case .stalled: "kafka.stalled"
        case .deadline: "kafka.deadline"
        case .failed: "kafka.failed"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .configuration: .configuration
        case .offsetOutOfRange: .gap
        case .unreachable, .refused, .topicMissing, .topicNotAuthorised, .topicUnusable, .corrupt, .stalled,
            .deadline, .failed:
            .unavailable
        }
    }

    package var isRetryable: Bool {
        switch self {
        case .configuration, .refused, .topicMissing, .topicNotAuthorised, .offsetOutOfRange: false
        case .unreachable, .topicUnusable, .corrupt, .stalled, .deadline, .failed: true
        }
    }

    package var problem: String {
        switch self {
        case .configuration(let reason):
            "The Kafka client can't be set up: \(reason)."
        case .unreachable(let brokers, let doing, let seconds, let last):
            "The broker at \(brokers) gave no answer in \(seconds) s while \(doing)\(Self.because(last))."
        case .refused(let brokers, let reason):
            "The broker at \(brokers) refuses the connection: \(reason)."
        case .topicMissing(let topic, let brokers):
            "The topic '\(topic)' isn't there on the broker at \(brokers)."
        case .topicNotAuthorised(let topic, let brokers):
            "The broker at \(brokers) doesn't let this user read the topic '\(topic)'."
        case .topicUnusable(let topic, let brokers, let reason):
            "The topic '\(topic)' can't be read on the broker at \(brokers): \(reason)."
        case .offsetOutOfRange(let partition, let offset, let low, let end):
            "The broker doesn't have offset \(offset) of \(partition)\(Self.held(low, end))."
        case .corrupt(let partition, let position, let reason):
            "Damaged data came from the broker for \(partition)\(Self.at(position)): \(reason)."
        case .stalled(let waiting, let seconds, let last):
            "Nothing has arrived from the broker for \(seconds) s; missing: \(Self.list(waiting))"
                + "\(Self.because(last))."
        case .deadline(let waiting):
            "The time for this run is over, and this isn't read yet: \(Self.list(waiting))."
        case .failed(let doing, let reason):
            "The broker reports an error while \(doing): \(reason)."
        }
    }

    package var remedy: String {
        switch self {
        case .configuration:
            "Correct the property under 'kafka:' in elt.yml; librdkafka's CONFIGURATION.md lists all."
        case .unreachable:
            "Check that the broker runs and 'bootstrap.servers' is right ('elt doctor' tries it), then run"
                + " again: nothing is lost while the topics keep their messages."
        case .refused:
            "Check user, password and certificates under 'kafka:' in elt.yml, then run again."
        case .topicMissing:
            "Check the topic's name in elt.yml, or have it created; elt never creates topics. A topic that"
                + " this user may not see (ACL Describe) looks the same."
        case .topicNotAuthorised:
            "Have the ACLs Read and Describe granted on the topic, then run again."
        case .topicUnusable:
            "Look at the topic's leaders and replicas, then run again."
        case .offsetOutOfRange:
            "Messages were deleted before they were archived, or the topic was made anew. 'elt lag' shows"
                + " where; run 'elt full-load', or 'elt run --accept-gap' to go on without them."
        case .corrupt:
            "Run again. If it stays at the same offset, the broker's copy is damaged: look at its disks and"
                + " replicas."
        case .stalled:
            "Run again: it goes on where this one stopped. If it stays, look at the leaders of these"
                + " partitions; with very large messages raise 'receive.message.max.bytes' under 'kafka:' in elt.yml."
        case .deadline:
            "Run again: it goes on where this one stopped. Or raise 'limits: deadline' in elt.yml."
        case .failed:
            "Look at the broker's log, then run again: nothing was skipped."
        }
    }

    private static func because(_ last: String?) -> String { last.map { "; last: \($0)" } ?? "" }
    private static func at(_ position: Int64?) -> String { position.map { " at offset \($0)" } ?? "" }

    private static func held(_ low: Int64?, _ end: Int64?) -> String {
        guard let low, let end else { return "" }
        return low == end ? "; it holds none, and the next will be \(end)" : "; it holds \(low) to \(end - 1)"
    }

    private static func list(_ names: [String]) -> String {
        names.count <= 4
            ? names.joined(separator: ", ")
            : names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more"
    }
}
