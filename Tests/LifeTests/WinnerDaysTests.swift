import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
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

    private func hasIndex(_ project: ReplayProject, _ suffix: String = "covering") throws -> Bool {
        try read(project, "SELECT 'yes' FROM sqlite_schema WHERE name = 'elt_customer_winners_\(suffix)'") != nil
    }

    private func useIntervals(_ project: ReplayProject) throws {
        let path = project.folder + "/models/customer_history.sql"
        let model = try String(contentsOfFile: path, encoding: .utf8)
        try model.replacing("partition_by='day'", with: "partition_by='day', storage='intervals'").write(
            toFile: path, atomically: true, encoding: .utf8)
    }

    @Test func `They're noted, whatever comes before the first or after the last`() throws {
        let project = try ReplayProject()
        _ = try project.engine(hours: 1).run(RunOptions())
        #expect(try noted(project)?.split(separator: " ").count == 1)
        for (key, hour) in [("a", 40), ("b", 16), ("c", 16), ("d", 88)] {
            project.produce("create", key: key, name: key.uppercased(), hour: hour)
            _ = try project.engine(hours: max(hour, 41)).run(RunOptions())
            #expect(try noted(project)?.hasSuffix(standing(project) ?? "-") == true)
        }
        #expect(try !hasIndex(project))
        // A late one beats the last: the note may say more than there is, never less.
        project.produce("delete", key: "d", name: nil, hour: 15)
        _ = try project.engine(hours: 89).run(RunOptions())
        #expect(try noted(project)?.split(separator: " ")[1] == standing(project)?.split(separator: " ")[0])
        try project.verify(hours: 89)
    }

    @Test(arguments: ["", "0 2000-01-01 2000-01-02"]) func `A warehouse without a note of its last run finds them out`(note: String) throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 1)
        project.produce("create", key: "b", name: "B", hour: 30)
        _ = try project.engine(hours: 31).run(RunOptions())
        let rows = try history(project)
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        try warehouse.transaction { try warehouse.setMeta("winner_days/customer", .text(note)) }
        _ = try project.engine(hours: 32).run(RunOptions())
        #expect(try noted(project)?.hasSuffix(standing(project) ?? "-") == true)
        #expect(try history(project) == rows)
    }

    @Test func `The index that covers days is there until the models are written`() throws {
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
            let entity = try #require(project.settings.entities.first)
            let day = project.settings.zone.day(of: project.start + .seconds(80 * 3600))
            _ = try session.resolve(entity, everything: false, maxClockSkew: .seconds(300), horizon: day)
            try session.indexDays(of: "customer", for: "customer_history")
            let during = try warehouse.database.query("SELECT 1 FROM sqlite_schema WHERE name = 'elt_customer_winners_covering'")
            try session.writeStates()
            let after = try warehouse.database.query("SELECT 1 FROM sqlite_schema WHERE name = 'elt_customer_winners_covering'")
            return [!during.isEmpty, !after.isEmpty]
        }
        try warehouse.transaction {
            let found = try index(in: SQLiteTransformSession(warehouse))
            #expect(found == [true, false])
        }
    }

    @Test func `An index that stays is kept for intervals and for nothing else`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 1)
        _ = try project.engine(hours: 2).run(RunOptions())
        #expect(try !hasIndex(project, "day"))
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        // As former versions left it.
        try warehouse.transaction {
            try warehouse.database.execute("CREATE INDEX elt_customer_winners_day ON elt_customer_winners (from_day, key)")
        }
        project.produce("create", key: "b", name: "B", hour: 3)
        _ = try project.engine(hours: 4).run(RunOptions())
        #expect(try !hasIndex(project, "day"))
        try useIntervals(project)
        _ = try project.engine(hours: 5).run(RunOptions())
        for hour in [6, 80] {
            project.produce("create", key: "a", name: "A\(hour)", hour: hour)
            _ = try project.engine(hours: hour + 1).run(RunOptions())
            #expect(try hasIndex(project, "day"))
            #expect(try !hasIndex(project))
        }
        try project.verify(hours: 81)
    }

    @Test(arguments: ["days", "intervals"]) func `A listing without anybody leaves no history behind`(storage: String) throws {
        let project = try ReplayProject(absent: .remove)
        if storage == "intervals" { try useIntervals(project) }
        // The hours of one day: where the day before had records, they'd stay.
        for key in ["a", "b"] { project.produce("create", key: key, name: key.uppercased(), hour: 13) }
        _ = try project.engine(hours: 14).run(RunOptions())
        #expect(try history(project) != nil)
        project.snapshot.pages = [[]]
        _ = try project.engine(hours: 15).fullLoad([], acceptShrink: true)
        #expect(try project.names() == [])
        #expect(try history(project) == nil)
        try project.verify(hours: 15)
        _ = try project.engine(hours: 16).run(RunOptions())
        project.produce("create", key: "c", name: "C", hour: 17)
        _ = try project.engine(hours: 40).run(RunOptions())
        #expect(try noted(project)?.hasSuffix(standing(project) ?? "-") == true)
        try project.verify(hours: 40)
    }
}
