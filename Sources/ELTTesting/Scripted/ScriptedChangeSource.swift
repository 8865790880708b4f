import ELTCore

/// A broker in memory that does what a test tells it to: partitions with holes, a low watermark that
/// moves, topics that are made again, and calls that fail.
///
/// It keeps the promises of `ChangeSource`.
package final class ScriptedChangeSource: ChangeSource {
    /// The calls that can be told to fail.
    package enum Call: Hashable, Sendable { case bounds, read, record, offsets, commit }

    private struct Log {
        var low: Int64 = 0
        var end: Int64 = 0
        /// By offset; holes are simply not there.
        var changes: [Change] = []
    }

    private var logs: [TopicPartition: Log] = [:]
    private var failures: [Call: [any Error]] = [:]
    /// Once so many records were read the next is not brought but an error.
    private var breakAfter: Int?
    /// What was committed to the group, for tests to look at.
    package private(set) var committed: [TopicPartition: Int64] = [:]
    /// How often each call was made.
    package private(set) var calls: [Call: Int] = [:]
    /// Called before each record is brought, with the number of records that `read` has brought so far.
    package var beforeRecord: ((_ brought: Int) throws -> Void)?

    package init() {}

    // MARK: what the script can do

    /// Makes a topic, or adds partitions to it.
    package func create(_ topic: String, partitions: Int32 = 1) {
        for partition in 0..<partitions where logs[TopicPartition(topic, partition)] == nil {
            logs[TopicPartition(topic, partition)] = Log()
        }
    }

    package func delete(_ topic: String) { logs = logs.filter { $0.key.topic != topic } }

    /// The next incarnation: the same number of partitions, empty, counting from 0.
    package func recreate(_ topic: String) {
        for partition in logs.keys where partition.topic == topic { logs[partition] = Log() }
    }

    /// Appends a message and returns its offset. `offset` may leave a hole; nil is the next.
    @discardableResult
    package func produce(
        to partition: TopicPartition, offset: Int64? = nil, timestamp: Int64, type: TimestampType = .create,
        key: [UInt8]?, value: [UInt8]?, headers: [Header] = []
    ) -> Int64 {
        guard var log = logs[partition] else { preconditionFailure("\(partition) wasn't created") }
        let offset = offset ?? log.end
        precondition(offset >= log.end, "offsets grow")
        log.changes.append(
            Change(
                offset: offset, timestamp: timestamp, timestampType: type, key: key, value: value,
                headers: headers))
        log.end = offset + 1
        logs[partition] = log
        return offset
    }

    /// Lets the end run ahead of the last message, as a transaction's markers do.
    package func addMarkers(_ count: Int64, to partition: TopicPartition) { logs[partition]?.end += count }

    /// Retention: messages before `offset` are gone and the low watermark stands there.
    package func forget(before offset: Int64, of partition: TopicPartition) {
        logs[partition]?.changes.removeAll { $0.offset < offset }
        logs[partition]?.low = offset
    }

    /// Compaction: these messages are gone and the low watermark stays.
    package func compact(_ offsets: Set<Int64>, of partition: TopicPartition) {
        logs[partition]?.changes.removeAll { offsets.contains($0.offset) }
    }

    /// The log goes back, as after an unclean restart.
    package func truncate(to end: Int64, of partition: TopicPartition) {
        logs[partition]?.changes.removeAll { $0.offset >= end }
        logs[partition]?.end = end
    }

    /// The next call of this kind throws, once for each time this is said.
    package func fail(_ call: Call, with error: any Error = ScriptedSourceError.brokenOff("the broker")) {
        failures[call, default: []].append(error)
    }

    /// The next `read` breaks off after so many records; the one after it doesn't.
    package func breakOff(afterRecords count: Int) { breakAfter = count }

    /// The offset that the next message of a partition gets; nil where there's no such partition.
    package func end(of partition: TopicPartition) -> Int64? { logs[partition]?.end }

    /// What `retention` tells.
    package var kept: [String: TopicRetention] = [:]

    // MARK: ChangeSource

    package var wasTroubled = false

    package func retention(of topics: [String], timeout: Duration) -> [String: TopicRetention] { kept }

    private func begin(_ call: Call, _ deadline: ContinuousClock.Instant) throws {
        calls[call, default: 0] += 1
        if var waiting = failures[call], !waiting.isEmpty {
            let error = waiting.removeFirst()
            failures[call] = waiting
            throw error
        }
        guard ContinuousClock.now < deadline else { throw ScriptedSourceError.tooLate("\(call)") }
    }

    private func log(of partition: TopicPartition) throws -> Log {
        guard let log = logs[partition] else { throw ScriptedSourceError.topicMissing(partition.topic) }
        return log
    }

    package func bounds(of topics: [String], deadline: ContinuousClock.Instant) throws -> [PartitionBounds] {
        try begin(.bounds, deadline)
        return try topics.flatMap { topic in
            let partitions = logs.keys.filter { $0.topic == topic }.sorted()
            guard !partitions.isEmpty else { throw ScriptedSourceError.topicMissing(topic) }
            return try partitions.map { partition in
                let log = try log(of: partition)
                return PartitionBounds(partition: partition, low: log.low, end: log.end)
            }
        }
    }

    package func read(
        _ ranges: [(partition: TopicPartition, range: OffsetRange)], stall: Duration,
        deadline: ContinuousClock.Instant,
        each: (_ index: Int, _ change: ChangeView) throws -> Void,
        finished: (_ index: Int) throws -> Void
    ) throws {
        try begin(.read, deadline)
        let limit = breakAfter
        breakAfter = nil
        var waiting = try ranges.map { partition, range in
            let log = try log(of: partition)
            guard range.first >= log.low, range.next <= log.end else {
                let offset = range.first < log.low ? range.first : range.next - 1
                throw ScriptedSourceError.offsetGone(partition, offset: offset, low: log.low, end: log.end)
            }
            return log.changes.filter { range.first <= $0.offset && $0.offset < range.next }[...]
        }
        var open = Set(ranges.indices)
        var brought = 0
        // A record of each range in turn: callers see them interleaved, as a broker brings them.
        while !open.isEmpty {
            for index in ranges.indices where open.contains(index) {
                guard ContinuousClock.now < deadline else { throw ScriptedSourceError.tooLate("read") }
                guard let change = waiting[index].popFirst() else {
                    open.remove(index)
                    try finished(index)
                    continue
                }
                if let limit, brought >= limit { throw ScriptedSourceError.brokenOff("the broker") }
                try beforeRecord?(brought)
                try change.withView { try each(index, $0) }
                brought += 1
            }
        }
    }

    package func record(
        of partition: TopicPartition, at offset: Int64, deadline: ContinuousClock.Instant
    ) throws -> Change? {
        try begin(.record, deadline)
        let log = try log(of: partition)
        guard offset >= log.low, offset < log.end else { return nil }
        return log.changes.first { $0.offset == offset }
    }

    package func offsets(
        of partitions: [TopicPartition], at instant: Instant, deadline: ContinuousClock.Instant
    ) throws -> [TopicPartition: Int64] {
        try begin(.offsets, deadline)
        var offsets: [TopicPartition: Int64] = [:]
        for partition in partitions {
            let log = try log(of: partition)
            offsets[partition] = log.changes.first { $0.timestamp >= instant.milliseconds }?.offset ?? log.end
        }
        return offsets
    }

    package func commitToGroup(
        _ offsets: [TopicPartition: Int64], deadline: ContinuousClock.Instant
    ) throws {
        try begin(.commit, deadline)
        committed.merge(offsets) { $1 }
    }
}
