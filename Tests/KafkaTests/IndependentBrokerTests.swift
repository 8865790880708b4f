import ELTCore
import ELTSources
import Foundation
import Kafka
import Testing

/// What only a broker with transactions, retention and administration can show.
@Suite(.serialized, .enabled(if: Noida.program != nil, "noida-db isn't installed"))
struct IndependentBrokerTests {
    let broker: Noida
    init() throws { broker = try Noida.shared.get() }

    /// Fifteen messages in three transactions, of which the second is committed: holes on both sides.
    ///
    /// Each has a producer of its own. This broker lists aborted transactions that ended before the
    /// fetched offset too, which would hide later ones of the same producer.
    private func transactions(on topic: String, leaveOpen: Bool = false) throws -> [Producer] {
        try (0..<3).map { round in
            let producer = try broker.producer(["transactional.id": "tx-\(topic)-\(round)"])
            try producer.initTransactions(timeout: .seconds(10))
            try producer.beginTransaction()
            for number in 0..<5 {
                try producer.send(
                    topic: topic, partition: 0, key: nil, value: Array("\(round)-\(number)".utf8))
            }
            try producer.flush(timeout: .seconds(10))
            switch round {
            case 1: try producer.commitTransaction(timeout: .seconds(10))
            case 2 where leaveOpen: break
            default: try producer.abortTransaction(timeout: .seconds(10))
            }
            return producer
        }
    }

    @Test func `aborted messages and markers are holes that a read passes`() throws {
        let topic = newTopic("holes")
        try broker.createTopic(topic, partitions: 1)
        _ = try transactions(on: topic)
        let source = try broker.source()
        let bounds = try source.bounds(of: [topic], deadline: .soon)
        #expect(bounds[0].end == 18)
        let began = ContinuousClock.now
        let read = try source.collect(topic, 0..<18)
        #expect(read.map(\.offset) == [6, 7, 8, 9, 10])
        #expect(ContinuousClock.now - began < .seconds(2), "the end behind holes must not be waited for")
        #expect(try source.collect(topic, 2..<18).map(\.offset) == [6, 7, 8, 9, 10], "begins in a hole")
        let inside = try source.collect(topic, 8..<14)
        #expect(inside.map(\.offset) == [8, 9, 10], "ends in a hole")
        #expect(try source.collect(topic, 12..<18).isEmpty, "nothing but holes")
        #expect(try source.record(of: TopicPartition(topic, 0), at: 3, deadline: .soon) == nil)
        #expect(try source.record(of: TopicPartition(topic, 0), at: 17, deadline: .soon) == nil)
    }

    @Test func `an open transaction isn't waited for and isn't read`() throws {
        let topic = newTopic("open")
        try broker.createTopic(topic, partitions: 1)
        let producers = try transactions(on: topic, leaveOpen: true)
        let source = try broker.source()
        #expect(try source.bounds(of: [topic], deadline: .soon)[0].end == 12, "the last stable offset")
        #expect(try source.collect(topic, 0..<12).map(\.offset) == [6, 7, 8, 9, 10])
        try producers[2].abortTransaction(timeout: .seconds(10))
    }

    @Test func `offsets of an instant are the first that aren't older`() throws {
        let topic = newTopic("times")
        try broker.createTopic(topic, partitions: 1)
        for number in 0..<10 {
            try broker.write([.numbered(number, at: 1_700_000_000_000 + Int64(number) * 1000)], to: topic)
        }
        let partition = TopicPartition(topic, 0)
        let source = try broker.source()
        let asked: [(Int64, Int64)] = [
            (1_600_000_000_000, 0), (1_700_000_000_000, 0), (1_700_000_003_500, 4), (1_700_000_009_000, 9),
            (1_800_000_000_000, 10),
        ]
        for (time, offset) in asked {
            let found = try source.offsets(of: [partition], at: Instant(milliseconds: time), deadline: .soon)
            #expect(found == [partition: offset], "at \(time)")
        }
    }

    @Test func `records deleted before they were read are a gap, never a jump`() throws {
        let topic = newTopic("retention")
        try broker.createTopic(topic, partitions: 1)
        try broker.write((0..<100).map { .numbered($0) }, to: topic)
        try broker.admin.deleteRecords(
            before: PartitionOffset(topic: topic, partition: 0, offset: 60), timeout: .seconds(10))
        let source = try broker.source()
        let bounds = try source.bounds(of: [topic], deadline: .soon)
        #expect(bounds == [PartitionBounds(partition: TopicPartition(topic, 0), low: 60, end: 100)])
        let error = #expect(throws: KafkaSourceError.self) { try source.collect(topic, 0..<100) }
        #expect(error?.code == "kafka.offset-out-of-range")
        #expect(error?.problem == "The broker doesn't have offset 0 of \(topic)/0; it holds 60 to 99.")
        #expect(try source.collect(topic, 60..<100).count == 40)
    }

    @Test func `a new partition is named from its first message on`() throws {
        let topic = newTopic("grows")
        try broker.createTopic(topic, partitions: 1)
        let source = try broker.source()
        #expect(try source.bounds(of: [topic], deadline: .soon).count == 1)
        try broker.admin.createPartitions(of: topic, total: 3, timeout: .seconds(10))
        try broker.write([.numbered(0)], to: topic, partition: 2)
        let bounds = try source.bounds(of: [topic], deadline: .soon)
        #expect(bounds.map(\.end) == [0, 0, 1])
        #expect(try source.collect(topic, 2, 0..<1).count == 1)
    }

    @Test func `a topic made anew has bounds of its own`() throws {
        let topic = newTopic("anew")
        try broker.createTopic(topic, partitions: 1)
        try broker.write((0..<20).map { .numbered($0) }, to: topic)
        let source = try broker.source()
        #expect(try source.bounds(of: [topic], deadline: .soon)[0].end == 20)
        #expect(try source.collect(topic, 0..<20).count == 20)
        try broker.admin.deleteTopic(topic, timeout: .seconds(10))
        try broker.createTopic(topic, partitions: 1)
        try broker.write((100..<103).map { .numbered($0) }, to: topic)
        #expect(try source.bounds(of: [topic], deadline: .soon)[0].end == 3)
        #expect(try source.collect(topic, 0..<3).map(\.key) == (100..<103).map { Change.numbered($0).key })
    }
}
