import ELTCore
@testable import ELTRun
@testable import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import SQLite
import Testing

/// A day that begins is made of the one that was committed and of what changed, by two connections, or by one where there's more to it.
@Suite struct CarryingTests {
    private struct RolledBack: Error {}

    /// Hours 1 to 12 are of one day, 13 to 24 of the next.
    private static let (evening, night) = (12, 14)
    private func day(_ project: ReplayProject, hours: Int = night) -> Day {
        project.settings.zone.day(of: project.start + .seconds(hours * 3600))
    }

    /// A day with customers a to f is published.
    private func project() throws -> ReplayProject {
        let project = try ReplayProject()
        for key in ["a", "b", "c", "d", "e", "f"] { project.produce("create", key: key, name: key.uppercased(), hour: 0) }
        _ = try project.engine(hours: 1).run(RunOptions())
        return project
    }

    /// What's loaded at an hour, without models being built.
    private func load(_ project: ReplayProject, hours: Int) throws {
        let path = project.folder + "/models/broken.sql"
        let broken = "{{ config(materialized='table') }} select json_extract(name || '{', '$.a') as a from {{ ref('current_customer') }}"
        try broken.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: (any Error).self) { try project.engine(hours: hours).run(RunOptions()) }
        try FileManager.default.removeItem(atPath: path)
    }

    /// The new day's rows, as `id name`, where names tell which query gave them; nothing of it lasts.
    /// - Parameter fromPages: Whether the file holds all that was committed, and yesterday is read from it.
    private func written(
        _ project: ReplayProject, dayColumn: String = "_on_day", fromPages: Bool = true, prepare: (SQLiteWarehouse) throws -> Void = { _ in }
    ) throws -> (rows: [String], changes: TableChanges) {
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        let day = day(project)
        var found: ([String], TableChanges)?
        if fromPages { #expect(try warehouse.checkpoint()) }
        do {
            try warehouse.transaction {
                #expect(warehouse.fileIsWhole == fromPages)
                try prepare(warehouse)
                let session = SQLiteTransformSession(warehouse)
                let entity = try #require(project.settings.entities.first)
                _ = try session.resolve(entity, everything: false, maxClockSkew: .seconds(300), horizon: day)
                let columns = try #require(try session.tableColumns(of: "customer_history")).map(\.name)
                func query(_ name: String, changedOnly: Bool) throws -> String {
                    let relation = try session.relation(
                        SourceRelation(entity: "customer", table: "daily_winners", binding: .day(day, changedOnly: changedOnly)))
                    let list = columns.map { column in
                        switch column {
                        case "day": "\(dayColumn) AS day"
                        case "changed": "_day = _on_day AS changed"
                        case "name": "'\(name)' AS name"
                        default: "\"\(column)\""
                        }
                    }
                    return "SELECT \(list.joined(separator: ", ")) FROM \(relation)"
                }
                let changes = try session.overwriteCarrying(
                    "customer_history", query: query("one", changedOnly: false), changed: query("two", changedOnly: true),
                    columns: columns, partition: "day", day: day, key: "id", resets: ["changed": "0"],
                    scope: .winnersOf(entity: "customer", day: day))
                let rows = try warehouse.database.query(
                    "SELECT id || ' ' || name || ' ' || changed FROM customer_history WHERE day = ?1 ORDER BY id", [.text(day.description)])
                found = (rows.map { $0[0].text ?? "" }, changes)
                throw RolledBack()
            }
        } catch is RolledBack {}
        return try #require(found)
    }

    /// An update, a late one, a deletion, a late deletion, one that's new, and one that stays.
    private func produceNight(_ project: ReplayProject) {
        project.produce("create", key: "a", name: "A2", hour: Self.night)
        project.produce("create", key: "b", name: "B2", hour: Self.evening)
        project.produce("delete", key: "c", name: nil, hour: Self.night)
        project.produce("delete", key: "d", name: nil, hour: Self.evening)
        project.produce("create", key: "aa", name: "AA", hour: Self.night)
        project.produce("create", key: "g", name: "G", hour: Self.evening)
    }

    @Test(arguments: [true, false])
    func `Rows of keys that changed come of the other connection, and all others of the day before`(fromPages: Bool) throws {
        let project = try project()
        produceNight(project)
        try load(project, hours: Self.night)
        let written = try written(project, fromPages: fromPages)
        // Of b and d the day before has changed, but here nobody has written that.
        #expect(written.rows == ["a two 1", "aa two 1", "b B 0", "d D 0", "e E 0", "f F 0"])
        #expect(written.changes == TableChanges(inserted: 6))
    }

    @Test func `The day that a run makes is the one that a rebuild makes`() throws {
        let project = try project()
        produceNight(project)
        _ = try project.engine(hours: Self.night).run(RunOptions())
        try project.verify(hours: Self.night)
        let rows = try WarehouseReader(path: project.settings.warehousePath).rows(
            "SELECT substr(day, 9), id, name, changed FROM customer_history ORDER BY day, id"
        ).map { row in row.map { $0.text ?? "\($0.integer ?? -1)" }.joined(separator: " ") }
        let day = day(project).description.suffix(2)
        #expect(rows.filter { $0.hasPrefix(day) } == ["a A2 1", "aa AA 1", "b B2 0", "e E 0", "f F 0", "g G 0"].map { "\(day) \($0)" })
        #expect(rows.count == 12)
    }

    /// The row that a day has of a key without a record there is the day before's, whatever the query would say of it.
    @Test func `A query that knows a day's own records alone gives what a rebuild gives`() throws {
        let project = try project()
        let own = """
            {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', unique_key='id',
                by_key='customer', carry_forward={'changed': 0}) }}
            select _on_day as day, 1 as changed, {{ columns('customer') }} from {{ source('customer', 'daily_winners') }} where _day = _on_day
            """
        try own.write(toFile: project.folder + "/models/own.sql", atomically: true, encoding: .utf8)
        _ = try project.engine(hours: 2).run(RunOptions())
        produceNight(project)
        _ = try project.engine(hours: Self.night).run(RunOptions())
        try project.verify(hours: Self.night)
    }

    @Test func `A row of another day is told`() throws {
        let project = try project()
        produceNight(project)
        try load(project, hours: Self.night)
        #expect(throws: WarehouseError.self) { _ = try written(project, dayColumn: "'2026-01-01'") }
    }

    @Test func `An event that was loaded before its day began isn't left out`() throws {
        let project = try project()
        project.produce("create", key: "e", name: "Early", hour: Self.night)
        _ = try project.engine(hours: 2).run(RunOptions())
        project.produce("create", key: "a", name: "A2", hour: Self.night)
        try load(project, hours: Self.night)
        #expect(try written(project).rows == ["a one 1", "b B 0", "c C 0", "d D 0", "e one 1", "f F 0"])
        _ = try project.engine(hours: Self.night).run(RunOptions())
        try project.verify(hours: Self.night)
    }

    @Test func `Where the transaction may have changed raw rows there's one connection`() throws {
        let project = try project()
        produceNight(project)
        try load(project, hours: Self.night)
        let rows = try written(project) { _ = $0.loadSession(settings: project.settings) }.rows
        #expect(rows.filter { $0.contains("one") } == ["a one 1", "aa one 1"])
        #expect(!rows.contains { $0.contains("two") })
    }

    @Test func `A day begins though nothing happened, and after days without a run`() throws {
        let project = try project()
        #expect(try written(project).rows == ["a A 0", "b B 0", "c C 0", "d D 0", "e E 0", "f F 0"])
        _ = try project.engine(hours: Self.night).run(RunOptions())
        try project.verify(hours: Self.night)
        produceNight(project)
        project.produce("create", key: "f", name: "F2", hour: 60)
        _ = try project.engine(hours: 90).run(RunOptions())
        try project.verify(hours: 90)
    }

    /// Then the log is moved first: so all of the day before is in the file.
    @Test func `It's known beforehand that a day begins`() throws {
        let project = try project()
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        for (hours, begins) in [(1, false), (2, false), (Self.evening - 1, false), (Self.night, true), (90, true)] {
            let found = try project.engine(hours: hours).transformer.readsDays(
                warehouse.transformSession(), TransformRequest(), latestNow: project.start + .seconds(hours * 3600))
            #expect(found == begins, "\(hours) hours")
        }
    }

    /// Whatever is damaged in the day before: it ends the run, or rows are others, and nothing worse.
    @Test(arguments: 0..<40) func `Damaged pages of the day before are told or carried`(_ seed: Int) throws {
        let project = try ReplayProject()
        for number in 0..<1500 { project.produce("create", key: "c\(number)", name: String(repeating: "Name \(number) ", count: 20), hour: 0) }
        _ = try project.engine(hours: 1).run(RunOptions())
        produceNight(project)
        let path = project.settings.warehousePath
        let pages = try WarehouseReader(path: path).rows("SELECT pageno FROM dbstat WHERE name = 'customer_history'").compactMap { $0[0].integer }
        #expect(pages.count > 5)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for change in 0...(seed % 3) {
            let page = (Int(pages[(seed * 7 + change * 5) % pages.count]) - 1) << 14
            let place = page + (seed % 2 == 0 ? (seed / 2 + change) % 16 : (seed * 2713 + change * 971) % 16384)
            bytes[place] = UInt8(truncatingIfNeeded: seed * 89 + change * 151 + 1)
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        do {
            _ = try project.engine(hours: Self.night).run(RunOptions())
        } catch let error as any ELTError {
            #expect(["warehouse.damaged", "model.duplicate-key"].contains(error.code), "\(error.code): \(error.problem)")
        }
    }

    /// SQLite reads on behind such a row, and so must all others.
    @Test(arguments: [true, false]) func `A row whose day is less than its day's costs no others`(fromPages: Bool) throws {
        let project = try ReplayProject()
        for number in 1000..<2500 { project.produce("create", key: "c\(number)", name: String(repeating: "Name \(number) ", count: 20), hour: 0) }
        _ = try project.engine(hours: 1).run(RunOptions())
        try load(project, hours: 2)
        let url = URL(fileURLWithPath: project.settings.warehousePath)
        var bytes = try Data(contentsOf: url)
        for (index, page) in stride(from: 0, to: bytes.count, by: 1 << 14).enumerated() where index > 0 && bytes[page] == 0x0A {
            guard let found = bytes.range(of: Data("\(day(project).previous)c1500".utf8), in: page..<page + 1 << 14) else { continue }
            bytes[found.lowerBound + 3] -= 1
        }
        try bytes.write(to: url)
        #expect(try written(project, fromPages: fromPages).rows.count == 1500)
    }

    /// Texts enough to have been written, and then keys that aren't texts.
    @Test func `Keys that have no common order leave nothing half written`() throws {
        let project = try project()
        let before = day(project).previous
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        try warehouse.transaction {
            try warehouse.database.execute(
                """
                WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2010)
                INSERT INTO customer_history (day, changed, id, name)
                SELECT ?1, 1, CASE WHEN x <= 2000 THEN printf('n%04d', x) ELSE CAST(printf('z%04d', x) AS BLOB) END, 'N' FROM n
                """, [.text(before.description)])
        }
        project.produce("create", key: "a", name: "A2", hour: Self.night)
        try load(project, hours: Self.night)
        let written = try written(project)
        #expect(written.rows.prefix(6) == ["a one 1", "b B 0", "c C 0", "d D 0", "e E 0", "f F 0"])
        #expect(written.rows.count == 2016)
        #expect(written.rows.last == "z2010 N 0")
        #expect(written.changes == TableChanges(inserted: 2016))
    }
}
