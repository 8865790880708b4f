import ELTCore
import Kafka

/// Reading bounded ranges.
extension KafkaChangeSource {
    /// How often a read is begun again at its position after damage or a doubtful answer.
    static let restartsMax = 3

    package func read(
        _ ranges: [(partition: TopicPartition, range: OffsetRange)], stall: Duration,
        deadline: ContinuousClock.Instant,
        each: (_ index: Int, _ change: ChangeView) throws -> Void,
        finished: (_ index: Int) throws -> Void
    ) throws {
        precondition(Set(ranges.map(\.partition)).count == ranges.count, "a partition is read once at a time")
        var reading = Reading(ranges)
        wasTroubled = false
        try read(&reading, stall, deadline, each, finished)
    }

    private func read(
        _ reading: inout Reading, _ stall: Duration, _ deadline: ContinuousClock.Instant,
        _ each: (_ index: Int, _ change: ChangeView) throws -> Void, _ finished: (_ index: Int) throws -> Void
    ) throws {
        for index in reading.emptyIndices { try finished(index) }
        while !reading.isDone {
            do {
                try run(&reading, stall, deadline, each, finished)
            } catch let restart as Restart {
                renew()
                reading.restarts += 1
                wasTroubled = true
                progress.warn("Reading on at the same position with a new connection: \(restart.reason)")
            } catch {
                // What was fetched ahead belongs to nobody now.
                renew()
                throw error
            }
        }
        if reading.isAssigned {
            try release()
            Consumer.returnMemory()
        }
    }

    /// Thrown out of a poll to begin again where the reading is.
    private struct Restart: Error { let reason: KafkaError }

    private func run(
        _ reading: inout Reading, _ stall: Duration, _ deadline: ContinuousClock.Instant,
        _ each: (_ index: Int, _ change: ChangeView) throws -> Void, _ finished: (_ index: Int) throws -> Void
    ) throws {
        let consumer = try client()
        var window = ReadingWindow(reading)
        var open = window.admit(reading)
        try translating("assigning partitions") { try consumer.assign(reading.positions(of: open)) }
        reading.isAssigned = true
        var quietSince = ContinuousClock.now
        while !reading.isDone {
            try Interruption.check()
            let before = reading.steps
            try translating("reading") {
                try consumer.poll(timeout: .milliseconds(100)) { slot, record in
                    try reading.take(open[slot], record, each, finished)
                } end: { slot, offset in
                    try reading.reach(open[slot], end: offset, finished)
                } trouble: { error in
                    wasTroubled = true
                    try judge(error, reading)
                }
            }
            let done = window.dismiss(reading)
            let more = reading.isDone ? [] : window.admit(reading)
            if !more.isEmpty || !done.isEmpty && !reading.isDone {
                try translating("assigning partitions") {
                    try consumer.drop(done.compactMap { open.firstIndex(of: $0) })
                    try consumer.add(reading.positions(of: more))
                    open += more
                }
            }
            let now = ContinuousClock.now
            if consumer.lastTrouble != nil { wasTroubled = true }
            if reading.steps != before {
                quietSince = now
                consumer.forgetTrouble()
            } else if consumer.isRefused {
                throw refused(consumer.lastTrouble ?? KafkaError(.authentication))
            } else if now - quietSince >= stall {
                throw KafkaSourceError.stalled(
                    waiting: reading.waiting, seconds: stall.components.seconds,
                    last: consumer.lastTrouble?.description)
            }
            if now >= deadline, !reading.isDone { throw KafkaSourceError.deadline(waiting: reading.waiting) }
        }
    }

    /// What an error in the stream of messages means: nothing (it passes), begin again, or give up.
    private func judge(_ error: KafkaError, _ reading: Reading) throws {
        let index = reading.index(ofTopic: error.topic, partition: error.partition)
        if let index, !reading.isOpen(index) { return }
        switch error.code {
        case .noOffset, .offsetOutOfRange:
            guard let index else { throw translated(error, "reading") }
            throw try outOfRange(
                reading.partition(index), at: reading.position(index), error, reading.restarts)
        case .badMessage, .corruptMessage, .badCompression:
            if reading.restarts < Self.restartsMax { throw Restart(reason: error) }
            throw KafkaSourceError.corrupt(
                partition: index.map { reading.partition($0).description } ?? brokers,
                position: index.map(reading.position), reason: error.reason)
        case _ where error.isRetryable:
            return
        default:
            throw translated(error, "reading \(reading.waiting.first ?? "")")
        }
    }

    /// A gap, once the broker's own bounds confirm it. A leader that has only just taken over may say so
    /// wrongly, and then it's read again.
    private func outOfRange(
        _ partition: TopicPartition, at position: Int64, _ error: KafkaError, _ restarts: Int
    )
        throws -> any Error
    {
        renew()
        let bounds = try bounds(of: [partition.topic], deadline: .now + .seconds(10))
            .first { $0.partition == partition }
        if let bounds, (bounds.low...bounds.end).contains(position), restarts < Self.restartsMax {
            return Restart(reason: error)
        }
        return KafkaSourceError.offsetOutOfRange(
            partition: partition, offset: position, low: bounds?.low, end: bounds?.end)
    }

    /// Ends the assignment, so that nothing more is fetched.
    private func release() throws {
        do { try client().unassign() } catch is KafkaError { renew() }
    }

    @discardableResult
    private func translating<T>(_ doing: String, _ body: () throws -> T) throws -> T {
        do { return try body() } catch let error as KafkaError { throw translated(error, doing) }
    }

    // MARK: Single records

    package func record(of partition: TopicPartition, at offset: Int64, deadline: ContinuousClock.Instant)
        throws
        -> Change?
    {
        try records(at: [partition: offset], deadline: deadline)[partition]
    }

    package func records(at offsets: [TopicPartition: Int64], deadline: ContinuousClock.Instant) throws
        -> [TopicPartition: Change]
    {
        let ranges = offsets.sorted { $0.key < $1.key }
            .map { (partition: $0.key, range: OffsetRange(first: $0.value, next: $0.value + 1)) }
        var records: [TopicPartition: Change] = [:]
        var reading = Reading(ranges, anyEndCounts: true)
        let each = { (index: Int, change: ChangeView) in
            records[ranges[index].partition] = Change(copying: change)
        }
        try read(&reading, max(deadline - .now, .zero), deadline, each) { _ in }
        return records
    }
}

/// How far a read is. A value without I/O: it decides when a range is done.
struct Reading {
    private let ranges: [(partition: TopicPartition, range: OffsetRange)]
    private var positions: [Int64]
    private var done: [Bool]
    private var openCount: Int
    private let anyEndCounts: Bool
    /// Grows with all that brings the read forward.
    private(set) var steps = 0
    var restarts = 0
    var isAssigned = false

    /// - Parameter anyEndCounts: Where the broker has no more, the range is done, also before its end.
    init(_ ranges: [(partition: TopicPartition, range: OffsetRange)], anyEndCounts: Bool = false) {
        self.ranges = ranges
        self.anyEndCounts = anyEndCounts
        positions = ranges.map(\.range.first)
        done = ranges.map(\.range.isEmpty)
        openCount = done.count { !$0 }
    }

    var isDone: Bool { openCount == 0 }
    var emptyIndices: [Int] { ranges.indices.filter { ranges[$0].range.isEmpty } }
    var openIndices: [Int] { ranges.indices.filter { !done[$0] } }
    func isOpen(_ index: Int) -> Bool { !done[index] }
    func position(_ index: Int) -> Int64 { positions[index] }
    /// How many offsets are still to be read of a range.
    func rest(_ index: Int) -> Int64 { done[index] ? 0 : ranges[index].range.next - positions[index] }
    func partition(_ index: Int) -> TopicPartition { ranges[index].partition }
    func positions(of indices: [Int]) -> [PartitionOffset] {
        indices.map {
            PartitionOffset(
                topic: ranges[$0].partition.topic, partition: ranges[$0].partition.partition,
                offset: positions[$0])
        }
    }

    func index(ofTopic topic: String?, partition: Int32?) -> Int? {
        guard let topic, let partition else { return nil }
        return ranges.firstIndex { $0.partition == TopicPartition(topic, partition) }
    }

    /// What's still to come, for people.
    var waiting: [String] {
        openIndices.map { "\(ranges[$0].partition) from \(positions[$0]) to \(ranges[$0].range.next - 1)" }
    }

    @inline(__always)
    mutating func take(
        _ index: Int, _ record: Record,
        _ each: (_ index: Int, _ change: ChangeView) throws -> Void, _ finished: (_ index: Int) throws -> Void
    ) throws {
        guard !done[index] else { return }
        let next = ranges[index].range.next
        // The range ends in a hole, and something newer tells so.
        guard record.offset < next else { return try finish(index, finished) }
        guard record.offset >= positions[index] else { throw backwards(index, record.offset) }
        try each(index, record.view)
        positions[index] = record.offset + 1
        steps &+= 1
        if record.offset + 1 == next { try finish(index, finished) }
    }

    /// A record out of order must not be counted as the next one.
    private func backwards(_ index: Int, _ offset: Int64) -> KafkaSourceError {
        .failed(
            doing: "reading \(ranges[index].partition)",
            reason: "offset \(offset) came after \(positions[index] - 1)")
    }

    /// The broker has no more than `end` at the moment. Before the range's end that's not the end: a
    /// broker that holds less than it said must not make us skip what it will have again.
    mutating func reach(_ index: Int, end: Int64, _ finished: (_ index: Int) throws -> Void) throws {
        guard !done[index], anyEndCounts || end >= ranges[index].range.next else { return }
        try finish(index, finished)
    }

    private mutating func finish(_ index: Int, _ finished: (_ index: Int) throws -> Void) throws {
        try finished(index)
        done[index] = true
        openCount -= 1
        steps &+= 1
    }
}

extension Record {
    var view: ChangeView {
        ChangeView(
            offset: offset, timestamp: timestamp,
            timestampType: timestampKind == .create ? .create : timestampKind == .append ? .append : .none,
            key: key, value: value,
            headers: headers.isEmpty ? [] : headers.map { Header(name: $0.name, value: $0.value) })
    }
}
