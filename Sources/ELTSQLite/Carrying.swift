import ELTCore
import SQLite

/// How a model's rows of one day are those of the next.
struct CarriedColumns {
    let model: String
    let columns: [String]
    let partition: String
    let day: Day
    let key: String
    /// What columns hold on days on which their key has no record, as SQL.
    let resets: [String: String]

    var table: String { Names.quoted(model) }
    var keyName: String { Names.quoted(key) }
    var keyColumn: Int { columns.firstIndex(of: key) ?? 0 }
    var partitionColumn: Int { columns.firstIndex(of: partition) ?? 0 }
    var within: String { "\(Names.quoted(partition)) = \(Names.literal(day.description))" }
    var yesterday: String { "\(Names.quoted(partition)) = \(Names.literal(day.previous.description))" }
    var into: String { "INTO \(table) (\(Names.list(columns))) " }

    /// Yesterday's columns, of a table that's called b, as they are on the day.
    var carried: String {
        columns.map { column in
            if column == partition { return "\(Names.literal(day.description)) AS \(Names.quoted(column))" }
            return resets[column].map { "\($0) AS \(Names.quoted(column))" } ?? "b.\(Names.quoted(column))"
        }.joined(separator: ", ")
    }

    /// Yesterday's rows, sorted by key.
    var before: String { "SELECT \(carried) FROM \(table) b WHERE b.\(yesterday) ORDER BY b.\(keyName)" }

    /// Yesterday's rows of some keys, sorted by key.
    func before(of keys: String) -> String {
        """
        SELECT \(carried) FROM (SELECT key FROM \(keys)) k CROSS JOIN \(table) b
        WHERE b.\(yesterday) AND b.\(keyName) IN (k.key, CAST(k.key AS INTEGER)) AND CAST(b.\(keyName) AS TEXT) = k.key
        ORDER BY b.\(keyName)
        """
    }

    /// A query's rows, sorted by key.
    func sorted(_ query: String) -> String { "SELECT \(Names.list(columns)) FROM (\(query)) ORDER BY \(keyName)" }

    /// The keys of a list, sorted as they are in a table whose keys are texts or integers. An integer key is an integer in the table and its
    /// text in the ledger.
    func scope(_ keys: String, areIntegers: Bool) -> String {
        areIntegers
            ? "SELECT CAST(key AS INTEGER) FROM \(keys) AND CAST(CAST(key AS INTEGER) AS TEXT) = key ORDER BY 1"
            : "SELECT key FROM \(keys) ORDER BY key"
    }

    func insert(_ database: Database) throws -> Statement {
        try database.prepare("INSERT \(into)VALUES (\((1...columns.count).map { "?\($0)" }.joined(separator: ", ")))")
    }
}

/// A day as the day before it, less the keys of a scope, plus the rows of a query.
extension SQLiteTransformSession {
    /// Rows that are read before they're written: writing in between costs the reader its place.
    private static let rowsAtOnce = 512

    /// Yesterday's rows less those whose key is in the scope, and the query's rows, in the order of keys.
    func carry(_ day: CarriedColumns, query: String, scope: KeyScope) throws -> Int64 {
        guard try database.value("SELECT 1 FROM \(day.table) WHERE \(day.yesterday) LIMIT 1") != .null else {
            try database.execute("INSERT OR ROLLBACK \(day.into)\(query)")
            return database.changes
        }
        if !readsItself(query, day.model) {
            do {
                let keys = scopeRows(scope)
                let rows = try CarriedRows(
                    before: database.prepare(day.before), rows: database.prepare(day.sorted(query)), keyColumn: day.keyColumn,
                    scope: { try database.prepare(day.scope(keys, areIntegers: $0)) })
                let insert = try day.insert(database)
                let buffer = RowBuffer(columns: day.columns.count, capacity: Self.rowsAtOnce)
                var count: Int64 = 0
                while !buffer.hasEnded {
                    try rows.fill(buffer)
                    for row in 0..<buffer.count {
                        buffer.bind(row, to: insert)
                        try insert.run()
                    }
                    count += Int64(buffer.count)
                }
                return count
            } catch is CarriedRows.MixedKeys {
                try database.execute("DELETE FROM \(day.table) WHERE \(day.within)")
            }
        }
        try database.execute(
            """
            INSERT \(day.into)SELECT \(Names.list(day.columns)) FROM (
                SELECT \(day.carried) FROM \(day.table) b
                WHERE b.\(day.yesterday) AND NOT EXISTS (\(scopeLookup(scope, key: "b.\(day.keyName)")))
                UNION ALL SELECT \(Names.list(day.columns)) FROM (\(query))
                ORDER BY \(day.keyName))
            """)
        return database.changes
    }

    /// A day that follows one which was committed: the second connection puts its rows together, and this one writes them. The other sees
    /// yesterday as it was; rows of keys that changed there in this run are this one's to carry.
    ///
    /// - Parameter changed: The query for the rows of keys that changed on the day itself.
    /// - Returns: nil where that isn't all there is to the day; then nothing was written.
    func carryBeside(_ day: CarriedColumns, changed: String, of entity: String) throws -> Int64? {
        let (winners, changedDays) = (Names.quoted(Names.winners(entity)), Names.quoted(Names.changedDays(entity)))
        let number = day.day.daysSinceEpoch
        // An earlier run may have loaded events of this day, when it lay ahead.
        let isAhead = winnerDays[entity]?.before.last.map { $0 < day.day } ?? true
        guard try isAhead || database.value(
            """
            SELECT (SELECT count(*) FROM \(winners) WHERE from_day = \(number))
                = (SELECT count(*) FROM temp.\(changedDays) WHERE on_day = \(number) AND from_day = \(number))
            """) == .integer(1), let side = try sideReader()
        else { return nil }
        // Where nothing was loaded nothing has changed.
        if !side.knows(entity) { try side.learn(of: entity) { _ in } }
        guard let rows = side.statement(day.sorted(changed), of: entity) else { return nil }
        let insert = try day.insert(database)
        let text = Array(day.day.description.utf8)
        var count: Int64 = 0
        let late = try database.prepare(
            day.before(of: "temp.\(changedDays) WHERE on_day = \(number) AND from_day < \(number)"))
        var hasLate = try late.step()
        func addLate(before key: SQLKey?) throws {
            while hasLate {
                if let key {
                    guard let order = late.key(Int32(day.keyColumn)).compared(to: key) else { throw CarriedRows.MixedKeys() }
                    if order > 0 { return }
                }
                for column in 0..<Int32(day.columns.count) { insert.bindBorrowed(column + 1, late, column) }
                try insert.run()
                count += 1
                hasLate = try late.step()
            }
        }
        do {
            let isDone = try side.carriedRows(
                before: day.before, rows: rows, keyColumn: day.keyColumn, model: day.model,
                scope: { day.scope("temp.\(changedDays) WHERE on_day = \(number)", areIntegers: $0) },
                take: { buffer, row in
                    guard case .text(let on) = buffer.key(row, day.partitionColumn), on.elementsEqual(text) else {
                        throw WarehouseError.otherDay(model: day.model, day: day.day.description)
                    }
                    try addLate(before: buffer.key(row, day.keyColumn))
                    buffer.bind(row, to: insert)
                    try insert.run()
                    count += 1
                })
            guard isDone else { return nil }
            try addLate(before: nil)
            return count
        } catch is CarriedRows.MixedKeys {
            try database.execute("DELETE FROM \(day.table) WHERE \(day.within)")
            return nil
        }
    }
}
