import CRdKafka

/// What the cluster says of one topic.
package struct TopicMetadata: Sendable, Equatable {
    package let name: String
    /// Set where the cluster has no answer for this topic: it's missing, or not for us to see.
    package let error: KafkaError?
    /// Sorted by number.
    package let partitions: [Partition]

    package struct Partition: Sendable, Equatable {
        package let id: Int32
        /// -1: no leader at the moment.
        package let leader: Int32
        package let error: KafkaError?
    }
}

extension Client {
    /// Asks the cluster for one topic, or for all it shows us.
    ///
    /// Asking for one doesn't create it (`allow.auto.create.topics` is false), except on librdkafka's mock
    /// cluster, whose Metadata request is too old to say so; see `isMock`.
    func metadata(of topic: String?, timeout: Duration) throws(KafkaError) -> [TopicMetadata] {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let only: OpaquePointer? = if let topic { try self.topic(topic) } else { nil }
        let result = rd_kafka_metadata(
            handle, topic == nil ? 1 : 0, only, &metadata, timeout.pollMilliseconds)
        try KafkaError.check(result, topic: topic)
        guard let metadata else { throw KafkaError(.timedOut, topic: topic) }
        defer { rd_kafka_metadata_destroy(metadata) }
        let topics = UnsafeBufferPointer(
            start: metadata.pointee.topics, count: Int(metadata.pointee.topic_cnt))
        return topics.map { topic in
            let name = String(cString: topic.topic)
            let partitions = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
            return TopicMetadata(
                name: name,
                error: Self.error(topic.err, name, nil),
                partitions: partitions.map {
                    TopicMetadata.Partition(
                        id: $0.id, leader: $0.leader, error: Self.error($0.err, name, $0.id))
                }
                .sorted { $0.id < $1.id })
        }
    }

    private static func error(_ code: rd_kafka_resp_err_t, _ topic: String, _ partition: Int32?)
        -> KafkaError?
    {
        code == RD_KAFKA_RESP_ERR_NO_ERROR
            ? nil : KafkaError(KafkaError.Code(code), topic: topic, partition: partition)
    }

    /// The cluster's identifier; nil if it hasn't told within `timeout`.
    func clusterID(timeout: Duration) -> String? {
        guard let text = rd_kafka_clusterid(handle, timeout.pollMilliseconds) else { return nil }
        defer { rd_kafka_mem_free(handle, text) }
        return String(cString: text)
    }
}
