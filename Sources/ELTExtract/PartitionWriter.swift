import ELTCore

/// One partition to read, and what is known of it.
struct ExtractTask {
    var entity: String
    var partition: TopicPartition
    var incarnation: Int
    var range: OffsetRange
    /// After a rewind: segments at the range's beginning that are archived already.
    var again: [SegmentEntry] = []
    var anchorOffset: Int64?
    var anchorDigest: String?

    var place: SegmentPlace {
        SegmentPlace(
            entity: entity, topic: partition.topic, incarnation: incarnation, partition: partition.partition)
    }
    /// Covers the anchor, which is read again to see that the topic is still the one we know.
    var readRange: OffsetRange {
        OffsetRange(first: min(anchorOffset ?? range.first, range.first), next: range.next)
    }
}

/// Cuts what comes of one partition into segments.
///
/// What's archived already is cut as it was then, so that it gives the same names and the same bytes, and
/// the archive has every offset in one file only, however often it's read.
final class PartitionWriter {
    private let task: ExtractTask
    private let archive: any Archive
    private var open: (any SegmentWriter)?
    private var again: ArraySlice<SegmentEntry>
    private var next: Int64
    /// New segments.
    private(set) var sealed: [SegmentEntry] = []
    /// Segments that were read again and aren't what was archived.
    private(set) var changed: [SegmentEntry] = []

    init(_ task: ExtractTask, _ archive: any Archive) {
        self.task = task
        self.archive = archive
        again = task.again[...]
        next = task.again.first?.range.first ?? task.range.first
    }

    func append(_ change: ChangeView) throws {
        while let segment = again.first, change.offset >= segment.range.next { try restore(segment) }
        guard change.offset >= next else { return }
        let writer = try writer()
        try writer.append(change)
        if again.isEmpty, writer.textBytes >= ChangeExtractor.segmentTextBytesMax {
            try seal(next: change.offset + 1)
        }
    }

    /// Offsets without a record (markers, compaction) are accounted for all the same.
    func finish() throws {
        while let segment = again.first { try restore(segment) }
        if next < task.range.next { try seal(next: task.range.next) }
    }

    func discard() { open?.discard() }

    private func writer() throws -> any SegmentWriter {
        if let open { return open }
        // What's read again lies where it lay, under the name that its entity had.
        let writer = try archive.segment(at: again.first?.place ?? task.place, first: next)
        open = writer
        return writer
    }

    private func seal(next end: Int64) throws {
        let writer = try writer()
        open = nil
        sealed.append(try writer.seal(next: end))
        next = end
    }

    private func restore(_ segment: SegmentEntry) throws {
        let writer = try writer()
        open = nil
        again.removeFirst()
        if try !writer.restore(segment) { changed.append(segment) }
        next = again.first?.range.first ?? segment.range.next
    }
}
