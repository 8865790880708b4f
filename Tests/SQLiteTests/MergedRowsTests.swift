import Foundation
@testable import SQLite
import Testing

/// Rows that are merged into pages make the table that they'd make if SQLite had written each.
@Suite struct MergedRowsTests {
    private static let columns = ["free", "key", "number", "real", "day"]
    private static func sql(_ key: [String], table: String = "t", columns: String = "free, key TEXT, number INTEGER, real REAL, day TEXT") -> String {
        "CREATE TABLE \(table) (\(columns), PRIMARY KEY (\(key.joined(separator: ", ")))) WITHOUT ROWID"
    }

    private func withDatabase(pageSize: Int = 1024, key: [String] = ["day", "key"], _ body: (Database) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/elt-merged-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try Database(path: folder + "/t.db", mode: .create)
        try database.execute(
            """
            PRAGMA page_size=\(pageSize); PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA secure_delete=OFF; PRAGMA wal_autocheckpoint=0; PRAGMA cell_size_check=ON;
            \(Self.sql(key)); CREATE TABLE incoming (free, key, number, real, day)
            """)
        try body(database)
    }

    /// Rows in no order of keys, so that pages are split; about one in so many has a value that needs pages of its own.
    private func fill(_ database: Database, _ table: String, rows: Int, of keys: Int, long: Int, with random: inout SystemRandomNumberGenerator) throws {
        let insert = try database.prepare("INSERT OR REPLACE INTO \(table) (free, key, number, real, day) VALUES (?, ?, ?, ?, ?)")
        for _ in 0..<rows {
            let key = Int.random(in: 0..<keys, using: &random)
            insert.bind(1, value(long: long, with: &random))
            insert.bind(2, .text(String(repeating: "k", count: key % 7) + String(key * 7919 % 1_000_003)))
            insert.bind(3, .integer(Int64.random(in: -3...3, using: &random) << Int64.random(in: 0..<60, using: &random)))
            insert.bind(4, [.null, .real(Double(key) / 3), .real(2), .integer(3)].randomElement(using: &random)!)
            insert.bind(5, .text("2026-01-0\(key % 3 + 1)"))
            try insert.run()
        }
    }

    /// Each key comes once, and `u` is like `t`.
    private func fillIncoming(_ database: Database, with random: inout SystemRandomNumberGenerator) throws {
        try fill(database, "incoming", rows: 1200, of: 1500, long: 0, with: &random)
        try database.execute(
            """
            DELETE FROM incoming WHERE rowid NOT IN (SELECT max(rowid) FROM incoming GROUP BY day, key);
            \(Self.sql(["day", "key"], table: "u")); INSERT INTO u SELECT * FROM t
            """)
        #expect(try database.checkpoint(truncate: false))
    }

    private func value(long: Int, with random: inout SystemRandomNumberGenerator) -> SQLValue {
        switch Int.random(in: 0..<(long > 0 ? long : 1 << 40), using: &random) {
        case 0: .text(String(repeating: "long ", count: Int.random(in: 100...3000, using: &random)))
        case let other where other % 16 == 1: .null
        case let other where other % 16 == 2: .integer(Int64(other % 5))
        case let other where other % 16 == 3: .real(Double(other % 5))
        case let other where other % 16 == 4: .blob([UInt8](repeating: 7, count: other % 50))
        case let other: .text(String(repeating: "x", count: other % 60))
        }
    }

    private static func upsert(_ key: [String], into table: String, columns: [String] = columns, alsoIf: String? = nil) -> String {
        let rest = columns.filter { !key.contains($0) }
        let differs = rest.map { "\(table).\($0) IS NOT excluded.\($0) OR CAST(\(table).\($0) AS TEXT) IS NOT CAST(excluded.\($0) AS TEXT)" }
        return """
            ON CONFLICT (\(key.joined(separator: ", "))) DO UPDATE SET \(rest.map { "\($0)=excluded.\($0)" }.joined(separator: ", "))
            WHERE (\(differs.joined(separator: " OR "))) AND \(alsoIf ?? "true")
            """
    }

    struct Outcome: Equatable {
        /// Rows that were inserted or changed.
        var changes: Int64
        var inserted: Int64
        var pages = 0
    }

    /// Merges the rows of `incoming` in an order, in the transaction that's open.
    private func merge(
        _ database: Database, key: [String], order: String? = nil, sql: String? = nil, columns: [String] = columns, batch: Int = 64, alsoIf: String? = nil,
        spoil: (MergedRows) throws -> Void = { _ in }
    ) throws -> Outcome {
        let before = try database.value("SELECT count(*) FROM t").integer ?? 0
        // As in a run, which has only just opened the file.
        database.forgetUnchangedPages()
        let layout = try #require(try TableLayout(database, table: "t", sql: sql ?? Self.sql(key), key: key, columns: columns))
        let reader = try Database(path: database.path, mode: .readOnly)
        try reader.execute("BEGIN")
        let rows = try reader.prepare(
            "SELECT \(columns.joined(separator: ", ")) FROM incoming ORDER BY \(order ?? key.joined(separator: ", "))")
        let merger = try #require(try LeafMerger(reader, layout))
        let insert = try RowInsert(database, table: "t", columns: columns, end: Self.upsert(key, into: "t", columns: columns, alsoIf: alsoIf))
        let merge = MergeInsert(database, insert)
        let piece = MergedRows(layout)
        let buffer = RowBuffer(columns: columns.count, capacity: batch)
        while !buffer.hasEnded {
            try buffer.fill(from: rows)
            _ = piece.exchange(buffer)
            try merger.merge(piece)
            try spoil(piece)
            try merge.write(piece)
        }
        try merge.finish()
        let after = try database.value("SELECT count(*) FROM t").integer ?? 0
        return Outcome(changes: insert.changes + merge.inserted + merge.updated, inserted: after - before, pages: merge.pages)
    }

    /// What SQLite makes of the same rows in a table that's like `t` was.
    private func expect(_ database: Database, key: [String], order: String? = nil) throws -> Outcome {
        let before = try database.value("SELECT count(*) FROM u").integer ?? 0
        let insert = try database.prepare(
            "INSERT INTO u (free, key, number, real, day) VALUES (?, ?, ?, ?, ?) \(Self.upsert(key, into: "u"))")
        var changes: Int64 = 0
        for row in try database.query("SELECT free, key, number, real, day FROM incoming ORDER BY \(order ?? key.joined(separator: ", "))") {
            for (index, value) in row.enumerated() { insert.bind(Int32(index + 1), value) }
            try insert.run()
            changes += database.changes
        }
        return Outcome(changes: changes, inserted: try (database.value("SELECT count(*) FROM u").integer ?? 0) - before)
    }

    private static let all = "SELECT quote(free), typeof(free), key, number, typeof(real), real, day FROM"

    private func check(_ database: Database) throws {
        #expect(try database.query("\(Self.all) t EXCEPT \(Self.all) u") == [])
        #expect(try database.query("\(Self.all) u EXCEPT \(Self.all) t") == [])
        #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
    }

    @Test(arguments: [512, 1024, 4096, 16384, 32768], [["key"], ["day", "key"], ["number"], ["key", "number"]])
    func `They make the table that SQLite makes`(pageSize: Int, key: [String]) throws {
        var random = SystemRandomNumberGenerator()
        var taken = 0
        for (rows, incoming, long) in [(0, 5, 0), (1, 40, 0), (40, 40, 9), (900, 10, 0), (900, 700, 0), (900, 700, 200), (300, 900, 0)] {
            try withDatabase(pageSize: pageSize, key: key) { database in
                try fill(database, "t", rows: rows, of: 1500, long: long, with: &random)
                try database.execute("DELETE FROM t WHERE number % 5 = 1")
                try fill(database, "incoming", rows: incoming, of: 1500, long: long, with: &random)
                // Some are as they were; each key comes once.
                try database.execute(
                    """
                    INSERT INTO incoming SELECT free, key, number, real, day FROM t WHERE abs(number) % 3 = 0;
                    DELETE FROM incoming WHERE rowid NOT IN (SELECT max(rowid) FROM incoming GROUP BY \(key.joined(separator: ", ")));
                    \(Self.sql(key, table: "u")); INSERT INTO u SELECT * FROM t
                    """)
                #expect(try database.checkpoint(truncate: false))
                try database.execute("BEGIN IMMEDIATE")
                let outcome = try merge(database, key: key)
                let expected = try expect(database, key: key)
                #expect(outcome.changes == expected.changes)
                #expect(outcome.inserted == expected.inserted)
                taken += outcome.pages
                try check(database)
                try database.execute("COMMIT")
                #expect(try database.checkpoint(truncate: true))
                try check(database)
            }
        }
        #expect(taken > 5000 / pageSize)
    }

    /// Whatever was changed before in the same transaction, or lies in a log: no page is taken in that isn't as it was read.
    @Test(arguments: ["key", "random()", "key % 3, key"], [true, false])
    func `Pages that were changed meanwhile are left to SQLite`(order: String, isMoved: Bool) throws {
        var random = SystemRandomNumberGenerator()
        for change in [
            "UPDATE t SET free = 'other' WHERE number % 3 = 0", "DELETE FROM t WHERE day = '2026-01-02'", "DELETE FROM t",
            "DELETE FROM t WHERE number % 2 = 0; INSERT INTO t SELECT 'new', 'n' || rowid, 1, 2, day FROM incoming",
        ] {
            try withDatabase { database in
                try fill(database, "t", rows: 1000, of: 1500, long: 500, with: &random)
                try fill(database, "incoming", rows: 800, of: 1500, long: 500, with: &random)
                // Keys come twice, and again later.
                try database.execute("\(Self.sql(["day", "key"], table: "u")); INSERT INTO u SELECT * FROM t")
                #expect(try database.checkpoint(truncate: false))
                if isMoved { try database.execute("BEGIN IMMEDIATE") }
                try database.keepFreedPages(true)
                try database.execute(change)
                try database.execute(change.replacing("FROM t", with: "FROM u").replacing("UPDATE t", with: "UPDATE u").replacing("INTO t", with: "INTO u"))
                if !isMoved { try database.execute("BEGIN IMMEDIATE") }
                let order = order == "key" ? "day, key, rowid" : order == "random()" ? "abs(rowid * 7919) % 1009, rowid" : "number % 3, day, key, rowid"
                let outcome = try merge(database, key: ["day", "key"], order: order)
                let expected = try expect(database, key: ["day", "key"], order: order)
                #expect(outcome.changes == expected.changes)
                try check(database)
                try database.execute("COMMIT")
                try check(database)
            }
        }
    }

    /// SQLite reads pages once more that it gave up and takes for something else.
    @Test(arguments: ["true", "day = '2026-01-02'", "day > '2026-01-01'", "number % 3 = 0"]) func `Pages that were given up don't take rows with them`(gone: String) throws {
        var random = SystemRandomNumberGenerator()
        var taken = 0
        for _ in 0..<12 {
            try withDatabase { database in
                try fill(database, "t", rows: 1200, of: 1500, long: 0, with: &random)
                try fillIncoming(database, with: &random)
                try database.execute("BEGIN IMMEDIATE")
                try database.keepFreedPages(true)
                try database.execute("DELETE FROM t WHERE \(gone); DELETE FROM u WHERE \(gone)")
                let outcome = try merge(database, key: ["day", "key"], batch: 500)
                #expect(try outcome.changes == expect(database, key: ["day", "key"]).changes)
                taken += outcome.pages
                try check(database)
                try database.execute("COMMIT")
            }
        }
        #expect(gone == "true" || gone == "number % 3 = 0" || taken > 50)
    }

    /// A number and its text are two keys for who gives them, and one in a column of a type.
    @Test(arguments: ["key", "number"], [50, 2000]) func `Keys that a column makes the same are one`(column: String, batch: Int) throws {
        try withDatabase(pageSize: 512, key: [column]) { database in
            try database.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
                INSERT INTO t SELECT 'old', i, i, i + 0.5, 'd' FROM n;
                INSERT INTO incoming SELECT 'a number', number, number, real, day FROM t WHERE number % 3 = 0;
                INSERT INTO incoming SELECT 'a text', key, \(column == "key" ? "number" : "key"), real, day FROM t;
                \(Self.sql([column], table: "u")); INSERT INTO u SELECT * FROM t
                """)
            for order in ["typeof(\(column)), \(column)", "typeof(\(column)) DESC, \(column)", "CAST(\(column) AS INTEGER), typeof(\(column))"] {
                #expect(try database.checkpoint(truncate: false))
                try database.execute("BEGIN IMMEDIATE")
                let outcome = try merge(database, key: [column], order: order, batch: batch)
                #expect(try outcome.changes == expect(database, key: [column], order: order).changes)
                try check(database)
                try database.execute("COMMIT")
            }
        }
    }

    /// They're SQLite's. Others in their pages aren't.
    @Test func `Rows that need pages of their own leave others alone`() throws {
        var random = SystemRandomNumberGenerator()
        try withDatabase { database in
            try fill(database, "t", rows: 1200, of: 1500, long: 100, with: &random)
            try fillIncoming(database, with: &random)
            try database.execute("BEGIN IMMEDIATE")
            let outcome = try merge(database, key: ["day", "key"])
            #expect(outcome.pages > 20)
            #expect(try outcome.changes == expect(database, key: ["day", "key"]).changes)
            try check(database)
            try database.execute("COMMIT")
        }
    }

    /// The last of them counts, wherever the others were left.
    @Test(arguments: [7, 64, 1000]) func `Keys may come again`(batch: Int) throws {
        var random = SystemRandomNumberGenerator()
        for runs in [2, 40] {
            try withDatabase(pageSize: 512, key: ["key"]) { database in
                try fill(database, "t", rows: 900, of: 1500, long: 0, with: &random)
                // Runs that are in order by themselves; of the longest a row stands in every page.
                for run in 0..<runs {
                    try database.execute(
                        """
                        INSERT INTO incoming SELECT 'run \(run)', key, number + 1, real, day FROM t
                        WHERE \(runs == 2 ? "true" : "abs(random()) % 12 = 0") ORDER BY key
                        """)
                }
                try database.execute("\(Self.sql(["key"], table: "u")); INSERT INTO u SELECT * FROM t")
                #expect(try database.checkpoint(truncate: false))
                try database.execute("BEGIN IMMEDIATE")
                let outcome = try merge(database, key: ["key"], order: "rowid", batch: batch)
                #expect(runs > 2 || outcome.pages > 0)
                #expect(try outcome.changes >= expect(database, key: ["key"], order: "rowid").changes / 2)
                try check(database)
                try database.execute("COMMIT")
            }
        }
    }

    /// A statement may fail between the reading of a page and its change.
    @Test func `What fails leaves the table as it was`() throws {
        var random = SystemRandomNumberGenerator()
        try withDatabase(pageSize: 4096) { database in
            try fill(database, "t", rows: 1000, of: 1000, long: 0, with: &random)
            try fill(database, "incoming", rows: 800, of: 1000, long: 0, with: &random)
            try database.execute(
                """
                DELETE FROM incoming WHERE rowid NOT IN (SELECT max(rowid) FROM incoming GROUP BY day, key);
                \(Self.sql(["day", "key"], table: "u")); INSERT INTO u SELECT * FROM t
                """)
            #expect(try database.checkpoint(truncate: false))
            var failures = 0
            for part in 1...60 {
                try database.execute("BEGIN IMMEDIATE")
                // Where a row is compared its page was read and isn't changed yet.
                do {
                    _ = try merge(database, key: ["day", "key"], alsoIf: "abs(iif(random() % \(part) = 0, -9223372036854775808, 1)) > 0")
                } catch is SQLiteError { failures += 1 }
                if database.isInTransaction { try database.execute("ROLLBACK") }
                try check(database)
            }
            #expect(failures > 30)
        }
    }

    /// Copies without their rows, whatever they lost them by.
    @Test func `A row that isn't in its page is missed`() throws {
        var random = SystemRandomNumberGenerator()
        try withDatabase(pageSize: 4096) { database in
            try fill(database, "t", rows: 1000, of: 1000, long: 0, with: &random)
            try fill(database, "incoming", rows: 800, of: 1000, long: 0, with: &random)
            try database.execute(
                """
                DELETE FROM incoming WHERE rowid NOT IN (SELECT max(rowid) FROM incoming GROUP BY day, key);
                \(Self.sql(["day", "key"], table: "u")); INSERT INTO u SELECT * FROM t
                """)
            #expect(try database.checkpoint(truncate: false))
            let file = try #require(FileManager.default.contents(atPath: database.path))
            try database.execute("BEGIN IMMEDIATE")
            #expect(throws: LostMergedRow.self) {
                try merge(database, key: ["day", "key"]) { piece in
                    for (index, leaf) in piece.leaves.enumerated() {
                        let page = UnsafeMutableRawPointer(mutating: piece.page(index))
                        file.copyBytes(to: page.assumingMemoryBound(to: UInt8.self), from: (Int(leaf.number) - 1) * 4096..<Int(leaf.number) * 4096)
                    }
                }
            }
            try database.execute("ROLLBACK")
            try check(database)
        }
    }

    /// Records from before a column was added end earlier.
    @Test func `Columns may have been added`() throws {
        var random = SystemRandomNumberGenerator()
        try withDatabase { database in
            try fill(database, "t", rows: 700, of: 1000, long: 0, with: &random)
            try fill(database, "incoming", rows: 700, of: 1000, long: 0, with: &random)
            try database.execute(
                """
                DELETE FROM incoming WHERE rowid NOT IN (SELECT max(rowid) FROM incoming GROUP BY day, key);
                INSERT OR REPLACE INTO incoming SELECT * FROM t WHERE number % 2 = 0;
                DELETE FROM incoming WHERE rowid NOT IN (SELECT max(rowid) FROM incoming GROUP BY day, key);
                ALTER TABLE t ADD COLUMN late TEXT; ALTER TABLE incoming ADD COLUMN late TEXT;
                UPDATE incoming SET late = 'late' WHERE rowid % 3 = 0
                """)
            #expect(try database.checkpoint(truncate: false))
            let sql = Self.sql(["day", "key"], columns: "free, key TEXT, number INTEGER, real REAL, day TEXT, late TEXT")
            try database.execute("BEGIN IMMEDIATE")
            let outcome = try merge(database, key: ["day", "key"], sql: sql, columns: Self.columns + ["late"])
            #expect(outcome.pages > 8)
            #expect(try database.query("SELECT free, key, number, real, day, late FROM incoming EXCEPT SELECT free, key, number, real, day, late FROM t") == [])
            #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
            try database.execute("COMMIT")
        }
    }

    @Test(arguments: [
        "CREATE INDEX i ON t (number)", "CREATE TRIGGER g AFTER UPDATE ON t BEGIN SELECT 1; END",
        "DROP TABLE t; CREATE TABLE t (free, key TEXT, number INTEGER, real REAL, day TEXT, CHECK (number > 0), PRIMARY KEY (day, key)) WITHOUT ROWID",
        "DROP TABLE t; CREATE TABLE t (free, key TEXT, number INTEGER, real REAL, day TEXT, PRIMARY KEY (day, key))", "DROP TABLE t",
        "ALTER TABLE t ADD COLUMN other",
    ]) func `Tables on which more hangs are left alone`(change: String) throws {
        try withDatabase { database in
            let key = ["day", "key"]
            #expect(try TableLayout(database, table: "t", sql: Self.sql(key), key: key, columns: Self.columns) != nil)
            try database.execute(change)
            #expect(try TableLayout(database, table: "t", sql: Self.sql(key), key: key, columns: Self.columns) == nil)
        }
    }
}
