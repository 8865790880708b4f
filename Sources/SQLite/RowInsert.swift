/// Writes rows into a table, several with each statement.
///
/// SQLite opens a table, looks for a place and closes it again for each statement; for rows that come in the order of the key
/// that's half of the work. The statement has to say OR ROLLBACK: otherwise SQLite keeps a copy of each page that
/// several rows touch, to be able to undo some of them. So an error ends the transaction.
package final class RowInsert {
    private let database: Database
    private let sql: (_ values: String) -> String
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

    /// - Parameter sql: The statement, given what stands after VALUES.
    package init(_ database: Database, columns: Int, sql: @escaping (_ values: String) -> String) throws {
        self.database = database
        self.sql = sql
        self.columns = columns
        rowsAtOnce = max(1, min(Self.rowsMax, Self.parametersMax / max(1, columns)))
        one = try database.prepare(sql(Self.values(rows: 1, columns)))
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
        let statement = try database.prepare(sql(Self.values(rows: rowsAtOnce, columns)))
        many = statement
        return statement
    }

    private static func values(rows: Int, _ columns: Int) -> String {
        let row = "(" + Array(repeating: "?", count: columns).joined(separator: ", ") + ")"
        return Array(repeating: row, count: rows).joined(separator: ", ")
    }
}
