/// What a complete full load says about events: where it began, in time and in each partition.
package struct FullLoadMark: Sendable, Equatable {
    package var number: Int
    /// T0.
    package var startedAt: Instant
    /// The day of T0 in the project's zone.
    package var day: Day
    /// W0 by partition.
    package var w0: [TopicPartition: Watermark]

    package init(number: Int, startedAt: Instant, day: Day, w0: [Watermark]) {
        self.number = number
        self.startedAt = startedAt
        self.day = day
        self.w0 = Dictionary(w0.map { ($0.partition, $0) }, uniquingKeysWith: { $1 })
    }

    /// The first offset of a partition's life that comes after the full load's beginning; nil: none does.
    package func firstOffset(of partition: TopicPartition, incarnation: Int) -> Int64? {
        // A partition or a life that wasn't there at the beginning came after it.
        guard let mark = w0[partition] else { return 0 }
        if incarnation > mark.incarnation { return 0 }
        return incarnation == mark.incarnation ? mark.offset : nil
    }
}

/// The epochs of one partition's events (semantics, section 3).
package struct Epochs: Sendable {
    /// Newest first.
    private var steps: [(number: Int, firstOffset: Int64, earliest: Int64)] = []

    package init(of partition: TopicPartition, incarnation: Int, loads: [FullLoadMark], maxClockSkew: Duration) {
        for load in loads.sorted(by: { $0.number > $1.number }) {
            guard let first = load.firstOffset(of: partition, incarnation: incarnation) else { continue }
            steps.append((load.number, first, (load.startedAt - maxClockSkew).milliseconds))
        }
    }

    /// The greatest full load that an event comes after by offset and by time; 0 if there's none.
    @inline(__always) package func epoch(offset: Int64, time: Int64) -> Int {
        for step in steps where offset >= step.firstOffset && time >= step.earliest { return step.number }
        return 0
    }
}

/// A raw row's place as one number: which partition (or full load), and the offset (or row) in it.
package enum PackedPlace {
    /// Offsets up to 2^44, 17 million million.
    package static let offsetBits: Int64 = 44
    package static let offsetMask: Int64 = (1 << offsetBits) - 1

    @inline(__always) package static func pack(_ group: Int64, _ offset: Int64) -> Int64 {
        precondition(offset <= offsetMask && group < 1 << 18, "an offset beyond 2^44")
        return group << offsetBits | offset
    }
    @inline(__always) package static func group(_ place: Int64) -> Int64 { place >> offsetBits }
    @inline(__always) package static func offset(_ place: Int64) -> Int64 { place & offsetMask }
}
