import CRdKafka

/// librdkafka's own small broker inside this process, listening on loopback for other processes too.
///
/// Its limits (2.0.2): it keeps 5 MiB of batches and 100,000 batches for each partition and drops the
/// oldest; any topic asked for by name comes into being with 4 partitions; there are no transactions
/// and no offsets for times; everything is gone when it ends.
package final class MockCluster {
    private let client: Client
    private let cluster: OpaquePointer

    /// How many bytes of batches and how many batches a partition keeps.
    package static let partitionBytesMax = 5 << 20
    package static let partitionBatchesMax = 100_000
    /// A cluster whose identifier begins like this creates every topic that's asked for by name.
    package static let clusterIDPrefix = "mockCluster"

    package init(brokers: Int32 = 1, log: LogSink? = nil) throws(KafkaError) {
        client = try Client(.producer, ClientSettings(properties: ["client.id": "mock"]), log: log)
        guard let cluster = rd_kafka_mock_cluster_new(client.handle, brokers) else {
            throw KafkaError(.transport, "the broker could not listen on a loopback port")
        }
        self.cluster = cluster
    }

    deinit { rd_kafka_mock_cluster_destroy(cluster) }

    /// `host:port` of each broker, with commas between.
    package var bootstrapServers: String { String(cString: rd_kafka_mock_cluster_bootstraps(cluster)) }

    package func createTopic(_ name: String, partitions: Int32) throws(KafkaError) {
        try KafkaError.check(rd_kafka_mock_topic_create(cluster, name, partitions, 1), topic: name)
    }

    /// From now on metadata answers for the topic carry this error; `.none` ends that.
    package func setError(_ code: KafkaError.Code, ofTopic name: String) {
        rd_kafka_mock_topic_set_error(cluster, name, code.native)
    }

    /// The next requests of this kind fail like this, one after the other.
    package func push(_ errors: [KafkaError.Code], on request: Request) {
        let codes = errors.map(\.native)
        rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, codes.count, codes)
    }

    package enum Request: Int16, Sendable {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case metadata = 3
        case offsetCommit = 8
        case findCoordinator = 10
    }

    /// Drops all connections of a broker and accepts none, or accepts them again.
    package func setBroker(_ id: Int32, down: Bool) throws(KafkaError) {
        let set = down ? rd_kafka_mock_broker_set_down : rd_kafka_mock_broker_set_up
        try KafkaError.check(set(cluster, id))
    }

    package func setRoundTrip(ofBroker id: Int32, milliseconds: Int32) throws(KafkaError) {
        try KafkaError.check(rd_kafka_mock_broker_set_rtt(cluster, id, milliseconds))
    }

    /// -1 leaves the partition without a leader.
    package func setLeader(of topic: String, partition: Int32, broker: Int32) throws(KafkaError) {
        try KafkaError.check(
            rd_kafka_mock_partition_set_leader(cluster, topic, partition, broker), topic: topic)
    }
}
