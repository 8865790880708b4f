import ELTCore
import ELTRun
import ELTSQLite
import Foundation
import SQLite
import Testing

/// The ledger knows on which days winners begin, and their index by day is there while several days are built.
@Suite struct WinnerDaysTests {
    private func noted(_ project: ReplayProject) throws -> String? {
        try read(project, "SELECT value FROM elt_meta WHERE name = 'winner_days/customer'")
    }

    private func standing(_ project: ReplayProject) throws -> String? {
        try read(
            project,
            "SELECT date(min(from_day) * 86400, 'unixepoch') || ' ' || date(max(from_day) * 86400, 'unixepoch') FROM elt_customer_winners")
    }

    private func read(_ project: ReplayProject, _ sql: String) throws -> String? {
        try WarehouseReader(path: project.settings.warehousePath).rows(sql).first?[0].text
    }

    /// Of the history: days, rows and what's in them.
    private func history(_ project: ReplayProject) throws -> String? {
        try read(project, "SELECT group_concat(day || id || name || changed) FROM (SELECT * FROM customer_history ORDER BY day, id)")
    }

    private func hasIndex(_ project: ReplayProject) throws -> Bool {
        try read(project, "SELECT 'yes' FROM sqlite_schema WHERE name = 'elt_customer_winners_day'") != nil
    }

    @Test func `They're noted, whatever comes before the first or after the last`() throws {
        let project = try ReplayProject()
        _ = try project.engine(hours: 1).run(RunOptions())
        #expect(try noted(project) == nil)
        for (key, hour) in [("a", 40), ("b", 16), ("c", 16), ("d", 88)] {
            project.produce("create", key: key, name: key.uppercased(), hour: hour)
            _ = try project.engine(hours: max(hour, 41)).run(RunOptions())
            #expect(try noted(project) == standing(project))
            #expect(try noted(project) != nil)
        }
        #expect(try !hasIndex(project))
        // A late one beats the last: the note may say more than there is, never less.
        project.produce("delete", key: "d", name: nil, hour: 15)
        _ = try project.engine(hours: 89).run(RunOptions())
        #expect(try noted(project)?.prefix(10) == standing(project)?.prefix(10))
        try project.verify(hours: 89)
    }

    @Test func `A warehouse without the note finds them out`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 1)
        project.produce("create", key: "b", name: "B", hour: 30)
        _ = try project.engine(hours: 31).run(RunOptions())
        let (before, rows) = (try noted(project), try history(project))
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        try warehouse.transaction { try warehouse.setMeta("winner_days/customer", .null) }
        _ = try project.engine(hours: 32).run(RunOptions())
        #expect(try noted(project) == before)
        #expect(try history(project) == rows)
    }

    @Test func `The index is there until the models are written, unless intervals keep it`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 1)
        _ = try project.engine(hours: 2).run(RunOptions())
        // Days after an outage.
        project.produce("create", key: "b", name: "B", hour: 30)
        project.produce("create", key: "a", name: "A2", hour: 55)
        _ = try project.engine(hours: 80).run(RunOptions())
        #expect(try !hasIndex(project))
        try project.verify(hours: 80)
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        func index(in session: SQLiteTransformSession) throws -> [Bool] {
            try session.indexDays(of: "customer")
            let during = try warehouse.database.query("SELECT 1 FROM sqlite_schema WHERE name = 'elt_customer_winners_day'")
            try session.writeStates()
            let after = try warehouse.database.query("SELECT 1 FROM sqlite_schema WHERE name = 'elt_customer_winners_day'")
            return [!during.isEmpty, !after.isEmpty]
        }
        try warehouse.transaction {
            #expect(try index(in: SQLiteTransformSession(warehouse)) == [true, false])
            try warehouse.database.execute("CREATE INDEX elt_customer_winners_day ON elt_customer_winners (from_day, key)")
            #expect(try index(in: SQLiteTransformSession(warehouse)) == [true, true])
        }
    }
}
