import ELTCore

/// What an extraction brought.
package struct ExtractSummary: Sendable {
    package var entries: [ManifestEntry] = []
    package var rows: Int64 = 0
    package var bytes: Int64 = 0
    package var textBytes: Int64 = 0
    package var bounds: [PartitionBounds] = []
    /// What was to be read of each partition; empty where there was nothing new.
    package var ranges: [(place: SegmentPlace, range: OffsetRange)] = []
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

    private typealias Task = ExtractTask

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
                summary.ranges = tasks.map { ($0.place, $0.range) }
                let segments = try read(tasks.filter { !$0.readRange.isEmpty }, &summary)
                contents += segments.map(ManifestEntry.Content.segment)
                break
            } catch let recreated as Recreated {
                try startAnew(recreated, &positions, &contents, &summary)
            }
        }
        for case .gap(let gap) in contents {
            let how =
                isHealed(
                    TopicPartition(gap.place.topic, gap.place.partition), incarnation: gap.place.incarnation,
                    lostUntil: gap.lost.next, loads[gap.place.entity])
                ? "a full load that began behind them heals the gap, which is" : "the gap is accepted and"
            let warning =
                "\(gap.place.topic)/\(gap.place.partition): offsets \(gap.lost) are lost; \(how) in the ledger."
            summary.warnings.append(warning)
            context.progress.warn(warning)
        }
        // A partition that's still empty gets a position too: else what it loses before its first record is read would
        // be nobody's loss.
        let starts = summary.ranges.filter { place, range in
            range.isEmpty && positions.partitions[TopicPartition(place.topic, place.partition)] == nil
        }.map { PartitionStart(place: $0.place, offset: $0.range.next) }
        contents.append(.run(RunEntry(command: command, now: context.now, starts: starts)))
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
        let archived = try archivedAlready(positions)
        for entity in entities {
            for topic in entity.topics {
                for bound in bounds.filter({ $0.partition.topic == topic.name }).sorted(by: { $0.partition < $1.partition }) {
                    let again = archived[bound.partition] ?? []
                    let position = try self.position(of: bound, in: positions, again, loads[entity.name] ?? [])
                    var task = Task(
                        entity: entity.name, partition: bound.partition, incarnation: position.incarnation,
                        range: OffsetRange(first: max(position.next, bound.low), next: max(bound.end, bound.low)))
                    task.again = again.filter { $0.range.first >= position.next }
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
        return tasks
    }

    /// Where to go on with a partition.
    private func position(
        of bound: PartitionBounds, in positions: Positions, _ again: [SegmentEntry], _ loads: [FullLoadMark]
    ) throws -> Position {
        let topic = bound.partition.topic
        var (position, furthest) = positions.start(of: bound, loads.compactMap { $0.w0[bound.partition] })
        guard furthest <= bound.end else {
            throw Recreated(topic: topic, reason: "\(bound.partition) ends at \(bound.end), before offset \(furthest)")
        }
        if position.againUntil != nil, position.next < bound.low {
            // Retention went on since the rewind, and what it took is archived.
            position.next = again.first { $0.range.first >= bound.low }?.range.first ?? position.furthest
        }
        return position
    }

    /// The segments of partitions that were rewound, from where they are to be read again, in order.
    private func archivedAlready(_ positions: Positions) throws -> [TopicPartition: [SegmentEntry]] {
        let rewound = positions.partitions.filter { $0.value.againUntil != nil }
        guard !rewound.isEmpty else { return [:] }
        var found: [TopicPartition: [SegmentEntry]] = [:]
        for case .segment(let segment) in try archive.entries(after: 0).map(\.content) {
            let partition = TopicPartition(segment.place.topic, segment.place.partition)
            guard let position = rewound[partition], segment.place.incarnation == position.incarnation,
                segment.range.first >= position.next
            else { continue }
            found[partition, default: []].append(segment)
        }
        return found.mapValues { $0.sorted { $0.range.first < $1.range.first } }
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
            !acceptGap
                && !isHealed(
                    gap.partition, incarnation: gap.incarnation, lostUntil: gap.lost.next, loads[gap.entity])
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

    private func isHealed(
        _ partition: TopicPartition, incarnation: Int, lostUntil: Int64, _ loads: [FullLoadMark]?
    ) -> Bool {
        Positions.isHealed(
            partition, incarnation: incarnation, lostUntil: lostUntil, (loads ?? []).compactMap { $0.w0[partition] })
    }

    // MARK: Reading

    private func read(_ tasks: [Task], _ summary: inout ExtractSummary) throws -> [SegmentEntry] {
        let writers = tasks.map { PartitionWriter($0, archive) }
        var firsts: [(offset: Int64, digest: String)?] = tasks.map { _ in nil }
        var rows: Int64 = 0
        let total = tasks.reduce(Int64(0)) { $0 + $1.range.count }
        if total > 0 { try archive.beginExtraction() }
        do {
            try source.read(
                tasks.map { ($0.partition, $0.readRange) }, stall: limits.stall, deadline: context.deadline,
                each: { index, change in
                    let task = tasks[index]
                    if firsts[index] == nil { firsts[index] = (change.offset, archive.digest(of: change, at: task.place)) }
                    if change.offset == task.anchorOffset { try recognise(change, task) }
                    if change.offset < task.range.first { return }
                    try writers[index].append(change)
                    rows += 1
                    if rows & 0x3FFF == 0 { context.progress.report(step: "extract", done: rows, total: total) }
                },
                finished: { try writers[$0].finish() })
            if source.wasTroubled { try recogniseAgain(tasks, firsts) }
        } catch {
            for writer in writers { writer.discard() }
            // All is read again, and what has another life's name then would be left without an entry.
            if error is Recreated { for segment in writers.flatMap(\.sealed) { try archive.remove(unlisted: segment) } }
            throw error
        }
        context.progress.report(step: "extract", done: rows, total: total)
        let segments = writers.flatMap(\.sealed)
        summary.rows += rows
        summary.bytes += segments.reduce(0) { $0 + $1.bytes }
        summary.textBytes += segments.reduce(0) { $0 + $1.textBytes }
        for (task, writer) in zip(tasks, writers) {
            for segment in writer.changed {
                let warning = "\(task.partition): offsets \(segment.range) were read again and aren't what was archived; the archive keeps its file. See 'elt archive verify'."
                summary.warnings.append(warning)
                context.progress.warn(warning)
            }
        }
        return segments
    }

    /// The record at the anchor must be the one that was archived, or the topic is another one.
    private func recognise(_ change: ChangeView, _ task: Task) throws {
        guard let digest = task.anchorDigest else { return }
        guard archive.digest(of: change, at: task.place) == digest else {
            throw Recreated(
                topic: task.partition.topic,
                reason: "the record at offset \(change.offset) of partition \(task.partition.partition) isn't the one that was archived")
        }
    }

    /// Where a connection was lost, the topic may have been made anew meanwhile, and what was read be of two lives. Then
    /// what was read first isn't there any more. Best effort: what can't be asked is taken for the same.
    private func recogniseAgain(_ tasks: [Task], _ firsts: [(offset: Int64, digest: String)?]) throws {
        var offsets: [TopicPartition: Int64] = [:]
        for (task, first) in zip(tasks, firsts) { offsets[task.partition] = first?.offset }
        let deadline = min(context.deadline, .now + .seconds(30))
        guard !offsets.isEmpty, let found = try? source.records(at: offsets, deadline: deadline) else { return }
        for (task, first) in zip(tasks, firsts) {
            guard let first, let change = found[task.partition] else { continue }
            if change.withView({ archive.digest(of: $0, at: task.place) }) == first.digest { continue }
            throw Recreated(
                topic: task.partition.topic,
                reason: "while it was read, the record at offset \(first.offset) of partition \(task.partition.partition) became another")
        }
    }
}
