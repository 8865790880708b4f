import ELTCore
import ELTSources
import Foundation
import Kafka
import Synchronization
import Testing

/// What happens when the broker is away, slow, or answers nonsense.
@Suite(.serialized)
struct BrokerTroubleTests {
    private func filled(_ topic: String, count: Int = 200, brokers: Int32 = 1) throws -> Mock {
        let broker = try Mock(brokers: brokers)
        try broker.createTopic(topic, partitions: 1)
        try broker.write((0..<count).map { .numbered($0) }, to: topic)
        return broker
    }

    @Test func `a broker that isn't there is unavailable at the deadline, by name`() throws {
        let port = try freePort()
        let source = try KafkaChangeSource(
            properties: ["bootstrap.servers": "127.0.0.1:\(port)"], groupID: "g")
        let began = ContinuousClock.now
        let error = #expect(throws: KafkaSourceError.self) {
            try source.bounds(of: ["orders"], deadline: .now + .seconds(2))
        }
        let took = ContinuousClock.now - began
        #expect(took > .milliseconds(1800) && took < .seconds(4))
        #expect(error?.code == "kafka.unreachable")
        #expect(error?.kind == .unavailable)
        #expect(error?.isRetryable == true)
        #expect(error?.problem.contains("127.0.0.1:\(port)") == true)
        #expect(error?.problem.contains("orders") == true)
        #expect(error?.problem.contains("refused") == true, "says why: \(error?.problem ?? "")")
    }

    @Test func `a broker that comes back in time isn't an error`() throws {
        let topic = newTopic()
        let broker = try filled(topic)
        try broker.with { try $0.setBroker(1, down: true) }
        let source = try broker.source()
        Thread.detachNewThread {
            // The situation under test: away for a while, then back.
            usleep(700_000)
            try? broker.with { try $0.setBroker(1, down: false) }
        }
        #expect(try source.bounds(of: [topic], deadline: .soon).map(\.end) == [200])
        #expect(try source.collect(topic, 0..<200).count == 200)
    }

    @Test(arguments: [
        KafkaError.Code.notLeader, .leaderNotAvailable, .requestTimedOut, .unknownServerError, .transport,
        .offsetOutOfRange, .unknownTopic, .kafkaStorage,
    ])
    func `an error that passes loses and doubles nothing`(code: KafkaError.Code) throws {
        let topic = newTopic()
        let broker = try filled(topic)
        let source = try broker.source()
        broker.with {
            $0.push([code, code], on: .fetch)
            // Of a question for the ends, no broker says that they're out of range.
            if code != .offsetOutOfRange { $0.push([code], on: .listOffsets) }
        }
        #expect(try source.bounds(of: [topic], deadline: .soon).map(\.end) == [200])
        #expect(try source.collect(topic, 0..<200).map(\.offset) == Array(0..<200), "after \(code)")
    }

    @Test func `a topic that isn't ours to read is an error at once`() throws {
        let topic = newTopic("secret")
        let broker = try filled(topic)
        broker.with { $0.setError(.topicAuthorization, ofTopic: topic) }
        let began = ContinuousClock.now
        let error = #expect(throws: KafkaSourceError.self) {
            try broker.source().bounds(of: [topic], deadline: .soon)
        }
        #expect(error?.code == "kafka.topic-not-authorised")
        #expect(error?.isRetryable == false)
        #expect(error?.problem.contains(topic) == true)
        #expect(ContinuousClock.now - began < .seconds(2))
    }

    @Test func `a partition without a leader is unavailable when the time is over`() throws {
        let topic = newTopic("headless")
        let broker = try filled(topic)
        try broker.with { try $0.setLeader(of: topic, partition: 0, broker: -1) }
        let error = #expect(throws: KafkaSourceError.self) {
            try broker.source().bounds(of: [topic], deadline: .now + .milliseconds(800))
        }
        #expect(error?.code == "kafka.topic-unusable")
        #expect(error?.problem.contains("\(topic)/0") == true)
    }

    @Test func `a read that gets nothing ends after the stall, and says what is missing`() throws {
        let topic = newTopic("silent")
        let broker = try filled(topic)
        let source = try broker.source()
        _ = try source.bounds(of: [topic], deadline: .soon)
        // Offsets that the broker says nothing about: its end is 200.
        let began = ContinuousClock.now
        let error = #expect(throws: KafkaSourceError.self) {
            try source.collect(topic, 100..<300, stall: .seconds(1))
        }
        #expect(ContinuousClock.now - began < .seconds(6))
        #expect(error?.code == "kafka.stalled")
        #expect(error?.kind == .unavailable)
        #expect(error?.problem.contains("\(topic)/0 from 200 to 299") == true, "\(error?.problem ?? "")")
    }

    @Test func `a broker that goes away while reading is unavailable, and the next read goes on`() throws {
        let topic = newTopic("cut")
        let broker = try Mock()
        try broker.createTopic(topic, partitions: 1)
        for part in 0..<5 {
            try broker.write((0..<1000).map { .numbered(part * 1000 + $0, size: 500) }, to: topic)
        }
        let source = try broker.source(["fetch.message.max.bytes": "1000", "queued.min.messages": "1"])
        var next: Int64 = 0
        let ranges = [(TopicPartition(topic, 0), OffsetRange(first: 0, next: 5000))]
        let error = #expect(throws: KafkaSourceError.self) {
            try source.read(ranges, stall: .seconds(1), deadline: .soon) { _, change in
                if change.offset == 10 { try broker.with { try $0.setBroker(1, down: true) } }
                next = change.offset + 1
            } finished: { _ in
            }
        }
        #expect(error?.kind == .unavailable)
        #expect(next < 5000)
        try broker.with { try $0.setBroker(1, down: false) }
        #expect(try source.collect(topic, next..<5000).map(\.offset) == Array(next..<5000))
    }

    /// librdkafka 2.0 looks at a queue that was full again after a second. Sixty of them are longer than the deadline.
    @Test func `what was left for lack of room is fetched as soon as there is room`() throws {
        let topic = newTopic("narrow")
        let broker = try Mock()
        try broker.createTopic(topic, partitions: 1)
        for part in 0..<60 { try broker.write((0..<20).map { .numbered(part * 20 + $0, size: 100) }, to: topic) }
        let source = try broker.source(["fetch.message.max.bytes": "1000", "queued.min.messages": "1"])
        var offsets: [Int64] = []
        let ranges = [(TopicPartition(topic, 0), OffsetRange(first: 0, next: 1200))]
        try source.read(ranges, stall: .seconds(10), deadline: .now + .seconds(25)) { _, change in
            offsets.append(change.offset)
        } finished: { _ in
        }
        #expect(offsets == Array(0..<1200))
    }

    @Test func `a bit flipped on the wire is found, and the right bytes are read`() throws {
        let topic = newTopic("flip")
        let broker = try filled(topic)
        let wire = try FlippingWire(to: broker.address, flips: 1)
        let warnings = Warnings()
        let source = try KafkaChangeSource(
            properties: ["bootstrap.servers": wire.address], groupID: "g", progress: warnings)
        let read = try source.collect(topic, 0..<200)
        #expect(wire.flipped == 1, "the test itself did nothing")
        #expect(read == (0..<200).map { .numbered($0) })
        #expect(warnings.lines.contains { $0.contains("CRC") })
    }

    @Test func `a wire that keeps flipping bits is an error that names the place`() throws {
        let topic = newTopic("flips")
        let broker = try filled(topic)
        let wire = try FlippingWire(to: broker.address, flips: .max)
        let source = try KafkaChangeSource(properties: ["bootstrap.servers": wire.address], groupID: "g")
        let error = #expect(throws: KafkaSourceError.self) { try source.collect(topic, 0..<200) }
        #expect(error?.code == "kafka.corrupt")
        #expect(error?.kind == .unavailable)
        #expect(error?.problem.contains("\(topic)/0 at offset 0") == true, "\(error?.problem ?? "")")
        #expect(error?.problem.contains("n\":") == false, "no payload")
    }

    @Test func `an unknown property is named, and a secret's value isn't`() throws {
        let unknown = #expect(throws: KafkaSourceError.self) {
            try KafkaChangeSource(properties: ["bootstrap.server": "x"], groupID: "g")
        }
        #expect(unknown?.code == "kafka.configuration")
        #expect(unknown?.problem.contains("'bootstrap.server'") == true)
        let secret = #expect(throws: KafkaSourceError.self) {
            try KafkaChangeSource(
                properties: [
                    "bootstrap.servers": "x", "ssl.key.pem": "canary-4711", "security.protocol": "ssl",
                ],
                groupID: "g")
        }
        #expect(secret?.code == "kafka.configuration")
        #expect(secret?.description.contains("canary") == false)
    }

    @Test func `promises win over the user's properties`() throws {
        let settings = ClientSettings.reading(
            ["auto.offset.reset": "latest", "check.crcs": "false", "client.id": "mine", "group.id": "g2"],
            groupID: "g1")
        #expect(settings.properties["auto.offset.reset"] == "error")
        #expect(settings.properties["check.crcs"] == "true")
        #expect(settings.properties["enable.auto.commit"] == "false")
        #expect(settings.properties["client.id"] == "mine")
        #expect(settings.properties["group.id"] == "g2")
        #expect(settings.properties["isolation.level"] == "read_committed")
    }

    @Test func `librdkafka's log reaches the run's report without secrets`() throws {
        let progress = Warnings()
        let port = try freePort()
        let source = try KafkaChangeSource(
            properties: [
                "bootstrap.servers": "127.0.0.1:\(port)", "security.protocol": "sasl_plaintext",
                "sasl.mechanisms": "PLAIN", "sasl.username": "elt", "sasl.password": "canary-4711",
                "debug": "all",
            ], groupID: "g", progress: progress)
        #expect(throws: KafkaSourceError.self) { try source.bounds(of: ["t"], deadline: .now + .seconds(1)) }
        let lines = progress.lines
        #expect(lines.contains { $0.contains("FAIL") })
        #expect(!lines.contains { $0.contains("canary") })
    }
}

/// Keeps what a source tells people.
final class Warnings: ELTCore.Progress {
    private let kept = Mutex<[String]>([])
    var lines: [String] { kept.withLock { $0 } }
    func report(step: String, done: Int64, total: Int64?) {}
    func warn(_ message: String) { kept.withLock { $0.append(message) } }
    func note(_ message: String) { kept.withLock { $0.append(message) } }
}
