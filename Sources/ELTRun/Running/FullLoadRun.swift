import ELTCore
import ELTExtract
import ELTTransform

extension Engine {
    /// A snapshot of the service's listing, then the models. The download doesn't hold the lock: it may
    /// take days while the hours go on.
    package func fullLoad(_ names: [String], acceptShrink: Bool) throws -> RunReport {
        let entities = try entitiesToLoad(names)
        var report = RunReport(command: "full-load", now: context.now)
        var watch = Stopwatch()
        for entity in entities {
            let lock = try RunLock(
                archive: settings.archivePath, command: "full-load \(entity.name)", name: "full-load-\(entity.name)",
                now: startedAt)
            defer { withExtendedLifetime(lock) {} }
            try checkDisk()
            let download: Download = try watch.measure("download") { try self.download(entity, &report) }
            try finish(download, of: entity, acceptShrink: acceptShrink, &report, &watch)
        }
        report.seconds = watch.seconds
        report.seconds["total"] = watch.total
        return report
    }

    private func entitiesToLoad(_ names: [String]) throws -> [EntitySettings] {
        let known = settings.entities.filter { $0.fullLoad != nil }
        for name in names where !known.contains(where: { $0.name == name }) {
            if settings.entities.contains(where: { $0.name == name }) { throw ExtractError.noFullLoad(entity: name) }
            throw RunError.unknownEntity(name, known: known.map(\.name))
        }
        guard let first = settings.entities.first else { return [] }
        guard !known.isEmpty else { throw ExtractError.noFullLoad(entity: first.name) }
        return names.isEmpty ? known : known.filter { names.contains($0.name) }
    }

    private struct Download {
        var draft: any DraftLoad
        var summary: SnapshotSummary
        var w1: [Watermark]
        var seconds: Double
    }

    /// A draft older than this is begun anew.
    static let draftAgeMax: Duration = .seconds(86_400)

    private func download(_ entity: EntitySettings, _ report: inout RunReport) throws -> Download {
        let begun = ContinuousClock.now
        let archive = try makeArchive()
        let source = entity.topics.isEmpty ? nil : try makeChangeSource()
        let draft = try draft(of: entity, archive, source)
        let snapshot = try makeSnapshotSource(entity)
        let summary: SnapshotSummary
        do {
            summary = try snapshot.download(into: draft, context: context)
        } catch {
            // The next attempt goes on here. The first error is the one to report.
            try? draft.flush()
            throw error
        }
        // From here on the lock is waited for, which may take long or fail.
        try draft.flush()
        Failpoint.draftCompleted.pass()
        let w1 = try watermarks(of: entity, source, archive)
        return Download(
            draft: draft, summary: summary, w1: w1, seconds: Stopwatch.seconds(ContinuousClock.now - begun))
    }

    private func draft(
        of entity: EntitySettings, _ archive: any Archive, _ source: (any ChangeSource)?
    ) throws -> any DraftLoad {
        let digest = entity.listingDigest
        if let draft = try archive.openDraft(of: entity.name) {
            if draft.plan.settingsDigest == digest, startedAt < draft.begunAt + Self.draftAgeMax {
                if !draft.keptPages.isEmpty {
                    context.progress.note("Resuming the full load of \(entity.name): \(draft.keptPages.count) pages are there.")
                }
                return draft
            }
            context.progress.note("The unfinished full load of \(entity.name) is too old or has other settings: beginning anew.")
            try draft.discard()
        }
        let w0 = try watermarks(of: entity, source, archive)
        return try archive.newDraft(
            of: entity.name, plan: DraftPlan(now: context.now, w0: w0, settingsDigest: digest))
    }

    private func watermarks(
        of entity: EntitySettings, _ source: (any ChangeSource)?, _ archive: any Archive
    ) throws -> [Watermark] {
        guard let source else { return [] }
        let bounds = try source.bounds(of: entity.topics.map(\.name), deadline: context.deadline)
        let life = TopicLife(
            archive: archive, source: source, positions: try positions(archive, try lookAtWarehouse()),
            entities: settings.entities)
        return try life.watermarks(bounds, deadline: context.deadline)
    }

    /// Takes the lock, completes the download, loads it and publishes.
    private func finish(
        _ download: Download, of entity: EntitySettings, acceptShrink: Bool, _ report: inout RunReport,
        _ watch: inout Stopwatch
    ) throws {
        let lock = try waitForLock()
        defer { withExtendedLifetime(lock) {} }
        let archive = try makeArchive()
        try archive.recover()
        let warehouse = try openWarehouse(archive)
        do {
            let afresh = try watch.measure("load") {
                var afresh = try loadNew(archive, warehouse, &report)
                try refuseShrink(download, entity, warehouse, acceptShrink)
                let number = (try warehouse.fullLoads(of: entity.name).map(\.number).max() ?? 0) + 1
                let entry = try download.draft.complete(
                    number: number, records: entity.fullLoad?.records ?? [], w1: download.w1,
                    finishedAt: max(context.now, download.draft.startedAt), summary: download.summary)
                Failpoint.draftRenamed.pass()
                try archive.append([.fullLoad(entry), .run(RunEntry(command: "full-load", now: context.now))])
                report.fullLoads.append(line(entry, download))
                if let drift = entry.drift { warn("\(entity.name): \(drift)", &report) }
                afresh = try loadNew(archive, warehouse, &report) || afresh
                return afresh
            }
            try judge(archive, warehouse)
            var request = TransformRequest()
            request.everything = afresh
            let clock = watch
            try watch.measure("transform") { try publish(warehouse, request, &report, clock) }
            try watch.measure("checkpoint") { try checkpoint(warehouse, &report) }
        } catch {
            recordFailure(error, report, warehouse, watch)
            throw error
        }
    }

    private func line(_ entry: FullLoadEntry, _ download: Download) -> RunReport.FullLoad {
        RunReport.FullLoad(
            entity: entry.entity, number: entry.number, startedAt: entry.startedAt.description, pages: entry.pages,
            rows: entry.rows, total: entry.total, drift: entry.drift, retries: download.summary.retries,
            seconds: download.seconds)
    }

    /// An hour that's under way is waited for: the download may have taken days.
    private func waitForLock() throws -> RunLock {
        while true {
            do {
                return try lock("full-load")
            } catch RunError.locked(let holder) {
                guard ContinuousClock.now < context.deadline else { throw RunError.locked(holder: holder) }
                try Interruption.check()
                pause(.milliseconds(200))
            }
        }
    }

    /// Refuses a listing that's empty or much shorter than the last one, before anything changes.
    private func refuseShrink(
        _ download: Download, _ entity: EntitySettings, _ warehouse: any Warehouse, _ acceptShrink: Bool
    ) throws {
        guard !acceptShrink, let full = entity.fullLoad else { return }
        let rows = download.summary.rows
        let before = try warehouse.lastFullLoadRows(of: entity.name)
        let isShrunk = before.map { Double(rows) < Double($0) * full.minRowsRatio } ?? false
        guard rows == 0 || isShrunk else { return }
        try download.draft.discard()
        if rows == 0 { throw ExtractError.empty(entity: entity.name) }
        throw ExtractError.shrunk(entity: entity.name, rows: rows, before: before ?? 0, ratio: full.minRowsRatio)
    }
}

extension EntitySettings {
    /// What shapes the listing: pages fetched under other settings don't fit together.
    package var listingDigest: String {
        guard let full = fullLoad else { return "" }
        return "\(full.url)\u{1f}\(full.records.joined(separator: "."))\u{1f}\(full.pagination)"
    }
}
