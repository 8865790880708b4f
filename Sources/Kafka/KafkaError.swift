import CRdKafka

/// What librdkafka or the broker said went wrong, in two answers: is the client dead, and may one try again.
package struct KafkaError: Error, Equatable, Sendable {
    package let code: Code
    /// In librdkafka's words; never a payload or a property's value.
    package let reason: String
    /// The client can't be used any more.
    package let isFatal: Bool
    /// Where it happened, as far as it's known.
    package var topic: String?
    package var partition: Int32?

    package init(
        _ code: Code, _ reason: String? = nil, isFatal: Bool = false, topic: String? = nil,
        partition: Int32? = nil
    ) {
        self.code = code
        self.reason = reason ?? code.text
        self.isFatal = isFatal || code == .fatal
        self.topic = topic
        self.partition = partition
    }

    /// Whether the same call may succeed a little later.
    package var isRetryable: Bool { !isFatal && Self.transient.contains(code) }

    /// A code of the Kafka protocol (zero or more) or of librdkafka itself (negative).
    package struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        init(_ code: rd_kafka_resp_err_t) { rawValue = code.rawValue }

        var native: rd_kafka_resp_err_t { rd_kafka_resp_err_t(rawValue: rawValue) }
        /// The name in the protocol's tables, such as `TOPIC_AUTHORIZATION_FAILED`.
        package var name: String { String(cString: rd_kafka_err2name(native)) }
        /// The sentence in the protocol's tables.
        package var text: String { String(cString: rd_kafka_err2str(native)) }
        package var description: String { name }
    }

    private static let transient: Set<Code> = [
        .transport, .timedOut, .allBrokersDown, .resolve, .leaderNotAvailable, .notLeader, .requestTimedOut,
        .brokerNotAvailable, .replicaNotAvailable, .networkException, .coordinatorLoading,
        .coordinatorNotAvailable, .notCoordinator, .fencedLeaderEpoch, .unknownLeaderEpoch,
        .offsetNotAvailable,
        .kafkaStorage, .unknownTopic, .unknownPartition, .waitCoordinator, .timedOutInQueue, .queueFull,
        .unstableOffsetCommit, .throttlingQuotaExceeded, .notEnoughReplicas, .unknownServerError,
    ]
}

extension KafkaError.Code {
    package static let none = Self(RD_KAFKA_RESP_ERR_NO_ERROR)
    package static let transport = Self(RD_KAFKA_RESP_ERR__TRANSPORT)
    package static let timedOut = Self(RD_KAFKA_RESP_ERR__TIMED_OUT)
    package static let timedOutInQueue = Self(RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE)
    package static let allBrokersDown = Self(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    package static let resolve = Self(RD_KAFKA_RESP_ERR__RESOLVE)
    package static let waitCoordinator = Self(RD_KAFKA_RESP_ERR__WAIT_COORD)
    package static let queueFull = Self(RD_KAFKA_RESP_ERR__QUEUE_FULL)
    package static let authentication = Self(RD_KAFKA_RESP_ERR__AUTHENTICATION)
    package static let ssl = Self(RD_KAFKA_RESP_ERR__SSL)
    package static let fatal = Self(RD_KAFKA_RESP_ERR__FATAL)
    package static let badMessage = Self(RD_KAFKA_RESP_ERR__BAD_MSG)
    package static let badCompression = Self(RD_KAFKA_RESP_ERR__BAD_COMPRESSION)
    package static let noOffset = Self(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    package static let localUnknownTopic = Self(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    package static let unknownPartition = Self(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    package static let invalidArgument = Self(RD_KAFKA_RESP_ERR__INVALID_ARG)
    package static let saslAuthenticationFailed = Self(RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)
    package static let offsetOutOfRange = Self(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
    package static let corruptMessage = Self(RD_KAFKA_RESP_ERR_INVALID_MSG)
    package static let unknownTopic = Self(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    package static let unknownServerError = Self(RD_KAFKA_RESP_ERR_UNKNOWN)
    package static let invalidTopic = Self(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
    package static let leaderNotAvailable = Self(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
    package static let notLeader = Self(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION)
    package static let requestTimedOut = Self(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT)
    package static let brokerNotAvailable = Self(RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE)
    package static let replicaNotAvailable = Self(RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE)
    package static let networkException = Self(RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION)
    package static let coordinatorLoading = Self(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS)
    package static let coordinatorNotAvailable = Self(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE)
    package static let notCoordinator = Self(RD_KAFKA_RESP_ERR_NOT_COORDINATOR)
    package static let notEnoughReplicas = Self(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS)
    package static let fencedLeaderEpoch = Self(RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH)
    package static let unknownLeaderEpoch = Self(RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH)
    package static let offsetNotAvailable = Self(RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE)
    package static let kafkaStorage = Self(RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR)
    package static let unstableOffsetCommit = Self(RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT)
    package static let throttlingQuotaExceeded = Self(RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED)
    package static let topicAuthorization = Self(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    package static let groupAuthorization = Self(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
    package static let clusterAuthorization = Self(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
}

extension KafkaError: CustomStringConvertible {
    package var description: String {
        let place =
            switch (topic, partition) {
            case (let topic?, let partition?): "\(topic)/\(partition): "
            case (let topic?, nil): "\(topic): "
            default: ""
            }
        return "\(place)\(reason) (\(code.name))"
    }
}

extension KafkaError {
    /// Throws what a C call returned, unless it's success.
    static func check(_ code: rd_kafka_resp_err_t, topic: String? = nil, partition: Int32? = nil)
        throws(KafkaError)
    {
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        throw KafkaError(Code(code), topic: topic, partition: partition)
    }

    /// Takes over an error object; nil if there's none.
    init?(consuming error: OpaquePointer?) {
        guard let error else { return nil }
        defer { rd_kafka_error_destroy(error) }
        self.init(
            Code(rd_kafka_error_code(error)), String(cString: rd_kafka_error_string(error)),
            isFatal: rd_kafka_error_is_fatal(error) != 0)
    }
}
