import ELTCore
import SQLite

/// Empty tables that get all rows of a query.
extension SQLiteTransformSession {
    package func fill(_ model: String, query: String, columns: [String], key: [String], of entity: String?) throws -> TableChanges {
        try named(model) {
            let areByPlace = try !key.isEmpty && entity.map { try Heads(database: database, entity: $0).areByPlace() } ?? false
            let inserted: Int64
            if areByPlace, key.count == 1, database.attachable > Self.attachableMin, let rows = try fillSorted(model, query: query, columns: columns, key: key[0]) {
                inserted = rows
                sortedFills += 1
            } else {
                let rows = areByPlace ? "SELECT \(Names.list(columns)) FROM (\(query)) ORDER BY \(Names.list(key))" : query
                try database.execute("INSERT OR ROLLBACK INTO \(Names.quoted(model)) (\(Names.list(columns))) \(rows)")
                inserted = database.changes
            }
            try makeRoom()
            return TableChanges(inserted: inserted)
        }
    }

    /// What's left is for timelines and days, which take longer without a file.
    private static let attachableMin = 4

    /// Puts rows in order that come in another, and has them in their table. nil if they aren't rows for that; then nothing has been written.
    private func fillSorted(_ model: String, query: String, columns: [String], key: String) throws -> Int64? {
        let ordered = [key] + columns.filter { $0 != key }
        let types = Dictionary(try (tableColumns(of: model) ?? []).map { ($0.name, $0.type) }, uniquingKeysWith: { $1 })
        let affinities = ordered.map { Affinity(declared: types[$0] ?? nil) }
        // In the table's own order, whatever collation the query's column has.
        let sorter = DayMerger.sorter(path: path + "-rows", keyColumn: 0)
        var record = SortedRecord()
        defer { record.deallocate() }
        let rows = try database.prepare("SELECT \(Names.list(ordered)) FROM (\(query))")
        while try rows.step() {
            guard case .text = rows.key(0), record.take(rows, affinities) else { return nil }
            try sorter.add(record.bytes)
        }
        try sorter.rewind()
        guard let table = try SortedTable(database, table: model, path: SortedDays.path(beside: path)) else { return nil }
        let last = KeptKey()
        var count: Int64 = 0
        while let row = try sorter.next() {
            guard last.take(TextKeys(column: 0).key(of: row)) else {
                // A key twice is told by who inserts it.
                table.discard()
                return nil
            }
            try table.append(row)
            count += 1
            if count & 0xFFFF == 0 { try Interruption.check() }
        }
        try table.finish()
        return count
    }
}
