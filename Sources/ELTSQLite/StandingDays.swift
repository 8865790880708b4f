import ELTCore
import Foundation
import SQLite

/// Takes the rows of days that are made one after the other.
protocol DaySink: AnyObject {
    /// Takes the next row, which is greater than all before it. False if the days can't be made like this.
    func take(_ record: UnsafeRawBufferPointer) throws -> Bool
    /// Whether it has the rows that it took, and gives those of a day once more.
    var keepsRows: Bool { get }
    /// Gives the rows that it took since the last call; nil where it's the first. From now on it takes those of the next day.
    /// - Parameter spool: Empty, and its own until the rows of that day were read.
    func mark(_ spool: RecordSpool) throws -> SortedTrail?
}

extension SortedTable: DaySink {
    var keepsRows: Bool { true }

    func take(_ record: UnsafeRawBufferPointer) throws -> Bool {
        try append(record)
        return true
    }
}

/// Takes the rows that a whole table shall have, in the order of its key, and keeps those that the table doesn't hold, and those
/// that it holds and shan't: a table that's right already isn't written again.
final class StandingDays: DaySink {
    private let standing: StandingTable
    private let changed: SortedTable
    private let gone: RecordSpool
    private var next: UnsafeRawBufferPointer?
    private var previous: UnsafeRawBufferPointer?
    private var isBegun = false
    private var equal: Int64 = 0
    /// Rows that the table doesn't have, has otherwise, and has and shan't.
    private var (missing, other, dropped) = (Int64(0), Int64(0), Int64(0))

    var keepsRows: Bool { false }
    func mark(_ spool: RecordSpool) throws -> SortedTrail? { nil }

    /// Writing a row at its place takes as long as writing a few in bulk: past this the whole table is made anew.
    private var isWorthwhile: Bool { missing + other + dropped <= Self.differingAlways + equal / 4 }
    private static let differingAlways: Int64 = 10_000

    init(_ standing: StandingTable, changed: SortedTable, gone: RecordSpool) {
        self.standing = standing
        self.changed = changed
        self.gone = gone
    }

    func take(_ record: UnsafeRawBufferPointer) throws -> Bool {
        if !isBegun {
            isBegun = true
            guard try step() else { return false }
        }
        while let held = next {
            // The same bytes are the same row. Of others SQLite says whether they are.
            if held.count == record.count, memcmp(held.baseAddress!, record.baseAddress!, held.count) == 0 {
                equal += 1
                return try step()
            }
            guard isInOrder, let order = order(held, record) else { return false }
            if order > 0 { break }
            if order == 0 {
                other += 1
                try changed.append(record)
                return try step() && isWorthwhile
            }
            guard try drop(held) else { return false }
        }
        missing += 1
        try changed.append(record)
        return isWorthwhile
    }

    /// What the table holds behind the last row goes. False if the table is better made anew.
    func finish() throws -> Bool {
        if !isBegun, try !step() { return false }
        while let held = next {
            guard isInOrder, order(held, held) != nil, try drop(held) else { return false }
        }
        return true
    }

    /// Writes what differs into the table, after `finish`, and tells what that was. nil if SQLite finds other rows than were read: then something is
    /// wrong with the table, and it's to be made anew.
    func apply(_ database: Database, model: String, columns: [String], key: [String]) throws -> TableChanges? {
        var changes = TableChanges()
        try gone.rewind()
        let places = key.enumerated().map { "\(Names.quoted($1)) = ?\($0 + 1)" }.joined(separator: " AND ")
        let delete = try database.prepare("DELETE FROM \(Names.quoted(model)) WHERE \(places)")
        while let record = try gone.next() {
            for column in 0..<key.count {
                guard let text = SortedRecord.checkedText(record, column: column) else { return nil }
                delete.bindBorrowed(Int32(column + 1), text: text)
            }
            try delete.run()
            changes.removed += database.changes
        }
        if missing + other > 0 {
            changes += try Upsert(database: database, model: model, columns: columns, key: key, entityKey: key[1])
                .run("SELECT * FROM \(changed.attach())").changes
        }
        return changes.removed == dropped && changes.inserted == missing && changes.updated <= other ? changes : nil
    }

    private func drop(_ held: UnsafeRawBufferPointer) throws -> Bool {
        dropped += 1
        try gone.append(held)
        return try step() && isWorthwhile
    }

    /// False if the table isn't one that can be compared with.
    private func step() throws -> Bool {
        do {
            previous = next
            next = try standing.next()
            return true
        } catch is StandingTable.Malformed {
            return false
        }
    }

    /// Of damaged pages a key may come after one that's greater. Where a row is the same as one that was given, it doesn't.
    private var isInOrder: Bool {
        guard let previous, let next else { return true }
        return order(previous, next).map { $0 < 0 } ?? false
    }

    /// Less, equal or greater than zero, as the first key is less than the second or not; nil for keys that aren't texts.
    private func order(_ one: UnsafeRawBufferPointer, _ two: UnsafeRawBufferPointer) -> Int? {
        for column in 0..<2 {
            guard let a = SortedRecord.checkedText(one, column: column), let b = SortedRecord.checkedText(two, column: column)
            else { return nil }
            let order = compare(a, b)
            if order != 0 { return order }
        }
        return 0
    }
}
