import ELTCore
@testable import ELTSQLite
import Foundation
import SQLite
import Testing

/// An upsert writes what differs, and says what was new and what was changed.
@Suite struct UpsertTests {
    private func withDatabase(_ body: (Database) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/elt-upsert-\(UUID().uuidString).db"
        defer { for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) } }
        let database = try Database(path: path, mode: .create)
        try database.execute("PRAGMA journal_mode=WAL")
        try body(database)
    }

    private func upsert(_ database: Database, columns: [String], key: [String] = ["id"]) -> Upsert {
        Upsert(database: database, model: "t", columns: columns, key: key, entityKey: "id")
    }

    /// Keys of every kind, also empty ones.
    @Test func `What's new is told from what's changed and what stays`() throws {
        try withDatabase { database in
            try database.execute(
                """
                CREATE TABLE t (id, day TEXT, name TEXT, n INTEGER, PRIMARY KEY (day, id)) WITHOUT ROWID;
                CREATE TABLE s AS WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 100)
                SELECT CASE i % 4 WHEN 0 THEN i WHEN 1 THEN 'k' || i WHEN 2 THEN i + 0.5 ELSE zeroblob(i - 3) END id, 'd' day, 'name' name, i n FROM k;
                INSERT INTO t SELECT * FROM s WHERE n <= 70; UPDATE t SET name = NULL WHERE n <= 50; BEGIN
                """)
            let (changes, keys) = try upsert(database, columns: ["id", "day", "name", "n"], key: ["day", "id"]).run("SELECT * FROM s ORDER BY id")
            #expect(changes.inserted == 30)
            #expect(changes.updated == 50)
            #expect(keys.count == 100)
            #expect(try database.value("SELECT count(*) FROM (SELECT * FROM t INTERSECT SELECT * FROM s)") == .integer(100))
        }
    }

    /// Values that SQLite finds equal and that aren't the same; and two that are.
    @Test(arguments: ["INTEGER", "", "blob"]) func `Only what differs is written`(type: String) throws {
        try withDatabase { database in
            let pairs = [
                "1, 1.0", "1.0, 1", "0, -0.0", "1e15, 1000000000000000", "9007199254740992, 9007199254740992.0", "'1', 1", "x'31', '1'", "NULL, 0", "0, NULL",
                "'', x''", "'a', 'A'", "1, 1", "1.5, 1.5", "'a', 'a'", "x'00', x'00'", "NULL, NULL",
            ]
            try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v \(type)) WITHOUT ROWID; CREATE TABLE s (id, v \(type)); BEGIN")
            for (id, pair) in pairs.enumerated() {
                try database.execute("WITH p(a, b) AS (VALUES (\(pair))) INSERT INTO t SELECT \(id), a FROM p")
                try database.execute("WITH p(a, b) AS (VALUES (\(pair))) INSERT INTO s SELECT \(id), b FROM p")
            }
            let differ = try database.value(
                "SELECT count(*) FROM t JOIN s USING (id) WHERE t.v IS NOT s.v OR typeof(t.v) <> typeof(s.v)")
            #expect(differ == .integer(type == "INTEGER" ? 5 : 11))
            #expect(try .integer(upsert(database, columns: ["id", "v"]).run("SELECT * FROM s ORDER BY id").changes.updated) == differ)
            #expect(try database.value("SELECT count(*) FROM t JOIN s USING (id) WHERE t.v IS s.v AND typeof(t.v) = typeof(s.v)") == .integer(Int64(pairs.count)))
        }
    }

    /// SQLite keeps copies of pages for statements that it may have to undo by themselves, and after a full disk it does so. An upsert
    /// is none of those, or an hour of 100k events would write a gigabyte more.
    @Test func `No copies of pages are kept`() throws {
        try withDatabase { database in
            try database.execute(
                """
                CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, any) WITHOUT ROWID;
                WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 1000) INSERT INTO t SELECT i, 'short', 1 FROM k
                """)
            let pages = try database.value("PRAGMA page_count")
            _ = try database.query("PRAGMA max_page_count = \(pages.integer ?? 0)")
            try database.execute("BEGIN")
            let error = #expect(throws: SQLiteError.self) {
                try upsert(database, columns: ["id", "name", "any"]).run("SELECT id, name || hex(zeroblob(500)) name, 'x' \"any\" FROM t")
            }
            #expect(error?.result == 13)
            #expect(!database.isInTransaction)
        }
    }
}
