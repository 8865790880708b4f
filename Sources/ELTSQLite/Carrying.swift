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

    func insert(_ database: Database) throws -> RowInsert {
        try RowInsert(database, table: model, columns: columns)
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
                    before: StatementRows(database.prepare(day.before), keyColumn: day.keyColumn), rows: database.prepare(day.sorted(query)), keyColumn: day.keyColumn,
                    scope: { try database.prepare(day.scope(keys, areIntegers: $0)) })
                let insert = try day.insert(database)
                let buffer = RowBuffer(columns: day.columns.count, capacity: Self.rowsAtOnce)
                while !buffer.hasEnded {
                    try rows.fill(buffer)
                    try buffer.write(with: insert)
                }
                return insert.changes
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
        guard let rows = side.statement(day.sorted(changed), of: entity), let before = try before(day, side) else { return nil }
        let insert = try day.insert(database)
        let text = Array(day.day.description.utf8)
        let late = try database.prepare(
            day.before(of: "temp.\(changedDays) WHERE on_day = \(number) AND from_day < \(number)"))
        var hasLate = try late.step()
        func isLate(before key: SQLKey) throws -> Bool {
            guard hasLate else { return false }
            guard let order = late.key(Int32(day.keyColumn)).compared(to: key) else { throw CarriedRows.MixedKeys() }
            return order <= 0
        }
        func addLate() throws {
            try insert.write(0..<1) { _, insert, before in
                for column in 0..<Int32(day.columns.count) { insert.bindBorrowed(before + column + 1, late, column) }
            }
            hasLate = try late.step()
        }
        do {
            try side.carriedRows(
                before: before, rows: rows, keyColumn: day.keyColumn, model: day.model,
                scope: { day.scope("temp.\(changedDays) WHERE on_day = \(number)", areIntegers: $0) },
                take: { buffer in
                    var written = 0
                    for row in 0..<buffer.count {
                        guard case .text(let on) = buffer.key(row, day.partitionColumn), on.elementsEqual(text) else {
                            throw WarehouseError.otherDay(model: day.model, day: day.day.description)
                        }
                        while try isLate(before: buffer.key(row, day.keyColumn)) {
                            try buffer.write(written..<row, with: insert)
                            written = row
                            try addLate()
                        }
                    }
                    try buffer.write(written..<buffer.count, with: insert)
                })
            while hasLate { try addLate() }
            return insert.changes
        } catch let error where error is CarriedRows.MixedKeys || error is StandingTable.Malformed {
            try database.execute("DELETE FROM \(day.table) WHERE \(day.within)")
            return nil
        }
    }

    /// Yesterday's rows as they were committed: from the table's pages, while the file holds all of them, or by a query; nil if the table
    /// wasn't then what it is.
    private func before(_ day: CarriedColumns, _ side: SideReader) throws -> (() throws -> any RowSource)? {
        if let table = try tableColumns(of: day.model), let standing = try standingTable(day.model, table, key: [day.partition, day.key]),
            let columns = try recordColumns(day, table)
        {
            return { try StandingRows(standing, day: day.day.previous, columns: columns) }
        }
        return side.standing(day.before).map { query in { try StatementRows(query, keyColumn: day.keyColumn) } }
    }

    /// Where a day's columns lie in the records of the day before. nil if some are neither there nor the same in all rows.
    private func recordColumns(_ day: CarriedColumns, _ table: [OutputColumn]) throws -> [RecordColumn]? {
        let names = [day.partition, day.key] + table.map(\.name).filter { $0 != day.partition && $0 != day.key }
        var columns: [RecordColumn] = []
        for name in day.columns {
            if name == day.partition {
                columns.append(.same(.text(day.day.description)))
            } else if let reset = day.resets[name] {
                guard let value = try? database.value("SELECT \(reset)") else { return nil }
                columns.append(.same(value))
            } else if let place = names.firstIndex(of: name) {
                columns.append(.stored(place))
            } else {
                return nil
            }
        }
        return columns
    }
}
