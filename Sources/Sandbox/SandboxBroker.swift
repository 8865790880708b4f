import CSandbox
import ELTCore
import Foundation
import Kafka

/// librdkafka's broker on a fixed port of loopback, and the producer that fills it.
final class SandboxBroker {
    let address: String
    /// Set where the port could not be chosen, as on systems other than Linux.
    let portNote: String?
    private let cluster: MockCluster
    private let producer: Producer
    private let topics: SandboxOptions.Topics
    private let partitions: Int32
    private var sent = 0
    private var sentByPartition: [String: [Int]] = [:]
    private var key: [UInt8] = []

    init(_ options: SandboxOptions) throws {
        topics = options.topics
        partitions = options.partitionCount
        if options.kafkaPort != 0 { try Self.checkFree(options.kafkaPort) }
        do throws(KafkaError) {
            // The mock cluster binds on this very thread.
            csandbox_pin_port(options.kafkaPort)
            defer { csandbox_unpin_port() }
            cluster = try MockCluster()
            address = cluster.bootstrapServers
            for topic in [topics.create, topics.update, topics.delete] {
                try cluster.createTopic(topic, partitions: partitions)
            }
            producer = try Producer(Self.settings(address))
        } catch {
            throw SandboxError.broker(reason: error.description)
        }
        let wanted = options.kafkaPort
        portNote =
            wanted == 0 || address.hasSuffix(":\(wanted)")
            ? nil
            : "This system doesn't let the sandbox choose port \(wanted): the broker listens on \(address)."
        for topic in [topics.create, topics.update, topics.delete] {
            sentByPartition[topic] = [Int](repeating: 0, count: Int(partitions))
        }
    }

    private static func settings(_ address: String) -> ClientSettings {
        .writing([
            "bootstrap.servers": address, "client.id": "kundenservice",
            // In order and once, also if a request is repeated.
            "enable.idempotence": "true",
            // The broker keeps few bytes and counts them compressed.
            "compression.type": "zstd", "batch.num.messages": "10000", "batch.size": "1000000",
            "linger.ms": "100",
            "queue.buffering.max.messages": "1000000", "queue.buffering.max.kbytes": "262144",
            "statistics.interval.ms": "500",
        ])
    }

    private static func checkFree(_ port: UInt16) throws {
        let descriptor = socket(AF_INET, streamSocket, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { throw SandboxError.portTaken(port: port, service: "broker") }
    }

    #if canImport(Glibc)
        private static let streamSocket = Int32(SOCK_STREAM.rawValue)
    #else
        private static let streamSocket = SOCK_STREAM
    #endif

    /// Puts an event on its topic. All events of a customer are in one partition, in order of arrival.
    func send(_ event: Event) throws {
        let topic = topics.name(of: event.operation)
        let partition = event.customer % Int(partitions)
        key.removeAll(keepingCapacity: true)
        Customer.appendID(event.customer + 1, to: &key)
        try key.withUnsafeBytes { key in
            try event.value.withUnsafeBytes { value in
                try producer.send(
                    topic: topic, partition: Int32(partition), key: key, value: value,
                    timestamp: event.arrival)
            }
        }
        sentByPartition[topic]?[partition] += 1
        sent += 1
        if sent % 1000 == 0 { producer.serve() }
    }

    /// Waits until the broker has all.
    func flush() throws {
        do throws(KafkaError) {
            try producer.flush(timeout: .seconds(60))
        } catch {
            throw SandboxError.undelivered(
                count: sent - producer.deliveredCount, reason: producer.lastTrouble?.reason)
        }
        guard producer.undeliveredCount == 0 else {
            throw SandboxError.undelivered(
                count: producer.undeliveredCount, reason: producer.lastTrouble?.reason)
        }
    }

    /// How full the fullest partition is, 0 to 1, as far as the producer's statistics tell: above 1 the
    /// broker has dropped its oldest events.
    var fill: Double {
        producer.serve()
        guard sent > 0, let bytes = bytesSent else { return 0 }
        let most = sentByPartition.values.flatMap { $0 }.max() ?? 0
        return bytes * Double(most) / Double(sent) / Double(MockCluster.partitionBytesMax)
    }

    private var bytesSent: Double? {
        guard let text = producer.statistics,
            let document = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
            let bytes = document["tx_bytes"] as? NSNumber
        else { return nil }
        return bytes.doubleValue
    }

    var partitionCount: Int32 { partitions }
}
