import ELTCore
import SQLite

/// Tables of a new warehouse whose pages are ours (decision 12).
extension SQLiteWarehouse {
    /// Runs `body` in a transaction that loads. Where nobody sees the file, raw rows are written as pages.
    package func loading<T>(_ body: () throws -> T) throws -> T {
        isLoading = true
        defer { isLoading = false }
        return try transaction(body)
    }

    /// Has rows of empty raw tables written as pages until the running transaction ends, if it's one that loads.
    func beginGrafting(entries: Int, records: Int64) throws {
        guard isLoading, newFile != nil, mayGraft, grafted == nil else { return }
        // For what the ledger says of an entry there's twice the room that it takes, and for quarantine 32 bytes for each record.
        grafted = try GraftedTables(database, room: 64 + entries / 32 + Int(min(records / 500, 1 << 14)))
    }

    /// Has the rows of an empty table of days written as pages, until `graftMidway` or `abandonGrafting`. nil where that can't be done.
    /// - Parameter room: How many pages SQLite may add to the file until then.
    func beginGrafting(days table: String, room: Int) throws -> GraftedRows? {
        guard newFile != nil, !changesRaw, mayGraft, grafted == nil else { return nil }
        grafted = try GraftedTables(database, room: room)
        guard let rows = try grafted?.rows(of: table) else {
            try abandonGrafting()
            return nil
        }
        return rows
    }

    /// Ends it while the transaction goes on; the rows were written in vain. Who wrote them has ended.
    func abandonGrafting() throws { try grafted?.abandon() }

    /// Commits what was done so far, gives the tables their rows, and goes on in another transaction. What fails from then on undoes both:
    /// nobody has seen the file.
    func graftMidway() throws {
        guard let grafted else { return }
        try grafted.settle()
        try database.execute("COMMIT")
        isPartlyCommitted = true
        guard grafted.isQuiet else { throw GraftedTables.Unfit() }
        try endGrafting()
        // Not IMMEDIATE: files that are attached to be read would take part in the commit.
        try database.execute("BEGIN")
    }

    /// Runs the body of a transaction up to its commit.
    func settling<T>(_ body: () throws -> T) throws -> T {
        tablesBefore = newFile == nil ? [] : Set(try tables().map(\.name))
        let result = try body()
        try grafted?.settle()
        isSettled = true
        return result
    }

    /// After a commit: gives the tables their rows.
    func endGrafting() throws {
        guard let grafted else { return }
        self.grafted = nil
        do { try grafted.graft() } catch {
            forsake()
            throw error
        }
    }

    /// After a rollback: takes away what was written, and what a part of the transaction has committed. True if SQLite had too little room among our pages.
    func undoGrafting() -> Bool {
        let hadNoRoom = grafted?.discard() ?? false
        grafted = nil
        guard isPartlyCommitted, newFile != nil else { return hadNoRoom }
        // Whether a commit that failed has happened nobody can tell.
        guard !isSettled else {
            forsake()
            return hadNoRoom
        }
        do {
            try database.transaction {
                for table in try tables() where !tablesBefore.contains(table.name) {
                    if table.isView { try database.execute("DROP VIEW \(Names.quoted(table.name))") } else { try database.dropTable(table.name) }
                }
            }
        } catch {
            forsake()
        }
        return hadNoRoom
    }

    /// Views first.
    private func tables() throws -> [(name: String, isView: Bool)] {
        try database.query("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY type DESC, name").compactMap { row in
            row[0].text.map { ($0, row[1] == .text("view")) }
        }
    }
}
