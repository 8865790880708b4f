import CSQLite

/// Tables that are filled while a transaction runs, and are SQLite's once it's committed.
///
/// Their pages are written behind those that SQLite has in the file (`TailPages`), leaf after leaf, without looking for each row's place. After the commit
/// they get their roots, what SQLite hasn't used of its room becomes free pages, and the first page says that all of it is there, which makes SQLite forget what it knew.
/// Only for a file without a log that nobody else opens and that nobody misses if its maker dies: what's done after the commit isn't undone.
package final class GraftedTables {
    /// The rows aren't such as can be written like this: they're to be written with INSERT, in another transaction.
    package struct Unfit: Error {
        package init() {}
    }

    private struct Table {
        var name: String
        var tree: RowidTree
        var runs: [Int64: RowidRun] = [:]
    }

    private let database: Database
    private let tail: TailPages
    private var tables: [String: Table] = [:]
    private var sorted: [GraftedRows] = []
    private let open = OpenRuns()
    private var isAbandoned = false
    private var roots: [(page: UInt32, content: RowidTree.Root)] = []

    /// How many runs have a page in memory.
    private static let openRunsMax = 512

    /// - Parameter room: How many pages SQLite may add to its own until the commit. If it needs more, the transaction fails for want of room, and
    ///   `discard` says so.
    /// - Returns: nil where it can't be done.
    package init?(_ database: Database, room: Int) throws {
        guard let tail = try TailPages(database, room: room) else { return nil }
        self.database = database
        self.tail = tail
    }

    /// The rows of a table that rise together, by whatever number. nil if it holds rows already, or if more than rows hangs on it.
    package func run(_ number: Int64, of table: String) throws -> RowidRun? {
        if open.count >= Self.openRunsMax { try closeRuns() }
        if let run = tables[table]?.runs[number] { return run }
        if tables[table] == nil {
            guard try canGraft(table) else { return nil }
            tables[table] = Table(name: table, tree: RowidTree(tail, open))
        }
        let run = tables[table]?.tree.makeRun()
        tables[table]?.runs[number] = run
        return run
    }

    /// The rows of a table WITHOUT ROWID, in the order of its key. nil as with `run`.
    package func rows(of table: String) throws -> GraftedRows? {
        guard try canGraft(table) else { return nil }
        let rows = GraftedRows(table, SortedTree(tail))
        sorted.append(rows)
        return rows
    }

    private func canGraft(_ table: String) throws -> Bool {
        let hasMore = try database.value("SELECT 1 FROM sqlite_schema WHERE tbl_name=?1 COLLATE NOCASE AND type<>'table'", [.text(table)])
        return try hasMore == .null && database.value("SELECT 1 FROM \(Database.quoted(table))") == .null
    }

    /// How many runs hold a page.
    var openRuns: Int { open.count }

    /// Whether rows of a table are here, where no statement sees them.
    package func holds(_ table: String) -> Bool { tables[table] != nil }

    private func closeRuns() throws {
        for table in tables.values { for run in table.runs.values { try run.close() } }
    }

    /// Writes what's left but the roots. Before the commit.
    package func settle() throws {
        guard sorted.allSatisfy(\.isComplete) else { return try abandon() }
        try closeRuns()
        for table in tables.values.sorted(by: { $0.name < $1.name }) {
            guard let content = try table.tree.finish() else { throw Unfit() }
            if case .empty = content { continue }
            roots.append((try root(of: table.name), content))
        }
        for rows in sorted { roots.append((try root(of: rows.table), .copy(try rows.tree.finish()))) }
        try tail.flush()
    }

    private func root(of table: String) throws -> UInt32 {
        guard let root = try database.value("SELECT rootpage FROM sqlite_schema WHERE type='table' AND name=?1", [.text(table)]).integer,
            root > 1, root <= Int64(tail.ceiling), try canGraft(table)
        else { throw Unfit() }
        return UInt32(root)
    }

    /// Whether nobody reads or writes: then they can be grafted, if the last transaction was committed.
    package var isQuiet: Bool { sqlite3_txn_state(database.handle, "main") == SQLITE_TXN_NONE }

    /// Gives the tables their rows. After the commit; if it fails, the file is of no use any more.
    package func graft() throws {
        guard !roots.isEmpty else {
            _ = tail.discard()
            return
        }
        var first = try tail.read(1)
        let pages = first.number(at: 28)
        guard isQuiet, pages > 0, pages <= tail.ceiling, first.number(at: 24) == first.number(at: 92) else { throw unexpected() }
        // https://sqlite.org/fileformat2.html#the_database_header
        var free = (pages < tail.ceiling ? Array(pages + 1...tail.ceiling) : []) + tables.values.flatMap(\.tree.free)
        for (page, content) in roots {
            switch content {
            case .empty: break
            case .copy(let other):
                try tail.write(tail.read(other), at: page)
                free.append(other)
            case .page(let bytes): try tail.write(bytes, at: page)
            }
        }
        let trunk = try writeFree(free, before: first.number(at: 32))
        let change = first.number(at: 24) &+ 1
        first.put(change, at: 24)
        first.put(tail.count, at: 28)
        first.put(trunk, at: 32)
        first.put(first.number(at: 36) + UInt32(free.count), at: 36)
        first.put(change, at: 92)
        try tail.write(first, at: 1)
        _ = try tail.end()
        guard try database.value("PRAGMA page_count") == .integer(Int64(tail.count)) else { throw unexpected() }
    }

    /// Ends it without them, while the transaction goes on.
    package func abandon() throws {
        // SQLite may have written behind its part since.
        if isAbandoned { return }
        isAbandoned = true
        (tables, sorted) = ([:], [])
        try tail.abandon()
    }

    /// Ends it without them. After the transaction was rolled back. True if SQLite had too little room.
    package func discard() -> Bool { tail.discard() }

    /// Writes the list of free pages (https://sqlite.org/fileformat2.html#the_freelist), and gives its first page.
    private func writeFree(_ free: [UInt32], before next: UInt32) throws -> UInt32 {
        var next = next
        // The last places of a trunk stay empty, as SQLite leaves them.
        let leavesMax = tail.size / 4 - 8
        var rest = free[...]
        while !rest.isEmpty {
            // SQLite takes a trunk's first page, then the others from the end on, then the trunk: so they're taken as they rise.
            let part = rest.suffix(leavesMax + 1)
            rest = rest.dropLast(part.count)
            guard let trunk = part.last else { break }
            let leaves = part.dropLast()
            var page = [UInt8](repeating: 0, count: tail.size)
            page.put(next, at: 0)
            page.put(UInt32(leaves.count), at: 4)
            for (place, leaf) in (leaves.prefix(1) + leaves.dropFirst().reversed()).enumerated() { page.put(leaf, at: 8 + 4 * place) }
            try tail.write(page, at: trunk)
            next = trunk
        }
        return next
    }

    private func unexpected() -> SQLiteError {
        SQLiteError(code: SQLITE_INTERNAL, message: "its first page isn't what a commit leaves", sql: nil, path: database.path)
    }
}

/// Rows of a table WITHOUT ROWID on their way into its pages. Whichever thread appends has them for itself.
package final class GraftedRows {
    fileprivate let table: String
    fileprivate let tree: SortedTree

    fileprivate init(_ table: String, _ tree: SortedTree) {
        self.table = table
        self.tree = tree
    }

    /// Adds a row. Its columns are in the order of the key, then in that of the table; it's greater than all before it.
    package func append(_ record: UnsafeRawBufferPointer) throws { try tree.append(record) }

    /// Gives the rows that were added since the last call; nil where it's the first.
    /// - Parameter spool: Empty, and the tree's until the rows that are added from now on were read.
    package func mark(_ spool: RecordSpool) throws -> SortedTrail? { try tree.mark(spool) }

    /// All rows are there. Without that the table gets none.
    package func finish() { isComplete = true }
    fileprivate private(set) var isComplete = false
}

extension [UInt8] {
    fileprivate func number(at place: Int) -> UInt32 { withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt32.self)) } }
    fileprivate mutating func put(_ number: UInt32, at place: Int) {
        withUnsafeMutableBytes { $0.storeBytes(of: number.bigEndian, toByteOffset: place, as: UInt32.self) }
    }
}
