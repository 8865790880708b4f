import ELTArchive
import ELTCore
import ELTLoad
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import SQLite
import Testing

/// A warehouse that's made for the first time has its name once it's whole, and not before.
@Suite struct NewWarehouseTests {
    private func files(_ project: ReplayProject) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: project.folder + "/warehouse").sorted()
    }

    @Test func `Nobody sees a new warehouse before it's installed, and its bytes are there then`() throws {
        let project = try ReplayProject()
        let path = project.settings.warehousePath
        let warehouse = try SQLiteWarehouse(path: path)
        try warehouse.transaction { try warehouse.setSettingsDigest("digest") }
        #expect(try files(project) == ["elt.db-new"])
        #expect(try SQLiteWarehouse.look(at: path).settingsDigest == nil)
        try warehouse.install()
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try !files(project).contains("elt.db-new"))
        #expect(try SQLiteWarehouse.look(at: path).settingsDigest == "digest")
        #expect(try warehouse.settingsDigest == "digest")
        #expect(try Database(path: path, mode: .readOnly).value("PRAGMA journal_mode") == .text("wal"))
        // Once is enough.
        try warehouse.install()
    }

    @Test func `What a run that died left is begun anew, and goes where a warehouse was put back`() throws {
        let project = try ReplayProject()
        let path = project.settings.warehousePath
        let died = try SQLiteWarehouse(path: path)
        #expect(died.isFirst)
        try died.noteLost(after: 7)
        try died.transaction { try died.setSettingsDigest("died") }
        let next = try SQLiteWarehouse(path: path)
        #expect(!next.isFirst)
        #expect(try next.settingsDigest == nil)
        #expect(try next.acceptedSequence == 7)
        try next.install()
        withExtendedLifetime(died) {}
        try "rest".write(toFile: path + "-new", atomically: false, encoding: .utf8)
        #expect(try !SQLiteWarehouse(path: path).isFirst)
        #expect(try !files(project).contains { $0.hasSuffix("-new") || $0.hasSuffix("-lost") })
    }

    @Test func `A new warehouse that isn't installed leaves nothing, and a link is followed`() throws {
        let project = try ReplayProject()
        let path = project.settings.warehousePath
        do {
            let warehouse = try SQLiteWarehouse(path: path)
            try warehouse.noteLost(after: 7)
        }
        #expect(try files(project) == [])
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "other.db")
        try SQLiteWarehouse(path: path).install()
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "other.db")
        #expect(try files(project).contains("other.db"))
    }

    @Test func `The log of a warehouse that was taken away isn't played into a new one`() throws {
        let project = try ReplayProject()
        let path = project.settings.warehousePath
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        let live = try SQLiteWarehouse(path: path)
        try live.transaction { try live.setMeta("latest_now", .text("what the old log says")) }
        // Kept while the connection that would remove it is open.
        let log = try Data(contentsOf: URL(filePath: path + "-wal"))
        #expect(log.count > 8192)
        try FileManager.default.removeItem(atPath: path)
        try log.write(to: URL(filePath: path + "-wal"))
        _ = try project.engine(hours: 1).run(RunOptions())
        withExtendedLifetime(live) {}
        #expect(try project.names() == ["a A"])
        let database = try Database(path: path, mode: .readOnly)
        #expect(try database.value("PRAGMA integrity_check") == .text("ok"))
        #expect(try database.value("SELECT count(*) FROM elt_meta WHERE value = 'what the old log says'") == .integer(0))
    }

    @Test func `A first run that died isn't let pass by being run again`() throws {
        let project = try ReplayProject()
        project.settings.limits.maxQuarantined.count = 0
        project.produce("create", key: "a", name: "A", hour: 0)
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: nil, value: Array("no JSON".utf8))
        #expect(throws: LoadError.self) { try project.engine(hours: 1).run(RunOptions()) }
        for name in try files(project) { try FileManager.default.removeItem(atPath: project.folder + "/warehouse/" + name) }
        try Data().write(to: URL(filePath: project.settings.warehousePath + "-new"))
        for hour in 2...3 {
            #expect(throws: LoadError.self) { try project.engine(hours: hour).run(RunOptions()) }
        }
        project.settings.limits.maxQuarantined.count = 1
        _ = try project.engine(hours: 4).run(RunOptions())
        #expect(try project.names() == ["a A"])
    }

    @Test func `A lost warehouse stays lost when the run that found it so dies`() throws {
        let project = try ReplayProject()
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: nil, value: Array("no JSON".utf8))
        _ = try project.engine(hours: 1).run(RunOptions())
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        project.settings.limits.maxQuarantined.count = 0
        let died = try SQLiteWarehouse(path: project.settings.warehousePath)
        try died.noteLost(after: try LocalArchive(path: project.settings.archivePath).newestSequence)
        // Nor does a command that changes nothing take the mark away.
        var options = RunOptions()
        options.dryRun = true
        _ = try project.engine(hours: 2).run(options)
        _ = try? project.engine(hours: 2).rewind(RewindRequest(to: .offset(99), topic: "create", partition: 0))
        _ = try project.engine(hours: 2).run(RunOptions())
        withExtendedLifetime(died) {}
        #expect(try files(project).filter { $0.hasPrefix("elt.db-") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") } == [])
    }

    @Test func `A failed first run that could load nothing isn't let pass either`() throws {
        let project = try ReplayProject()
        project.settings.limits.maxQuarantined.count = 0
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: nil, value: Array("no JSON".utf8))
        _ = try LocalArchive(path: project.settings.archivePath)
        #expect(throws: LoadError.self) { try project.engine(hours: 1).run(RunOptions()) }
        // As if it had failed before it had loaded anything.
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        try SQLiteWarehouse(path: project.settings.warehousePath).install()
        #expect(throws: LoadError.self) { try project.engine(hours: 2).run(RunOptions()) }
    }

    @Test func `A failed first run keeps what it loaded, and its line in the ledger`() throws {
        let project = try ReplayProject()
        let tests = project.folder + "/failing"
        try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
        try "select 1".write(toFile: tests + "/never.sql", atomically: true, encoding: .utf8)
        project.produce("create", key: "a", name: "A", hour: 0)
        #expect(throws: (any Error).self) { try project.engine(hours: 1, models: tests).run(RunOptions()) }
        let reader = try WarehouseReader(path: project.settings.warehousePath)
        #expect(try reader.rows("SELECT status FROM elt_runs") == [[.text("failed")]])
        #expect(try reader.rows("SELECT count(*) FROM raw_customer_stream") == [[.integer(1)]])
    }

    @Test func `Tables that aren't there can't be verified`() throws {
        let project = try ReplayProject()
        try project.verify(hours: 1)
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        let error = #expect(throws: RunError.self) { try project.verify(hours: 1) }
        #expect(error?.code == "rebuild.unpublished")
        _ = try project.engine(hours: 1).rebuild(at: false)
        try project.verify(hours: 1)
    }

    @Test func `A version that there can't be is told as damage`() throws {
        let project = try ReplayProject()
        let path = project.settings.warehousePath
        try FileManager.default.createDirectory(atPath: project.folder + "/warehouse", withIntermediateDirectories: true)
        try Database(path: path, mode: .create).execute("PRAGMA user_version=-1; CREATE TABLE t (a)")
        for open in [{ _ = try SQLiteWarehouse(path: path) }, { _ = try SQLiteWarehouse.look(at: path) }] {
            #expect((#expect(throws: WarehouseError.self) { try open() })?.code == "warehouse.damaged")
        }
    }

    @Test func `A ledger without a version is told as damage`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        let path = project.settings.warehousePath
        for (version, code) in [(0, "warehouse.damaged"), (-1, "warehouse.damaged"), (1000, "warehouse.newer")] {
            try Database(path: path, mode: .readWrite).execute("PRAGMA user_version=\(version)")
            for open in [
                { _ = try SQLiteWarehouse(path: path) }, { _ = try SQLiteWarehouse.look(at: path) },
                { _ = try WarehouseReader(path: path) },
            ] {
                #expect((#expect(throws: WarehouseError.self) { try open() })?.code == code)
            }
            // Who asks for tables of models needs no ledger.
            let reader = try WarehouseReader(path: path, readsLedger: false)
            let query = try reader.query("SELECT count(*) FROM current_customer")
            #expect(try reader.step(query) && query.int(0) == 1)
        }
    }
}
