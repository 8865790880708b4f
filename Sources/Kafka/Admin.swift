import CRdKafka

/// Makes, changes and removes topics; for tests against a broker that can.
package final class Admin {
    private let client: Client

    package init(_ settings: ClientSettings, log: LogSink? = nil) throws(KafkaError) {
        client = try Client(.producer, settings, log: log)
    }

    package func createTopic(
        _ name: String, partitions: Int32, configuration: [String: String] = [:], timeout: Duration
    ) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 256)
        var topic = rd_kafka_NewTopic_new(name, partitions, 1, &text, text.count)
        guard topic != nil else { throw KafkaError(.invalidArgument, topic: name) }
        defer { rd_kafka_NewTopic_destroy(topic) }
        for (key, value) in configuration { rd_kafka_NewTopic_set_config(topic, key, value) }
        try ask(timeout) {
            rd_kafka_CreateTopics(client.handle, &topic, 1, nil, $0)
        } answer: { event in
            var count = 0
            let results = rd_kafka_CreateTopics_result_topics(
                rd_kafka_event_CreateTopics_result(event), &count)
            return count > 0 ? rd_kafka_topic_result_error(results?[0]) : RD_KAFKA_RESP_ERR_UNKNOWN
        }
    }

    package func deleteTopic(_ name: String, timeout: Duration) throws(KafkaError) {
        var topic = rd_kafka_DeleteTopic_new(name)
        defer { rd_kafka_DeleteTopic_destroy(topic) }
        try ask(timeout) {
            rd_kafka_DeleteTopics(client.handle, &topic, 1, nil, $0)
        } answer: { event in
            var count = 0
            let results = rd_kafka_DeleteTopics_result_topics(
                rd_kafka_event_DeleteTopics_result(event), &count)
            return count > 0 ? rd_kafka_topic_result_error(results?[0]) : RD_KAFKA_RESP_ERR_UNKNOWN
        }
    }

    /// Adds partitions until there are `total`.
    package func createPartitions(of name: String, total: Int, timeout: Duration) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 256)
        var partitions = rd_kafka_NewPartitions_new(name, total, &text, text.count)
        guard partitions != nil else { throw KafkaError(.invalidArgument, topic: name) }
        defer { rd_kafka_NewPartitions_destroy(partitions) }
        try ask(timeout) {
            rd_kafka_CreatePartitions(client.handle, &partitions, 1, nil, $0)
        } answer: { event in
            var count = 0
            let result = rd_kafka_event_CreatePartitions_result(event)
            let results = rd_kafka_CreatePartitions_result_topics(result, &count)
            return count > 0 ? rd_kafka_topic_result_error(results?[0]) : RD_KAFKA_RESP_ERR_UNKNOWN
        }
    }

    /// Makes the broker forget what's before `partition.offset`.
    package func deleteRecords(before partition: PartitionOffset, timeout: Duration) throws(KafkaError) {
        let list = PartitionList([partition])
        var records = rd_kafka_DeleteRecords_new(list.pointer)
        defer { rd_kafka_DeleteRecords_destroy(records) }
        try ask(timeout) {
            rd_kafka_DeleteRecords(client.handle, &records, 1, nil, $0)
        } answer: { event in
            let result = rd_kafka_event_DeleteRecords_result(event)
            guard let offsets = rd_kafka_DeleteRecords_result_offsets(result), offsets.pointee.cnt > 0 else {
                return RD_KAFKA_RESP_ERR_UNKNOWN
            }
            return offsets.pointee.elems[0].err
        }
    }

    private func ask(
        _ timeout: Duration, _ request: (OpaquePointer) -> Void,
        answer: (OpaquePointer) -> rd_kafka_resp_err_t
    ) throws(KafkaError) {
        guard let queue = rd_kafka_queue_new(client.handle) else { throw KafkaError(.timedOut) }
        defer { rd_kafka_queue_destroy(queue) }
        request(queue)
        guard let event = rd_kafka_queue_poll(queue, timeout.pollMilliseconds) else {
            throw KafkaError(.timedOut)
        }
        defer { rd_kafka_event_destroy(event) }
        if rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR {
            throw KafkaError(
                KafkaError.Code(rd_kafka_event_error(event)),
                String(cString: rd_kafka_event_error_string(event)))
        }
        try KafkaError.check(answer(event))
    }
}
