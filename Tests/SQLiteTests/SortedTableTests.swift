import Foundation
@testable import SQLite
import Testing

/// A table that's filled page by page holds what INSERT would have put there, and SQLite finds nothing wrong with it.
@Suite struct SortedTableTests {
    private let folder = NSTemporaryDirectory() + "sorted-\(UUID().uuidString)"

    private func database(pageSize: Int) throws -> Database {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let database = try Database(path: folder + "/a.db", mode: .create)
        try database.execute(
            """
            PRAGMA page_size=\(pageSize); PRAGMA journal_mode=WAL;
            CREATE TABLE t (free, key TEXT, number INTEGER, real REAL, day, PRIMARY KEY (day, key)) WITHOUT ROWID;
            CREATE TABLE u (free, key TEXT, number INTEGER, real REAL, day, PRIMARY KEY (day, key)) WITHOUT ROWID;
            """)
        return database
    }

    /// Rows whose values have every type and length that the format tells apart.
    private func fill(_ database: Database, rows: Int, longest: Int) throws {
        try database.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
            INSERT INTO u SELECT
                CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN i / 3.0 WHEN 2 THEN zeroblob(i % 200) WHEN 3 THEN i - 2
                    WHEN 4 THEN -(1 << (i % 62)) WHEN 5 THEN (1 << (i % 62)) - 1 ELSE substr(hex(zeroblob(\(longest))), 1, abs(i * 7919) % \(longest)) END,
                printf('%08d', i) || substr(hex(zeroblob(70)), 1, i % 140), i * i, i + 0.5, '2026-01-0' || (1 + i * 9 / \(rows + 1))
            FROM n WHERE i <= \(rows) AND \(rows) > 0
            """)
    }

    @Test(arguments: [(512, 60), (1024, 5000), (4096, 900), (8192, 40_000), (65536, 300)])
    func `It equals the table of ordinary inserts`(pageSize: Int, longest: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try database(pageSize: pageSize)
        for rows in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 20, 27, 50, 64, 99, 100, 333, 1000, 4000] {
            try database.execute("DELETE FROM t; DELETE FROM u;")
            try fill(database, rows: rows, longest: longest)
            try database.transaction {
                let table = try #require(try SortedTable(database, table: "t", path: folder + "/sorted"))
                // What `finish` reads doesn't stay as it was.
                let twin = try #require(try SortedTable(database, table: "t", path: folder + "/twin"))
                var record = SortedRecord()
                defer { record.deallocate() }
                let query = try database.prepare("SELECT day, key, free, number, real FROM u ORDER BY day, key")
                while try query.step() {
                    let isTaken = record.take(query, [.none, .text, .none, .numeric, .real])
                    #expect(isTaken)
                    try table.append(record.bytes)
                    try twin.append(record.bytes)
                }
                let read = try twin.attach()
                let check = try database.query("PRAGMA elt_attached_0.integrity_check")
                #expect(check == [[.text("ok")]], "\(rows) rows: \(check)")
                // Records are taken over as they are: no column is looked at.
                let program = try database.query("EXPLAIN INSERT INTO main.t SELECT * FROM \(read)")
                #expect(program.contains { $0[1] == .text("RowData") })
                try table.finish(leavesAtOnce: 2)
            }
            #expect(try database.value("SELECT count(*) FROM t") == .integer(Int64(rows)))
            #expect(try database.query("SELECT * FROM t EXCEPT SELECT * FROM u").isEmpty)
            #expect(try database.query("SELECT *, typeof(free), typeof(real) FROM t ORDER BY day, key") == database.query("SELECT *, typeof(free), typeof(real) FROM u ORDER BY day, key"))
            for key in try database.query("SELECT day, key FROM u WHERE number % 17 = 1") {
                #expect(try database.value("SELECT count(*) FROM t WHERE day=?1 AND key=?2", key) == .integer(1))
            }
            #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
            #expect(try !FileManager.default.contentsOfDirectory(atPath: folder).contains("sorted"))
        }
    }

    /// What was added between two marks, as it was, while more is added.
    @Test(arguments: [(512, 60, 3), (512, 3000, 40), (1024, 500, 1), (4096, 900, 77), (8192, 40_000, 150), (65536, 300, 5000)])
    func `Rows are read again while others are added`(pageSize: Int, longest: Int, step: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try database(pageSize: pageSize)
        try fill(database, rows: 6000, longest: longest)
        try database.transaction {
            let table = try #require(try SortedTable(database, table: "t", path: folder + "/sorted"))
            var record = SortedRecord()
            defer { record.deallocate() }
            let query = try database.prepare("SELECT day, key, free, number, real FROM u ORDER BY day, key")
            var (given, before): ([[UInt8]], [[UInt8]]) = ([], [])
            var spools = [try RecordSpool(path: folder + "/one"), try RecordSpool(path: folder + "/other")]
            var trail: SortedTrail?
            // Days of no row, of one, of some more or fewer.
            var (left, number, read) = (0, 0, 0)
            func nextDay() throws {
                while left == 0 {
                    while let next = try trail?.next() {
                        #expect(Array(next) == before[read])
                        read += 1
                    }
                    #expect(trail == nil || read == before.count)
                    spools.swapAt(0, 1)
                    try spools[0].restart()
                    trail = try table.mark(spools[0])
                    (before, given, read) = (given, [], 0)
                    number += 1
                    left = number % 5 == 0 ? 0 : number % 7 == 0 ? 1 : step + number % 3
                }
            }
            while try query.step() {
                try nextDay()
                left -= 1
                let isTaken = record.take(query, [.none, .text, .none, .numeric, .real])
                #expect(isTaken)
                try table.append(record.bytes)
                given.append(Array(record.bytes))
                if read < before.count {
                    let next = try #require(try trail?.next())
                    #expect(Array(next) == before[read])
                    read += 1
                }
            }
            try table.finish()
        }
        #expect(try database.query("SELECT * FROM t EXCEPT SELECT * FROM u").isEmpty)
        #expect(try database.value("SELECT count(*) FROM t") == .integer(6000))
        #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
    }

    @Test func `A record with replaced values is the record of the changed row`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try database(pageSize: 4096)
        try fill(database, rows: 500, longest: 900)
        var (one, two, whole) = (SortedRecord(), SortedRecord(), SortedRecord())
        defer { for record in [one, two, whole] { record.deallocate() } }
        let affinities: [Affinity] = [.none, .text, .none, .numeric, .real]
        for (free, number) in [("0", "-70000"), ("'longer'", "NULL"), ("NULL", "1"), ("x'00'", "1 << 40")] {
            let query = try database.prepare("SELECT day, key, free, number, real FROM u ORDER BY day, key")
            let changed = try database.prepare("SELECT '2027-12-31', key, \(free), \(number), real FROM u ORDER BY day, key")
            let values = [
                (column: 0, value: try #require(try SortedRecord.value(of: "'2027-12-31'", .none, database))),
                (column: 2, value: try #require(try SortedRecord.value(of: free, .none, database))),
                (column: 3, value: try #require(try SortedRecord.value(of: number, .numeric, database))),
            ]
            while try query.step() {
                #expect(try changed.step())
                let areTaken = (one.take(query, affinities), whole.take(changed, affinities))
                #expect(areTaken == (true, true))
                two.take(one.bytes, replacing: values)
                #expect(Array(two.bytes) == Array(whole.bytes))
                #expect(SortedRecord.text(two.bytes, column: 1).map { Array($0) } == Array(query.text(1).utf8))
            }
        }
    }

    @Test func `A value that SQLite would convert is refused`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try database(pageSize: 4096)
        var record = SortedRecord()
        defer { record.deallocate() }
        for (value, affinity, isTaken) in [
            ("1", Affinity.text, false), ("1.5", .text, false), ("x'31'", .text, true), ("'1'", .numeric, false),
            ("1.0", .numeric, false), ("1.5", .numeric, true), ("1", .real, false), ("'1'", .real, false),
            ("1.0", .real, true), ("NULL", .real, true), ("'a'", .none, true),
        ] {
            let query = try database.prepare("SELECT \(value)")
            _ = try query.step()
            let taken = record.take(query, [affinity])
            #expect(taken == isTaken, "\(value) \(affinity)")
        }
    }

    @Test(arguments: [512, 8192, 65536]) func `The page behind the first GiB is SQLite's own`(size: Int) {
        let last = UInt32((1 << 30) / size)
        #expect(PageNumber.next(after: last, size: size) == last + 2)
        #expect(PageNumber.next(after: last - 1, size: size) == last)
        #expect(PageNumber.next(after: last + 2, size: size) == last + 3)
    }

    /// The rows of `u`, in order, on their way to `t`.
    private func sorted(_ database: Database) throws -> SortedTable {
        let table = try #require(try SortedTable(database, table: "t", path: folder + "/sorted"))
        var record = SortedRecord()
        defer { record.deallocate() }
        let query = try database.prepare("SELECT day, key, free, number, real FROM u ORDER BY day, key")
        while try query.step() {
            _ = record.take(query, [.none, .text, .none, .numeric, .real])
            try table.append(record.bytes)
        }
        return table
    }

    #if os(Linux)
        /// Where the folder for temporary files is on a disk that knows holes.
        @Test func `The file gives its blocks back while its rows are taken over`() throws {
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let database = try database(pageSize: 1024)
            try fill(database, rows: 20_000, longest: 900)
            try database.transaction {
                let table = try sorted(database)
                // A descriptor of its own: the file loses its name.
                let file = open(folder + "/sorted", O_RDWR)
                defer { close(file) }
                try table.finish()
                var left = stat()
                #expect(fstat(file, &left) == 0 && left.st_size > 4 << 20)
                #expect(left.st_blocks * 512 < left.st_size / 4, "\(left.st_blocks * 512) of \(left.st_size) bytes")
            }
            #expect(try database.query("SELECT * FROM t EXCEPT SELECT * FROM u").isEmpty)
            #expect(try database.query("SELECT count(*) FROM t") == [[.integer(20_000)]])
        }
    #endif

    @Test func `A file that's read in another order keeps what it has`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try database(pageSize: 1024)
        try fill(database, rows: 2000, longest: 200)
        try database.transaction {
            let table = try sorted(database)
            let rows = try table.attach(givingBack: 2)
            // Pages that were read aren't kept.
            try database.execute("PRAGMA elt_attached_0.cache_size=10")
            for order in ["day DESC, key DESC", "day, key"] {
                #expect(try database.query("SELECT * FROM \(rows) ORDER BY \(order)") == database.query("SELECT * FROM u ORDER BY \(order)"))
            }
        }
    }

    @Test func `A spool gives back what it was given`() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let spool = try RecordSpool(path: folder + "/spool")
        for lengths in [[], [0], [1, 0, 300_000, 5], Array(repeating: 777, count: 2000), [1 << 18, (1 << 18) - 4, 600_000, 1]] {
            try spool.restart()
            for (index, length) in lengths.enumerated() {
                try [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: length).withUnsafeBytes { try spool.append($0) }
            }
            try spool.rewind()
            for (index, length) in lengths.enumerated() {
                let record = try #require(try spool.next())
                #expect(record.count == length && record.allSatisfy { $0 == UInt8(truncatingIfNeeded: index) })
            }
            #expect(try spool.next() == nil)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
}
