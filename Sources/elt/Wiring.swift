import ELTArchive
import ELTCore
import ELTRun
import ELTSQLite
import ELTSources
import ELTTransform
import Foundation
import SQLite

/// Picks the technologies: the only place that knows them all.
struct Wiring {
    let project: LoadedProject
    let console: Console

    var settings: ProjectSettings { project.settings }

    init(_ options: CommonOptions, _ console: Console) throws {
        self.console = console
        project = try options.load(console, checkKafka: KafkaChangeSource.complaint)
    }

    /// The project's models, checked whole.
    func models() throws -> ModelProject {
        let root = settings.folder
        let variables = settings.variables.mapValues(TemplateValue.init(scalar:))
        return try ModelProject.load(
            folder: settings.modelsPath, macros: existing(root + "/macros"), tests: existing(root + "/tests"),
            entities: settings.entities.map(\.name), variables: variables)
    }

    private func existing(_ folder: String) -> String? {
        FileManager.default.fileExists(atPath: folder) ? folder : nil
    }

    /// The machine's clock.
    static func clock() -> Instant { Console.World.real.now() }

    func context(at now: Instant?) -> RunContext {
        RunContext(
            now: now ?? Self.clock(), zone: settings.zone,
            deadline: ContinuousClock.now + settings.limits.deadline, progress: console)
    }

    func archive() throws -> LocalArchive {
        try LocalArchive(path: settings.archivePath, compression: settings.compression)
    }

    /// Beside the archive, because it holds the same personal data.
    private func scratchArchive() throws -> LocalArchive {
        try LocalArchive(path: scratchPath, compression: settings.compression)
    }

    private var scratchPath: String { settings.archivePath + "/" + LocalArchive.dryRunPrefix + "\(getpid())" }
    private func removeScratch() { try? FileManager.default.removeItem(atPath: scratchPath) }

    func warehouse() throws -> SQLiteWarehouse {
        let warehouse = try SQLiteWarehouse(path: settings.warehousePath)
        warehouse.modelTimeMax = settings.limits.deadline
        return warehouse
    }

    func warehouseToLookAt() throws -> SQLiteWarehouse {
        let warehouse = try SQLiteWarehouse.look(at: settings.warehousePath)
        warehouse.modelTimeMax = settings.limits.deadline
        return warehouse
    }

    func changeSource(_ progress: any ELTCore.Progress) throws -> KafkaChangeSource {
        try KafkaChangeSource(properties: settings.kafka, groupID: "elt-\(settings.name)", progress: progress)
    }

    /// The broker for a command at which somebody waits, once it has answered; no longer than a run may take.
    func reachedSource() throws -> KafkaChangeSource {
        let source = try changeSource(console)
        if let topic = settings.entities.flatMap(\.topics).first?.name {
            try source.reach(for: topic, deadline: patience(.seconds(5)))
        }
        return source
    }

    /// When a command gives up that somebody or an alert waits for.
    func patience(_ most: Duration) -> ContinuousClock.Instant {
        ContinuousClock.now + min(most, settings.limits.deadline)
    }

    func engine(at now: Instant?) throws -> Engine {
        Database.forgoMemoryCounts()
        let context = context(at: now)
        let settings = settings
        return Engine(
            settings: settings, models: try models(), context: context, startedAt: Self.clock(),
            makeArchive: archive, makeScratchArchive: scratchArchive, removeScratchArchive: removeScratch, makeWarehouse: warehouse,
            setWarehouseAside: { try SQLiteWarehouse.setAside(settings.warehousePath) }, lookAtWarehouse: warehouseToLookAt,
            makeChangeSource: { try changeSource(context.progress) },
            makeSnapshotSource: { entity in
                guard let full = entity.fullLoad else { preconditionFailure("asked for an entity without a full load") }
                return try RESTSnapshotSource(full, requestTimeout: settings.limits.requestTimeout)
            })
    }

    /// How far ahead a run's instant may lie.
    static let aheadMax = Duration.seconds(400 * 86_400)

    /// What `--at` says. Nothing takes a run's instant out of the archive again, so a mistyped year is refused; a life
    /// that's simulated may be ahead of the clock, but goes on from its latest run.
    func instant(_ time: TimeOption) throws -> Instant? {
        guard let at = try time.instant(in: settings.zone) else { return nil }
        if at > Self.clock() + Self.aheadMax, let latest = try latestNow(), at > latest + Self.aheadMax {
            throw UsageError.farAhead(at: at, latest: latest)
        }
        return at
    }

    /// The latest instant that any run has had; rebuilds and builds reproduce and bring no new one.
    func latestNow() throws -> Instant? {
        guard FileManager.default.fileExists(atPath: settings.archivePath) else { return nil }
        var latest: Instant?
        // The command that asks recovers the archive later, when it has the lock.
        for entry in try archive().entriesBeforeTear() {
            if case .run(let run) = entry.content { latest = max(latest ?? run.now, run.now) }
        }
        return latest
    }
}
