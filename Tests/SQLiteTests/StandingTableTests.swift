import Foundation
@testable import SQLite
import Testing

/// A table's records, read from the pages of its file, are those that SQLite gives.
@Suite struct StandingTableTests {
    private static let sql = "CREATE TABLE t (free, key TEXT, number INTEGER, real REAL, day, PRIMARY KEY (day, key)) WITHOUT ROWID"

    private func withDatabase(pageSize: Int = 1024, _ body: (String, Database) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/elt-standing-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try Database(path: folder + "/t.db", mode: .create)
        try database.execute("PRAGMA page_size=\(pageSize); PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; \(Self.sql)")
        try body(folder + "/t.db", database)
    }

    /// In no order of keys, so that pages are split, and with texts that need pages of their own.
    private func fill(_ database: Database, rows: Int, longest: Int) throws {
        try database.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
            INSERT INTO t SELECT
                CASE i * i / 7 % 6 WHEN 0 THEN NULL WHEN 1 THEN i / 3.0 WHEN 2 THEN zeroblob(i % 200) WHEN 3 THEN i - 2
                    WHEN 4 THEN -(1 << (i % 62)) ELSE substr(hex(zeroblob(\(longest))), 1, abs(i * 7919) % \(longest)) END,
                printf('%08d', i * 7919 % 1000003), i * i, i + 0.5, '2026-01-0' || (1 + i % 5)
            FROM n WHERE \(rows) > 0
            """)
    }

    private func records(_ path: String, sql: String = sql) throws -> [[UInt8]]? {
        guard let table = try StandingTable(path: path, table: "t", sql: sql) else { return nil }
        var records: [[UInt8]] = []
        // Each outlives the one after it.
        var last: UnsafeRawBufferPointer?
        while let record = try table.next() {
            if let last { records.append(Array(last)) }
            last = record
        }
        if let last { records.append(Array(last)) }
        #expect(try table.next() == nil)
        return records
    }

    private func selected(_ database: Database) throws -> [[UInt8]] {
        let query = try database.prepare("SELECT day, key, free, number, real FROM t ORDER BY day, key")
        var record = SortedRecord()
        defer { record.deallocate() }
        var records: [[UInt8]] = []
        while try query.step() {
            let isTaken = record.take(query, [.none, .text, .none, .numeric, .real])
            #expect(isTaken)
            records.append(Array(record.bytes))
        }
        return records
    }

    @Test(arguments: [(512, 60), (1024, 5000), (8192, 40_000), (65536, 300)])
    func `They're read in their order, from few pages and from many`(pageSize: Int, longest: Int) throws {
        try withDatabase(pageSize: pageSize) { path, database in
            for rows in [0, 1, 2, 5, 30, 400, 5000] {
                try database.execute("DELETE FROM t")
                try fill(database, rows: rows, longest: longest)
                // Holes in pages, and pages that were given back.
                try database.execute("DELETE FROM t WHERE number % 5 = 1; UPDATE t SET free = 'another' WHERE number % 7 = 2")
                #expect(try database.checkpoint(truncate: false))
                let records = try #require(try records(path))
                #expect(try records == selected(database), "\(rows) rows")
                #expect(rows < 30 || records.count > rows / 2)
            }
        }
    }

    @Test(arguments: [(512, 60), (1024, 5000), (8192, 3000), (65536, 300)])
    func `They're read from a day on, wherever it lies`(pageSize: Int, longest: Int) throws {
        try withDatabase(pageSize: pageSize) { path, database in
            for rows in [0, 1, 7, 400, 3000] {
                try database.execute("DELETE FROM t")
                try fill(database, rows: rows, longest: longest)
                try database.execute("DELETE FROM t WHERE day = '2026-01-03'")
                #expect(try database.checkpoint(truncate: false))
                let all = try selected(database)
                for day in ["", "2026-01-01", "2026-01-02", "2026-01-02x", "2026-01-03", "2026-01-05", "2026-01-06", "~"] {
                    let table = try #require(try StandingTable(path: path, table: "t", sql: Self.sql))
                    try table.begin(at: Array(day.utf8))
                    let before = try database.value("SELECT count(*) FROM t WHERE day < ?1", [.text(day)]).integer ?? -1
                    var place = Int(before)
                    while let record = try table.next() {
                        guard record.elementsEqual(all[place]) else { break }
                        place += 1
                    }
                    #expect(place == all.count, "\(rows) rows, from \(day) on")
                }
            }
        }
    }

    @Test func `What's in the log isn't read`() throws {
        try withDatabase { path, database in
            try fill(database, rows: 300, longest: 100)
            _ = try database.checkpoint(truncate: false)
            let before = try selected(database)
            try database.execute("BEGIN; UPDATE t SET free = 'of the running transaction'")
            #expect(try records(path) == before)
        }
    }

    @Test(arguments: [
        "CREATE INDEX i ON t (number)", "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", "ALTER TABLE t ADD COLUMN more",
        "DROP TABLE t", "DROP TABLE t; CREATE VIEW t AS SELECT 1",
    ]) func `A table that's another, or has more to it, isn't one`(_ change: String) throws {
        try withDatabase { path, database in
            try database.execute(change)
            _ = try database.checkpoint(truncate: false)
            #expect(try records(path) == nil)
        }
    }

    /// SQLite would write into such a page, over rows that are there.
    @Test(arguments: [(1, 2), (3, 2), (5, 2), (7, 1)]) func `A page whose parts don't add up is told`(_ place: Int, _ count: Int) throws {
        try withDatabase { path, database in
            try fill(database, rows: 3000, longest: 60)
            try database.execute("DELETE FROM t WHERE number % 5 = 1")
            _ = try database.checkpoint(truncate: true)
            try database.close()
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            for page in 4..<20 {
                for change in [1, 8, 255] as [UInt8] {
                    var bytes = whole
                    bytes[page * 1024 + place + count - 1] &+= change
                    guard bytes[page * 1024] == 0x0A else { continue }
                    try bytes.write(to: URL(fileURLWithPath: path))
                    let table = try #require(try StandingTable(path: path, table: "t", sql: Self.sql))
                    #expect(throws: StandingTable.Malformed.self, "page \(page + 1), \(change) more") { while try table.next() != nil {} }
                }
            }
        }
    }

    @Test(arguments: [[], [0x80], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [3, 0x81], [3, 0x81, 0x80], [9, 13 + 2 * 8, 13 + 2 * 100], [2, 13 + 2 * 8]] as [[UInt8]])
    func `A text of a damaged record isn't one`(_ record: [UInt8]) {
        (record + Array("of somebody else".utf8)).withUnsafeBytes { bytes in
            for column in 0..<3 { #expect(SortedRecord.checkedText(UnsafeRawBufferPointer(rebasing: bytes[..<record.count]), column: column) == nil) }
        }
    }

    /// Any byte of the tree may be wrong: then records are others, or it's told, and nothing worse.
    @Test func `Broken pages are told`() throws {
        try withDatabase { path, database in
            try fill(database, rows: 3000, longest: 2000)
            _ = try database.checkpoint(truncate: true)
            try database.close()
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            var random = SystemRandomNumberGenerator()
            var told = 0
            for round in 0..<60 {
                var bytes = whole
                // Headers of pages most of all; the schema's own stays as it is.
                for _ in 0..<8 {
                    let page = Int.random(in: 1..<(whole.count / 1024), using: &random)
                    bytes[page * 1024 + Int.random(in: 0..<(round % 2 == 0 ? 16 : 1024), using: &random)] = .random(in: 0...255, using: &random)
                }
                try bytes.write(to: URL(fileURLWithPath: path))
                let table = try #require(try StandingTable(path: path, table: "t", sql: Self.sql))
                do {
                    var count = 0
                    while count < 100_000, try table.next() != nil { count += 1 }
                } catch is StandingTable.Malformed {
                    told += 1
                }
            }
            #expect(told > 5)
            // A file that was cut off is told by SQLite itself.
            try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
            #expect(throws: SQLiteError.self) { try records(path) }
        }
    }
}
