import ArgumentParser
import ELTArchive
import ELTCore
import ELTExtract
import ELTLoad
import ELTReport
import ELTRun
import ELTSQLite
import ELTSources
import ELTTransform
import Foundation
import SQLite

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Check configuration, models, permissions, disk, broker, topics and service, and say what to do.",
        discussion:
            "Changes nothing. Exits 0 if nothing failed, else with the exit code of the first failure.")

    @OptionGroup var options: CommonOptions

    /// How long the broker and each service may take.
    static let patience = Duration.seconds(15)

    func run() throws {
        try options.perform { console in
            var checkup = Checkup()
            try examine(&checkup, console)
            try PageOutput(console: console).show(checkup, text: checkup.text)
            if let failure = checkup.failure { throw ExitCode(ExitStatus.code(for: failure)) }
        }
    }

    private func examine(_ checkup: inout Checkup, _ console: Console) throws {
        var loaded: Wiring?
        try checkup.run("configuration") {
            let wiring = try Wiring(options, console)
            loaded = wiring
            $0.add(.init("configuration", .ok, "\(wiring.settings.folder)/elt.yml: \(entities(wiring))."))
        }
        // Without settings there's nothing else to look at.
        guard let wiring = loaded else { return }
        try checkModels(&checkup, wiring)
        checkFiles(&checkup, wiring.settings)
        try checkWarehouse(&checkup, wiring)
        try checkArchive(&checkup, wiring)
        try checkBroker(&checkup, wiring)
        try checkServices(&checkup, wiring)
    }

    private func entities(_ wiring: Wiring) -> String {
        "entities " + wiring.settings.entities.map(\.name).joined(separator: ", ")
    }

    // MARK: Models

    private func checkModels(_ checkup: inout Checkup, _ wiring: Wiring) throws {
        try checkup.run("models") { checkup in
            let models = try wiring.models()
            let transformer = Transformer(
                project: models, settings: wiring.settings, context: wiring.context(at: nil))
            let path = wiring.settings.warehousePath
            let live = try FileManager.default.fileExists(atPath: path)
                ? SQLiteWarehouse(lookingAt: path).transformSession() : nil
            // Empty tables with the live ones' columns: what was never built is compiled as well.
            let empty = try SQLiteWarehouse.inMemory()
            let tables = empty.loadSession(settings: wiring.settings)
            try Loader.prepare(wiring.settings, tables)
            for entity in wiring.settings.entities {
                guard let columns = try live?.columns(of: entity.name), !columns.isEmpty else { continue }
                try tables.evolve(entity.name, to: columns, integersToText: [])
            }
            let check = try transformer.check(empty.transformSession(), data: live)
            for refusal in check.refusals {
                checkup.add(
                    .init(
                        "models", .fail, refusal.error.problem, remedy: refusal.error.remedy, code: refusal.error.code),
                    kind: .configuration)
            }
            for hint in check.hints {
                checkup.add(.init("models", .warn, hint.located, remedy: hint.remedy, code: hint.code))
            }
            if check.refusals.isEmpty {
                checkup.add(
                    .init("models", .ok, "\(check.models) models and \(check.tests) data tests read and compiled."))
            }
        }
    }

    // MARK: Files

    private func checkFiles(_ checkup: inout Checkup, _ settings: ProjectSettings) {
        let folder = (settings.warehousePath as NSString).deletingLastPathComponent
        checkup.add(FileChecks.folder(settings.archivePath, what: "archive"), kind: .storage)
        checkup.add(FileChecks.folder(folder, what: "warehouse"), kind: .storage)
        for suffix in ["", "-wal"] {
            guard let check = FileChecks.file(settings.warehousePath + suffix, what: "warehouse\(suffix)")
            else { continue }
            checkup.add(check, kind: .storage)
        }
        var disks: Set<UInt64> = []
        for path in [settings.archivePath, folder] {
            // Where the folder isn't there yet, the disk is that of the project.
            let place = FileManager.default.fileExists(atPath: path) ? path : settings.folder
            guard let free = FileSize.free(place), disks.insert(FileSize.device(place) ?? 0).inserted else {
                continue
            }
            let tables = FileSize.bytes(settings.warehousePath) ?? 0
            checkup.add(
                FileChecks.disk(
                    place, free: free + KeptLog.bytes(of: settings.warehousePath, onDiskOf: place), least: Engine.freeBytesMin,
                    tables: tables), kind: .storage
            )
        }
        let holders = RunLock.holders(archive: settings.archivePath)
        checkup.add(
            .init(
                "lock", .ok,
                holders.isEmpty ? "Nothing is running." : "Running now: \(holders.joined(separator: "; "))."))
    }

    // MARK: Warehouse and archive

    private func checkWarehouse(_ checkup: inout Checkup, _ wiring: Wiring) throws {
        try checkup.run("warehouse") { checkup in
            let path = wiring.settings.warehousePath
            guard let reader = try wiring.existingWarehouse() else {
                checkup.add(
                    .init("warehouse", .ok, "There's no warehouse at \(path) yet; the first run makes it."))
                return
            }
            let runs = try reader.rows("SELECT count(*), max(run) FROM elt_runs").first?[0].integer ?? 0
            guard options.verbose else {
                checkup.add(
                    .init(
                        "warehouse", .ok,
                        "\(path) opens; \(Shown.count(runs, "run")) in its ledger. (--verbose checks every page.)"
                    ))
                return
            }
            let found = try reader.rows("PRAGMA quick_check(20)").compactMap { $0.first?.text }
            guard found == ["ok"] else {
                throw WarehouseError.damaged(path: path, found.joined(separator: "; "))
            }
            checkup.add(
                .init(
                    "warehouse", .ok,
                    "\(path): every page is sound; \(Shown.count(runs, "run")) in its ledger."))
        }
    }

    private func checkArchive(_ checkup: inout Checkup, _ wiring: Wiring) throws {
        try checkup.run("archive") { checkup in
            let path = wiring.settings.archivePath
            guard FileManager.default.fileExists(atPath: path) else {
                let isMissed = try wiring.existingWarehouse() != nil
                checkup.add(
                    isMissed
                        ? .init(
                            "archive", .fail, "There's a warehouse and no archive at \(path).",
                            remedy: "Check archive.path in elt.yml, or restore the archive from its backup.")
                        : .init("archive", .ok, "There's no archive at \(path) yet; the first run makes it."),
                    kind: .storage)
                return
            }
            let archive = try wiring.archiveToRead()
            let entries = try archive.entries(after: 0)
            let newest = entries.last?.sequence ?? 0
            try wiring.refuseOtherArchive(archive)
            let missing = entries.flatMap(Self.paths).filter { FileSize.bytes(path + "/" + $0) == nil }
            guard missing.isEmpty else {
                checkup.add(
                    .init(
                        "archive", .fail,
                        "\(missing.count) files of the manifest are missing, such as \(missing[0]).",
                        remedy: "Run 'elt archive verify' and restore them from a backup."), kind: .storage)
                return
            }
            checkup.add(
                .init(
                    "archive", .ok,
                    "The manifest's \(Shown.count(newest, "entry", "entries")) can be read and their files are there."
                ))
        }
    }

    private static func paths(_ entry: ManifestEntry) -> [String] {
        switch entry.content {
        case .segment(let segment): [segment.path]
        case .fullLoad(let load): load.files.map(\.path)
        case .run, .gap, .incarnation, .rewind: []
        }
    }

    // MARK: Broker and services

    private func checkBroker(_ checkup: inout Checkup, _ wiring: Wiring) throws {
        let topics = wiring.settings.entities.flatMap { $0.topics.map(\.name) }
        guard !topics.isEmpty else { return }
        try checkup.run("broker") { checkup in
            let source = try wiring.reachedSource()
            let positions = try wiring.positions()
            // Topic by topic, so that one that's missing doesn't hide the others.
            for topic in topics {
                let name = "topic \(topic)"
                let deadline = wiring.patience(Self.patience)
                var isReachable = true
                try checkup.run(name) { checkup in
                    let bounds: [PartitionBounds]
                    do {
                        bounds = try source.bounds(of: [topic], deadline: deadline)
                    } catch let error as KafkaSourceError {
                        if case .unreachable = error { isReachable = false }
                        throw error
                    }
                    let lost = bounds.filter(positions.lacks)
                    let records = bounds.reduce(0) { $0 + $1.end - $1.low }
                    let detail =
                        "\(Shown.count(Int64(bounds.count), "partition")), \(Shown.count(records, "offset")) kept"
                    guard lost.isEmpty else {
                        checkup.add(
                            .init(
                                name, .fail,
                                "\(detail); offsets that were never archived are gone from \(lost.map(\.partition.description).joined(separator: ", ")).",
                                remedy: "Run 'elt full-load', or 'elt run --accept-gap'.",
                                code: "extract.retention-gap"),
                            kind: .gap)
                        return
                    }
                    checkup.add(.init(name, .ok, detail + "."))
                }
                // A broker that doesn't answer isn't waited for once more for each topic.
                if !isReachable { break }
            }
        }
    }

    private func checkServices(_ checkup: inout Checkup, _ wiring: Wiring) throws {
        for entity in wiring.settings.entities {
            guard let full = entity.fullLoad else { continue }
            let name = "service of \(entity.name)"
            try checkup.run(name) { checkup in
                let source = try RESTSnapshotSource(
                    full, requestTimeout: wiring.settings.limits.requestTimeout)
                let probe = try source.probe(deadline: wiring.patience(Self.patience))
                checkup.add(Self.check(name, probe), kind: .unavailable)
                if let date = probe.date {
                    checkup.add(
                        FileChecks.clock(
                            service: date, ours: Wiring.clock(), tookMilliseconds: probe.milliseconds))
                }
            }
        }
    }

    private static func check(_ name: String, _ probe: RESTProbe) -> Checkup.Check {
        let detail = "\(probe.url) answered with status \(probe.status) in \(probe.milliseconds) ms."
        switch probe.status {
        case 200...299: return .init(name, .ok, detail)
        case 401, 403:
            return .init(
                name, .fail, detail,
                remedy: "Check `auth` of its full_load in elt.yml, and what the account may read.")
        case 404, 410:
            return .init(
                name, .fail, detail, remedy: "Check `url` and `pagination` of its full_load in elt.yml.")
        case 408, 429, 500...599:
            return .init(
                name, .warn, detail,
                remedy: "A full load waits and tries again; if this stays, ask the service's owners.")
        default: return .init(name, .fail, detail, remedy: "Check `url` of its full_load in elt.yml.")
        }
    }
}
