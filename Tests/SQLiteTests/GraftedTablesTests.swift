import Foundation
@testable import SQLite
import Testing

/// Tables whose pages are written behind SQLite's hold what INSERT would have put there, and SQLite finds nothing wrong with the file.
@Suite struct GraftedTablesTests {
    private let folder = NSTemporaryDirectory() + "grafted-\(UUID().uuidString)"

    private func database(pageSize: Int = 4096) throws -> Database {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let database = try Database(path: folder + "/a.db", mode: .create)
        try database.execute("PRAGMA page_size=\(pageSize); PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF; PRAGMA secure_delete=OFF; CREATE TABLE ledger (a)")
        try database.writeLater(true)
        return database
    }

    private func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// A row's text, of a length that's another for each.
    private func text(_ number: Int64, _ longest: Int) -> [UInt8] {
        Array(repeating: UInt8(ascii: "a") + UInt8(number % 26), count: Int(UInt64(number) &* 7919 % UInt64(longest)))
    }

    /// Adds a row to a run, and with INSERT to a table beside it.
    private func add(_ rowid: Int64, to run: RowidRun, _ twin: Statement, longest: Int, _ record: inout SortedRecord) throws {
        let text = text(rowid, longest)
        try text.withUnsafeBytes { text in
            record.begin()
            record.addNull()
            record.add(text, isText: true)
            record.add(rowid / 3)
            record.addNull()
            record.add(text, isText: false)
            record.end()
            try run.append(rowid, record.bytes)
            twin.bind(1, rowid)
            twin.bindBorrowed(2, text: text)
            twin.bind(3, rowid / 3)
            twin.bindNull(4)
            twin.bindBorrowed(5, blob: text)
            try twin.run()
        }
    }

    private static let columns = "(id INTEGER PRIMARY KEY, text TEXT NOT NULL, number INTEGER, empty, blob)"

    private func check(_ database: Database, _ note: String) throws {
        let check = try database.query("PRAGMA integrity_check")
        #expect(check == [[.text("ok")]], "\(note): \(check)")
    }

    private func expectEqual(_ one: String, _ other: String, _ database: Database, rows: Int64, _ note: String) throws {
        #expect(try database.value("SELECT count(*) FROM \(one)") == .integer(rows), "\(note)")
        let differing = "SELECT count(*) FROM (SELECT id, * FROM \(one) EXCEPT SELECT id, * FROM \(other))"
        #expect(try database.value(differing) == .integer(0), "\(note)")
    }

    @Test(arguments: [(512, 60), (1024, 5000), (4096, 900), (16384, 50_000), (65536, 300)])
    func `They equal tables of ordinary inserts`(pageSize: Int, longest: Int) throws {
        defer { remove() }
        for rows in [0, 1, 2, 3, 7, 30, 99, 333, 1500] as [Int64] {
            remove()
            let database = try database(pageSize: pageSize)
            try database.execute("CREATE TABLE before (x); INSERT INTO before VALUES (1)")
            let other = try Database(path: folder + "/b.db", mode: .create)
            try other.execute("PRAGMA synchronous=OFF; CREATE TABLE u \(Self.columns); CREATE TABLE v \(Self.columns); BEGIN")
            var record = SortedRecord()
            defer { record.deallocate() }
            var grafted: GraftedTables?
            try database.transaction {
                try database.execute("CREATE TABLE t \(Self.columns); CREATE TABLE s \(Self.columns)")
                let tables = try #require(try GraftedTables(database, room: 500))
                grafted = tables
                #expect(try tables.run(1, of: "before") == nil)
                for (table, twin) in [("t", "u"), ("s", "v")] {
                    let insert = try other.prepare("INSERT INTO \(twin) VALUES (?1, ?2, ?3, ?4, ?5)")
                    // Runs side by side, the last of which has rowids of nine bytes.
                    for row in 0..<rows {
                        for run in [3, 0, 5000] as [Int64] {
                            let rowid = run << 44 + row * 3 + 1
                            try add(rowid, to: try #require(try tables.run(run, of: table)), insert, longest: longest, &record)
                        }
                    }
                }
                #expect(tables.holds("t") == (rows > 0))
                // Pages at the end of SQLite's that come and go.
                try database.execute(
                    "INSERT INTO ledger VALUES ('between'); CREATE TABLE gone (x); INSERT INTO gone VALUES (zeroblob(\(pageSize * 20))); DELETE FROM gone")
                try tables.settle()
            }
            try grafted?.graft()
            try other.execute("COMMIT")
            try database.execute("ATTACH '\(folder)/b.db' AS b")
            let note = "pages of \(pageSize), \(rows) rows"
            try check(database, note)
            try expectEqual("t", "u", database, rows: rows * 3, note)
            try expectEqual("s", "v", database, rows: rows * 3, note)
            #expect(try database.value("SELECT count(*) FROM ledger") == .integer(1))
            // They're tables like others, and the room that wasn't used is free.
            try database.execute("BEGIN; DELETE FROM t WHERE id % 2; INSERT INTO t SELECT id + 1, text, number, empty, blob FROM u WHERE id % 2; ROLLBACK")
            let free = try database.value("PRAGMA freelist_count").integer ?? 0
            #expect(rows == 0 ? free < 50 : free > 300)
            try database.execute("DELETE FROM t WHERE id % 2; INSERT INTO s SELECT id + (7000 << 44), text, number, empty, blob FROM u; CREATE TABLE w AS SELECT * FROM v")
            try check(database, note)
            try expectEqual("w", "v", database, rows: rows * 3, note)
            // Another connection sees the same.
            try database.close()
            let reader = try Database(path: folder + "/a.db", mode: .readOnly)
            #expect(try reader.value("SELECT count(*) FROM s") == .integer(rows * 6))
        }
    }

    /// More leaves than a page above them has room for, and pages on both sides of the one that SQLite locks bytes in.
    @Test func `A tree has as many levels as it needs`() throws {
        defer { remove() }
        let database = try database(pageSize: 512)
        try database.execute("CREATE TABLE t \(Self.columns); CREATE TABLE u \(Self.columns)")
        var record = SortedRecord()
        defer { record.deallocate() }
        var grafted: GraftedTables?
        try database.transaction {
            let tables = try #require(try GraftedTables(database, room: (1 << 30) / 512 - 600))
            grafted = tables
            let insert = try database.prepare("INSERT INTO u VALUES (?1, ?2, ?3, ?4, ?5)")
            let run = try #require(try tables.run(1, of: "t"))
            for rowid in 1...30_000 as ClosedRange<Int64> { try add(rowid, to: run, insert, longest: 100, &record) }
            try tables.settle()
        }
        try grafted?.graft()
        try expectEqual("t", "u", database, rows: 30_000, "deep")
        #expect(try database.value("PRAGMA page_count").integer ?? 0 > (1 << 30) / 512)
        try check(database, "deep")
    }

    @Test func `Rowids that don't rise, or are among those of another run, are refused`() throws {
        defer { remove() }
        let database = try database()
        try database.execute("CREATE TABLE t \(Self.columns); CREATE TABLE u \(Self.columns)")
        var record = SortedRecord()
        defer { record.deallocate() }
        for (one, other) in [([1, 5], [3, 9]), ([1, 5], [5]), ([4, 4], []), ([4, 3], []), ([0], [])] as [([Int64], [Int64])] {
            var grafted: GraftedTables?
            #expect(throws: GraftedTables.Unfit.self) {
                try database.transaction {
                    let tables = try #require(try GraftedTables(database, room: 100))
                    grafted = tables
                    let insert = try database.prepare("INSERT OR REPLACE INTO u VALUES (?1, ?2, ?3, ?4, ?5)")
                    for (number, rowids) in [(0, one), (1, other)] as [(Int64, [Int64])] {
                        for rowid in rowids { try add(rowid, to: try #require(try tables.run(number, of: "t")), insert, longest: 9, &record) }
                    }
                    try tables.settle()
                }
            }
            #expect(grafted?.discard() == false)
            try check(database, "\(one) \(other)")
        }
        try database.execute("INSERT INTO t VALUES (1, 'a', 2, 3, 4)")
        #expect(try database.value("SELECT count(*) FROM t") == .integer(1))
    }

    @Test func `A transaction that needs more room than there is fails, and says so`() throws {
        defer { remove() }
        let database = try database()
        try database.execute("CREATE TABLE t \(Self.columns); CREATE TABLE u \(Self.columns); PRAGMA cache_size=10")
        var record = SortedRecord()
        defer { record.deallocate() }
        let size = try FileManager.default.attributesOfItem(atPath: folder + "/a.db")[.size] as? Int
        for needed in [20, 2000] {
            var grafted: GraftedTables?
            let error = #expect(throws: SQLiteError.self) {
                try database.transaction {
                    let tables = try #require(try GraftedTables(database, room: 10))
                    grafted = tables
                    let insert = try database.prepare("INSERT INTO u VALUES (?1, ?2, ?3, ?4, ?5)")
                    let run = try #require(try tables.run(0, of: "t"))
                    for rowid in 1...100 as ClosedRange<Int64> { try add(rowid, to: run, insert, longest: 9, &record) }
                    for _ in 0..<needed { try database.execute("INSERT INTO ledger VALUES (zeroblob(4000))") }
                    try tables.settle()
                }
            }
            #expect(error?.primaryCode == 13)
            #expect(grafted?.discard() == true)
            #expect(try database.value("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u) + (SELECT count(*) FROM ledger)") == .integer(0))
            try check(database, "rolled back")
            #expect(try FileManager.default.attributesOfItem(atPath: folder + "/a.db")[.size] as? Int == size)
        }
        // Then there's no limit any more.
        try database.execute("INSERT INTO ledger VALUES (zeroblob(4000000))")
        try check(database, "afterwards")
    }

    @Test func `Many runs have few pages in memory`() throws {
        defer { remove() }
        let database = try database(pageSize: 512)
        try database.execute("CREATE TABLE t \(Self.columns); CREATE TABLE u \(Self.columns)")
        var record = SortedRecord()
        defer { record.deallocate() }
        var grafted: GraftedTables?
        try database.transaction {
            let tables = try #require(try GraftedTables(database, room: 100_000))
            grafted = tables
            let insert = try database.prepare("INSERT INTO u VALUES (?1, ?2, ?3, ?4, ?5)")
            for round in 0..<3 as Range<Int64> {
                for number in 0..<2000 as Range<Int64> {
                    try add(number << 44 + round + 1, to: try #require(try tables.run(number, of: "t")), insert, longest: 50, &record)
                    #expect(tables.openRuns <= 513)
                }
            }
            try tables.settle()
        }
        try grafted?.graft()
        try expectEqual("t", "u", database, rows: 6000, "many")
        try check(database, "many")
        // Leaves of short runs are put together.
        func used() throws -> Int64 { try (database.value("PRAGMA page_count").integer ?? 0) - (database.value("PRAGMA freelist_count").integer ?? 0) }
        let both = try used()
        try database.execute("DROP TABLE u")
        let one = try used()
        #expect(one < (both - one) * 12 / 10)
    }

    @Test func `What's abandoned leaves the file to SQLite, also when it's said twice`() throws {
        defer { remove() }
        let database = try database()
        try database.execute("CREATE TABLE t \(Self.columns); CREATE TABLE u \(Self.columns); PRAGMA cache_size=10")
        var record = SortedRecord()
        defer { record.deallocate() }
        var grafted: GraftedTables?
        try database.transaction {
            let tables = try #require(try GraftedTables(database, room: 10))
            grafted = tables
            let run = try #require(try tables.run(0, of: "t"))
            let twin = try database.prepare("INSERT INTO u VALUES (?1, ?2, ?3, ?4, ?5)")
            for rowid in 1...50 as ClosedRange<Int64> { try add(rowid, to: run, twin, longest: 900, &record) }
            try tables.abandon()
            for _ in 0..<200 { try database.execute("INSERT INTO ledger VALUES (zeroblob(4000))") }
            try database.flushPages()
            try tables.abandon()
            try tables.settle()
        }
        try grafted?.graft()
        try check(database, "abandoned")
        #expect(try database.value("SELECT count(*) FROM ledger WHERE length(a) = 4000") == .integer(200))
        #expect(try database.value("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)") == .integer(50))
    }

    @Test func `Rows of a table WITHOUT ROWID are its, unless they aren't all there`() throws {
        defer { remove() }
        let database = try database(pageSize: 1024)
        for (rows, isComplete) in [(0, true), (1, true), (5000, true), (5000, false)] {
            try database.execute("CREATE TABLE t (key TEXT PRIMARY KEY, x) WITHOUT ROWID; CREATE TABLE u (key TEXT PRIMARY KEY, x) WITHOUT ROWID")
            var record = SortedRecord()
            defer { record.deallocate() }
            var grafted: GraftedTables?
            try database.transaction {
                let tables = try #require(try GraftedTables(database, room: 5000))
                grafted = tables
                let graft = try #require(try tables.rows(of: "t"))
                let insert = try database.prepare("INSERT INTO u VALUES (?1, ?2)")
                for row in 0..<rows {
                    let key = Array("key \(row + 10_000)".utf8)
                    try key.withUnsafeBytes { key in
                        record.begin()
                        record.add(key, isText: true)
                        record.add(Int64(row))
                        record.end()
                        try graft.append(record.bytes)
                        insert.bindBorrowed(1, text: key)
                        insert.bind(2, Int64(row))
                        try insert.run()
                    }
                }
                if isComplete { graft.finish() }
                try tables.settle()
            }
            try grafted?.graft()
            try check(database, "\(rows) rows")
            #expect(try database.value("SELECT count(*) FROM t") == .integer(isComplete ? Int64(rows) : 0))
            if isComplete { #expect(try database.value("SELECT count(*) FROM (SELECT * FROM t EXCEPT SELECT * FROM u)") == .integer(0)) }
            try database.execute("INSERT INTO t VALUES ('a', 1), ('z', 2); DROP TABLE t; DROP TABLE u")
            try check(database, "afterwards")
        }
    }

    @Test func `A table with an index, a trigger or rows, and a file with a log, aren't for it`() throws {
        defer { remove() }
        let database = try database()
        try database.execute(
            """
            CREATE TABLE a \(Self.columns); CREATE INDEX i ON a (number);
            CREATE TABLE b \(Self.columns); CREATE TRIGGER g AFTER INSERT ON B BEGIN SELECT 1; END;
            """)
        try database.execute("BEGIN")
        let tables = try #require(try GraftedTables(database, room: 10))
        #expect(try tables.run(0, of: "a") == nil)
        #expect(try tables.run(0, of: "b") == nil)
        try database.execute("COMMIT")
        try tables.graft()
        try database.execute("PRAGMA journal_mode=WAL; BEGIN IMMEDIATE")
        #expect(try GraftedTables(database, room: 10) == nil)
        try database.execute("COMMIT")
    }
}
