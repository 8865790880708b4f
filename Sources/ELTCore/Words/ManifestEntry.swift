/// One line of the archive's manifest: something that happened to the archive, for ever.
///
/// The manifest is append-only. Its order is the order in which segments are loaded, on every
/// machine and in every rebuild, so whatever the loader learns on the way it learns the same again.
package struct ManifestEntry: Sendable, Equatable {
    /// 1, 2, … without holes.
    package var sequence: Int64
    package var content: Content

    package enum Content: Sendable, Equatable {
        case segment(SegmentEntry)
        case fullLoad(FullLoadEntry)
        case run(RunEntry)
        case gap(GapEntry)
        case incarnation(IncarnationEntry)
        case rewind(RewindEntry)
    }

    package init(sequence: Int64, content: Content) {
        self.sequence = sequence
        self.content = content
    }
}

/// Where a segment's events come from.
package struct SegmentPlace: Hashable, Sendable {
    package var entity: String
    package var topic: String
    package var incarnation: Int
    package var partition: Int32
    package init(entity: String, topic: String, incarnation: Int, partition: Int32) {
        self.entity = entity
        self.topic = topic
        self.incarnation = incarnation
        self.partition = partition
    }
}

/// A sealed file of consecutive events.
package struct SegmentEntry: Sendable, Equatable {
    package var place: SegmentPlace
    /// The offsets it accounts for; holes inside are the broker's.
    package var range: OffsetRange
    /// Relative to the archive's folder.
    package var path: String
    package var rows: Int64
    /// Bytes of the file, and of the text in it.
    package var bytes: Int64
    package var textBytes: Int64
    /// Of the file as it lies on disk, 64 hex digits.
    package var sha256: String
    package var firstTimestamp: Int64?
    package var lastTimestamp: Int64?
    /// The last record, to recognise the topic again: its offset and the SHA-256 of its archive line.
    package var anchorOffset: Int64?
    package var anchorDigest: String?

    package init(
        place: SegmentPlace, range: OffsetRange, path: String, rows: Int64, bytes: Int64, textBytes: Int64,
        sha256: String, firstTimestamp: Int64?, lastTimestamp: Int64?, anchorOffset: Int64?, anchorDigest: String?
    ) {
        self.place = place
        self.range = range
        self.path = path
        self.rows = rows
        self.bytes = bytes
        self.textBytes = textBytes
        self.sha256 = sha256
        self.firstTimestamp = firstTimestamp
        self.lastTimestamp = lastTimestamp
        self.anchorOffset = anchorOffset
        self.anchorDigest = anchorDigest
    }
}

/// An offset of a partition in one life of its topic.
package struct Watermark: Hashable, Sendable {
    package var partition: TopicPartition
    package var incarnation: Int
    package var offset: Int64
    package init(partition: TopicPartition, incarnation: Int, offset: Int64) {
        self.partition = partition
        self.incarnation = incarnation
        self.offset = offset
    }
}

/// A complete full load: a folder of page files.
package struct FullLoadEntry: Sendable, Equatable {
    package var entity: String
    /// 1, 2, …: the epoch of its rows.
    package var number: Int
    /// T0.
    package var startedAt: Instant
    package var finishedAt: Instant
    /// W0 and W1, one per partition that existed.
    package var w0: [Watermark]
    package var w1: [Watermark]
    /// Relative to the archive's folder, in order.
    package var files: [PageFile]
    package var pages: Int
    package var rows: Int64
    package var total: Int64?
    package var drift: String?
    /// The keys that lead to the list in a page's body, as the setting was when the pages came; nil in entries of
    /// before it was kept.
    package var records: [String]?

    package struct PageFile: Sendable, Equatable {
        package var path: String
        package var bytes: Int64
        package var textBytes: Int64
        package var sha256: String
        package init(path: String, bytes: Int64, textBytes: Int64, sha256: String) {
            self.path = path
            self.bytes = bytes
            self.textBytes = textBytes
            self.sha256 = sha256
        }
    }

    package init(
        entity: String, number: Int, startedAt: Instant, finishedAt: Instant, w0: [Watermark], w1: [Watermark],
        files: [PageFile], pages: Int, rows: Int64, total: Int64?, drift: String?, records: [String]? = nil
    ) {
        self.entity = entity
        self.number = number
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.w0 = w0
        self.w1 = w1
        self.files = files
        self.pages = pages
        self.rows = rows
        self.total = total
        self.drift = drift
        self.records = records
    }
}

/// A run that reached the end of its extraction. The latest `now` decides which days the history has.
package struct RunEntry: Sendable, Equatable {
    package var command: String
    package var now: Instant
    /// Partitions that were seen for the first time and had nothing to be read: where their records will begin. What's
    /// lost from there on was lost to us.
    package var starts: [PartitionStart]
    /// Whether all topics were read to their ends; other commands don't.
    package var readsStream: Bool { command == "run" }
    package init(command: String, now: Instant, starts: [PartitionStart] = []) {
        self.command = command
        self.now = now
        self.starts = starts
    }
}

/// Where the records of a partition that had none yet will begin.
package struct PartitionStart: Sendable, Equatable {
    package var place: SegmentPlace
    package var offset: Int64
    package init(place: SegmentPlace, offset: Int64) {
        self.place = place
        self.offset = offset
    }
}

/// Offsets that the broker forgot before they were archived, accepted by a person.
package struct GapEntry: Sendable, Equatable {
    package var place: SegmentPlace
    package var lost: OffsetRange
    /// Between these instants the lost events lie, as far as it's known. Milliseconds.
    package var after: Int64?
    package var before: Int64?
    package var acceptedAt: Instant
    package init(place: SegmentPlace, lost: OffsetRange, after: Int64?, before: Int64?, acceptedAt: Instant) {
        self.place = place
        self.lost = lost
        self.after = after
        self.before = before
        self.acceptedAt = acceptedAt
    }
}

/// A topic was deleted and created again: offsets start anew under the next number.
package struct IncarnationEntry: Sendable, Equatable {
    package var topic: String
    package var number: Int
    package var reason: String
    package init(topic: String, number: Int, reason: String) {
        self.topic = topic
        self.number = number
        self.reason = reason
    }
}

/// A person wants a partition to be read again from `offset` on. The next entry of a `run` ends it: by then
/// everything up to where it had been read is read again.
package struct RewindEntry: Sendable, Equatable {
    package var place: SegmentPlace
    /// Where a segment begins.
    package var offset: Int64
    package var at: Instant
    package init(place: SegmentPlace, offset: Int64, at: Instant) {
        self.place = place
        self.offset = offset
        self.at = at
    }
}
