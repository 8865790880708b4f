import ELTCore
import ELTExtract
import ELTLoad

/// What is to be read again.
package struct RewindRequest: Sendable {
    package enum Target: Sendable {
        /// Everything from the first record of this instant on, by the broker's timestamps.
        case instant(Instant)
        case offset(Int64)
    }
    package var target: Target
    /// nil is all topics, or all partitions of the topic.
    package var topic: String?
    package var partition: Int32?
    package init(to target: Target, topic: String? = nil, partition: Int32? = nil) {
        self.target = target
        self.topic = topic
        self.partition = partition
    }
}

/// How far each partition was moved back.
package struct RewindReport: Codable, Equatable, Sendable {
    package struct Partition: Codable, Equatable, Sendable {
        package var topic: String
        package var partition: Int32
        package var incarnation: Int
        /// Where the next run would have begun, and where it begins now.
        package var from: Int64
        package var to: Int64
    }
    package var partitions: [Partition] = []
}

extension Engine {
    /// Moves the ledger back, so that the next run reads again. Whole segments are read again: each offset
    /// stays in one file of the archive, and one row.
    package func rewind(_ request: RewindRequest) throws -> RewindReport {
        try check(request)
        let lock = try lock("rewind")
        defer { withExtendedLifetime(lock) {} }
        try checkDisk()
        let archive = try makeArchive()
        try archive.recover()
        let positions = try positions(archive, try lookAtWarehouse())
        let moves = try RewindPlan(request, positions, try archive.entries(after: 0)).moves()
        try refuseForgotten(moves)
        let warehouse = try openWarehouse(archive)
        var report = RunReport(command: "rewind", now: context.now)
        if !moves.isEmpty {
            let entries = moves.map { RewindEntry(place: $0.place, offset: $0.first, at: context.now) }
            try archive.append(entries.map(ManifestEntry.Content.rewind))
        }
        _ = try loadNew(archive, warehouse, &report)
        try warehouse.install()
        return RewindReport(
            partitions: moves.map {
                RewindReport.Partition(
                    topic: $0.place.topic, partition: $0.place.partition, incarnation: $0.place.incarnation,
                    from: $0.next, to: $0.first)
            })
    }

    private func check(_ request: RewindRequest) throws {
        let known = settings.entities.flatMap { $0.topics.map(\.name) }
        if let topic = request.topic, !known.contains(topic) {
            throw RewindError.unknownTopic(topic, known: known)
        }
        if case .offset = request.target, request.topic == nil { throw RewindError.offsetNeedsTopic }
    }

    /// What the broker no longer has can't be read again, and the run would stop at the gap.
    private func refuseForgotten(_ moves: [RewindPlan.Move]) throws {
        guard !moves.isEmpty else { return }
        let topics = Set(moves.map(\.place.topic)).sorted()
        let bounds = try makeChangeSource().bounds(of: topics, deadline: context.deadline)
        let low = Dictionary(bounds.map { ($0.partition, $0.low) }, uniquingKeysWith: max)
        let forgotten = moves.compactMap { move -> RewindError.Forgotten? in
            guard let low = low[move.partition], low > move.first else { return nil }
            return RewindError.Forgotten(
                partition: move.partition, needed: move.first, low: low,
                earliest: move.segments.first { $0.range.first >= low }?.range.first)
        }
        guard forgotten.isEmpty else { throw RewindError.forgotten(forgotten) }
    }

    /// After a rewind: rows that had been lost come back. Those that are there stay as they are. It belongs into
    /// the transaction that ends the rewind: a crash in between would forget what was to be read again.
    func loadAgain(_ session: any LoadSession, _ archive: any Archive) throws {
        let rewound = try session.rewound
        guard !rewound.isEmpty else { return }
        let segments = try archive.entries(after: 0).compactMap { entry -> SegmentEntry? in
            guard case .segment(let segment) = entry.content, rewound.contains(where: { $0.holds(segment) }) else { return nil }
            return segment
        }
        let missing = try loader(archive).loadAgain(segments, into: session)
        context.progress.note(
            "Read again: \(segments.reduce(0) { $0 + $1.rows }) events in \(segments.count) segments; \(missing) of their rows had been missing.")
    }
}

/// Works out which partitions move, and where to. No I/O.
struct RewindPlan {
    struct Move {
        var place: SegmentPlace
        /// Where the partition is read again from: a segment's beginning.
        var first: Int64
        /// Where the next run would have begun.
        var next: Int64
        /// All of the partition's life, in order.
        var segments: [SegmentEntry]
        var partition: TopicPartition { TopicPartition(place.topic, place.partition) }
    }

    private let request: RewindRequest
    private let positions: Positions
    private var segments: [TopicPartition: [SegmentEntry]] = [:]

    init(_ request: RewindRequest, _ positions: Positions, _ entries: [ManifestEntry]) {
        self.request = request
        self.positions = positions
        for case .segment(let segment) in entries.map(\.content) {
            let partition = TopicPartition(segment.place.topic, segment.place.partition)
            guard segment.place.incarnation == positions.partitions[partition]?.incarnation else { continue }
            segments[partition, default: []].append(segment)
        }
    }

    func moves() throws -> [Move] {
        let chosen = positions.partitions.keys.filter { partition in
            (request.topic ?? partition.topic) == partition.topic
                && (request.partition ?? partition.partition) == partition.partition
        }.sorted()
        if let topic = request.topic, chosen.isEmpty {
            throw RewindError.neverRead(topic: topic, partition: request.partition)
        }
        if case .offset = request.target, chosen.count > 1 {
            throw RewindError.offsetNeedsPartition(topic: chosen[0].topic, partitions: chosen.count)
        }
        return try chosen.compactMap(move)
    }

    private func move(_ partition: TopicPartition) throws -> Move? {
        guard let position = positions.partitions[partition] else { return nil }
        let segments = (segments[partition] ?? []).sorted { $0.range.first < $1.range.first }
        let target: SegmentEntry?
        switch request.target {
        case .instant(let instant):
            target = segments.first { segment in
                [segment.firstTimestamp, segment.lastTimestamp].contains { ($0 ?? -1) >= instant.milliseconds }
            }
        case .offset(let offset):
            guard offset < position.next else {
                throw RewindError.ahead(partition: partition, offset: offset, next: position.next)
            }
            target = segments.first { $0.range.next > offset }
        }
        guard let target, target.range.first < position.next else { return nil }
        return Move(place: target.place, first: target.range.first, next: position.next, segments: segments)
    }
}
