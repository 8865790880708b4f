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
