import ELTArchive
import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import SQLite
import Testing

/// A warehouse that's too damaged to be written: a rebuild sets it aside and makes a new one.
@Suite struct DamagedWarehouseTests {
    enum Damage: CaseIterable {
        case cut, header, schema, ledger, table

        func apply(to path: String) throws {
            _ = try Database(path: path, mode: .readWrite).checkpoint(truncate: true)
            var bytes = try Data(contentsOf: URL(filePath: path))
            let pageSize = 16384
            func root(of table: String) throws -> Int {
                let root = "SELECT rootpage FROM sqlite_schema WHERE name='\(table)'"
                return Int(try Database(path: path, mode: .readOnly).value(root).integer ?? 0)
            }
            switch self {
            case .cut: bytes = bytes.prefix(100_000)
            case .header: bytes.replaceSubrange(0..<100, with: Data(repeating: 7, count: 100))
            case .schema: bytes[100] = 7
            case .ledger: bytes[(try root(of: "elt_meta") - 1) * pageSize] = 7
            case .table: bytes[(try root(of: "elt_runs") - 1) * pageSize] = 7
            }
            try bytes.write(to: URL(filePath: path))
        }
    }

    /// Two customers, and a record in quarantine.
    private func project() throws -> ReplayProject {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("create", key: "b", name: "B", hour: 0)
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: nil, value: Array("no JSON".utf8))
        _ = try project.engine(hours: 1).run(RunOptions())
        return project
    }

    private func names(_ project: ReplayProject) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: project.folder + "/warehouse"))
    }

    @Test(arguments: Damage.allCases)
    func `A rebuild sets a damaged warehouse aside and makes a new one`(_ damage: Damage) throws {
        let project = try project()
        let path = project.settings.warehousePath
        for attempt in 1...2 {
            try damage.apply(to: path)
            let damaged = try Data(contentsOf: URL(filePath: path))
            #expect(throws: (any Error).self) { try project.engine(hours: 1).run(RunOptions()) }
            let entries = try LocalArchive(path: project.settings.archivePath).newestSequence
            let report = try project.engine(hours: 2).rebuild(at: true)
            #expect(report.warnings.contains { $0.contains("elt.db-damaged") && $0.contains("personal data") })
            #expect(try LocalArchive(path: project.settings.archivePath).newestSequence == entries + 1)
            #expect(try project.names() == ["a A", "b B"])
            try project.verify(hours: 2)
            // A ledger that can be written may have taken the failed run.
            let aside = path + "-damaged"
            if damage != .table, damage != .ledger { #expect(try Data(contentsOf: URL(filePath: aside)) == damaged) }
            #expect(try FileManager.default.attributesOfItem(atPath: aside)[.posixPermissions] as? Int == 0o600)
            let logs = ["elt.db-damaged-wal", "elt.db-damaged-shm"]
            let kept = try names(project).filter { $0.contains("damaged") }.subtracting(logs)
            #expect(kept == ["elt.db-damaged"], "attempt \(attempt)")
        }
        // One that's whole stays.
        #expect(try project.engine(hours: 2).rebuild(at: false).warnings.filter { $0.contains("damaged") } == [])
    }

    @Test func `To verify a damaged warehouse changes nothing`() throws {
        let project = try project()
        let path = project.settings.warehousePath
        try Damage.cut.apply(to: path)
        let before = try (names(project), Data(contentsOf: URL(filePath: path)))
        let error = #expect(throws: (any Error).self) { try project.verify(hours: 1) }
        #expect((error as? any ELTError)?.code == "warehouse.damaged")
        #expect(try names(project).isSuperset(of: before.0))
        #expect(try !names(project).contains("elt.db-damaged"))
        #expect(try Data(contentsOf: URL(filePath: path)) == before.1)
    }

    /// What it held was let pass, as if the file had been missing.
    @Test(arguments: [true, false])
    func `What was let pass stays so when the rebuild that made the new one fails`(_ isDamaged: Bool) throws {
        let project = try project()
        let path = project.settings.warehousePath
        if isDamaged { try Damage.cut.apply(to: path) } else { try FileManager.default.removeItem(atPath: path) }
        let tests = project.folder + "/failing"
        try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
        try "select 1".write(toFile: tests + "/never.sql", atomically: true, encoding: .utf8)
        #expect(throws: (any Error).self) { try project.engine(hours: 1, models: tests).rebuild(at: false) }
        project.settings.limits.maxQuarantined.count = 0
        _ = try project.engine(hours: 2).run(RunOptions())
        #expect(try project.names() == ["a A", "b B"])
        #expect(FileManager.default.fileExists(atPath: path + "-damaged") == isDamaged)
    }

    @Test func `Behind a link the file is set aside, with its log and not an older one's`() throws {
        let project = try ReplayProject()
        let path = project.settings.warehousePath
        let folder = project.folder + "/warehouse"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "real.db")
        #expect(try SQLiteWarehouse.setAside(path) == nil)
        try "old log".write(toFile: folder + "/real.db-damaged-wal", atomically: false, encoding: .utf8)
        try "old".write(toFile: folder + "/real.db-damaged-shm", atomically: false, encoding: .utf8)
        try "file".write(toFile: folder + "/real.db", atomically: false, encoding: .utf8)
        try "log".write(toFile: folder + "/real.db-wal", atomically: false, encoding: .utf8)
        #expect(try SQLiteWarehouse.setAside(path) == folder + "/real.db-damaged")
        #expect(try names(project).filter { !$0.hasSuffix("-shm") }.sorted() == ["elt.db", "real.db-damaged", "real.db-damaged-wal"])
        #expect(try String(contentsOfFile: folder + "/real.db-damaged-wal", encoding: .utf8) == "log")
    }

    enum Loss: CaseIterable {
        case empty, zeros, older

        func apply(to manifest: String) throws {
            let bytes = try Data(contentsOf: URL(filePath: manifest))
            let newlines = bytes.indices.filter { bytes[$0] == 10 }
            let left =
                switch self {
                case .empty: Data()
                case .zeros: Data(repeating: 0, count: bytes.count)
                // Without the last hour: its segment and its run.
                case .older: bytes[...newlines[newlines.count - 3]]
                }
            try left.write(to: URL(filePath: manifest))
        }
    }

    @Test(arguments: Loss.allCases)
    func `A lost warehouse isn't made again from a manifest that lacks files`(_ loss: Loss) throws {
        let project = try project()
        let (archive, warehouse) = (project.settings.archivePath, project.settings.warehousePath)
        project.snapshot.pages = [[#"{"id":"f","name":"F"}"#]]
        _ = try project.engine(hours: 2).fullLoad([], acceptShrink: false)
        project.produce("create", key: "c", name: "C", hour: 2)
        _ = try project.engine(hours: 3).run(RunOptions())
        // Retention has taken it all: what isn't loaded from the archive is nowhere else.
        let whole = try Data(contentsOf: URL(filePath: archive + "/manifest.ndjson"))
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        try loss.apply(to: archive + "/manifest.ndjson")
        var dry = RunOptions()
        dry.dryRun = true
        let commands: [(String, () throws -> Void)] = [
            ("verify", { try project.verify(hours: 3) }),
            ("dry run", { _ = try project.engine(hours: 4).run(dry) }),
            ("run", { _ = try project.engine(hours: 4).run(RunOptions()) }),
            ("full load", { _ = try project.engine(hours: 4).fullLoad([], acceptShrink: false) }),
        ]
        for (name, command) in commands {
            let error = #expect(throws: (any Error).self, "\(name)") { try command() }
            #expect((error as? any ELTError)?.kind == .storage, "\(name): \(String(describing: error))")
            #expect(!FileManager.default.fileExists(atPath: warehouse), "\(name)")
        }
        try whole.write(to: URL(filePath: archive + "/manifest.ndjson"))
        _ = try project.engine(hours: 4).run(RunOptions())
        #expect(try project.names() == ["a A", "b B", "c C", "f F"])
        try project.verify(hours: 4)
    }

    /// What SQLite took for damage may have been a disk that failed for a moment.
    @Test func `A file that's whole isn't set aside`() throws {
        let project = try project()
        let path = project.settings.warehousePath
        #expect(try SQLiteWarehouse.setAside(path) == nil)
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(try project.names() == ["a A", "b B"])
    }
}
