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

    private func log(of path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path + "-wal")) }

    private func limitLog(_ database: Database) throws {
        try database.execute("PRAGMA busy_timeout=10000; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=20; PRAGMA journal_size_limit=\(Database.logBytesKept)")
    }

    @Test func `A log is kept empty, and the next one is written over it`() throws {
        try withDatabase { path, first in
            try limitLog(first)
            try first.transaction { try fill(first, 3) }
            let (before, length) = (try sum(first), try log(of: path).count)
            try first.close()
            #expect(try log(of: path).count == length)
            #expect(try log(of: path).prefix(32) == Data(count: 32))
            // SQLite's own layer takes it for what it is.
            let plain = try Database(path: path, mode: .readOnly)
            #expect(try sum(plain) == before)
            #expect(try plain.value("PRAGMA integrity_check") == .text("ok"))
            try plain.close()

            let second = try Database(path: path, mode: .create)
            try limitLog(second)
            try second.transaction { try fill(second, 4, rows: 40) }
            let after = try sum(second)
            #expect(after != before)
            #expect(try log(of: path).count == length)
            // Killed here: frames of the first log that lie behind those of the second belong to neither.
            let copy = path + "-copy"
            for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
            let survivor = try Database(path: copy, mode: .create)
            #expect(try sum(survivor) == after)
            #expect(try survivor.value("PRAGMA integrity_check") == .text("ok"))
            try second.close()
            #expect(try sum(try Database(path: path, mode: .readOnly)) == after)
        }
    }

    @Test func `A log that comes back after its end was lost changes nothing`() throws {
        try withDatabase { path, database in
            try limitLog(database)
            try database.transaction { try fill(database, 3) }
            try database.transaction { try fill(database, 5) }
            let whole = try log(of: path)
            let before = try sum(database)
            try database.close()
            // What the power took is the header of zeros.
            try whole.write(to: URL(fileURLWithPath: path + "-wal"))
            let back = try Database(path: path, mode: .create)
            #expect(try sum(back) == before)
            #expect(try back.value("PRAGMA integrity_check") == .text("ok"))
        }
    }

    @Test func `A log longer than is kept is cut, and a short one goes`() throws {
        try withDatabase { path, database in
            try limitLog(database)
            try database.transaction { try fill(database, 3) }
            let before = try sum(database)
            // Zeros that take no room, and that SQLite doesn't read.
            #expect(truncate(path + "-wal", off_t(Database.logBytesKept) + 4096) == 0)
            try database.close()
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path + "-wal"))
            #expect(try handle.seekToEnd() == UInt64(Database.logBytesKept))
            try handle.seek(toOffset: 0)
            #expect(try handle.read(upToCount: 32) == Data(count: 32))
            #expect(truncate(path + "-wal", 0) == 0)
            let again = try Database(path: path, mode: .create)
            #expect(try sum(again) == before)
            try again.execute("DELETE FROM t WHERE k = 3")
            try again.close()
            #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
        }
    }

    @Test func `A checkpoint that empties the log keeps it too, and a reader sees what's in the file`() throws {
        try withDatabase { path, database in
            try limitLog(database)
            let reader = try Database(path: path, mode: .readOnly)
            for seed in 1...3 {
                try database.transaction { try fill(database, seed, rows: 4000 / seed) }
                let length = try log(of: path).count
                #expect(try database.checkpoint(truncate: true))
                #expect(try log(of: path).count == length)
                #expect(try log(of: path).prefix(32) == Data(count: 32))
                #expect(try sum(reader) == sum(database))
                #expect(try reader.value("PRAGMA integrity_check") == .text("ok"))
            }
        }
    }

    /// What the file alone gives, as if there had never been a log.
    private func alone(_ path: String) throws -> SQLValue {
        let copy = path + "-alone-\(UUID().uuidString)"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let database = try Database(path: copy, mode: .create)
        #expect(try database.value("PRAGMA integrity_check") == .text("ok"))
        return try sum(database)
    }

    @Test func `A checkpoint has all in the file when it ends, and a reader of an older state holds it up`() throws {
        try withDatabase { path, database in
            try limitLog(database)
            // Runs of pages, and pages by themselves.
            for rows in [4000, 3, 4000, 200, 1] {
                try database.transaction { try fill(database, rows, rows: rows) }
                #expect(try database.checkpoint(truncate: false))
                #expect(try alone(path) == sum(database))
            }
            let reader = try Database(path: path, mode: .readOnly)
            try reader.execute("BEGIN")
            let before = try sum(reader)
            try database.transaction { try fill(database, 11) }
            try database.transaction { try database.execute("DELETE FROM t WHERE k % 3 = 0") }
            #expect(try !database.checkpoint(truncate: false))
            #expect(try sum(reader) == before)
            try reader.execute("COMMIT")
            #expect(try sum(reader) == sum(database))
            #expect(try database.checkpoint(truncate: false))
            #expect(try alone(path) == sum(reader))
            // Nobody was waited for, and that's over.
            #expect(try database.value("PRAGMA busy_timeout") == .integer(10000))
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
