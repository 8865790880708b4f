import ELTCore
import ELTSources
import Foundation
import Kafka
import Testing

/// The promises of `ChangeSource`, on every broker that's there.
@Suite(.serialized)
struct ChangeSourceContractTests {
    @Test(arguments: BrokerKind.available)
    func `bounds name every partition of every topic`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let (a, b) = (newTopic("a"), newTopic("b"))
        try broker.createTopic(a, partitions: 3)
        try broker.createTopic(b, partitions: 1)
        try broker.write((0..<5).map { .numbered($0) }, to: a, partition: 1)
        let bounds = try broker.source().bounds(of: [b, a], deadline: .soon)
        #expect(
            bounds == [
                PartitionBounds(partition: TopicPartition(b, 0), low: 0, end: 0),
                PartitionBounds(partition: TopicPartition(a, 0), low: 0, end: 0),
                PartitionBounds(partition: TopicPartition(a, 1), low: 0, end: 5),
                PartitionBounds(partition: TopicPartition(a, 2), low: 0, end: 0),
            ])
    }

    @Test(arguments: BrokerKind.available)
    func `a missing topic is an error with its name and stays missing`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let (there, missing) = (newTopic("there"), newTopic("missing"))
        try broker.createTopic(there, partitions: 1)
        let source = try broker.source()
        for _ in 0..<2 {
            let error = #expect(throws: KafkaSourceError.self) {
                try source.bounds(of: [there, missing], deadline: .soon)
            }
            #expect(error?.code == "kafka.topic-missing")
            #expect(error?.kind == .unavailable)
            #expect(error?.problem.contains(missing) == true)
        }
        let consumer = try Consumer(.reading(["bootstrap.servers": broker.address], groupID: "look"))
        let topics = try consumer.metadata(of: nil, timeout: .seconds(10)).map(\.name)
        #expect(topics.contains(there))
        #expect(!topics.contains(missing), "asking for a topic must not create it")
    }

    @Test(arguments: BrokerKind.available)
    func `every byte of a message comes back`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("bytes")
        try broker.createTopic(topic, partitions: 1)
        let written = Self.awkward
        try broker.write(written, to: topic)
        let read = try broker.source().collect(topic, 0..<Int64(written.count))
        #expect(read == written)
    }

    /// Null, empty, NUL, bad UTF-8, repeated headers: what parsers trip over and the archive must not.
    static let awkward: [Change] = {
        let time: Int64 = 1_700_000_000_000
        let big = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let cases: [(key: [UInt8]?, value: [UInt8]?, headers: [Header])] = [
            (Array("c-000001".utf8), Array(#"{"a":1}"#.utf8), []),
            (Array("c-000001".utf8), nil, []),
            (nil, Array("{}".utf8), []),
            (nil, nil, []),
            ([], [], []),
            ([], nil, []),
            (nil, [], []),
            ([0, 255, 0], [0], []),
            ([0xC3, 0x28], [0xFF, 0xFE, 10, 13, 34], []),
            (Array("ü".utf8), big, []),
            (
                [1], [2],
                [
                    Header(name: "h", value: [1, 0, 2]), Header(name: "h", value: []),
                    Header(name: "null", value: nil), Header(name: "h", value: [3]),
                    Header(name: "", value: [4]),
                ]
            ),
            ([1], nil, [Header(name: "why", value: Array("gone".utf8))]),
        ]
        return cases.enumerated().map { index, message in
            Change(
                offset: Int64(index), timestamp: time + Int64(index) * 977, key: message.key,
                value: message.value,
                headers: message.headers)
        }
    }()

    @Test(arguments: BrokerKind.available, ["none", "gzip", "snappy", "lz4", "zstd"])
    func `every codec gives the same messages`(kind: BrokerKind, codec: String) throws {
        let broker = try kind.start()
        let topic = newTopic(codec)
        try broker.createTopic(topic, partitions: 1)
        let written = (0..<3000).map { Change.numbered($0, size: 300) }
        try broker.write(written, to: topic, ["compression.type": codec, "linger.ms": "20"])
        #expect(try broker.source().collect(topic, 0..<3000) == written)
    }

    @Test(arguments: BrokerKind.available)
    func `ranges are read exactly, each finished once after its last record`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("ranges")
        try broker.createTopic(topic, partitions: 4)
        for partition in 0..<3 {
            try broker.write((0..<1000).map { .numbered($0) }, to: topic, partition: Int32(partition))
        }
        let ranges = [
            (TopicPartition(topic, 0), OffsetRange(first: 0, next: 1000)),
            (TopicPartition(topic, 1), OffsetRange(first: 17, next: 18)),
            (TopicPartition(topic, 2), OffsetRange(first: 990, next: 1000)),
            (TopicPartition(topic, 3), OffsetRange(first: 0, next: 0)),
        ]
        var seen = [[Int64]](repeating: [], count: 4)
        var finished: [Int] = []
        let source = try broker.source()
        // Twice on the same client: nothing of the first read may leak into the second.
        for _ in 0..<2 {
            seen = [[Int64]](repeating: [], count: 4)
            finished = []
            try source.read(ranges, stall: .seconds(20), deadline: .soon) { index, change in
                #expect(!finished.contains(index))
                seen[index].append(change.offset)
            } finished: { index in
                finished.append(index)
            }
            #expect(seen == [Array(0..<1000), [17], Array(990..<1000), []])
            #expect(finished.sorted() == [0, 1, 2, 3])
        }
    }

    @Test(arguments: BrokerKind.available)
    func `a topic without messages is read at once`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("empty")
        try broker.createTopic(topic, partitions: 2)
        let source = try broker.source()
        let bounds = try source.bounds(of: [topic], deadline: .soon)
        let ranges = bounds.map { (partition: $0.partition, range: OffsetRange(first: $0.low, next: $0.end)) }
        let (changes, finished) = try source.collect(ranges)
        #expect(changes == [[], []])
        #expect(finished == [0, 1])
    }

    @Test(arguments: BrokerKind.available)
    func `a producer that keeps writing doesn't keep a read from ending`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("busy")
        try broker.createTopic(topic, partitions: 1)
        try broker.write((0..<500).map { .numbered($0) }, to: topic)
        let source = try broker.source()
        let end = try source.bounds(of: [topic], deadline: .soon)[0].end
        let producer = try broker.producer()
        // More arrives while the range is read, in the same thread so that it's certain.
        var read: [Int64] = []
        try source.read(
            [(TopicPartition(topic, 0), OffsetRange(first: 0, next: end))], stall: .seconds(20),
            deadline: .soon
        ) { _, change in
            read.append(change.offset)
            try producer.send(topic: topic, partition: 0, key: nil, value: [UInt8](repeating: 1, count: 100))
        } finished: { _ in
        }
        #expect(read == Array(0..<500))
        try producer.flush(timeout: .seconds(10))
        #expect(try source.bounds(of: [topic], deadline: .soon)[0].end == 1000)
    }

    @Test(arguments: BrokerKind.available)
    func `an offset beyond the end is a gap that names place and offset`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("beyond")
        try broker.createTopic(topic, partitions: 1)
        try broker.write((0..<10).map { .numbered($0) }, to: topic)
        let error = #expect(throws: KafkaSourceError.self) {
            try broker.source().collect(topic, 50..<60, stall: .seconds(10))
        }
        #expect(error?.code == "kafka.offset-out-of-range")
        #expect(error?.kind == .gap)
        #expect(error?.problem == "The broker doesn't have offset 50 of \(topic)/0; it holds 0 to 9.")
    }

    @Test(arguments: BrokerKind.available)
    func `the record at an offset is found, and none is nil`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("anchor")
        try broker.createTopic(topic, partitions: 3)
        for partition in 0..<3 {
            try broker.write((0..<20).map { .numbered($0) }, to: topic, partition: Int32(partition))
        }
        let source = try broker.source()
        #expect(try source.record(of: TopicPartition(topic, 1), at: 19, deadline: .soon) == .numbered(19))
        #expect(try source.record(of: TopicPartition(topic, 1), at: 20, deadline: .soon) == nil)
        let asked: [TopicPartition: Int64] = [
            TopicPartition(topic, 0): 3, TopicPartition(topic, 1): 20, TopicPartition(topic, 2): 0,
        ]
        let found = try source.records(at: asked, deadline: .soon)
        #expect(found == [TopicPartition(topic, 0): .numbered(3), TopicPartition(topic, 2): .numbered(0)])
        #expect(try source.collect(topic, 2, 5..<8).map(\.offset) == [5, 6, 7])
    }

    @Test(arguments: BrokerKind.available)
    func `the group gets our offsets`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("group")
        try broker.createTopic(topic, partitions: 2)
        let source = try broker.source()
        try source.commitToGroup(
            [TopicPartition(topic, 0): 12, TopicPartition(topic, 1): 0], deadline: .soon)
        let consumer = try Consumer(.reading(["bootstrap.servers": broker.address], groupID: "elt-tests"))
        let committed = try consumer.committed(
            [
                PartitionOffset(topic: topic, partition: 0, offset: -1001),
                PartitionOffset(topic: topic, partition: 1, offset: -1001),
            ], timeout: .seconds(10))
        #expect(committed.map(\.offset) == [12, 0])
    }

    @Test(arguments: BrokerKind.available)
    func `an instant after the last record means the end`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("later")
        try broker.createTopic(topic, partitions: 1)
        try broker.write((0..<4).map { .numbered($0) }, to: topic)
        let partition = TopicPartition(topic, 0)
        let offsets = try broker.source().offsets(
            of: [partition], at: Instant(milliseconds: 4_000_000_000_000), deadline: .soon)
        #expect(offsets == [partition: 4])
    }

    @Test(arguments: BrokerKind.available)
    func `what the caller throws ends the read and reaches the caller`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("throws")
        try broker.createTopic(topic, partitions: 1)
        try broker.write((0..<100).map { .numbered($0) }, to: topic)
        let source = try broker.source()
        let ranges = [(TopicPartition(topic, 0), OffsetRange(first: 0, next: 100))]
        #expect(throws: TestFailure.self) {
            try source.read(ranges, stall: .seconds(10), deadline: .soon) { _, change in
                if change.offset == 50 { throw TestFailure("enough") }
            } finished: { _ in
            }
        }
        #expect(try source.collect(topic, 0..<100).count == 100)
    }
}
