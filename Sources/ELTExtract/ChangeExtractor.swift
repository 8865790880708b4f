import ELTCore

/// What an extraction brought.
package struct ExtractSummary: Sendable {
    package var entries: [ManifestEntry] = []
    package var rows: Int64 = 0
    package var bytes: Int64 = 0
    package var textBytes: Int64 = 0
    package var bounds: [PartitionBounds] = []
    /// Offsets to go on with, for lag tools.
    package var next: [TopicPartition: Int64] = [:]
    package var warnings: [String] = []
    package init() {}
}

/// Step 1: what the topics have gained becomes sealed segments.
///
/// Reads up to where each topic ended when the call began, and no further, so that a busy topic
/// can't keep the run from ending.
package struct ChangeExtractor {
    private let entities: [EntitySettings]
    private let archive: any Archive
    private let source: any ChangeSource
    private let limits: Limits
    private let context: RunContext

    /// A segment is cut after this much text, by content and never by the clock.
    static let segmentTextBytesMax: Int64 = 256 << 20

    package init(
        entities: [EntitySettings], archive: any Archive, source: any ChangeSource, limits: Limits,
        context: RunContext
    ) {
        self.entities = entities.filter { !$0.topics.isEmpty }
        self.archive = archive
        self.source = source
        self.limits = limits
        self.context = context
    }

    /// One partition to read, and what is known of it.
    private struct Task {
        var entity: String
        var partition: TopicPartition
        var incarnation: Int
        var range: OffsetRange
        var anchorOffset: Int64?
        var anchorDigest: String?
        var place: SegmentPlace {
            SegmentPlace(
                entity: entity, topic: partition.topic, incarnation: incarnation, partition: partition.partition)
        }
        /// Begins at the anchor, which is read again to see that the topic is still the one we know.
        var readRange: OffsetRange { OffsetRange(first: anchorOffset ?? range.first, next: range.next) }
    }

    private struct Recreated: Error {
        var topic: String
        var reason: String
    }

    /// Archives everything from `positions` to the topics' ends now, and notes the run in the manifest.
    /// `loads` are the complete full loads of each entity: one that began behind a gap heals it.
    package func extract(
        _ positions: Positions, loads: [String: [FullLoadMark]], acceptGap: Bool, command: String
    ) throws -> ExtractSummary {
        var positions = positions
        var summary = ExtractSummary()
        let topics = entities.flatMap { $0.topics.map(\.name) }
        summary.bounds = topics.isEmpty ? [] : try source.bounds(of: topics, deadline: context.deadline)
        Failpoint.boundsFrozen.pass()
        var contents: [ManifestEntry.Content] = []
        for topic in shrunkTopics(positions, summary.bounds) {
            try startAnew(Recreated(topic: topic, reason: "it has fewer partitions than it had"), &positions, &contents, &summary)
        }
        while true {
            do {
                let tasks = try plan(&positions, summary.bounds, loads, acceptGap, &contents)
                let segments = try read(tasks, &summary)
                contents += segments.map(ManifestEntry.Content.segment)
                break
            } catch let recreated as Recreated {
                try startAnew(recreated, &positions, &contents, &summary)
            }
        }
        for case .gap(let gap) in contents {
            let warning =
                "\(gap.place.topic)/\(gap.place.partition): offsets \(gap.lost) are lost; the gap is accepted and in the ledger."
            summary.warnings.append(warning)
            context.progress.warn(warning)
        }
        contents.append(.run(RunEntry(command: command, now: context.now)))
        summary.entries = try archive.append(contents)
        for entry in summary.entries { positions.apply(entry) }
        summary.next = positions.partitions.mapValues(\.next)
        return summary
    }

    private func shrunkTopics(_ positions: Positions, _ bounds: [PartitionBounds]) -> [String] {
        let there = Set(bounds.map(\.partition))
        let topics = Set(bounds.map(\.partition.topic))
        return Set(positions.partitions.keys.filter { topics.contains($0.topic) && !there.contains($0) }.map(\.topic)).sorted()
    }

    private func startAnew(
        _ recreated: Recreated, _ positions: inout Positions, _ contents: inout [ManifestEntry.Content],
        _ summary: inout ExtractSummary
    ) throws {
        let number = positions.incarnation(of: recreated.topic) + 1
        let entry = IncarnationEntry(topic: recreated.topic, number: number, reason: recreated.reason)
        positions.apply(ManifestEntry(sequence: 0, content: .incarnation(entry)))
        contents.append(.incarnation(entry))
        let warning =
            "The topic \(recreated.topic) was recreated (\(recreated.reason)): reading incarnation \(number) from its beginning. Run 'elt full-load' soon: events between the lives may be missing."
        summary.warnings.append(warning)
        context.progress.warn(warning)
    }

    // MARK: Planning

    private func plan(
        _ positions: inout Positions, _ bounds: [PartitionBounds], _ loads: [String: [FullLoadMark]],
        _ acceptGap: Bool, _ contents: inout [ManifestEntry.Content]
    ) throws -> [Task] {
        var tasks: [Task] = []
        var gaps: [ExtractError.Gap] = []
        for entity in entities {
            for topic in entity.topics {
                for bound in bounds.filter({ $0.partition.topic == topic.name }).sorted(by: { $0.partition < $1.partition }) {
                    let incarnation = positions.incarnation(of: topic.name)
                    let isKnownTopic = positions.partitions.keys.contains { $0.topic == topic.name }
                    // A topic seen for the first time begins where its retention has left it; a partition
                    // that a known topic gained begins at 0.
                    let position =
                        positions.partitions[bound.partition]
                        ?? Position(incarnation: incarnation, next: isKnownTopic ? 0 : bound.low)
                    guard position.next <= bound.end else {
                        throw Recreated(
                            topic: topic.name,
                            reason: "\(bound.partition) ends at \(bound.end), before offset \(position.next)")
                    }
                    var task = Task(
                        entity: entity.name, partition: bound.partition, incarnation: incarnation,
                        range: OffsetRange(first: max(position.next, bound.low), next: max(bound.end, bound.low)))
                    if position.next < bound.low {
                        gaps.append(try gap(position, bound, entity.name))
                    } else if let anchor = position.anchorOffset, anchor >= bound.low {
                        task.anchorOffset = anchor
                        task.anchorDigest = position.anchorDigest
                    }
                    tasks.append(task)
                }
            }
        }
        try decide(gaps, loads, acceptGap, &positions, &contents)
        return tasks.filter { !$0.readRange.isEmpty }
    }

    private func gap(_ position: Position, _ bound: PartitionBounds, _ entity: String) throws -> ExtractError.Gap {
        let first = try source.record(of: bound.partition, at: bound.low, deadline: context.deadline)
        return ExtractError.Gap(
            partition: bound.partition, incarnation: position.incarnation, entity: entity,
            lost: OffsetRange(first: position.next, next: bound.low), after: position.lastTimestamp,
            before: first.flatMap { $0.timestamp >= 0 ? $0.timestamp : nil })
    }

    /// A gap is passed over only if a person said so, or a full load began behind it.
    private func decide(
        _ gaps: [ExtractError.Gap], _ loads: [String: [FullLoadMark]], _ acceptGap: Bool,
        _ positions: inout Positions, _ contents: inout [ManifestEntry.Content]
    ) throws {
        let open = gaps.filter { gap in
            let healed = (loads[gap.entity] ?? []).contains { load in
                load.w0[gap.partition].map { $0.incarnation >= gap.incarnation && $0.offset >= gap.lost.next } ?? false
            }
            return !healed && !acceptGap
        }
        guard open.isEmpty else { throw ExtractError.gap(open) }
        for gap in gaps {
            let entry = GapEntry(
                place: SegmentPlace(
                    entity: gap.entity, topic: gap.partition.topic, incarnation: gap.incarnation,
                    partition: gap.partition.partition),
                lost: gap.lost, after: gap.after, before: gap.before, acceptedAt: context.now)
            positions.apply(ManifestEntry(sequence: 0, content: .gap(entry)))
            contents.append(.gap(entry))
        }
    }

    // MARK: Reading

    private func read(_ tasks: [Task], _ summary: inout ExtractSummary) throws -> [SegmentEntry] {
        var writers: [(any SegmentWriter)?] = Array(repeating: nil, count: tasks.count)
        var sealed: [[SegmentEntry]] = Array(repeating: [], count: tasks.count)
        var rows: Int64 = 0
        let total = tasks.reduce(Int64(0)) { $0 + $1.range.count }
        if total > 0 { try archive.beginExtraction() }
        do {
            try source.read(
                tasks.map { ($0.partition, $0.readRange) }, stall: limits.stall, deadline: context.deadline,
                each: { index, change in
                    let task = tasks[index]
                    if change.offset < task.range.first {
                        try recognise(change, task)
                        return
                    }
                    let writer: any SegmentWriter
                    if let open = writers[index] {
                        writer = open
                    } else {
                        writer = try archive.segment(at: task.place, first: sealed[index].last?.range.next ?? task.range.first)
                        writers[index] = writer
                    }
                    try writer.append(change)
                    rows += 1
                    if rows & 0x3FFF == 0 { context.progress.report(step: "extract", done: rows, total: total) }
                    if writer.textBytes >= Self.segmentTextBytesMax {
                        sealed[index].append(try writer.seal(next: change.offset + 1))
                        writers[index] = nil
                    }
                },
                finished: { index in
                    let task = tasks[index]
                    let first = sealed[index].last?.range.next ?? task.range.first
                    guard first < task.range.next else { return }
                    // Offsets without a record (markers, compaction) are accounted for all the same.
                    let writer = try writers[index] ?? archive.segment(at: task.place, first: first)
                    writers[index] = nil
                    sealed[index].append(try writer.seal(next: task.range.next))
                })
        } catch {
            for writer in writers { writer?.discard() }
            throw error
        }
        context.progress.report(step: "extract", done: rows, total: total)
        let segments = sealed.flatMap { $0 }
        summary.rows += rows
        summary.bytes += segments.reduce(0) { $0 + $1.bytes }
        summary.textBytes += segments.reduce(0) { $0 + $1.textBytes }
        return segments
    }

    /// The record at the anchor must be the one that was archived, or the topic is another one.
    private func recognise(_ change: ChangeView, _ task: Task) throws {
        guard change.offset == task.anchorOffset, let digest = task.anchorDigest else { return }
        guard archive.digest(of: change, at: task.place) == digest else {
            throw Recreated(
                topic: task.partition.topic,
                reason: "the record at offset \(change.offset) of partition \(task.partition.partition) isn't the one that was archived")
        }
    }
}
