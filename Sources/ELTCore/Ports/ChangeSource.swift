/// Where changes come from: the broker. Bounded reads only; it never decides where to start.
///
/// Promises, which `ChangeSourceContractTests` tests:
///
/// - `bounds` names every partition of every topic or throws with the topic's name; a topic that's
///   missing or not authorised is an error and is never created.
/// - `read` brings every committed record of each range exactly once and in order of offset, and
///   returns when every range is read, also over holes (compaction, transaction markers).
/// - An offset that the broker no longer has is an error, never a jump.
package protocol ChangeSource: AnyObject {
    /// The bounds of all partitions of the topics now; ends are last stable offsets.
    func bounds(of topics: [String], deadline: ContinuousClock.Instant) throws -> [PartitionBounds]

    /// Reads the ranges side by side on the caller's thread. `each` gets the index into `ranges`.
    /// `finished` is called once for a range, after its last record, so that its file can be sealed
    /// while the others go on.
    func read(
        _ ranges: [(partition: TopicPartition, range: OffsetRange)], stall: Duration,
        deadline: ContinuousClock.Instant,
        each: (_ index: Int, _ change: ChangeView) throws -> Void,
        finished: (_ index: Int) throws -> Void
    ) throws

    /// Whether the last `read` had trouble on its way, such as a connection that was lost. What followed may be another topic of the name.
    var wasTroubled: Bool { get }

    /// The record at `offset`, or nil if there's none (compacted, a marker). Used for the anchor.
    func record(of partition: TopicPartition, at offset: Int64, deadline: ContinuousClock.Instant) throws -> Change?

    /// The records at these offsets, as `record(of:at:deadline:)` gives them one by one; a partition
    /// without a record there is absent. A source that can ask for all at once does.
    func records(at offsets: [TopicPartition: Int64], deadline: ContinuousClock.Instant) throws
        -> [TopicPartition: Change]

    /// The first offset of each partition whose record is not older than `instant`; the end offset if there's none.
    func offsets(of partitions: [TopicPartition], at instant: Instant, deadline: ContinuousClock.Instant) throws
        -> [TopicPartition: Int64]

    /// How long each topic is kept, where it's told in time. Best effort: what isn't known is absent.
    func retention(of topics: [String], timeout: Duration) -> [String: TopicRetention]

    /// Tells the consumer group how far we are. For lag tools only, best effort; nothing reads it back.
    func commitToGroup(_ offsets: [TopicPartition: Int64], deadline: ContinuousClock.Instant) throws
}

extension ChangeSource {
    package func records(at offsets: [TopicPartition: Int64], deadline: ContinuousClock.Instant) throws
        -> [TopicPartition: Change]
    {
        var records: [TopicPartition: Change] = [:]
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            records[partition] = try record(of: partition, at: offset, deadline: deadline)
        }
        return records
    }
}
