/// Writes rows into a table, several with each statement.
///
/// SQLite opens a table, looks for a place and closes it again for each statement; for rows that come in the order of the key
/// that's half of the work. The statement says OR ROLLBACK: otherwise SQLite keeps a copy of each page that
/// several rows touch, to be able to undo some of them. So an error ends the transaction. What follows the values must call no function, for the
/// same reason (see `UpdateCounter`), and must set no column that's declared NOT NULL.
///
/// What triggers of somebody's do would be said to roll back as well (https://sqlite.org/lang_createtrigger.html): a table that has some
/// gets its rows one by one, and says nothing.
package final class RowInsert {
    private let database: Database
    private let start: String
    private let end: String
    private let columns: Int
    private let rowsAtOnce: Int
    private let one: Statement
    private var many: Statement?
    /// Rows that were written so far: inserted or changed.
    package private(set) var changes: Int64 = 0

    /// More bring nothing.
    private static let rowsMax = 16
    /// Parameters of a statement: wide rows are written one by one.
    private static let parametersMax = 1024

    /// - Parameters:
    ///   - schema: `main` or `temp`.
    ///   - end: What follows the values, such as ON CONFLICT.
    package init(_ database: Database, schema: String = "main", table: String, columns: [String], end: String = "") throws {
        let hasTriggers = try database.value(
            "SELECT 1 FROM \(schema).sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE", [.text(table)]) != .null
        self.database = database
        let names = columns.map(Database.quoted).joined(separator: ", ")
        start = "INSERT \(hasTriggers ? "" : "OR ROLLBACK ")INTO \(schema).\(Database.quoted(table)) (\(names)) VALUES "
        self.end = " " + end
        self.columns = columns.count
        rowsAtOnce = hasTriggers ? 1 : max(1, min(Self.rowsMax, Self.parametersMax / max(1, columns.count)))
        one = try database.prepare(start + Self.values(rows: 1, columns.count) + self.end)
    }

    /// Writes rows, in their order.
    /// - Parameter bind: Binds a row's values to the parameters after one. What they borrow stays until the end of the call.
    @inline(__always) package func write(
        _ rows: Range<Int>, bind: (_ row: Int, _ statement: Statement, _ before: Int32) throws -> Void
    ) throws {
        var row = rows.lowerBound
        while rows.upperBound - row >= rowsAtOnce, rowsAtOnce > 1 {
            let statement = try severalRows()
            for place in 0..<rowsAtOnce { try bind(row + place, statement, Int32(place * columns)) }
            try run(statement)
            row += rowsAtOnce
        }
        while row < rows.upperBound {
            try bind(row, one, 0)
            try run(one)
            row += 1
        }
    }

    private func run(_ statement: Statement) throws {
        try statement.run()
        changes += database.changes
    }

    private func severalRows() throws -> Statement {
        if let many { return many }
        let statement = try database.prepare(start + Self.values(rows: rowsAtOnce, columns) + end)
        many = statement
        return statement
    }

    private static func values(rows: Int, _ columns: Int) -> String {
        let row = "(" + Array(repeating: "?", count: columns).joined(separator: ", ") + ")"
        return Array(repeating: row, count: rows).joined(separator: ", ")
    }
}
