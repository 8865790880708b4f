import ELTCore

/// How far one partition is archived.
package struct Position: Hashable, Sendable {
    package var incarnation: Int
    /// The offset to go on with.
    package var next: Int64
    /// After a rewind: how far it had been read. Up to there nothing can be lost.
    package var againUntil: Int64?
    /// The last record archived, to recognise the topic again.
    package var anchorOffset: Int64?
    package var anchorDigest: String?
    package var lastTimestamp: Int64?

    package init(
        incarnation: Int, next: Int64, againUntil: Int64? = nil, anchorOffset: Int64? = nil, anchorDigest: String? = nil,
        lastTimestamp: Int64? = nil
    ) {
        self.incarnation = incarnation
        self.next = next
        self.againUntil = againUntil
        self.anchorOffset = anchorOffset
        self.anchorDigest = anchorDigest
        self.lastTimestamp = lastTimestamp
    }

    /// Up to here everything is archived.
    package var furthest: Int64 { max(next, againUntil ?? next) }
}

/// How far all partitions are archived: what the ledger says, and what the archive says beyond it.
package struct Positions: Sendable {
    package var partitions: [TopicPartition: Position]
    package var incarnations: [String: Int]
    /// Where full loads have seen partitions end, for who knows of full loads by the manifest alone.
    package var watermarks: [Watermark] = []

    package init(partitions: [TopicPartition: Position] = [:], incarnations: [String: Int] = [:]) {
        self.partitions = partitions
        self.incarnations = incarnations
    }

    package func incarnation(of topic: String) -> Int { incarnations[topic] ?? 1 }

    /// Where to go on with a partition that the broker has, and the offset up to which it's known to have been.
    ///
    /// A topic seen for the first time begins where its retention has left it, but no later than a full load has seen it
    /// end; a partition that a known topic gained begins at 0.
    package func start(of bound: PartitionBounds, _ watermarks: [Watermark]) -> (position: Position, furthest: Int64) {
        let topic = bound.partition.topic
        let life = incarnation(of: topic)
        let seen = watermarks.filter { $0.partition == bound.partition && $0.incarnation == life }.map(\.offset)
        let isKnownTopic = partitions.keys.contains { $0.topic == topic }
        let position =
            partitions[bound.partition]
            ?? Position(incarnation: life, next: isKnownTopic ? 0 : min(bound.low, seen.min() ?? bound.low))
        return (position, max(position.furthest, seen.max() ?? 0))
    }

    /// Whether a full load began behind what retention took of a partition: then nothing is lost.
    package static func isHealed(_ partition: TopicPartition, incarnation: Int, lostUntil: Int64, _ watermarks: [Watermark]) -> Bool {
        watermarks.contains { $0.partition == partition && $0.incarnation >= incarnation && $0.offset >= lostUntil }
    }

    /// The offset that a run would go on with, or that it would miss. What retention took since a rewind is archived.
    package func next(of bound: PartitionBounds) -> Int64 {
        let position = start(of: bound, watermarks).position
        return position.againUntil == nil ? position.next : max(position.next, min(position.furthest, bound.low))
    }

    /// Whether the broker has forgotten offsets that were never archived, and no full load heals that.
    package func lacks(_ bound: PartitionBounds) -> Bool {
        let life = start(of: bound, watermarks).position.incarnation
        return next(of: bound) < bound.low
            && !Self.isHealed(bound.partition, incarnation: life, lostUntil: bound.low, watermarks)
    }

    /// What an entry of the manifest means for where to go on.
    package mutating func apply(_ entry: ManifestEntry) {
        switch entry.content {
        case .segment(let segment):
            let partition = TopicPartition(segment.place.topic, segment.place.partition)
            let known = partitions[partition]
            let isSameLife = known?.incarnation == segment.place.incarnation
            partitions[partition] = Position(
                incarnation: segment.place.incarnation, next: segment.range.next,
                anchorOffset: segment.anchorOffset ?? (isSameLife ? known?.anchorOffset : nil),
                anchorDigest: segment.anchorDigest ?? (isSameLife ? known?.anchorDigest : nil),
                lastTimestamp: segment.lastTimestamp ?? known?.lastTimestamp)
        case .gap(let gap):
            let partition = TopicPartition(gap.place.topic, gap.place.partition)
            partitions[partition] = Position(
                incarnation: gap.place.incarnation, next: gap.lost.next,
                lastTimestamp: partitions[partition]?.lastTimestamp)
        case .incarnation(let life):
            incarnations[life.topic] = life.number
            for partition in partitions.keys where partition.topic == life.topic {
                partitions[partition] = nil
            }
        case .rewind(let rewind):
            let partition = TopicPartition(rewind.place.topic, rewind.place.partition)
            guard var known = partitions[partition], known.incarnation == rewind.place.incarnation,
                rewind.offset < known.next
            else { return }
            known.againUntil = known.furthest
            known.next = rewind.offset
            partitions[partition] = known
        case .run(let run):
            for start in run.starts {
                let partition = TopicPartition(start.place.topic, start.place.partition)
                guard partitions[partition] == nil, incarnation(of: partition.topic) == start.place.incarnation else { continue }
                partitions[partition] = Position(incarnation: start.place.incarnation, next: start.offset)
            }
            guard run.readsStream else { return }
            for (partition, position) in partitions where position.againUntil != nil {
                partitions[partition]?.next = position.furthest
                partitions[partition]?.againUntil = nil
            }
        case .fullLoad(let load): watermarks += load.w0
        }
    }
}
