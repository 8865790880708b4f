import ELTArchive
import ELTCore
import ELTLoad
import ELTRun
@testable import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import SQLite
import Testing

/// The days of a first history are made by a second connection while other models are built.
@Suite struct DaysAheadTests {
    private static let days = 5
    /// 23:06 of the first day comes first.
    private static let dates = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"]

    /// Five days of some customers, one of whom leaves, archived; there's no warehouse yet.
    private func project(_ history: String? = nil, prefix: String = "c") throws -> ReplayProject {
        let project = try ReplayProject()
        for day in 0..<Self.days {
            for number in 0..<40 where day == 0 || number % 10 == day {
                project.produce("create", key: "\(prefix)\(number)", name: "Name \(number) of day \(day)", hour: day * 24)
            }
        }
        project.produce("delete", key: "\(prefix)7", name: nil, hour: 49)
        if let history { try write(history, "customer_history", project) }
        return project
    }

    private func write(_ query: String, _ model: String, _ project: ReplayProject) throws {
        try """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day',
            unique_key='id', by_key='customer', carry_forward={'changed': 0}) }}
        \(query)
        """.write(toFile: project.folder + "/models/\(model).sql", atomically: true, encoding: .utf8)
    }

    private func run(_ project: ReplayProject) throws { _ = try project.engine(hours: 100).run(RunOptions()) }

    private func history(_ project: ReplayProject) throws -> [[String?]] {
        try WarehouseReader(path: project.settings.warehousePath)
            .rows("SELECT day, changed || '', id, name FROM customer_history ORDER BY day, id").map { $0.map(\.text) }
    }

    /// Builds a new warehouse of what's archived, and tells how many days were made ahead.
    private func daysAhead(_ project: ReplayProject) throws -> Int { try build(project).days }

    private func build(_ project: ReplayProject) throws -> (days: Int, fills: Int) {
        let path = project.folder + "/other/elt.db"
        defer { try? FileManager.default.removeItem(atPath: project.folder + "/other") }
        let warehouse = try SQLiteWarehouse(path: path)
        let archive = try LocalArchive(path: project.settings.archivePath)
        try warehouse.transaction {
            _ = try Loader(settings: project.settings, archive: archive, progress: SilentProgress())
                .load(archive.entries(after: 0), into: warehouse.loadSession(settings: project.settings))
        }
        let now = project.start + .seconds(100 * 3600)
        let context = RunContext(now: now, zone: .utc, deadline: ContinuousClock.now + .seconds(60))
        let transformer = Transformer(
            project: try ModelProject.load(folder: project.folder + "/models", entities: ["customer"]), settings: project.settings, context: context)
        return try warehouse.transaction {
            let session = SQLiteTransformSession(warehouse)
            _ = try transformer.transform(session, TransformRequest(), latestNow: now)
            #expect(session.ahead == nil)
            return (session.daysAhead, session.sortedFills)
        }
    }

    private static let plain = "select _on_day as day, _day = _on_day as changed, id, name from {{ source('customer', 'daily_winners') }}"

    @Test func `A first history is made ahead, and is what it would be`() throws {
        let project = try project()
        try run(project)
        #expect(try history(project).count == Self.days * 40 - 3)
        try project.verify(hours: 100)
        #expect(try daysAhead(project) == Self.days)
        // Rebuilt, too, where the warehouse was lost.
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        _ = try project.engine(hours: 100).rebuild(at: false)
        try project.verify(hours: 100)
    }

    @Test(arguments: [
        // No table of the warehouse's, as far as it knows.
        (plain + " where (select count(*) from json_each('[1]')) = 1", 0),
        // A value of another type than others of its column is made ahead.
        (plain.replacing("name from", with: "case _on_day when '\(dates[3])' then 5 else name end as name from"), 5),
        // A day without rows, and rows in another order than their keys'.
        (plain + " where _on_day <> '\(dates[2])'", 5),
        (plain + " order by id desc", 5),
        (plain + " order by name desc", 5),
    ]) func `What can't be made ahead is made in its turn`(_ query: String, _ days: Int) throws {
        let project = try project(query)
        try run(project)
        try project.verify(hours: 100)
        #expect(try history(project).isEmpty == false)
        #expect(try daysAhead(project) == days)
    }

    /// Rows of the newest winners come in the order in which they were loaded.
    @Test(arguments: [
        ("'id', by_key='customer'", "id, name", "", 1),
        ("'id', by_key='customer'", "name, id", " order by name desc", 1),
        ("'id', by_key='customer'", "id collate nocase as id, name", "", 1),
        // A value of another type than others of its column.
        ("'id', by_key='customer'", "id, iif(id = 'c3', 5, name) as name", "", 1),
        // A key that's no text, and one of two columns.
        ("'number', by_key='customer'", "cast(id as integer) as number, id, name", "", 0),
        ("['name', 'id']", "id, name", "", 0),
    ]) func `A table that's built in full has its rows, in whatever order they come`(_ key: String, _ columns: String, _ end: String, _ fills: Int) throws {
        let prefix = columns.contains("number") ? "" : "c"
        let project = try project(prefix: prefix)
        try """
        {{ config(materialized='incremental', incremental_strategy='merge', unique_key=\(key)) }}
        select \(columns) from {{ source('customer', 'winners') }}\(end)
        """.write(toFile: project.folder + "/models/current_customer.sql", atomically: true, encoding: .utf8)
        try run(project)
        try project.verify(hours: 100)
        let rows = try WarehouseReader(path: project.settings.warehousePath).rows("SELECT id, CAST(name AS TEXT) FROM current_customer")
        let expected = (0..<40).filter { $0 != 7 }.map { number in
            let day = (1..<Self.days).contains(number % 10) ? number % 10 : 0
            return ["\(prefix)\(number)", columns.contains("iif") && number == 3 ? "5" : "Name \(number) of day \(day)"]
        }
        #expect(Set(rows.map { $0.map(\.text) }) == Set(expected))
        #expect(rows.count == expected.count)
        #expect(try build(project).fills == fills)
        // Beside a warehouse that stands, too.
        _ = try project.engine(hours: 100).rebuild(at: false)
        try project.verify(hours: 100)
        let again = try WarehouseReader(path: project.settings.warehousePath).rows("SELECT id, CAST(name AS TEXT) FROM current_customer")
        #expect(again == rows)
    }

    /// What isn't by_key may depend on the order of the winners: it's one in hours and in rebuilds.
    @Test(arguments: [
        "select group_concat(id) as ids from W", "select id from W limit 3", "select id, row_number() over () as n from W",
        "select length(name) as l, min(length(id)) as m, id from W group by length(name)",
        "select sum(case id when 'c3' then 1e16 when 'c9' then -1e16 else 0.1 end) as s from W",
    ]) func `A model of all winners is the same in hours and in a rebuild`(_ query: String) throws {
        let project = try ReplayProject()
        for day in 0..<Self.days {
            for number in (0..<40).reversed() where day == 0 || number % 10 == day {
                project.produce("create", key: "c\(number)", name: "Name \(number) of day \(day)", hour: day * 24)
            }
        }
        try "{{ config(materialized='table') }} \(query.replacing("W", with: "{{ source('customer', 'winners') }}"))"
            .write(toFile: project.folder + "/models/other.sql", atomically: true, encoding: .utf8)
        func rows() throws -> [[SQLValue]] { try WarehouseReader(path: project.settings.warehousePath).rows("SELECT * FROM other") }
        try run(project)
        let first = try rows()
        try project.verify(hours: 100)
        project.produce("delete", key: "zz", name: nil, hour: 100)
        _ = try project.engine(hours: 101).run(RunOptions())
        #expect(try rows() == first)
        try project.verify(hours: 102)
        _ = try project.engine(hours: 103).rebuild(at: false)
        #expect(try rows() == first)
    }

    @Test(arguments: [
        "union all select id, 'again' from {{ source('customer', 'winners') }} where id = 'c3'",
        "union all select null, 'none'",
    ]) func `A key that comes twice in a table, or not at all, is told`(_ more: String) throws {
        let project = try project()
        let path = project.folder + "/models/current_customer.sql"
        try """
        {{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', by_key='customer') }}
        select id, name from {{ source('customer', 'winners') }} \(more)
        """.write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: WarehouseError.self) { try run(project) }
        #expect(error?.problem.contains("current_customer") == true, "\(String(describing: error))")
        let files = try FileManager.default.contentsOfDirectory(atPath: project.folder + "/warehouse")
        #expect(files.filter { $0.contains("sorted") || $0.contains("rows") }.isEmpty, "\(files)")
    }

    /// Four keys twice on a day: seen when the day is put together.
    @Test func `A key that comes twice is told in the model's turn`() throws {
        let twice = Self.plain + " union all select _on_day, 1, id, 'again' from {{ source('customer', 'daily_winners') }} where _on_day = '\(Self.dates[3])'"
        let project = try project(twice)
        let error = #expect(throws: WarehouseError.self) { try run(project) }
        #expect(error?.problem.contains("customer_history") == true, "\(String(describing: error))")
        try write(Self.plain, "customer_history", project)
        try run(project)
        try project.verify(hours: 100)
    }

    @Test func `A query that fails on a day fails in its turn, and raw rows are kept`() throws {
        let project = try project(
            Self.plain.replacing("name from", with: "case _on_day when '\(Self.dates[3])' then json_extract('{', '$') else name end as name from"))
        let error = #expect(throws: WarehouseError.self) { try run(project) }
        #expect(error?.code == "model.failed")
        #expect(error?.problem.contains("customer_history") == true, "\(String(describing: error))")
        let reader = try WarehouseReader(path: project.settings.warehousePath)
        #expect(try reader.rows("SELECT count(*) FROM raw_customer_stream") == [[.integer(57)]])
        #expect(try reader.rows("SELECT name FROM sqlite_schema WHERE name LIKE '%customer_history%'").isEmpty)
        try write(Self.plain, "customer_history", project)
        try run(project)
        try project.verify(hours: 100)
    }

    @Test func `A model before it that fails is told, and nothing is left of what was made ahead`() throws {
        let project = try project()
        let path = project.folder + "/models/current_customer.sql"
        let model = try String(contentsOfFile: path, encoding: .utf8)
        try (model + " where iif(id = 'c39', json_extract('{', '$'), 1)").write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: WarehouseError.self) { try run(project) }
        #expect(error?.problem.contains("current_customer") == true, "\(String(describing: error))")
        let files = try FileManager.default.contentsOfDirectory(atPath: project.folder + "/warehouse")
        #expect(files.filter { $0.contains("ahead") || $0.contains("new") }.isEmpty, "\(files)")
        try model.write(toFile: path, atomically: true, encoding: .utf8)
        try run(project)
        try project.verify(hours: 100)
    }

    /// The first is made ahead; the index of days is the second's.
    @Test func `A second history is made in its turn`() throws {
        let project = try project()
        try write(Self.plain, "other_history", project)
        try write(Self.plain + " where name > 'Name 3'", "third_history", project)
        try run(project)
        try project.verify(hours: 100)
        #expect(try daysAhead(project) == Self.days)
    }

    @Test func `A rebuild of a lost warehouse that fails keeps raw rows, as a run does`() throws {
        let project = try project()
        try run(project)
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        try write(Self.plain + " where json_extract('{', '$')", "customer_history", project)
        #expect(throws: (any Error).self) { try project.engine(hours: 100).rebuild(at: false) }
        let reader = try WarehouseReader(path: project.settings.warehousePath)
        #expect(try reader.rows("SELECT command, status FROM elt_runs") == [[.text("rebuild"), .text("failed")]])
        #expect(try reader.rows("SELECT count(*) FROM raw_customer_stream") == [[.integer(57)]])
        #expect(try reader.rows("SELECT 1 FROM sqlite_schema WHERE name = 'current_customer'").isEmpty)
        try write(Self.plain, "customer_history", project)
        _ = try project.engine(hours: 100).rebuild(at: false)
        try project.verify(hours: 100)
    }

    /// All is there for it but the thread: whoever made it must not wait for one.
    @Test func `A thread that can't be had is told at once`() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/elt-thread-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try Database(path: folder + "/t.db", mode: .create)
        try database.execute("CREATE TABLE m (day TEXT, id TEXT, PRIMARY KEY (day, id)) WITHOUT ROWID; BEGIN")
        let columns = ["day", "id"].map { OutputColumn(name: $0, type: "TEXT") }
        let plan = DaysPlan(model: "m", columns: columns, partition: "day", key: "id", resets: [:])
        let days = try #require(try SortedDays(database, plan, standing: nil, path: folder + "/t.db"))
        let winners = try DailyWinners("customer", path: folder + "/winners")
        winners.finish()
        let frozen = try Database(path: ":memory:", mode: .create)
        let told = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var refusal: (any Error)?
        // On a thread of its own: who waits for ever doesn't fail.
        nonisolated(unsafe) let begin = {
            do {
                _ = try DaysAhead(days, [], from: frozen, winners: winners, tables: [], timeMax: .seconds(1), stackBytes: 1 << 47)
            } catch { refusal = error }
        }
        Thread.detachNewThread {
            begin()
            told.signal()
        }
        #expect(told.wait(timeout: .now() + 30) == .success)
        #expect(refusal is WorkThreadError)
    }

    /// Seconds without bounds.
    @Test func `Bounds hold on after those within them have ended`() throws {
        let database = try Database(path: ":memory:", mode: .create)
        let long = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5000000) SELECT sum(x) FROM n"
        let error = #expect(throws: WarehouseError.self) {
            try ModelBounds(model: "m", timeMax: .milliseconds(20)).keep(database) {
                try ModelBounds(model: "m", timeMax: .seconds(9)).keep(database) {}
                _ = try database.value(long)
            }
        }
        #expect(error?.code == WarehouseError.modelTooLong(name: "m", seconds: 0).code)
    }

    /// It asks for each of its days' winners, by an index that the history made ahead does without.
    @Test func `A model of days before it has its index`() throws {
        let project = try project()
        try """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', unique_key='id', by_key='customer') }}
        \(Self.plain)
        """.write(toFile: project.folder + "/models/a_changes.sql", atomically: true, encoding: .utf8)
        try run(project)
        try project.verify(hours: 100)
        #expect(try daysAhead(project) == Self.days)
    }

    @Test func `Events of one day aren't put aside`() throws {
        let project = try ReplayProject()
        for key in 0..<10 { project.produce("create", key: "c\(key)", name: "N", hour: 99) }
        try run(project)
        #expect(try daysAhead(project) == 0)
        project.produce("create", key: "c1", name: "N", hour: 3)
        try run(project)
        try project.verify(hours: 100)
    }

    /// What the transaction changes isn't to be seen, also where its pages are in the file already.
    @Test func `A connection to a new warehouse sees what was committed`() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/elt 100% of #1? \(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let warehouse = try SQLiteWarehouse(path: folder + "/elt.db")
        let numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000) SELECT x, hex(randomblob(50)) AS y FROM n"
        try warehouse.transaction { try warehouse.database.execute("CREATE TABLE raw (x INTEGER PRIMARY KEY, y); INSERT INTO raw \(numbers)") }
        #expect(warehouse.frozen() == nil, "outside of a transaction")
        func size() throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/elt.db-new")
            return try #require(attributes[.size] as? Int)
        }
        let sum = "SELECT sum(x), max(y), count(*) FROM raw"
        let known = try warehouse.database.query(sum)
        try warehouse.transaction {
            let frozen = try #require(warehouse.frozen())
            let whole = try size()
            try warehouse.database.execute("CREATE TABLE model AS \(numbers); CREATE INDEX by_y ON model (y); UPDATE elt_meta SET value = 1")
            try warehouse.database.flushPages()
            #expect(try size() > whole, "pages of the transaction are in the file, no lock forbids it")
            #expect(try frozen.query(sum) == known)
            #expect(throws: SQLiteError.self) { try frozen.query("SELECT 1 FROM model") }
            #expect(throws: SQLiteError.self) { try frozen.execute("INSERT INTO raw VALUES (0, 0)") }
            warehouse.changesRaw = true
            #expect(warehouse.frozen() == nil)
        }
        try warehouse.install()
        try warehouse.transaction { #expect(warehouse.frozen() == nil) }
    }
}

/// Winners that were put aside come by day and place, and their keys in order, however many batches it took.
@Suite struct DailyWinnersTests {
    @Test(arguments: [1, 100, 3000, 20_000, 8 << 20], [1, 34]) func `All winners come, in the order of days and places`(_ batchBytes: Int, _ dayCount: Int32) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/elt-daily-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let winners = try DailyWinners("customer", path: folder + "/winners", batchBytes: batchBytes)
        var random = SplitMix64(seed: 7)
        var expected: [(day: Int32, key: String, removed: Bool, origin: Int32, place: Int64)] = []
        for number in 0..<1500 {
            let key = "k\(String(format: "%05d", number))" + String(repeating: "é", count: number % 50 == 0 ? 2000 : number % 7)
            var days = Set((0..<Int.random(in: 1...4, using: &random)).map { _ in Int32.random(in: 0..<dayCount, using: &random) - min(3, dayCount - 1) })
            if number == 700, dayCount > 1 { days.formUnion([.min, .max]) }
            for day in days.sorted() {
                let winner = Winner(
                    stored: UnsafeRawBufferPointer(start: nil, count: 0), day: day, removed: .random(using: &random),
                    origin: .random(in: 0...300_000, using: &random), place: .random(in: .min ... .max, using: &random))
                expected.append((day, key, winner.removed, winner.origin, winner.place))
                var text = key
                text.withUTF8 { winners.add(UnsafeRawBufferPointer($0), winner) }
            }
        }
        #expect(!winners.isComplete)
        winners.finish()
        #expect(winners.isComplete)
        let database = try Database(path: ":memory:", mode: .create)
        try database.execute("BEGIN")
        #expect(try winners.attach(to: database) != nil)
        let found = try database.query("SELECT from_day, key, removed, origin, place FROM elt_customer_winners")
        for day in Set(expected.map(\.day)) {
            var keys: [String] = []
            try winners.eachKey(on: Day(daysSinceEpoch: day)) { keys.append(String(decoding: $0, as: UTF8.self)) }
            #expect(keys == expected.filter { $0.day == day }.map(\.key).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
        }
        // Of more pieces than are read together, each part has its own order.
        if batchBytes < 20_000 {
            #expect(found.map { $0[0] } == found.map { $0[0] }.sorted { $0.integer! < $1.integer! })
            #expect(Set(found) == Set(expected.map { [.integer(Int64($0.day)), .text($0.key), .integer($0.removed ? 1 : 0), .integer(Int64($0.origin)), .integer($0.place)] }))
            return
        }
        let sorted = expected.sorted { ($0.day, $0.origin, $0.place) < ($1.day, $1.origin, $1.place) }
        #expect(found == sorted.map { [.integer(Int64($0.day)), .text($0.key), .integer($0.removed ? 1 : 0), .integer(Int64($0.origin)), .integer($0.place)] })
        #expect(try database.query("PRAGMA elt_attached_0.integrity_check") == [[.text("ok")]])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test func `None at all is a table, too`() throws {
        let winners = try DailyWinners("customer", path: FileManager.default.temporaryDirectory.path + "/elt-daily-\(UUID().uuidString)")
        winners.finish()
        let database = try Database(path: ":memory:", mode: .create)
        _ = try winners.attach(to: database)
        #expect(try database.query("SELECT count(*) FROM elt_customer_winners") == [[.integer(0)]])
    }
}
