import ELTCore
import ELTExtract
import ELTLoad
import ELTTransform
import Foundation

/// The order of things: takes the lock, goes through the steps, publishes, reports.
///
/// An hour, a full load and a rebuild are the same steps over the same ports; what differs is where
/// they begin.
package struct Engine {
    package let settings: ProjectSettings
    package let models: ModelProject
    package let context: RunContext
    /// The machine's clock at the start: for the ledger and reports, never for a table.
    package let startedAt: Instant
    let makeArchive: () throws -> any Archive
    /// An empty archive beside, for a dry run; gone after it.
    let makeScratchArchive: () throws -> any Archive
    let removeScratchArchive: () -> Void
    /// For the holder of the lock.
    let makeWarehouse: () throws -> any Warehouse
    /// Takes a damaged warehouse out of the way and gives its new name; nil if there's none.
    let setWarehouseAside: () throws -> String?
    /// To read what's there, if anything is.
    let lookAtWarehouse: () throws -> any Warehouse
    let makeChangeSource: () throws -> any ChangeSource
    let makeSnapshotSource: (EntitySettings) throws -> any SnapshotSource

    package init(
        settings: ProjectSettings, models: ModelProject, context: RunContext, startedAt: Instant,
        makeArchive: @escaping () throws -> any Archive, makeScratchArchive: @escaping () throws -> any Archive,
        removeScratchArchive: @escaping () -> Void, makeWarehouse: @escaping () throws -> any Warehouse,
        setWarehouseAside: @escaping () throws -> String?, lookAtWarehouse: @escaping () throws -> any Warehouse,
        makeChangeSource: @escaping () throws -> any ChangeSource,
        makeSnapshotSource: @escaping (EntitySettings) throws -> any SnapshotSource
    ) {
        self.settings = settings
        self.models = models
        self.context = context
        self.startedAt = startedAt
        self.makeArchive = makeArchive
        self.makeScratchArchive = makeScratchArchive
        self.removeScratchArchive = removeScratchArchive
        self.makeWarehouse = makeWarehouse
        self.setWarehouseAside = setWarehouseAside
        self.lookAtWarehouse = lookAtWarehouse
        self.makeChangeSource = makeChangeSource
        self.makeSnapshotSource = makeSnapshotSource
    }

    func lock(_ command: String) throws -> RunLock {
        let lock = try RunLock(archive: settings.archivePath, command: command, now: startedAt)
        Failpoint.runLocked.pass()
        return lock
    }

    /// Free space that any run needs, in bytes: for its files, the log and a little order.
    package static let freeBytesMin: Int64 = 32 << 20

    func checkDisk() throws {
        for path in [settings.archivePath, (settings.warehousePath as NSString).deletingLastPathComponent] {
            var status = statvfs()
            guard statvfs(path, &status) == 0 else { continue }
            let free = Int64(status.f_bavail) * Int64(status.f_frsize) + KeptLog.bytes(of: settings.warehousePath, onDiskOf: path)
            guard free >= Self.freeBytesMin else {
                throw RunError.lowDisk(path: path, free: free, needed: Self.freeBytesMin)
            }
        }
    }

    /// Opens the warehouse for the holder of the lock, before the command adds anything to the archive.
    ///
    /// A warehouse that was lost and is loaded from its archive brings nothing that a limit could stop: its records
    /// were let pass once. What a first run that died has archived was not.
    func openWarehouse(_ archive: any Archive) throws -> any Warehouse {
        let warehouse = try makeWarehouse()
        // A warehouse that has loaded nothing can't tell an older manifest from a whole one, but files can.
        if try warehouse.loadedSequence == 0 { try archive.checkListed() }
        if warehouse.isFirst, let last = try archive.entries(after: 0).last(where: \.isRun) {
            try warehouse.noteLost(after: last.sequence)
        }
        return warehouse
    }

    // MARK: Load

    /// Loads what the archive has and the warehouse hasn't. Settings that rows depend on may have
    /// changed since: then all rows are made again. True if they were.
    ///
    func loadNew(
        _ archive: any Archive, _ warehouse: any Warehouse, _ report: inout RunReport, insideTransaction: Bool = false
    ) throws -> Bool {
        let digest = settings.tableDigest
        let known = try warehouse.settingsDigest
        let afresh = known != nil && known != digest
        try refuseOtherArchive(archive, warehouse)
        let loaded = afresh ? 0 : try warehouse.loadedSequence
        let entries = try archive.entries(after: loaded)
        if entries.isEmpty && known == digest { return false }
        if afresh { context.progress.note("elt.yml changed in what tables depend on: loading everything from the archive again.") }
        var summary = LoadSummary()
        func body() throws {
            Failpoint.loadBegun.pass()
            if afresh { try warehouse.forgetRaw() }
            try warehouse.setSettingsDigest(digest)
            let session = warehouse.loadSession(settings: settings)
            summary = try loader(archive).load(entries, into: session)
            if !afresh { try loadAgain(session, archive) }
            try noteArchive(archive, warehouse)
            Failpoint.loadBeforeCommit.pass()
        }
        if insideTransaction { try body() } else { try warehouse.loading(body) }
        if !insideTransaction { Failpoint.loadCommitted.pass() }
        note(summary, in: &report)
        return afresh
    }

    /// An archive that lacks entries which were loaded is another, or an older manifest was put back. It must be
    /// refused before anything is appended: later entries would take the numbers of those that were loaded.
    func refuseOtherArchive(_ archive: any Archive, _ warehouse: any Warehouse) throws {
        let (loaded, newest) = (try warehouse.loadedSequence, try archive.newestSequence)
        guard loaded <= newest else { throw RunError.otherArchive(loaded: loaded, newest: newest) }
        guard let known = try warehouse.loadedCheck, try archive.check(of: loaded) != known else { return }
        throw RunError.divergedArchive(loaded: loaded)
    }

    /// Keeps by what the archive that was loaded can be told from another.
    func noteArchive(_ archive: any Archive, _ warehouse: any Warehouse) throws {
        if let check = try archive.check(of: warehouse.loadedSequence) { try warehouse.setLoadedCheck(check) }
    }

    func loader(_ archive: any Archive) -> Loader {
        Loader(settings: settings, archive: archive, progress: context.progress)
    }

    /// Tells of a load.
    func note(_ summary: LoadSummary, in report: inout RunReport) {
        report.add(
            LoadSummaryValues(
                segments: summary.segments, events: summary.events, fullRows: summary.fullRows,
                inserted: summary.inserted, quarantined: summary.quarantined, clockCorrected: summary.clockCorrected))
        for drift in summary.drift { warn("drift: \(drift)", &report) }
        if summary.quarantined > 0 {
            warn("\(summary.quarantined) records went to quarantine: see 'elt quarantine list'.", &report)
        }
        if summary.clockCorrected > 0 {
            warn("\(summary.clockCorrected) events have a clock more than \(settings.limits.maxClockSkew) ahead of the broker's.", &report)
        }
    }

    func warn(_ message: String, _ report: inout RunReport) {
        report.warnings.append(message)
        context.progress.warn(message)
    }

    // MARK: Transform and publish

    /// Builds and tests the models, and publishes them with the run, in one transaction.
    func publish(
        _ warehouse: any Warehouse, _ request: TransformRequest, _ report: inout RunReport, _ watch: Stopwatch,
        insideTransaction: Bool = false
    ) throws {
        var request = request
        if try warehouse.typesChanged { request.fullRefresh = Set(models.models.map(\.name)) }
        let latest = try warehouse.latestNow ?? context.now
        func body() throws {
            let run = try warehouse.nextRun()
            report.run = run
            let session = warehouse.transformSession()
            if request.select == nil {
                let summary = try transformer(at: latest).transform(session, request, latestNow: latest)
                fill(&report, summary)
                try warehouse.publish(run: run, tests: summary.tests)
            } else {
                let summary = try warehouse.hidingUnpublished {
                    try transformer(at: latest).transform(session, request, latestNow: latest)
                }
                fill(&report, summary)
                try warehouse.record(run: run, tests: summary.tests)
            }
            for warning in warehouse.warnings where !report.warnings.contains(warning) { warn(warning, &report) }
            try warehouse.record(try record(report, warehouse, watch, status: "published", error: nil))
            Failpoint.publishBeforeCommit.pass()
        }
        if insideTransaction { return try body() }
        // Tables whose rows are all in the file can be read from its pages.
        if try transformer(at: latest).readsDays(warehouse.transformSession(), request, latestNow: latest) { try warehouse.checkpoint() }
        try warehouse.transaction(body)
        Failpoint.publishCommitted.pass()
        try warehouse.install()
    }

    var transformer: Transformer { Transformer(project: models, settings: settings, context: context) }

    /// Models see the latest instant that any run has had, as they do in a rebuild: a full load that began before the
    /// last hour did doesn't set them back.
    private func transformer(at latest: Instant) -> Transformer {
        let context = RunContext(
            now: max(context.now, latest), zone: context.zone, deadline: context.deadline, progress: context.progress)
        return Transformer(project: models, settings: settings, context: context)
    }

    func fill(_ report: inout RunReport, _ summary: TransformSummary) {
        report.models = summary.models.map {
            RunReport.Model(
                name: $0.name, inserted: $0.changes.inserted, updated: $0.changes.updated,
                removed: $0.changes.removed, days: $0.days.map(\.description), full: $0.isFull)
        }
        report.tests = summary.tests
        report.ties = summary.ties
    }

    func record(
        _ report: RunReport, _ warehouse: any Warehouse, _ watch: Stopwatch, status: String, error: String?
    ) throws -> RunRecord {
        var report = report
        report.status = status
        report.seconds = watch.seconds
        report.seconds["total"] = watch.total
        var record = RunRecord(
            run: report.run, command: report.command, now: context.now, startedAt: startedAt,
            finishedAt: startedAt + .milliseconds(Int64(watch.total * 1000)), status: status,
            sequence: try warehouse.loadedSequence)
        record.events = report.load.events
        record.fullRows = report.load.fullRows
        record.quarantined = report.load.quarantined
        record.changes = report.changes
        record.ties = report.ties
        record.daysRewritten = Set(report.models.flatMap(\.days)).count
        record.seconds = watch.total
        record.warnings = report.warnings.count
        record.error = error
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        record.report = String(decoding: try encoder.encode(report), as: UTF8.self)
        return record
    }

    /// Notes a run that failed. The first error is the one to report, whatever happens here.
    func recordFailure(_ error: any Error, _ report: RunReport, _ warehouse: any Warehouse, _ watch: Stopwatch) {
        let text = (error as? any ELTError).map { "\($0.code): \($0.problem)" } ?? "\(error)"
        var report = report
        func record() throws {
            try warehouse.transaction {
                report.run = try warehouse.nextRun()
                let status = error is InterruptedError ? "interrupted" : "failed"
                try warehouse.record(try self.record(report, warehouse, watch, status: status, error: text))
            }
        }
        // What a failed disk has left untold is told to the first who writes again.
        do { try record() } catch {
            // A new warehouse that nothing can be noted in isn't fit to be one.
            do { try record() } catch { return }
        }
        try? warehouse.install()
    }

    /// Moves the log into the file, and says so if a reader holds it up.
    func checkpoint(_ warehouse: any Warehouse, _ report: inout RunReport) throws {
        let isMoved = try warehouse.checkpoint()
        let bytes = warehouse.logBytes
        if !isMoved && bytes > 1 << 30 {
            warn("The write-ahead log has \(bytes >> 20) MiB: a long reader keeps it from shrinking. See 'lsof \(settings.warehousePath)'.", &report)
        }
        Failpoint.checkpointed.pass()
    }
}

extension ManifestEntry {
    var isRun: Bool { if case .run = content { true } else { false } }
}

extension ProjectSettings {
    /// What of the settings decides rows, as one text. Other settings may change without a rebuild.
    package var tableDigest: String {
        var parts = ["2", zone.name, "\(limits.maxClockSkew.wholeMilliseconds)", "\(limits.maxMessageBytes)"]
        for entity in entities {
            parts += [entity.name, entity.key.joined(separator: "."), entity.record.joined(separator: ".")]
            parts += [entity.eventTime?.joined(separator: ".") ?? "-", entity.eventTimeUnit?.rawValue ?? "-"]
            parts += entity.topics.map { "\($0.name)=\($0.operation.word)/\($0.mode.rawValue)" }
            parts += entity.columns.map { "\($0.name):\($0.type?.rawValue ?? "?")" }
            parts += [entity.columnPolicy.rawValue, entity.fullLoad?.absent.rawValue ?? "-"]
            parts += [entity.fullLoad?.records.joined(separator: ".") ?? "-"]
        }
        return parts.joined(separator: "\u{1f}")
    }
}
