import ELTCore
import ELTExtract

/// The broker's offsets of an instant, beside what it keeps and where we are.
package struct OffsetsAt: Codable, Equatable, Sendable {
    package struct Partition: Codable, Equatable, Sendable {
        package var topic: String
        package var partition: Int32
        /// Of the first record that isn't older than the instant; the end where there's none.
        package var offset: Int64
        package var low: Int64
        package var end: Int64
        /// Where the next run begins; nil if it was never read.
        package var next: Int64?
    }
    package var at: String
    package var partitions: [Partition]

    package static func read(
        _ instant: Instant, topics: [String], positions: Positions, source: any ChangeSource,
        deadline: ContinuousClock.Instant
    ) throws -> OffsetsAt {
        let bounds = topics.isEmpty ? [] : try source.bounds(of: topics, deadline: deadline)
        let offsets = try source.offsets(of: bounds.map(\.partition), at: instant, deadline: deadline)
        return OffsetsAt(
            at: instant.description,
            partitions: bounds.map { bound in
                Partition(
                    topic: bound.partition.topic, partition: bound.partition.partition,
                    offset: offsets[bound.partition] ?? bound.end, low: bound.low, end: bound.end,
                    next: positions.partitions[bound.partition]?.next)
            })
    }

    package var text: String {
        Grid.text(
            ["partition", "offset at \(at)", "low", "end", "our next"],
            partitions.map {
                [
                    "\($0.topic)/\($0.partition)", "\($0.offset)", "\($0.low)", "\($0.end)",
                    $0.next.map { "\($0)" } ?? Grid.nothing,
                ]
            })
    }
}
