import Foundation
import SQLite
import Testing

/// The log's buffer changes when bytes are written, and nothing else.
@Suite struct WalBufferTests {
    private func withDatabase(_ body: (String, Database) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/elt-wal-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try Database(path: folder + "/t.db", mode: .create)
        // A cache of a few pages makes SQLite spill, read back and write again what's in the log.
        try database.execute(
            """
            PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=20;
            CREATE TABLE t (k INTEGER PRIMARY KEY, v);
            """)
        try body(folder + "/t.db", database)
    }

    private func fill(_ database: Database, _ seed: Int, rows: Int = 4000) throws {
        try database.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
            INSERT INTO t SELECT (i * 7919 + \(seed)) % 100003, printf('%0300d', i * \(seed)) FROM n WHERE true
            ON CONFLICT (k) DO UPDATE SET v = excluded.v
            """)
    }

    private func sum(_ database: Database) throws -> SQLValue {
        try database.value("SELECT count(*) || ' ' || sum(length(v)) || ' ' || coalesce(sum(k * (1 + substr(v, -9)) % 1000003), 0) FROM t")
    }

    @Test func `Another connection sees all of a commit at once, before and after a checkpoint`() throws {
        try withDatabase { path, database in
            let reader = try Database(path: path, mode: .readOnly)
            for seed in 1...12 {
                let before = try sum(reader)
                try database.execute("BEGIN")
                try fill(database, seed)
                #expect(try sum(reader) == before)
                let own = try sum(database)
                try database.execute("COMMIT")
                #expect(try sum(reader) == own)
                if seed % 4 == 0 { _ = try database.checkpoint(truncate: seed % 8 == 0) }
                #expect(try sum(reader) == own)
            }
            #expect(try reader.value("PRAGMA integrity_check") == .text("ok"))
        }
    }

    @Test func `What's rolled back leaves nothing, though it had reached the log`() throws {
        try withDatabase { path, database in
            try database.transaction { try fill(database, 3) }
            let before = try sum(database)
            for seed in 4...8 {
                try database.execute("BEGIN")
                try fill(database, seed)
                try database.execute("SAVEPOINT half")
                try fill(database, seed + 20)
                try database.execute("ROLLBACK TO half")
                try database.execute("ROLLBACK")
                #expect(try sum(database) == before)
            }
            try database.transaction { try fill(database, 9) }
            let reader = try Database(path: path, mode: .readOnly)
            #expect(try sum(reader) == sum(database))
            #expect(try reader.value("PRAGMA integrity_check") == .text("ok"))
        }
    }

    /// A file that's nobody else's, without a log and without syncs.
    private func withOwnDatabase(writesLater: Bool, _ body: (String, Database) throws -> Void) throws {
        try withDatabase { path, database in
            try database.execute("PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF")
            try database.writeLater(writesLater)
            try body(path, database)
        }
    }

    @Test func `Pages that are written later are in the file when a commit or a rollback has ended`() throws {
        var files: [Bool: [Data]] = [:]
        for writesLater in [false, true] {
            try withOwnDatabase(writesLater: writesLater) { path, database in
                for seed in 1...6 {
                    try database.transaction { try fill(database, seed) }
                    files[writesLater, default: []].append(try Data(contentsOf: URL(fileURLWithPath: path)))
                    try database.execute("BEGIN")
                    try fill(database, seed + 20)
                    try database.execute("SAVEPOINT half")
                    try fill(database, seed + 40)
                    try database.execute("ROLLBACK TO half; DELETE FROM t WHERE k % 3 = 0; ROLLBACK")
                    files[writesLater, default: []].append(try Data(contentsOf: URL(fileURLWithPath: path)))
                    let reader = try Database(path: path, mode: .readOnly)
                    #expect(try sum(reader) == sum(database))
                    #expect(try reader.value("PRAGMA integrity_check") == .text("ok"))
                }
                try database.writeLater(false)
                try database.execute("PRAGMA journal_mode=WAL")
                try database.transaction { try fill(database, 9) }
                #expect(try database.checkpoint(truncate: true))
                files[writesLater, default: []].append(try Data(contentsOf: URL(fileURLWithPath: path)))
            }
        }
        #expect(files[true] == files[false])
        #expect(files[true]?.count == 13)
    }

    @Test func `What was written later is read back as it was written`() throws {
        try withOwnDatabase(writesLater: true) { path, database in
            try database.execute("BEGIN")
            for seed in 1...5 {
                try fill(database, seed)
                // All pages but a few have left the cache, some of them a moment ago.
                #expect(try database.value("PRAGMA integrity_check") == .text("ok"))
                try database.execute("DELETE FROM t WHERE k % 5 = \(seed % 5)")
            }
            let own = try sum(database)
            try database.execute("COMMIT")
            #expect(try sum(try Database(path: path, mode: .readOnly)) == own)
        }
    }
}
