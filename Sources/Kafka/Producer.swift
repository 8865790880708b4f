import CRdKafka
import Synchronization

/// Writes messages; for the sandbox and for tests. `elt` itself never writes to a topic.
package final class Producer {
    private let client: Client
    private var fields = [rd_kafka_vu_t](repeating: rd_kafka_vu_t(), count: 7)

    package init(_ settings: ClientSettings, log: LogSink? = nil) throws(KafkaError) {
        client = try Client(.producer, settings, log: log)
    }

    /// Messages that the broker acknowledged, and those that it refused or that timed out.
    package var deliveredCount: Int { client.events.delivered.load(ordering: .relaxed) }
    package var undeliveredCount: Int { client.events.undelivered.load(ordering: .relaxed) }
    package var lastTrouble: KafkaError? { client.events.lastTrouble }
    /// The latest statistics document; nil unless `statistics.interval.ms` is set.
    package var statistics: String? { client.events.statistics }

    /// Queues one message; the bytes are copied. Waits while the queue is full.
    ///
    /// - Parameters:
    ///   - partition: -1 lets librdkafka choose by key.
    ///   - key: nil is null.
    ///   - value: nil is a tombstone.
    ///   - timestamp: Milliseconds since 1970; 0 is now.
    package func send(
        topic: String, partition: Int32 = -1, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        timestamp: Int64 = 0, headers: [RecordHeader] = []
    ) throws(KafkaError) {
        let handle = try client.topic(topic)
        while true {
            let error = produce(handle, partition, key, value, timestamp, headers)
            guard let error else { return }
            guard error.code == .queueFull else {
                throw KafkaError(error.code, error.reason, isFatal: error.isFatal, topic: topic)
            }
            rd_kafka_poll(client.handle, 10)
        }
    }

    /// As above, with owned bytes.
    package func send(
        topic: String, partition: Int32 = -1, key: [UInt8]?, value: [UInt8]?, timestamp: Int64 = 0,
        headers: [RecordHeader] = []
    ) throws(KafkaError) {
        func borrow(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws(KafkaError) -> Void)
            throws(KafkaError)
        {
            guard let bytes else { return try body(nil) }
            var failure: KafkaError?
            bytes.withUnsafeBytes { buffer in
                do throws(KafkaError) { try body(buffer) } catch { failure = error }
            }
            if let failure { throw failure }
        }
        try borrow(key) { key throws(KafkaError) in
            try borrow(value) { value throws(KafkaError) in
                try send(
                    topic: topic, partition: partition, key: key, value: value, timestamp: timestamp,
                    headers: headers)
            }
        }
    }

    private func produce(
        _ topic: OpaquePointer, _ partition: Int32, _ key: UnsafeRawBufferPointer?,
        _ value: UnsafeRawBufferPointer?,
        _ timestamp: Int64, _ headers: [RecordHeader]
    ) -> KafkaError? {
        func memory(_ bytes: UnsafeRawBufferPointer?, at index: Int, _ type: rd_kafka_vtype_t) {
            fields[index].vtype = type
            // An empty value needs an address, or it becomes a null.
            let start = bytes.map { $0.baseAddress ?? Self.somewhere }
            fields[index].u.mem.ptr = UnsafeMutableRawPointer(mutating: start)
            fields[index].u.mem.size = bytes?.count ?? 0
        }
        fields[0].vtype = RD_KAFKA_VTYPE_RKT
        fields[0].u.rkt = topic
        fields[1].vtype = RD_KAFKA_VTYPE_PARTITION
        fields[1].u.i32 = partition
        memory(key, at: 2, RD_KAFKA_VTYPE_KEY)
        memory(value, at: 3, RD_KAFKA_VTYPE_VALUE)
        fields[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP
        fields[4].u.i64 = timestamp
        fields[5].vtype = RD_KAFKA_VTYPE_MSGFLAGS
        fields[5].u.i = RD_KAFKA_MSG_F_COPY
        var list: OpaquePointer?
        if !headers.isEmpty {
            list = Self.list(headers)
            fields[6].vtype = RD_KAFKA_VTYPE_HEADERS
            fields[6].u.headers = list
        }
        let count = list == nil ? 6 : 7
        let error = fields.withUnsafeBufferPointer {
            KafkaError(consuming: rd_kafka_produceva(client.handle, $0.baseAddress, count))
        }
        // librdkafka takes over the headers on success only.
        if error != nil, let list { rd_kafka_headers_destroy(list) }
        return error
    }

    private static func list(_ headers: [RecordHeader]) -> OpaquePointer? {
        let list = rd_kafka_headers_new(headers.count)
        for header in headers {
            if let value = header.value {
                value.withUnsafeBytes {
                    _ = rd_kafka_header_add(list, header.name, -1, $0.baseAddress ?? somewhere, $0.count)
                }
            } else {
                rd_kafka_header_add(list, header.name, -1, nil, 0)
            }
        }
        return list
    }

    nonisolated(unsafe) private static let somewhere = UnsafeRawPointer(bitPattern: 16)!

    /// Lets delivery reports come in; call it now and then while sending much.
    package func serve() { rd_kafka_poll(client.handle, 0) }

    /// Waits until all that was sent is acknowledged or failed.
    package func flush(timeout: Duration) throws(KafkaError) {
        try KafkaError.check(rd_kafka_flush(client.handle, timeout.pollMilliseconds))
    }

    // MARK: Transactions, where `transactional.id` is set

    package func initTransactions(timeout: Duration) throws(KafkaError) {
        try Self.check(rd_kafka_init_transactions(client.handle, timeout.pollMilliseconds))
    }
    package func beginTransaction() throws(KafkaError) {
        try Self.check(rd_kafka_begin_transaction(client.handle))
    }
    package func commitTransaction(timeout: Duration) throws(KafkaError) {
        try Self.check(rd_kafka_commit_transaction(client.handle, timeout.pollMilliseconds))
    }
    package func abortTransaction(timeout: Duration) throws(KafkaError) {
        try Self.check(rd_kafka_abort_transaction(client.handle, timeout.pollMilliseconds))
    }

    private static func check(_ error: OpaquePointer?) throws(KafkaError) {
        if let error = KafkaError(consuming: error) { throw error }
    }

    /// For administration through the same connection.
    var handle: OpaquePointer { client.handle }
}
