import ELTCore
import ELTRun
@testable import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import SQLite
import Testing

/// A rebuild compares days with what the table holds, and writes what differs.
@Suite struct StandingDaysTests {
    /// Five days of some customers, one of whom leaves.
    private func project(customers: Int = 40) throws -> ReplayProject {
        let project = try ReplayProject()
        for day in 0..<5 {
            for number in 0..<customers where day == 0 || number % 10 == day {
                project.produce("create", key: "c\(number)", name: "Name \(number) of day \(day)", hour: day * 24)
            }
        }
        project.produce("delete", key: "c7", name: nil, hour: 49)
        _ = try project.engine(hours: 100).run(RunOptions())
        return project
    }

    private func history(_ project: ReplayProject) throws -> [[String?]] {
        try WarehouseReader(path: project.settings.warehousePath)
            .rows("SELECT day, changed || '', id, name FROM customer_history ORDER BY day, id").map { $0.map(\.text) }
    }

    private func rebuild(_ project: ReplayProject) throws -> TableChanges {
        let report = try project.engine(hours: 100).rebuild(at: false)
        let model = try #require(report.models.first { $0.name == "customer_history" })
        return TableChanges(inserted: model.inserted, updated: model.updated, removed: model.removed)
    }

    /// Changes the table as nobody should, and has it in the file.
    private func spoil(_ project: ReplayProject, _ sql: String) throws {
        let database = try Database(path: project.settings.warehousePath, mode: .readWrite)
        try database.execute(sql)
        #expect(try database.checkpoint(truncate: false))
    }

    @Test func `What's right isn't written`() throws {
        let project = try project()
        let rows = try history(project)
        #expect(rows.count == 5 * 40 - 3)
        #expect(try rebuild(project) == TableChanges())
        #expect(try history(project) == rows)
        try project.verify(hours: 100)
    }

    @Test(arguments: [
        ("UPDATE customer_history SET name = 'wrong' WHERE id = 'c3'", TableChanges(updated: 5)),
        ("UPDATE customer_history SET name = 'wrong' WHERE id IN ('c0', 'c39', 'c9')", TableChanges(updated: 15)),
        ("DELETE FROM customer_history WHERE id IN ('c0', 'c12')", TableChanges(inserted: 10)),
        ("DELETE FROM customer_history WHERE day = (SELECT max(day) FROM customer_history)", TableChanges(inserted: 39)),
        ("INSERT INTO customer_history (day, id) VALUES ('1999-01-01', 'c1'), ('2026-11-19', 'c100'), ('2099-01-01', 'c1')", TableChanges(removed: 3)),
        ("UPDATE customer_history SET id = id || 'x' WHERE id = 'c5'", TableChanges(inserted: 5, removed: 5)),
        // Keys that days of sorted rows can't have: made anew.
        ("INSERT INTO customer_history (day, id) VALUES (5, 'c1')", TableChanges(inserted: 197)),
        ("INSERT INTO customer_history (day, id) VALUES (x'39', x'00')", TableChanges(inserted: 197)),
        // Another table, or more of one.
        ("CREATE INDEX more ON customer_history (name)", TableChanges(inserted: 197)),
        ("ALTER TABLE customer_history ADD COLUMN more", TableChanges(inserted: 197)),
        ("CREATE TRIGGER no BEFORE DELETE ON customer_history BEGIN SELECT RAISE(ABORT, 'no'); END", TableChanges(inserted: 197)),
        ("DROP TABLE customer_history", TableChanges(inserted: 197)),
        ("DELETE FROM customer_history", TableChanges(inserted: 197)),
    ]) func `What differs is mended`(_ sql: String, _ changes: TableChanges) throws {
        let project = try project()
        let rows = try history(project)
        try spoil(project, sql)
        #expect(try rebuild(project) == changes)
        #expect(try history(project) == rows)
        try project.verify(hours: 100)
        #expect(try rebuild(project) == TableChanges())
    }

    /// Past that each row would have to find its place.
    @Test(arguments: [("", true), (" WHERE day < '2026-11-21'", true), (" WHERE day = '2026-11-20'", false)])
    func `A table that's wrong in many rows is made anew`(_ which: String, _ isAnew: Bool) throws {
        let project = try project(customers: 4000)
        let rows = try history(project)
        try spoil(project, "UPDATE customer_history SET name = name || '?'" + which)
        let changes = try rebuild(project)
        #expect(isAnew ? changes == TableChanges(inserted: Int64(rows.count)) : changes.inserted == 0 && changes.updated > 2000)
        #expect(try history(project) == rows)
        try project.verify(hours: 100)
    }

    /// Whatever is damaged: the table is right and whole after it, or it's told. Run with other numbers to look for more.
    @Test(arguments: 0..<40) func `Damaged pages are healed or told`(_ seed: UInt64) throws {
        let project = try project(customers: 1500)
        let rows = try history(project)
        let path = project.settings.warehousePath
        let pages = try WarehouseReader(path: path).rows("SELECT pageno FROM dbstat WHERE name = 'customer_history'").compactMap { $0[0].integer }
        #expect(pages.count > 10)
        var random = DamageNumbers(seed: seed)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let page = (Int(try #require(pages.randomElement(using: &random))) - 1) << 14
            let count = [1, 2, 12, 64, 512].randomElement(using: &random)!
            let place = page + Int.random(in: 0...(Bool.random(using: &random) ? 16 : 16384 - 512), using: &random)
            let isNoise = Bool.random(using: &random)
            for index in 0..<count { bytes[place + index] = isNoise ? .random(in: 0...255, using: &random) : 0xFF }
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        do {
            _ = try rebuild(project)
        } catch let error as WarehouseError {
            #expect("\(error)".contains("damaged") || "\(error)".contains("malformed"), "\(error)")
            return
        }
        #expect(try history(project) == rows)
        let database = try Database(path: path, mode: .readOnly)
        #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
    }

    /// Rows can be compared, and the first that's written meets what's wrong with its page: the second attempt compares nothing.
    @Test func `Damage that only writing meets is healed by the second attempt`() throws {
        let project = try project()
        let rows = try history(project)
        try spoil(project, "DELETE FROM customer_history WHERE id = 'c12'")
        let path = project.settings.warehousePath
        let root = try #require(try WarehouseReader(path: path).rows("SELECT rootpage FROM sqlite_schema WHERE name = 'customer_history'")[0][0].integer)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let page = (Int(root) - 1) << 14
        func short(_ place: Int) -> Int { Int(bytes[page + place]) << 8 | Int(bytes[page + place + 1]) }
        func put(_ value: Int, _ place: Int) { bytes.replaceSubrange((page + place)..<(page + place + 2), with: [UInt8(value >> 8), UInt8(value & 255)]) }
        let (free, next, length) = (short(1), short(short(1)), short(short(1) + 2))
        #expect(bytes[page] == 0x0A && length >= 8, "a leaf with room")
        // The free block becomes two, side by side. SQLite would have one of them, and looks only where it writes.
        put(free + 4, free)
        put(4, free + 2)
        put(next, free + 4)
        put(length - 4, free + 6)
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(try rebuild(project) == TableChanges(inserted: Int64(rows.count)))
        #expect(try history(project) == rows)
        try project.verify(hours: 100)
        let database = try Database(path: path, mode: .readOnly)
        #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
    }

    /// Keys that stand where SQLite doesn't look for them.
    @Test(arguments: [("2026-11-20c21", "2026-11-20c99"), ("2026-11-20c21", "2026-11-20c01"), ("2026-11-20c21", "1026-11-20c21"), ("2026-11-20c4", "2026-11-20c3")])
    func `A table whose keys are out of order is made anew`(_ key: String, _ other: String) throws {
        let project = try project()
        let rows = try history(project)
        let url = URL(fileURLWithPath: project.settings.warehousePath)
        var bytes = try Data(contentsOf: url)
        let place = try #require(bytes.range(of: Data(key.utf8)))
        bytes.replaceSubrange(place, with: Data(other.utf8))
        try bytes.write(to: url)
        #expect(try rebuild(project) == TableChanges(inserted: Int64(rows.count)))
        #expect(try history(project) == rows)
        let database = try Database(path: project.settings.warehousePath, mode: .readOnly)
        #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
    }

    /// The file doesn't have what a reader keeps in the log.
    @Test func `Beside a long reader the table is made anew`() throws {
        let project = try project()
        let rows = try history(project)
        let reader = try Database(path: project.settings.warehousePath, mode: .readOnly)
        try reader.execute("BEGIN; SELECT 1 FROM elt_meta")
        let writer = try Database(path: project.settings.warehousePath, mode: .readWrite)
        try writer.execute("PRAGMA wal_autocheckpoint=0; UPDATE customer_history SET name = 'wrong'")
        #expect(try rebuild(project) == TableChanges(inserted: Int64(rows.count)))
        try reader.execute("COMMIT")
        #expect(try history(project) == rows)
        try project.verify(hours: 100)
    }

    @Test func `Whoever commits meanwhile keeps the file from being compared with`() throws {
        let project = try project()
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        for isDisturbed in [false, true, false] {
            #expect(try warehouse.checkpoint())
            if isDisturbed { try spoil(project, "UPDATE customer_history SET name = 'wrong'") }
            try warehouse.transaction { #expect(warehouse.fileIsWhole != isDisturbed) }
            // What was committed since isn't in the file.
            try warehouse.transaction { #expect(!warehouse.fileIsWhole) }
        }
    }

    @Test(arguments: [true, false]) func `An hour that builds models in full compares, too`(isAsked: Bool) throws {
        let project = try project()
        if !isAsked {
            let path = project.folder + "/models/customer_history.sql"
            let model = try String(contentsOfFile: path, encoding: .utf8)
            try ("-- The same, in other words.\n" + model).write(toFile: path, atomically: true, encoding: .utf8)
        }
        project.produce("create", key: "c1", name: "Another", hour: 99)
        var options = RunOptions()
        options.fullRefresh = isAsked
        let report = try project.engine(hours: 100).run(options)
        let model = try #require(report.models.first { $0.name == "customer_history" })
        #expect(model.full && model.inserted == 0 && model.updated == 1 && model.removed == 0)
        try project.verify(hours: 100)
    }

    /// 1 is 1.0 to SQLite, and divided by 2 it isn't.
    @Test func `A value of another type is another`() throws {
        let project = try project()
        let path = project.folder + "/models/customer_history.sql"
        let model = try String(contentsOfFile: path, encoding: .utf8)
        try model.replacing("_day = _on_day as changed", with: "1.0 * (_day = _on_day) as changed").write(
            toFile: path, atomically: true, encoding: .utf8)
        #expect(try rebuild(project) == TableChanges(updated: 56))
        try project.verify(hours: 100)
        // In an hour, too.
        try "{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', by_key='customer') }} select id, case name when 'A' then 1.0 else 1 end as one from {{ source('customer', 'winners') }}"
            .write(toFile: project.folder + "/models/ones.sql", atomically: true, encoding: .utf8)
        _ = try project.engine(hours: 101).run(RunOptions())
        project.produce("create", key: "c1", name: "A", hour: 101)
        _ = try project.engine(hours: 102).run(RunOptions())
        try project.verify(hours: 102)
    }

    @Test func `Another model makes other rows of the same table`() throws {
        let project = try project()
        let path = project.folder + "/models/customer_history.sql"
        let model = try String(contentsOfFile: path, encoding: .utf8)
        try model.replacing("_day = _on_day as changed", with: "2 * (_day = _on_day) as changed").write(
            toFile: path, atomically: true, encoding: .utf8)
        let changes = try rebuild(project)
        #expect(changes.inserted == 0 && changes.removed == 0 && changes.updated == 40 + 4 * 4)
        #expect(try history(project).allSatisfy { $0[1] == "0" || $0[1] == "2" })
        try project.verify(hours: 100)
    }
}

/// The same numbers for the same seed.
private struct DamageNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 33) &* 0xFF51_AFD7_ED55_8CCD
    }
}
