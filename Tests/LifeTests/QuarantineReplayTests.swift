import ELTArchive
import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import SQLite
import Testing

/// The real engine over records that an older program couldn't read and a newer one can.
///
/// The older program is played by a limit that no record passes; that the limit is another afterwards is
/// kept from the ledger, as a newer program's eyes would be.
final class ReplayProject {
    let folder = FileManager.default.temporaryDirectory.path + "/elt-replay-\(UUID().uuidString)"
    let source = ScriptedChangeSource()
    let snapshot = ScriptedSnapshotSource()
    var settings: ProjectSettings
    var entityNames = ["customer"]
    let start = Instant(milliseconds: 1_795_000_000_000)

    init(absent: FullLoadSettings.Absent = .keep) throws {
        var entity = EntitySettings(name: "customer", key: ["id"])
        entity.topics = [
            TopicSettings(name: "create", operation: .create),
            TopicSettings(name: "delete", operation: .delete),
        ]
        entity.topics[1].mode = .remove
        var full = FullLoadSettings(url: "http://127.0.0.1/api/customers")
        full.records = ["items"]
        full.absent = absent
        entity.fullLoad = full
        settings = ProjectSettings(
            name: "replay", zone: .utc, folder: folder, warehousePath: folder + "/warehouse/elt.db",
            archivePath: folder + "/archive", modelsPath: folder + "/models", kafka: [:], entities: [entity])
        source.create("create", partitions: 2)
        source.create("delete", partitions: 2)
        try ProjectTemplate.write(to: folder)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func engine(hours: Int, models: String? = nil, patience: Duration = .seconds(60)) throws -> Engine {
        let (archivePath, warehousePath) = (settings.archivePath, settings.warehousePath)
        let context = RunContext(
            now: start + .seconds(hours * 3600), zone: settings.zone,
            deadline: ContinuousClock.now + patience)
        return Engine(
            settings: settings,
            models: try ModelProject.load(
                folder: folder + "/models", tests: models, entities: entityNames),
            context: context, startedAt: context.now, makeArchive: { try LocalArchive(path: archivePath) },
            makeScratchArchive: { try LocalArchive(path: archivePath + "/.dry-run") },
            removeScratchArchive: { try? FileManager.default.removeItem(atPath: archivePath + "/.dry-run") },
            makeWarehouse: { try SQLiteWarehouse(path: warehousePath) },
            setWarehouseAside: { try SQLiteWarehouse.setAside(warehousePath) },
            lookAtWarehouse: { try SQLiteWarehouse.look(at: warehousePath) },
            makeChangeSource: { [source] in source },
            makeSnapshotSource: { [snapshot] _ in snapshot })
    }

    func produce(_ topic: String, key: String, name: String?, hour: Int) {
        let value = name.map { Array(#"{"id":"\#(key)","name":"\#($0)"}"#.utf8) }
        source.produce(
            to: TopicPartition(topic, Int32(key.utf8.last ?? 0) % 2),
            timestamp: (start + .seconds(hour * 3600)).milliseconds, key: Array(key.utf8), value: value)
    }

    /// Runs `body` as the older program would.
    func withOlderProgram(_ body: () throws -> Void) throws {
        let newer = settings
        settings.limits.maxMessageBytes = 25
        try body()
        settings = newer
        let warehouse = try SQLiteWarehouse(path: settings.warehousePath)
        try warehouse.transaction { try warehouse.setSettingsDigest(settings.tableDigest) }
    }

    func names() throws -> [String] {
        try WarehouseReader(path: settings.warehousePath).rows(
            "SELECT id, name FROM current_customer ORDER BY id"
        )
        .map { "\($0[0].text ?? "") \($0[1].text ?? "")" }
    }

    func ids() throws -> [Int64] {
        try SQLiteWarehouse(path: settings.warehousePath).quarantined(nil).map(\.id)
    }

    /// That the live tables are what the archive gives; throws which keys differ.
    func verify(hours: Int = 30) throws {
        let path = folder + "/verify.db"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let scratch = try SQLiteWarehouse(scratch: path)
        let comparison = TableComparison(path: settings.warehousePath)
        _ = try engine(hours: hours).verify(scratch: scratch) { table, key in
            try comparison.difference(table: table, key: key, other: path)
        }
    }
}

@Suite struct QuarantineReplayTests {
    /// Events before and after a full load, on two days; only the short ones were read.
    static func project(_ absent: FullLoadSettings.Absent) throws -> ReplayProject {
        let project = try ReplayProject(absent: absent)
        project.snapshot.pages = [
            [#"{"id":"a","name":"Full"}"#, #"{"id":"b","name":"Full, and rather long"}"#],
            [#"{"id":"c","name":"F"}"#],
        ]
        try project.withOlderProgram {
            project.produce("create", key: "a", name: "Early, and rather long", hour: 0)
            project.produce("create", key: "d", name: "D", hour: 0)
            project.produce("create", key: "e", name: "Early, and rather long", hour: 0)
            _ = try project.engine(hours: 1).run(RunOptions())
            _ = try project.engine(hours: 2).fullLoad([], acceptShrink: true)
            project.produce("create", key: "c", name: "Late, and rather long", hour: 20)
            project.produce("create", key: "d", name: "Late, and rather long", hour: 20)
            project.produce("delete", key: "d", name: nil, hour: 21)
            _ = try project.engine(hours: 22).run(RunOptions())
        }
        return project
    }

    @Test(arguments: [FullLoadSettings.Absent.keep, .remove])
    func `What a replay releases gives the tables that a rebuild gives`(absent: FullLoadSettings.Absent)
        throws
    {
        let project = try Self.project(absent)
        #expect(try project.ids().count == 5)
        #expect(throws: RunError.self) { try project.verify() }

        let outcome = try project.engine(hours: 22).replay(ids: nil)
        #expect(outcome.released.count == 5)
        #expect(outcome.remaining.isEmpty)
        #expect(try project.ids().isEmpty)
        let early = absent == .keep ? ["e Early, and rather long"] : []
        #expect(
            try project.names() == ["a Full", "b Full, and rather long", "c Late, and rather long"] + early)
        try project.verify()
    }

    @Test func `One record after another ends where all at once does`() throws {
        let project = try Self.project(.remove)
        for id in try project.ids().reversed() {
            #expect(try project.engine(hours: 22).replay(ids: [id]).released.map(\.id) == [id])
        }
        #expect(try project.ids().isEmpty)
        try project.verify()
    }

    @Test func `A replay that ends before it publishes is published by the next run`() throws {
        let project = try Self.project(.remove)
        // A test that fails keeps everything from being published, as a crash would.
        let tests = project.folder + "/failing"
        try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
        try "select id from {{ ref('current_customer') }}".write(
            toFile: tests + "/never.sql", atomically: true, encoding: .utf8)
        let before = try project.names()
        #expect(throws: TransformError.self) { try project.engine(hours: 22, models: tests).replay(ids: nil) }
        #expect(try project.names() == before)
        #expect(try project.ids().isEmpty)

        _ = try project.engine(hours: 23).run(RunOptions())
        #expect(try project.names() != before)
        try project.verify()
    }

    @Test func `A record that still can't be a row stays, with the reason of today`() throws {
        let project = try ReplayProject()
        try project.withOlderProgram {
            project.source.produce(
                to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: nil,
                value: Array("this is no JSON, and it is rather long".utf8))
            _ = try project.engine(hours: 1).run(RunOptions())
        }
        let outcome = try project.engine(hours: 2).replay(ids: nil)
        #expect(outcome.released.isEmpty)
        #expect(outcome.remaining.map(\.item.reason) == ["not-json"])
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        #expect(try warehouse.quarantined(nil).map(\.item.reason) == ["not-json"])
    }

    @Test func `A number that quarantine doesn't have changes nothing`() throws {
        let project = try Self.project(.keep)
        let ids = try project.ids()
        #expect(throws: ReplayError.noSuchRecord([4711])) {
            try project.engine(hours: 22).replay(ids: [ids[0], 4711])
        }
        #expect(try project.ids() == ids)
        #expect(try project.rows("SELECT count(*) FROM elt_runs WHERE status = 'failed'") == ["0"], "it's no run")
    }
}
