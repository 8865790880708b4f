import ELTCore
import Foundation
import Kafka
import Synchronization

/// librdkafka's own broker on loopback, for programs that run as processes of their own.
final class ProgramBroker: Sendable {
    private let cluster: Mutex<MockCluster>
    let address: String

    init(_ topics: [String] = ["customers"], partitions: Int32 = 1) throws {
        let made = try MockCluster(brokers: 1)
        address = made.bootstrapServers
        for topic in topics { try made.createTopic(topic, partitions: partitions) }
        cluster = Mutex(made)
    }

    struct Message {
        var key: [UInt8]?
        var value: [UInt8]?
        var headers: [RecordHeader] = []

        init(_ key: String?, _ value: String?) {
            self.key = key.map { Array($0.utf8) }
            self.value = value.map { Array($0.utf8) }
        }
    }

    /// Writes messages to partition 0, a second apart.
    func send(_ messages: [Message], to topic: String = "customers", from start: Int64 = 1_795_000_000_000) throws {
        let producer = try Producer(.writing(["bootstrap.servers": address, "message.max.bytes": "20000000"]))
        for (index, message) in messages.enumerated() {
            try producer.send(
                topic: topic, partition: 0, key: message.key, value: message.value,
                timestamp: start + Int64(index) * 1000, headers: message.headers)
        }
        try producer.flush(timeout: .seconds(20))
    }
}

extension ProgramBroker {
    /// Writes so much that the broker, which keeps 5 MiB of a partition, drops the oldest.
    func overflow(_ topic: String = "customers") throws {
        let producer = try Producer(.writing(["bootstrap.servers": address, "compression.codec": "none"]))
        var seed: UInt64 = 1
        for number in 0..<80 {
            let filler = (0..<100_000).map { _ -> UInt8 in
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(ascii: "a") + UInt8(seed >> 33 & 15)
            }
            let value = "{\"id\":\"c-1\",\"number\":\(number),\"filler\":\"\(String(decoding: filler, as: UTF8.self))\"}"
            try producer.send(
                topic: topic, partition: 0, key: Array("c-1".utf8), value: Array(value.utf8),
                timestamp: 1_795_000_100_000 + Int64(number), headers: [])
            // One batch each: the oldest batch goes as a whole.
            try producer.flush(timeout: .seconds(20))
        }
    }
}

extension ProgramBroker.Message {
    /// An event of the customer `id` with more fields, such as `"city":"Hamburg"`.
    static func customer(_ id: String, _ more: String = "") -> Self {
        Self(id, "{\"id\":\"\(id)\"\(more.isEmpty ? "" : ",")\(more)}")
    }
}
