import ELTCore
import ELTExtract
import ELTTransform

package struct RunOptions: Sendable {
    package var fullRefresh = false
    package var select: Set<String> = []
    package var acceptGap = false
    package var dryRun = false
    package init() {}
}

extension Engine {
    /// The hourly micro-batch (semantics, section 6).
    package func run(_ options: RunOptions) throws -> RunReport {
        try check(select: options.select)
        if options.dryRun { return try dryRun(options) }
        let lock = try lock("run")
        defer { withExtendedLifetime(lock) {} }
        try checkDisk()
        var report = RunReport(command: "run", now: context.now)
        var watch = Stopwatch()
        let archive = try makeArchive()
        try watch.measure("recover") { try archive.recover() }
        let warehouse = try openWarehouse(archive)
        try refuseOtherArchive(archive, warehouse)
        do {
            let source = try watch.measure("connect") { settings.hasTopics ? try makeChangeSource() : nil }
            let summary = try watch.measure("extract") {
                try extract(archive, warehouse, source, acceptGap: options.acceptGap, command: "run")
            }
            fill(&report, summary, source)
            let afresh = try watch.measure("load") { try loadNew(archive, warehouse, &report) }
            try judge(archive, warehouse)
            let request = request(options, afresh: afresh)
            let clock = watch
            try watch.measure("transform") { try publish(warehouse, request, &report, clock) }
            commitToGroup(source, summary)
            try watch.measure("checkpoint") { try checkpoint(warehouse, &report) }
        } catch {
            recordFailure(error, report, warehouse, watch)
            throw error
        }
        report.seconds = watch.seconds
        report.seconds["total"] = watch.total
        Failpoint.reportWritten.pass()
        return report
    }

    func request(_ options: RunOptions, afresh: Bool) -> TransformRequest {
        var request = TransformRequest()
        request.everything = afresh || (options.fullRefresh && options.select.isEmpty)
        if options.fullRefresh {
            request.fullRefresh = options.select.isEmpty ? Set(models.models.map(\.name)) : options.select
        }
        return request
    }

    func check(select: Set<String>) throws {
        for name in select.sorted() where !models.models.contains(where: { $0.name == name }) {
            throw RunError.unknownModel(name, known: models.models.map(\.name).sorted())
        }
    }

    /// Where to go on: what the ledger says, and what the archive has beyond it.
    func positions(_ archive: any Archive, _ warehouse: any Warehouse) throws -> Positions {
        var positions = Positions(incarnations: try warehouse.incarnations())
        for offset in try warehouse.offsets() {
            // A partition of a life that's over is nobody's position.
            guard offset.incarnation == positions.incarnation(of: offset.partition.topic) else { continue }
            positions.partitions[offset.partition] = Position(
                incarnation: offset.incarnation, next: offset.next, againUntil: offset.againUntil,
                anchorOffset: offset.anchorOffset,
                anchorDigest: offset.anchorDigest, lastTimestamp: offset.lastTimestamp?.milliseconds)
        }
        for entry in try archive.entries(after: try warehouse.loadedSequence) { positions.apply(entry) }
        return positions
    }

    func fullLoads(_ archive: any Archive, _ warehouse: any Warehouse) throws -> [String: [FullLoadMark]] {
        var loads: [String: [FullLoadMark]] = [:]
        for entity in settings.entities { loads[entity.name] = try warehouse.fullLoads(of: entity.name) }
        for entry in try archive.entries(after: try warehouse.loadedSequence) {
            guard case .fullLoad(let load) = entry.content else { continue }
            let day = settings.zone.day(of: load.startedAt)
            loads[load.entity, default: []].append(
                FullLoadMark(number: load.number, startedAt: load.startedAt, day: day, w0: load.w0))
        }
        return loads
    }

    func extract(
        _ archive: any Archive, _ warehouse: any Warehouse, _ source: (any ChangeSource)?, acceptGap: Bool,
        command: String
    ) throws -> ExtractSummary {
        guard let source else {
            var summary = ExtractSummary()
            summary.entries = try archive.append([.run(RunEntry(command: command, now: context.now))])
            return summary
        }
        let extractor = ChangeExtractor(
            entities: settings.entities, archive: archive, source: source, limits: settings.limits, context: context)
        return try extractor.extract(
            try positions(archive, warehouse), loads: try fullLoads(archive, warehouse), acceptGap: acceptGap,
            command: command)
    }

    func fill(_ report: inout RunReport, _ summary: ExtractSummary, _ source: (any ChangeSource)?) {
        report.extract.events = summary.rows
        report.extract.bytes = summary.bytes
        report.extract.textBytes = summary.textBytes
        report.extract.segments = summary.entries.reduce(0) { if case .segment = $1.content { $0 + 1 } else { $0 } }
        report.extract.ranges = summary.ranges.map { place, range in
            RunReport.Range(
                topic: place.topic, partition: place.partition, incarnation: place.incarnation, from: range.first,
                to: range.next)
        }
        report.warnings += summary.warnings
        report.gaps = summary.entries.compactMap { entry in
            guard case .gap(let gap) = entry.content else { return nil }
            return "\(gap.place.topic)/\(gap.place.partition): offsets \(gap.lost) are lost"
        }
        let topics = Set(summary.bounds.map(\.partition.topic)).sorted()
        let retention = source?.retention(of: topics, timeout: .seconds(1)) ?? [:]
        report.lag = summary.bounds.map {
            let next = summary.next[$0.partition] ?? $0.low
            var lag = RunReport.Lag(
                topic: $0.partition.topic, partition: $0.partition.partition, next: next, end: $0.end,
                messages: max(0, $0.end - next))
            // What comes next was written after the run had begun.
            if lag.messages == 0, case .time(let kept) = retention[lag.topic] {
                lag.hoursLeft = Double(kept.wholeMilliseconds) / 3_600_000
            }
            return lag
        }
    }

    /// For lag tools only: nothing reads it back, and a broker that won't take it spoils nothing.
    private func commitToGroup(_ source: (any ChangeSource)?, _ summary: ExtractSummary) {
        guard let source, !summary.next.isEmpty else { return }
        do {
            try source.commitToGroup(summary.next, deadline: ContinuousClock.now + .seconds(2))
        } catch {
            context.progress.note("The offsets weren't told to the consumer group, which only lag tools read: \((error as? any ELTError)?.problem ?? "\(error)")")
        }
        Failpoint.groupCommitted.pass()
    }
}

extension ProjectSettings {
    package var hasTopics: Bool { entities.contains { !$0.topics.isEmpty } }
}
