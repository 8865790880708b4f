import ELTCore
import SQLite

/// Writes a day as the day before it, less the keys of a scope, plus the rows of a query, in the order of keys.
///
/// In SQL it would be one INSERT … SELECT. But for one that reads the table it writes, SQLite keeps all rows in a
/// temporary table first, and looks up each of them in the scope. Here all three are read once, side by side.
struct CarriedDay {
    let database: Database
    /// Rows of the day before, as they are on the day; sorted by key.
    let before: String
    /// Rows that the model gives for the day; sorted by key.
    let rows: String
    /// The query for the keys for which the day before does not count, sorted as they are in a table whose keys
    /// are texts or integers.
    let scope: (_ areIntegers: Bool) -> String
    let insert: String
    let width: Int
    let keyColumn: Int

    /// Rows that are read before they're written: writing in between costs the reader its place.
    private static let batch = 512

    /// The number of rows; nil if there are keys that aren't all texts or all integers, and then some rows may be
    /// written already.
    func write() throws -> Int64? {
        let base = try database.prepare(before)
        let buffer = RowBuffer(columns: width, capacity: Self.batch)
        try buffer.fill(from: base)
        let areIntegers = buffer.count > 0 && buffer.key(0, keyColumn).isInteger
        let insert = try database.prepare(insert)
        let gone = try Cursor(database.prepare(scope(areIntegers)), 0)
        let new = try Cursor(database.prepare(rows), Int32(keyColumn))
        var count: Int64 = 0
        func add() throws {
            for column in 0..<Int32(width) { insert.bindBorrowed(column + 1, new.statement, column) }
            try insert.run()
            count += 1
            try new.advance()
        }
        while buffer.count > 0 {
            for row in 0..<buffer.count {
                let key = buffer.key(row, keyColumn)
                guard key.isInteger == areIntegers, !key.isOther else { return nil }
                while let next = new.key {
                    guard let order = next.compared(to: key) else { return nil }
                    if order > 0 { break }
                    try add()
                }
                // A key may have several rows: the scope's stays until a greater one comes.
                var isGone = false
                while let next = gone.key {
                    guard let order = next.compared(to: key) else { return nil }
                    isGone = order == 0
                    if order >= 0 { break }
                    try gone.advance()
                }
                if isGone { continue }
                buffer.bind(row, to: insert)
                try insert.run()
                count += 1
            }
            try Interruption.check()
            try buffer.fill(from: base)
        }
        while new.key != nil { try add() }
        return count
    }

    private final class Cursor {
        let statement: Statement
        private let column: Int32
        private(set) var key: SQLKey?

        init(_ statement: Statement, _ column: Int32) throws {
            self.statement = statement
            self.column = column
            try advance()
        }

        func advance() throws { key = try statement.step() ? statement.key(column) : nil }
    }
}
