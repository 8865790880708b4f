import ELTCore
import SQLite

/// The rows of a day: those of the day before less the keys of a scope, and those of a query, in the order of keys.
///
/// In SQL it would be one INSERT … SELECT. But for one that reads the table it writes, SQLite keeps all rows in a
/// temporary table first, and looks up each of them in the scope. Here all three are read once, side by side.
final class CarriedRows {
    /// Keys that aren't all texts or all integers: they have no order here.
    struct MixedKeys: Error {}

    private let old: Cursor
    private let new: Cursor
    private let gone: Cursor
    private let areIntegers: Bool

    /// Statements that give rows in the order of keys; they belong to this from now on.
    /// - Parameters:
    ///   - before: Rows of the day before, as they are on the day.
    ///   - rows: Rows that the model gives for the day.
    ///   - scope: The keys for which the day before doesn't count, as they are in a table whose keys are texts or integers.
    init(before: Statement, rows: Statement, keyColumn: Int, scope: (_ areIntegers: Bool) throws -> Statement) throws {
        old = try Cursor(before, Int32(keyColumn))
        areIntegers = old.key?.isInteger ?? false
        new = try Cursor(rows, Int32(keyColumn))
        gone = try Cursor(scope(areIntegers), 0)
    }

    /// Puts the next rows into a buffer.
    func fill(_ buffer: RowBuffer) throws {
        try Interruption.check()
        try buffer.fill { try add(to: buffer) }
    }

    /// False if there are no more.
    private func add(to buffer: RowBuffer) throws -> Bool {
        while let key = old.key {
            guard key.isInteger == areIntegers, !key.isOther else { throw MixedKeys() }
            if let next = new.key, try order(next, key) <= 0 { return try take(new, buffer) }
            // A key may have several rows: the scope's stays until a greater one comes.
            var isGone = false
            while let next = gone.key {
                let order = try order(next, key)
                isGone = order == 0
                if order >= 0 { break }
                try gone.advance()
            }
            if !isGone { return try take(old, buffer) }
            try old.advance()
        }
        return new.key == nil ? false : try take(new, buffer)
    }

    private func take(_ cursor: Cursor, _ buffer: RowBuffer) throws -> Bool {
        buffer.append(cursor.statement)
        try cursor.advance()
        return true
    }

    private func order(_ one: SQLKey, _ two: SQLKey) throws -> Int {
        guard let order = one.compared(to: two) else { throw MixedKeys() }
        return order
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
