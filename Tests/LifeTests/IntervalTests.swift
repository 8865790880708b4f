import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import SQLite
import Testing

/// The history as intervals, besides what every life compares after each of its steps.
@Suite struct IntervalTests {
    private static let all = "SELECT day || changed || id || name FROM customer_history ORDER BY 1"

    private func write(_ project: ReplayProject, _ storage: HistoryStorage, _ more: String = "") throws {
        let text = OtherModels.history(storage, "").replacing("partition_by", with: more + "partition_by")
        try text.write(toFile: project.folder + "/models/customer_history.sql", atomically: true, encoding: .utf8)
    }

    /// Three days: sixty keys come, one changes on the second day, one goes on the third.
    private func project(_ storage: HistoryStorage, _ more: String = "") throws -> ReplayProject {
        let project = try ReplayProject()
        try write(project, storage, more)
        for number in 0..<60 { project.produce("create", key: "k\(number)", name: "N", hour: 0) }
        project.produce("create", key: "k7", name: "O", hour: 24)
        project.produce("delete", key: "k8", name: nil, hour: 48)
        for hours in [1, 25, 49] { _ = try project.engine(hours: hours).run(RunOptions()) }
        return project
    }

    private func plan(_ project: ReplayProject, _ sql: String) throws -> [String] {
        let database = try Database(path: project.settings.warehousePath, mode: .readOnly)
        return try database.query("EXPLAIN QUERY PLAN " + sql).compactMap { $0[3].text }
    }

    @Test func `Another storage makes the table anew and leaves nothing of the old one`() throws {
        let project = try project(.days)
        let before = try project.rows(Self.all)
        #expect(before.count == 179)
        for storage in [HistoryStorage.intervals, .days, .intervals] {
            try write(project, storage)
            _ = try project.engine(hours: 50).run(RunOptions())
            #expect(try project.rows(Self.all) == before)
            let objects = try project.rows(
                "SELECT type || ' ' || name FROM sqlite_schema WHERE name LIKE '%customer_history%' AND sql IS NOT NULL ORDER BY 1")
            #expect(
                objects == (storage == .days
                    ? ["table customer_history"]
                    : ["table elt_customer_history_calendar", "table elt_customer_history_intervals", "view customer_history"]))
            try project.verify()
        }
        try FileManager.default.removeItem(atPath: project.folder + "/models/customer_history.sql")
        try FileManager.default.removeItem(atPath: project.folder + "/models/schema.yml")
        _ = try project.engine(hours: 51).run(RunOptions())
        #expect(try project.rows("SELECT name FROM sqlite_schema WHERE name LIKE '%customer_history%'").isEmpty)
    }

    @Test func `A row stands once for all days on which it's so`() throws {
        let project = try project(.intervals)
        let stored = "SELECT count(*) FROM elt_customer_history_intervals"
        #expect(try project.rows(stored) == ["61"])
        // A week without any event, and then a day that nothing happens on.
        _ = try project.engine(hours: 24 * 9).run(RunOptions())
        #expect(try project.rows(stored) == ["61"])
        #expect(try project.rows("SELECT count(*) FROM customer_history GROUP BY day ORDER BY day") == ["60", "60"] + Array(repeating: "59", count: 8))
        try project.verify()
    }

    @Test func `What a run counts are intervals, and days as with full days`() throws {
        let project = try project(.intervals)
        project.produce("create", key: "k1", name: "late", hour: 25)
        var options = RunOptions()
        options.dryRun = true
        let report = try project.engine(hours: 50).run(options)
        let history = try #require(report.models.first { $0.name == "customer_history" })
        #expect((history.inserted, history.updated, history.removed) == (1, 1, 0))
        #expect(history.days == [1, 2].map { project.settings.zone.day(of: project.start + .seconds($0 * 86_400)).description })
        #expect(try project.rows("SELECT count(*) FROM customer_history WHERE name = 'late'") == ["0"])
        #expect(try project.engine(hours: 50).run(RunOptions()).models == report.models)
        #expect(try project.rows("SELECT count(*) FROM customer_history WHERE name = 'late'") == ["2"])
    }

    @Test func `A day, a key and both are looked up and not read from all rows of all days`() throws {
        let project = try project(.intervals, "indexes=[['name']], ")
        let day = try plan(project, "SELECT * FROM customer_history WHERE day = '2026-11-19' ORDER BY id")
        #expect(day[0].contains("(day=?)"), "\(day)")
        #expect(day.count == 2, "\(day)")
        for query in ["id = 'k7'", "id = 'k7' AND day = '2026-11-19'", "id = 'k7' AND changed = 1"] {
            let plan = try plan(project, "SELECT * FROM customer_history WHERE \(query)")
            #expect(plan.contains { $0.contains("SEARCH i USING PRIMARY KEY (id=?") }, "\(plan)")
            #expect(!plan.contains { $0.contains("SCAN i") || $0.contains("AUTOMATIC") }, "\(plan)")
        }
        let joined = try plan(
            project, "SELECT h.day FROM current_customer c JOIN customer_history h ON h.id = c.id AND h.day = '2026-11-19'")
        #expect(!joined.contains { $0.contains("MATERIALIZE") || $0.contains("CO-ROUTINE") }, "\(joined)")
        #expect(
            try project.rows("SELECT tbl_name FROM sqlite_schema WHERE name = 'elt_customer_history_index_1'")
                == ["elt_customer_history_intervals"])
        // What verify reads comes in the order of days and keys without being sorted.
        let whole = try plan(project, "SELECT * FROM customer_history ORDER BY day, id")
        #expect(!whole.contains { $0.contains("TEMP B-TREE") }, "\(whole)")
    }

    @Test func `Keys may be integers, and texts that look like them`() throws {
        for key in ["id as n", "cast(id as integer) as n"] {
            let project = try ReplayProject()
            for (name, storage) in [("customer_history", HistoryStorage.intervals), ("twin", .days)] {
                let text = OtherModels.history(storage, "").replacing("{{ columns('customer') }}", with: "\(key), id, name")
                    .replacing("unique_key='id'", with: "unique_key='n'")
                try text.write(toFile: project.folder + "/models/\(name).sql", atomically: true, encoding: .utf8)
            }
            for day in 0..<5 {
                project.produce("create", key: "\(day % 3)", name: "N\(day)", hour: day * 24)
                if day == 2 { project.produce("delete", key: "1", name: nil, hour: 48) }
                _ = try project.engine(hours: day * 24 + 1).run(RunOptions())
            }
            let columns = "SELECT day || changed || n || name || typeof(n)"
            #expect(try project.rows("\(columns) FROM customer_history ORDER BY 1") == project.rows("\(columns) FROM twin ORDER BY 1"))
            try project.verify()
        }
    }

    @Test func `Carried values are kept and compared as the column would`() throws {
        let project = try ReplayProject()
        project.settings.entities[0].columns = [ColumnSettings(name: "n", type: .integer)]
        for (name, storage) in [("customer_history", HistoryStorage.intervals), ("twin", .days)] {
            let text = OtherModels.history(storage, "")
                .replacing("{'changed': 0}", with: "{'changed': 0, 'n': '5', 'name': none}")
                .replacing("{{ columns('customer') }}", with: "id, 7 as m, name, 1 as n")
            try text.write(toFile: project.folder + "/models/\(name).sql", atomically: true, encoding: .utf8)
        }
        project.produce("create", key: "a", name: "A", hour: 0)
        for hours in [1, 49] { _ = try project.engine(hours: hours).run(RunOptions()) }
        let query = { (table: String) in "SELECT day || n || typeof(n) || coalesce(name, '-') || (n = '5') || (changed = '0') FROM \(table) ORDER BY 1" }
        #expect(try project.rows(query("customer_history")) == project.rows(query("twin")))
        #expect(try project.rows("SELECT count(*) FROM customer_history WHERE n = '5'") == ["2"])
    }

    @Test func `A row that's of no day on which its winner begins is refused`() throws {
        let project = try ReplayProject()
        let text = OtherModels.history(.intervals, "").replacing("_on_day as day", with: "'2020-01-01' as day")
        try text.write(toFile: project.folder + "/models/customer_history.sql", atomically: true, encoding: .utf8)
        project.produce("create", key: "a", name: "A", hour: 0)
        #expect { try project.engine(hours: 1).run(RunOptions()) } throws: { error in
            (error as? any ELTError)?.code == "model.foreign-day"
        }
    }

    @Test func `Days that are asked for are written again`() throws {
        let project = try project(.intervals)
        let before = try project.rows(Self.all)
        let database = try Database(path: project.settings.warehousePath, mode: .readWrite)
        try database.execute("UPDATE elt_customer_history_intervals SET name = 'wrong' WHERE id = 'k7'")
        let day = project.settings.zone.day(of: project.start)
        _ = try project.engine(hours: 49).build(RunOptions(), days: day...day)
        #expect(try project.rows(Self.all) == before)
    }

    @Test func `Tests of columns look at intervals, and count days`() throws {
        let project = try project(.intervals)
        try """
        version: 2
        models:
          - name: customer_history
            columns:
              - { name: name, tests: [accepted_values: { values: [N, O], severity: warn }] }
              - { name: changed, tests: [accepted_values: { values: [1], severity: warn }] }
        """.write(toFile: project.folder + "/models/schema.yml", atomically: true, encoding: .utf8)
        let failures = { try project.engine(hours: 50).test(select: []).map(\.failures) }
        #expect(try failures() == [0, 118])
        let database = try Database(path: project.settings.warehousePath, mode: .readWrite)
        try database.execute("UPDATE elt_customer_history_intervals SET name = 'X' WHERE id = 'k7' AND name = 'N'")
        #expect(try failures() == [1, 118])
        try database.execute("UPDATE elt_customer_history_intervals SET name = 'X' WHERE id = 'k9'")
        #expect(try failures() == [4, 118])
        try database.execute("UPDATE elt_customer_history_intervals SET _first_day = 1000000, _last_day = 1000000 WHERE name = 'X'")
        #expect(try failures() == [0, 116])
    }
}
