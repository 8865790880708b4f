import ELTCore
import SQLite

/// A second connection, which evaluates models' queries on a thread of its own while the first one merges their rows.
///
/// It sees what was committed before the transaction began, so all raw rows, and is told which winners have changed
/// since, in temporary tables of the same names. A query that reads anything else isn't for it.
package final class SideReader {
    private let database: Database
    private let modelTimeMax: Duration
    /// What a query may read, for each entity whose changes it was told of.
    private var readable: [String: Set<String>] = [:]

    /// Rows that change hands at once: few enough to stay in the cache.
    private static let batchRows = 256
    private static let mergedRows = 128

    package init(path: String, modelTimeMax: Duration) throws {
        self.modelTimeMax = modelTimeMax
        database = try Database(path: path, mode: .readOnly, tellsTime: false)
        try database.execute(
            """
            PRAGMA busy_timeout=10000; PRAGMA cache_size=-24576; PRAGMA temp_store=FILE; PRAGMA temp.cache_size=-8192;
            BEGIN; SELECT 1 FROM sqlite_schema;
            """)
    }

    /// Whether it was told what changed of an entity.
    func knows(_ entity: String) -> Bool { readable[entity] != nil }

    /// Lets `find` tell what changed of an entity. It runs on another thread, which has the writing connection
    /// for that time.
    package func learn(of entity: String, _ find: @escaping (ChangeRelay) throws -> Void) throws {
        try ChangedWinners.create(in: database, entity)
        let tables = try ChangedWinners(database, entity)
        try Handover<ChangedBatch>.between(piecesMax: 4) { handover in
            try find(ChangeRelay(handover))
        } taker: { handover, batch in
            try tables.add(batch)
            batch.empty()
            handover.giveBack(batch)
        }
        try ChangedWinners.finish(in: database, entity)
        let raw = RawTables(database: database, entity: entity)
        readable[entity] = Set(
            try raw.months().map { Names.stream(entity, month: $0) } + [
                Names.stream(entity), Names.full(entity), Names.fullRows(entity), "elt_partitions", "elt_full_loads",
                Names.changed(entity), Names.changedDays(entity),
            ])
    }

    /// The statement of a query that reads raw rows and changed winners of an entity, and nothing else; nil for others.
    package func statement(_ query: String, of entity: String) -> Statement? {
        guard let tables = readable[entity] else { return nil }
        return try? database.prepareGuarded(query, tables: tables)
    }

    /// Has all rows of a statement evaluated on a thread, and takes them on the caller's.
    ///
    /// - Parameters:
    ///   - look: Sees the statement at each row, on the thread.
    ///   - take: Sees the rows, some at a time.
    package func rows(
        of statement: Statement, model: String, look: @escaping (Statement) throws -> Void,
        take: (RowBuffer) throws -> Void
    ) throws {
        try rows(columns: Int(statement.columnCount), model: model, fill: { try $0.fill(from: statement, look: look) }) { buffer in
            try take(buffer)
            return buffer
        }
    }

    /// The same for a table's rows, which a second thread merges into copies of its pages.
    /// - Returns: False if that can't be done; then no row was taken.
    func merged(
        of statement: Statement, into layout: TableLayout, model: String, look: @escaping (Statement) throws -> Void, take: (MergedRows) throws -> Void
    ) throws -> Bool {
        guard let pages = try? Database(path: database.path, mode: .readOnly, tellsTime: false),
            (try? pages.execute("PRAGMA busy_timeout=10000; BEGIN; SELECT 1 FROM sqlite_schema")) != nil,
            let merger = try? LeafMerger(pages, layout)
        else { return false }
        let width = Int(statement.columnCount)
        let merge: (Handover<MergedRows>) throws -> Void = { handover in
            try self.rows(
                columns: width, atOnce: Self.mergedRows, model: model, isOver: { handover.isOver }, fill: { try $0.fill(from: statement, look: look) }
            ) { buffer in
                let piece = handover.spare() ?? MergedRows(layout)
                let before = piece.exchange(buffer)
                try merger.merge(piece)
                try handover.give(piece)
                return before
            }
        }
        try Handover<MergedRows>.between(piecesMax: 2, giver: merge) { handover, piece in
            try take(piece)
            handover.giveBack(piece)
        }
        return true
    }

    /// Has a day's rows put together on a thread, of the day before as it was committed and of a statement, and takes them on the
    /// caller's.
    /// - Parameters:
    ///   - before: Rows of the day before, as they are on the day, sorted by key. Called on the thread.
    ///   - rows: A statement of this reader, sorted by key.
    ///   - scope: The query for the keys for which the day before doesn't count, sorted as keys that are texts or integers.
    /// - Throws: `CarriedRows.MixedKeys`, `StandingTable.Malformed`, when some rows may have been taken.
    func carriedRows(
        before: @escaping () throws -> any RowSource, rows: Statement, keyColumn: Int, model: String,
        scope: @escaping (_ areIntegers: Bool) -> String, take: (RowBuffer) throws -> Void
    ) throws {
        var carried: CarriedRows?
        // Statements are stepped on the thread from their first row on.
        let fill: (RowBuffer) throws -> Void = { [database] buffer in
            let known = try carried ?? CarriedRows(
                before: before(), rows: rows, keyColumn: keyColumn, scope: { try database.prepare(scope($0)) })
            carried = known
            try known.fill(buffer)
            if buffer.hasEnded { carried = nil }
        }
        try self.rows(columns: Int(rows.columnCount), model: model, fill: fill) { buffer in
            try take(buffer)
            return buffer
        }
    }

    /// The statement of a query for rows that stood before the transaction; nil if the table wasn't then what the query needs.
    func standing(_ query: String) -> Statement? { try? database.prepare(query) }

    /// - Parameters:
    ///   - isOver: Whether nobody waits for the rows any more.
    ///   - fill: Called on the thread.
    ///   - take: Gives a buffer that may be filled again.
    private func rows(
        columns: Int, atOnce: Int = batchRows, model: String, isOver: @escaping () -> Bool = { false }, fill: @escaping (RowBuffer) throws -> Void,
        take: (RowBuffer) throws -> RowBuffer?
    ) throws {
        let bounds = ModelBounds(model: model, timeMax: modelTimeMax)
        try Handover<RowBuffer>.between(piecesMax: 4) { [database] handover in
            try bounds.keep(database, isOver: { handover.isOver || isOver() }) {
                var hasEnded = false
                while !hasEnded {
                    let buffer = handover.spare() ?? RowBuffer(columns: columns, capacity: atOnce)
                    try fill(buffer)
                    hasEnded = buffer.hasEnded
                    try handover.give(buffer)
                }
            }
        } taker: { handover, buffer in
            if let spare = try take(buffer) { handover.giveBack(spare) }
        }
    }
}
