/// One partition of one topic.
package struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let topic: String
    package let partition: Int32

    package init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    package static func < (a: Self, b: Self) -> Bool { (a.topic, a.partition) < (b.topic, b.partition) }
    package var description: String { "\(topic)/\(partition)" }
}

/// The offsets of one partition from `first` up to but not including `next`.
///
/// Ranges are half-open so that they join without arithmetic: where one
/// segment's range ends with `next`, the following segment's begins.
package struct OffsetRange: Hashable, Sendable, CustomStringConvertible {
    package let first: Int64
    package let next: Int64

    package init(first: Int64, next: Int64) {
        precondition(first >= 0, "offsets start at 0")
        precondition(next >= first, "a range never runs backwards")
        self.first = first
        self.next = next
    }

    package var count: Int64 { next - first }
    package var isEmpty: Bool { first == next }
    package var description: String { "\(first)..<\(next)" }
}

/// What a broker holds of one partition at one moment.
package struct PartitionBounds: Hashable, Sendable {
    package let partition: TopicPartition
    /// The oldest offset it still has.
    package let low: Int64
    /// The offset the next committed message will get: the last stable offset, not the high watermark.
    package let end: Int64

    package init(partition: TopicPartition, low: Int64, end: Int64) {
        self.partition = partition
        self.low = low
        self.end = end
    }
}
