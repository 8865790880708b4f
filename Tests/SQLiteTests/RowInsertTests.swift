import Foundation
@testable import SQLite
import Testing

/// Rows are written as one statement each would write them, however many at a time.
@Suite struct RowInsertTests {
    private func withDatabase(_ body: (String, Database) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/elt-rows-\(UUID().uuidString).db"
        defer { for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) } }
        let database = try Database(path: path, mode: .create)
        try database.execute("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0")
        try body(path, database)
    }

    private func insert(_ database: Database, columns: [String] = ["key", "value"], _ end: String = "") throws -> RowInsert {
        try RowInsert(database, table: "t", columns: columns, end: end)
    }

    @Test(arguments: [0, 1, 15, 16, 17, 31, 32, 100], [2, 60, 64, 300, 600, 1500])
    func `All rows are written, in their order`(rows: Int, columns: Int) throws {
        try withDatabase { _, database in
            let names = (0..<columns).map { "c\($0)" }
            try database.execute("CREATE TABLE t (\(names.joined(separator: ", ")))")
            let insert = try insert(database, columns: names)
            for start in [0, rows] {
                try insert.write(start..<start + rows) { row, statement, before in
                    for column in 0..<Int32(columns) { statement.bind(before + column + 1, Int64(row) * 10_000 + Int64(column)) }
                }
            }
            #expect(insert.changes == Int64(2 * rows))
            let found = try database.query("SELECT rowid - 1, c0, c1, c\(columns - 1) FROM t ORDER BY rowid")
            #expect(found.count == 2 * rows)
            for (row, values) in found.enumerated() {
                let row = Int64(row)
                #expect(values == [.integer(row), .integer(row * 10_000), .integer(row * 10_000 + 1), .integer(row * 10_000 + Int64(columns) - 1)])
            }
        }
    }

    /// A row may meet one that was written with it.
    @Test func `What was there already is told from what's new`() throws {
        try withDatabase { _, database in
            try database.execute("CREATE TABLE t (key INTEGER PRIMARY KEY, value) WITHOUT ROWID; INSERT INTO t VALUES (3, 0), (50, 0)")
            let insert = try insert(database, "ON CONFLICT (key) DO NOTHING")
            try insert.write(0..<40) { row, statement, before in
                statement.bind(before + 1, Int64(row / 2))
                statement.bind(before + 2, Int64(row))
            }
            #expect(insert.changes == 19)
            let update = try self.insert(database, "ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value")
            try update.write(0..<20) { row, statement, before in
                statement.bind(before + 1, Int64(row))
                statement.bind(before + 2, row == 3 ? 0 : Int64(row < 10 ? row * 2 : 7))
            }
            #expect(update.changes == 10)
            // Of the even numbers up to 18 without that of 3, and ten sevens.
            #expect(try database.value("SELECT sum(value) FROM t") == .integer(90 - 6 + 70))
        }
    }

    /// SQLite would have to keep copies of pages to undo half of the rows.
    @Test func `An error ends the transaction`() throws {
        try withDatabase { _, database in
            try database.execute("CREATE TABLE t (key INTEGER PRIMARY KEY, value) WITHOUT ROWID; BEGIN; INSERT INTO t VALUES (30, 0)")
            let insert = try insert(database)
            let error = #expect(throws: SQLiteError.self) {
                try insert.write(0..<40) { row, statement, before in
                    statement.bind(before + 1, Int64(row))
                    statement.bindNull(before + 2)
                }
            }
            #expect(error?.result == 1555, "a primary key that's there")
            #expect(!database.isInTransaction)
            #expect(try database.value("SELECT count(*) FROM t") == .integer(0))
        }
    }

    /// A statement's OR ROLLBACK would be theirs, too.
    @Test func `Triggers do what they say`() throws {
        try withDatabase { _, database in
            try database.execute(
                """
                CREATE TABLE t (key INTEGER PRIMARY KEY, value); CREATE TABLE seen (value UNIQUE);
                CREATE TRIGGER g AFTER INSERT ON T BEGIN INSERT OR IGNORE INTO seen VALUES (new.value); END; BEGIN
                """)
            try insert(database).write(0..<40) { row, statement, before in
                statement.bind(before + 1, Int64(row))
                statement.bind(before + 2, Int64(row % 7))
            }
            #expect(database.isInTransaction)
            #expect(try database.value("SELECT count(*) FROM t") == .integer(40))
            #expect(try database.value("SELECT count(*) FROM seen") == .integer(7))
        }
    }

    /// Names are quoted, and a temporary table is meant where it's said, whatever else has its name.
    @Test func `Rows go where they're meant to`() throws {
        try withDatabase { _, database in
            let name = "of \"somebody\""
            for schema in ["main", "temp"] { try database.execute("CREATE TABLE \(schema).\"of \"\"somebody\"\"\" (\"a \"\" b\", c)") }
            for (schema, rows) in [("main", 3), ("temp", 20)] {
                let insert = try RowInsert(database, schema: schema, table: name, columns: ["c", "a \" b"])
                try insert.write(0..<rows) { row, statement, before in
                    statement.bind(before + 1, Int64(row))
                    statement.bindNull(before + 2)
                }
                #expect(try database.value("SELECT sum(c) FROM \(schema).\"of \"\"somebody\"\"\"") == .integer(Int64(rows * (rows - 1) / 2)))
            }
        }
    }

    /// Values of every kind and length, of records and of statements.
    @Test(arguments: [true, false]) func `Rows that are read from pages are those that SQLite reads`(fromPages: Bool) throws {
        try withDatabase { path, database in
            let columns = "day, key TEXT, i INTEGER, r REAL, n NUMERIC, x"
            for name in ["s", "t", "u"] { try database.execute("CREATE TABLE \(name) (\(columns), PRIMARY KEY (day, key)) WITHOUT ROWID") }
            let sql = "CREATE TABLE s (\(columns), PRIMARY KEY (day, key)) WITHOUT ROWID"
            let integers: [Int64] = [
                0, 1, 2, -1, 127, 128, -128, -129, 32767, 32768, -32768, -32769, 8_388_607, 8_388_608, -8_388_608, -8_388_609, 2_147_483_647,
                2_147_483_648, -2_147_483_648, -2_147_483_649, 140_737_488_355_327, 140_737_488_355_328, -140_737_488_355_328,
                -140_737_488_355_329, .max, .min,
            ]
            for (number, integer) in integers.enumerated() {
                try database.execute("INSERT INTO s VALUES ('b', 'i\(number)', ?1, ?1, ?1, ?1)", [.integer(integer)])
            }
            for (number, value) in [
                .null, .real(0.5), .real(-1e300), .real(2), .text(""), .text("ä"), .text(String(repeating: "long ", count: 9000)), .text("a\u{0}b"),
                .blob([]), .blob([0, 255]), .blob(Array(repeating: 7, count: 70_000)),
            ].enumerated() as EnumeratedSequence<[SQLValue]> {
                try database.execute("INSERT INTO s VALUES ('b', 'v\(number)', NULL, ?1, ?1, ?1)", [value])
            }
            try database.execute("INSERT INTO s SELECT 'a', key, 1, 2, 3, 4 FROM s; INSERT INTO s SELECT 'c', key, 1, 2, 3, 4 FROM s WHERE day = 'a'")
            #expect(try database.checkpoint(truncate: false))
            let buffer = RowBuffer(columns: 6, capacity: 7)
            let insert = try RowInsert(database, table: "t", columns: ["r", "x", "day", "i", "key", "n"])
            let query = try database.prepare("SELECT r, x, 'd', i, key, n FROM s WHERE day = 'b' ORDER BY key")
            let table = try #require(try StandingTable(path: path, table: "s", sql: sql))
            try table.begin(at: Array("b".utf8))
            let record = RecordReader()
            while !buffer.hasEnded {
                if fromPages {
                    try buffer.fill {
                        guard let next = try table.next() else { return false }
                        let isRead = record.read(next)
                        #expect(isRead)
                        guard case .text(let day) = record.key(0), day.elementsEqual("b".utf8) else { return false }
                        buffer.append(record, [.stored(3), .stored(5), .same(.text("d")), .stored(2), .stored(1), .stored(4)])
                        return true
                    }
                } else {
                    try buffer.fill(from: query)
                }
                try buffer.write(with: insert)
            }
            try database.execute("INSERT INTO u SELECT 'd', key, i, r, n, x FROM s WHERE day = 'b'")
            let all = "SELECT day, key, quote(i), quote(r), quote(n), quote(x), typeof(r), typeof(x) FROM"
            let found = try database.query("\(all) t ORDER BY key")
            #expect(found.count == integers.count + 11)
            #expect(try found == database.query("\(all) u ORDER BY key"))
        }
    }

    /// The second column is a text of eight bytes, of which the record has fewer; a header that's longer than it says, or than the record; types
    /// that there aren't.
    @Test(arguments: [[], [0x80], [9], [3, 9, 13 + 2 * 8], [3, 0x81, 0x80], [2, 0x81], [2, 10], [2, 11], [1], [5, 6, 6]] as [[UInt8]])
    func `A record that makes no sense isn't read`(_ bytes: [UInt8]) {
        let isRead = bytes.withUnsafeBytes { RecordReader().read($0) }
        #expect(!isRead)
    }

    @Test func `Columns that a record doesn't have yet are NULL, and of the others only some are keys`() throws {
        let bytes = [6, 1, 13 + 2 * 2, 7, 0, 12 + 2] as [UInt8] + [0xFE] + Array("ab".utf8) + Array(repeating: 0, count: 8) + [9]
        try bytes.withUnsafeBytes { bytes in
            let record = RecordReader()
            let isRead = record.read(bytes)
            #expect(isRead)
            #expect(record.key(0).compared(to: .integer(-2)) == 0)
            Array("ab".utf8).withUnsafeBytes { #expect(record.key(1).compared(to: .text($0)) == 0) }
            for column in 2...5 { #expect(record.key(column).isOther) }
            try withDatabase { _, database in
                try database.execute("CREATE TABLE t (a, b, c, d)")
                let buffer = RowBuffer(columns: 4, capacity: 1)
                try buffer.fill {
                    buffer.append(record, [.stored(5), .stored(1), .same(.null), .same(.real(0.5))])
                    return true
                }
                try buffer.write(with: insert(database, columns: ["a", "b", "c", "d"]))
                #expect(try database.query("SELECT * FROM t") == [[.null, .text("ab"), .null, .real(0.5)]])
            }
        }
    }
}
