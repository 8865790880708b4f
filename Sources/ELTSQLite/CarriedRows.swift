import ELTCore
import SQLite

/// The rows of a day: those of the day before less the keys of a scope, and those of a query, in the order of keys.
///
/// In SQL it would be one INSERT … SELECT. But for one that reads the table it writes, SQLite keeps all rows in a
/// temporary table first, and looks up each of them in the scope. Here all three are read once, side by side.
final class CarriedRows {
    /// Keys that aren't all texts or all integers: they have no order here.
    struct MixedKeys: Error {}

    private let old: any RowSource
    private let new: StatementRows
    private let gone: StatementRows
    private let areIntegers: Bool

    /// Statements that give rows in the order of keys; they belong to this from now on.
    /// - Parameters:
    ///   - before: Rows of the day before, as they are on the day.
    ///   - rows: Rows that the model gives for the day.
    ///   - scope: The keys for which the day before doesn't count, as they are in a table whose keys are texts or integers.
    init(before: any RowSource, rows: Statement, keyColumn: Int, scope: (_ areIntegers: Bool) throws -> Statement) throws {
        old = before
        areIntegers = old.key?.isInteger ?? false
        new = try StatementRows(rows, keyColumn: keyColumn)
        gone = try StatementRows(scope(areIntegers), keyColumn: 0)
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
            if let next = new.key, try order(next, key) <= 0 {
                new.append(to: buffer)
                try new.advance()
                return true
            }
            // A key may have several rows: the scope's stays until a greater one comes.
            var isGone = false
            while let next = gone.key {
                let order = try order(next, key)
                isGone = order == 0
                if order >= 0 { break }
                try gone.advance()
            }
            if !isGone { old.append(to: buffer) }
            try old.advance()
            if !isGone { return true }
        }
        guard new.key != nil else { return false }
        new.append(to: buffer)
        try new.advance()
        return true
    }

    private func order(_ one: SQLKey, _ two: SQLKey) throws -> Int {
        guard let order = one.compared(to: two) else { throw MixedKeys() }
        return order
    }
}

/// Rows in the order of their keys, one at a time.
protocol RowSource: AnyObject {
    /// Of the row that's next, borrowed until `advance`; nil at the end.
    var key: SQLKey? { get }
    func append(to buffer: RowBuffer)
    func advance() throws
}

/// Those of a statement.
final class StatementRows: RowSource {
    private let statement: Statement
    private let column: Int32
    private(set) var key: SQLKey?

    init(_ statement: Statement, keyColumn: Int) throws {
        self.statement = statement
        column = Int32(keyColumn)
        try advance()
    }

    func append(to buffer: RowBuffer) { buffer.append(statement) }
    func advance() throws { key = try statement.step() ? statement.key(column) : nil }
}

/// Those of a day, from the pages of a table's file.
final class StandingRows: RowSource {
    private let table: StandingTable
    private let day: [UInt8]
    private let columns: [RecordColumn]
    private let record = RecordReader()
    private(set) var key: SQLKey?

    /// - Parameters:
    ///   - table: Of records that begin with the day and the key.
    ///   - columns: Those of the rows that are given.
    init(_ table: StandingTable, day: Day, columns: [RecordColumn]) throws {
        self.table = table
        self.day = Array(day.description.utf8)
        self.columns = columns
        try table.begin(at: self.day)
        try advance()
    }

    func append(to buffer: RowBuffer) { buffer.append(record, columns) }

    func advance() throws {
        let previous = key
        key = nil
        guard let bytes = try table.next() else { return }
        guard record.read(bytes), case .text(let day) = record.key(0) else { throw StandingTable.Malformed() }
        guard day.equals(self.day) else {
            // Of damaged pages one may be less than the day that was begun with. SQLite would read on.
            if self.day.withUnsafeBytes({ compare(day, $0) }) < 0 { throw StandingTable.Malformed() }
            return
        }
        let next = record.key(1)
        // Of damaged pages one may lead back to another. The record before this one is still there.
        if let previous, previous.compared(to: next).map({ $0 >= 0 }) ?? true { throw StandingTable.Malformed() }
        key = next
    }
}
