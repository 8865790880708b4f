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

    package init(path: String, modelTimeMax: Duration) throws {
        self.modelTimeMax = modelTimeMax
        database = try Database(path: path, mode: .readOnly, tellsTime: false)
        try database.execute(
            """
            PRAGMA busy_timeout=10000; PRAGMA cache_size=-24576; PRAGMA temp_store=FILE; PRAGMA temp.cache_size=-8192;
            BEGIN; SELECT 1 FROM sqlite_schema;
            """)
    }

    /// Lets `find` tell what changed of an entity. It runs on another thread, which has the writing connection
    /// for that time.
    package func learn(of entity: String, _ find: @escaping (ChangeRelay) throws -> Void) throws {
        try ChangedWinners.create(in: database, entity)
        let tables = try ChangedWinners(database, entity)
        try Handover<ChangeRelay.Batch>.between(piecesMax: 4) { handover in
            let relay = ChangeRelay(handover)
            try find(relay)
            try relay.flush()
        } taker: { handover, batch in
            try batch.empty(into: tables)
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
    ///   - take: Sees each row, in the buffer that holds it.
    package func rows(
        of statement: Statement, model: String, look: @escaping (Statement) throws -> Void,
        take: (RowBuffer, Int) throws -> Void
    ) throws {
        let bounds = ModelBounds(model: model, timeMax: modelTimeMax)
        try Handover<RowBuffer>.between(piecesMax: 4) { [database] handover in
            try bounds.keep(database, isOver: { handover.isOver }) {
                var buffer: RowBuffer
                repeat {
                    buffer = handover.spare() ?? RowBuffer(columns: Int(statement.columnCount), capacity: Self.batchRows)
                    try buffer.fill(from: statement, look: look)
                    try handover.give(buffer)
                } while !buffer.hasEnded
            }
        } taker: { handover, buffer in
            for row in 0..<buffer.count { try take(buffer, row) }
            handover.giveBack(buffer)
        }
    }
}
