import CRdKafka

/// One message, borrowed: the bytes are valid during the call that brings it.
package struct Record {
    package let offset: Int64
    /// Milliseconds since 1970; -1 where the message has none.
    package let timestamp: Int64
    package let timestampKind: TimestampKind
    /// nil is null; an empty key isn't.
    package let key: UnsafeRawBufferPointer?
    package let value: UnsafeRawBufferPointer?
    package let headers: [RecordHeader]

    package enum TimestampKind: Sendable { case none, create, append }
}

package struct RecordHeader: Hashable, Sendable {
    package let name: String
    package let value: [UInt8]?
    package init(name: String, value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}

/// Reads assigned partitions from given offsets, synchronously on the caller's thread.
///
/// It joins no group, so no other process can take its partitions and closing it tells nobody.
/// Not Sendable: its owner's thread is the only one that touches it.
package final class Consumer {
    let client: Client
    private let queue: OpaquePointer
    private let batch: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private static let batchMessagesMax = 2048
    private var assigned: [PartitionOffset] = []
    private var slots: [Slot: Int] = [:]
    private var lastSlot: (key: Slot, index: Int)?
    private var waking: FetchWaking?

    /// librdkafka's own address of a topic is as good as its name and costs no text.
    private struct Slot: Hashable {
        let topic: OpaquePointer
        let partition: Int32
    }

    package init(_ settings: ClientSettings, log: LogSink? = nil) throws(KafkaError) {
        client = try Client(.consumer, settings, log: log)
        // Errors and other events come through the same queue as messages.
        try KafkaError.check(rd_kafka_poll_set_consumer(client.handle))
        guard let queue = rd_kafka_queue_get_consumer(client.handle) else {
            throw KafkaError(.invalidArgument, "the consumer has no queue")
        }
        self.queue = queue
        waking = FetchWaking(client.handle, settings)
        batch = .allocate(capacity: Self.batchMessagesMax)
        batch.initialize(repeating: nil, count: Self.batchMessagesMax)
    }

    deinit {
        rd_kafka_queue_destroy(queue)
        batch.deallocate()
    }

    // MARK: Asking

    /// All topics that the cluster shows us, or the one that's asked for.
    package func metadata(of topic: String?, timeout: Duration) throws(KafkaError) -> [TopicMetadata] {
        try client.metadata(of: topic, timeout: timeout)
    }

    /// The cluster's identifier; nil if it hasn't told within `timeout`.
    package func clusterID(timeout: Duration) -> String? { client.clusterID(timeout: timeout) }

    /// The first offsets that are not older than the given times (milliseconds, in `offset`), with one
    /// request to each leader. `oldest` and `end` stand for the two ends; -1 comes back for a time after
    /// the last record. Under `read_committed` the end is the last stable offset.
    package func offsets(atTimes times: [PartitionOffset], timeout: Duration) throws(KafkaError)
        -> [PartitionOffset]
    {
        guard !times.isEmpty else { return [] }
        let list = PartitionList(times)
        try KafkaError.check(
            rd_kafka_offsets_for_times(client.handle, list.pointer, timeout.pollMilliseconds))
        return try list.offsets()
    }

    package static let oldest: Int64 = -2
    package static let end: Int64 = -1

    /// What last went wrong between us and the cluster, for the text of an error.
    package var lastTrouble: KafkaError? { client.events.lastTrouble }
    /// Whether the cluster refuses us for who we are, which waiting won't change.
    package var isRefused: Bool { client.events.refusals >= 2 }
    package func forgetTrouble() { client.events.forgetTrouble() }

    // MARK: Reading

    /// Reads these partitions from these offsets on, and no others. Records of an earlier assignment
    /// don't arrive any more.
    package func assign(_ partitions: [PartitionOffset]) throws(KafkaError) {
        if !assigned.isEmpty { try unassign() }
        let list = PartitionList(partitions)
        try KafkaError.check(rd_kafka_assign(client.handle, list.pointer))
        assigned = partitions
    }

    /// Reads further partitions besides the assigned ones; their indices follow on those.
    package func add(_ partitions: [PartitionOffset]) throws(KafkaError) {
        if partitions.isEmpty { return }
        let list = PartitionList(partitions)
        if let error = KafkaError(consuming: rd_kafka_incremental_assign(client.handle, list.pointer)) { throw error }
        assigned += partitions
    }

    /// Fetches no more of some assigned partitions, by their indices. What was fetched of them may still arrive.
    package func drop(_ indices: [Int]) throws(KafkaError) {
        if indices.isEmpty { return }
        let list = PartitionList(indices.map { assigned[$0] })
        if let error = KafkaError(consuming: rd_kafka_incremental_unassign(client.handle, list.pointer)) { throw error }
    }

    package func unassign() throws(KafkaError) {
        assigned = []
        slots = [:]
        lastSlot = nil
        try KafkaError.check(rd_kafka_assign(client.handle, nil))
        // What was fetched ahead is of no use, and must not be taken for the next assignment's.
        while true {
            let count = rd_kafka_consume_batch_queue(queue, 0, batch, Self.batchMessagesMax)
            guard count > 0 else { return }
            for index in 0..<count { rd_kafka_message_destroy(batch[index]) }
        }
    }

    /// Gives the memory of messages that were read back to the system; of a million it's hundreds of megabytes.
    package static func returnMemory() {
        elt_return_memory()
    }

    /// Waits for messages, but no longer than `timeout`, and brings all that lie ready, up to a limit.
    /// `record` and `end` get the index into what was assigned. Returns how many messages there were.
    ///
    /// No pause, resume or seek anywhere: 2.0.2 loses offsets when they meet batches.
    @discardableResult
    package func poll(
        timeout: Duration,
        record: (_ index: Int, _ record: Record) throws -> Void,
        end: (_ index: Int, _ offset: Int64) throws -> Void,
        trouble: (_ error: KafkaError) throws -> Void
    ) throws -> Int {
        // A batch call waits until it's full. So wait for one, then take the rest without waiting.
        var count = wait(for: timeout)
        guard count > 0 else { return 0 }
        count += max(0, rd_kafka_consume_batch_queue(queue, 0, batch + 1, Self.batchMessagesMax - 1))
        waking?.wake()
        var next = 0
        // Also what comes after a throw is freed.
        defer {
            while next < count {
                rd_kafka_message_destroy(batch[next])
                next += 1
            }
        }
        while next < count {
            guard let message = batch[next] else {
                next += 1
                continue
            }
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                if let index = index(of: message) { try record(index, Self.view(message)) }
            case RD_KAFKA_RESP_ERR__PARTITION_EOF:
                if let index = index(of: message) { try end(index, message.pointee.offset) }
            default:
                try trouble(Self.error(message))
            }
            rd_kafka_message_destroy(message)
            next += 1
        }
        return count
    }

    /// Waits for one message. Where none comes at first, the client's threads are woken, and it waits on.
    private func wait(for timeout: Duration) -> Int {
        guard waking != nil, timeout > FetchWaking.interval else {
            return rd_kafka_consume_batch_queue(queue, timeout.pollMilliseconds, batch, 1)
        }
        let count = rd_kafka_consume_batch_queue(queue, FetchWaking.interval.pollMilliseconds, batch, 1)
        if count > 0 { return count }
        waking?.wake()
        return rd_kafka_consume_batch_queue(queue, (timeout - FetchWaking.interval).pollMilliseconds, batch, 1)
    }

    /// Gives callbacks a chance to run where nothing is assigned.
    package func serve() {
        // With an assignment it would take messages that nobody gets.
        guard assigned.isEmpty else { return }
        let count = rd_kafka_consume_batch_queue(queue, 0, batch, Self.batchMessagesMax)
        for index in 0..<max(0, count) {
            if let message = batch[index], message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR {
                let error = Self.error(message)
                client.events.failed(error.code, error.reason)
            }
            rd_kafka_message_destroy(batch[index])
        }
    }

    private func index(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> Int? {
        guard let topic = message.pointee.rkt else { return nil }
        let key = Slot(topic: topic, partition: message.pointee.partition)
        if let lastSlot, lastSlot.key == key { return lastSlot.index }
        guard let index = slots[key] ?? find(key) else { return nil }
        lastSlot = (key, index)
        return index
    }

    private func find(_ key: Slot) -> Int? {
        let name = String(cString: rd_kafka_topic_name(key.topic))
        let index = assigned.firstIndex { $0.topic == name && $0.partition == key.partition }
        slots[key] = index
        return index
    }

    private static func view(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Record {
        let m = message.pointee
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &kind)
        return Record(
            offset: m.offset, timestamp: timestamp,
            timestampKind: kind == RD_KAFKA_TIMESTAMP_CREATE_TIME
                ? .create : kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? .append : .none,
            key: m.key.map { UnsafeRawBufferPointer(start: $0, count: m.key_len) },
            value: m.payload.map { UnsafeRawBufferPointer(start: $0, count: m.len) },
            headers: headers(message))
    }

    private static func headers(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> [RecordHeader] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else {
            return []
        }
        var headers: [RecordHeader] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(list, headers.count, &name, &value, &size)
            == RD_KAFKA_RESP_ERR_NO_ERROR,
            let name
        {
            let bytes = value.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: size)) }
            headers.append(RecordHeader(name: String(cString: name), value: bytes))
        }
        return headers
    }

    private static func error(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> KafkaError {
        let m = message.pointee
        // For errors the payload is librdkafka's own text.
        let text = rd_kafka_message_errstr(message).map { String(cString: $0) }
        return KafkaError(
            KafkaError.Code(m.err), text,
            topic: m.rkt.map { String(cString: rd_kafka_topic_name($0)) },
            partition: m.partition >= 0 ? m.partition : nil)
    }

    // MARK: The group

    /// Writes offsets to the consumer group, waiting no longer than `timeout`.
    package func commit(_ offsets: [PartitionOffset], timeout: Duration) throws(KafkaError) {
        guard !offsets.isEmpty else { return }
        guard let reply = rd_kafka_queue_new(client.handle) else { throw KafkaError(.timedOut) }
        defer { rd_kafka_queue_destroy(reply) }
        let list = PartitionList(offsets)
        // A queue of its own for the answer: the plain synchronous call has no deadline.
        try KafkaError.check(rd_kafka_commit_queue(client.handle, list.pointer, reply, nil, nil))
        guard let event = rd_kafka_queue_poll(reply, timeout.pollMilliseconds) else {
            throw KafkaError(.timedOut)
        }
        defer { rd_kafka_event_destroy(event) }
        try KafkaError.check(rd_kafka_event_error(event))
        guard let results = rd_kafka_event_topic_partition_list(event) else { return }
        for element in UnsafeBufferPointer(start: results.pointee.elems, count: Int(results.pointee.cnt)) {
            try KafkaError.check(
                element.err, topic: String(cString: element.topic), partition: element.partition)
        }
    }

    /// What the group has; -1001 where it has nothing.
    package func committed(_ partitions: [PartitionOffset], timeout: Duration) throws(KafkaError)
        -> [PartitionOffset]
    {
        let list = PartitionList(partitions)
        try KafkaError.check(rd_kafka_committed(client.handle, list.pointer, timeout.pollMilliseconds))
        return try list.offsets()
    }
}
