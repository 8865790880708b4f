import Foundation
import SQLite
import Testing

/// Changed pages that are written before the commit.
@Suite struct FlushPagesTests {
    private func withDatabase(_ body: (String, Database) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/elt-flush-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try Database(path: folder + "/t.db", mode: .create)
        try database.execute("PRAGMA cache_size=-65536; CREATE TABLE t (k INTEGER PRIMARY KEY, v)")
        try body(folder + "/t.db", database)
    }

    private func fill(_ database: Database) throws {
        try database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO t SELECT i, printf('%0300d', i) FROM n")
    }

    private func size(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    }

    @Test func `They're in the file before the commit, and gone when it's rolled back`() throws {
        try withDatabase { path, database in
            let empty = try size(path)
            try database.execute("BEGIN")
            try fill(database)
            #expect(try size(path) == empty)
            try database.flushPages()
            #expect(try size(path) > 1_000_000)
            try database.execute("ROLLBACK")
            #expect(try database.value("SELECT count(*) FROM t") == .integer(0))
            #expect(try database.value("PRAGMA integrity_check") == .text("ok"))
        }
    }

    #if os(Linux)
        @Test func `A write that fails is told as one`() throws {
            try withDatabase { path, database in
                try database.execute("BEGIN")
                try fill(database)
                // From now on the file can only be read through SQLite's descriptor.
                let own = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init).first {
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
                }
                let readable = open(path, O_RDONLY | O_CLOEXEC)
                #expect(dup2(readable, try #require(own)) == own)
                close(readable)
                let error = #expect(throws: SQLiteError.self) { try database.flushPages() }
                #expect(error?.primaryCode == 10)
                #expect(error?.message.contains("I/O") == true)
            }
        }
    #endif
}
