import ELTCore
import Foundation
import SQLite

/// What the resolver must know of a partition to place its events in the order.
struct PartitionRank {
    var operation: Int
    var topic: Int
    var partition: Int32
    var incarnation: Int
}

/// Records of one kind, sorted by key.
protocol RecordCursor: AnyObject {
    /// The key that comes next; valid until `drain`. nil at the end.
    var key: UnsafeRawBufferPointer? { get }
    /// Appends all records of the key that comes next, and moves on.
    func drain(into pool: inout [Winner]) throws
}

/// Events, from a query that gives key, day, epoch, time, removes, id and month, in any order.
///
/// The query has ended when this is made: what it reads may be written to.
final class EventCursor: RecordCursor {
    private let sorter: RecordSorter<WinnerKeys>
    private var record: UnsafeRawBufferPointer?
    private var keyCopy: [UInt8] = []

    var records: Int64 { sorter.records }

    /// - Parameter path: Files that lie there for a while begin with it.
    init(_ statement: Statement, ranks: [Int64: PartitionRank], path: String) throws {
        sorter = RecordSorter(path: path, WinnerKeys())
        while try statement.step() {
            let id = statement.int(5)
            // A topic that's no longer configured has no rank: its rows aren't records any more.
            guard let rank = ranks[PackedPlace.group(id)] else { continue }
            let order = RecordOrder(
                epoch: Int(statement.int(2)), kind: .event, time: statement.int(3),
                operationRank: rank.operation, topicRank: rank.topic, partition: rank.partition,
                incarnation: rank.incarnation, offset: PackedPlace.offset(id))
            let winner = Winner(
                order: order, day: Int32(truncatingIfNeeded: statement.int(1)), removed: statement.int(4) != 0,
                origin: Int32(truncatingIfNeeded: statement.int(6)), place: id)
            try withUnsafeBytes(of: winner) { try sorter.add($0, statement.bytes(0)) }
        }
        try sorter.rewind()
        record = try sorter.next()
    }

    var key: UnsafeRawBufferPointer? { record.map(WinnerKeys().key) }

    func drain(into pool: inout [Winner]) throws {
        guard let first = key else { return }
        keyCopy.removeAll(keepingCapacity: true)
        keyCopy.append(contentsOf: first)
        while let found = record, WinnerKeys().key(of: found).equals(keyCopy) {
            pool.append(WinnerKeys.winner(of: found))
            record = try sorter.next()
        }
    }
}

/// Rows of one full load, from a query that gives key and id, sorted by key.
final class FullLoadCursor: RecordCursor {
    private let statement: Statement
    private let load: FullLoadMark
    private(set) var key: UnsafeRawBufferPointer?
    private var keyCopy: [UInt8] = []
    private(set) var records: Int64 = 0

    init(_ statement: Statement, load: FullLoadMark) throws {
        self.statement = statement
        self.load = load
        try advance()
    }

    private func advance() throws { key = try statement.step() ? statement.bytes(0) : nil }

    func drain(into pool: inout [Winner]) throws {
        guard let first = key else { return }
        keyCopy.removeAll(keepingCapacity: true)
        keyCopy.append(contentsOf: first)
        while let key, key.equals(keyCopy) {
            let id = statement.int(1)
            pool.append(
                Winner(
                    order: .fullLoad(epoch: load.number, row: PackedPlace.offset(id)), day: load.day.daysSinceEpoch,
                    removed: false, origin: 0, place: id))
            records += 1
            try advance()
        }
    }
}

/// Winners as they're stored, sorted by key and day.
final class StoredCursor: RecordCursor {
    private let statement: Statement
    private(set) var key: UnsafeRawBufferPointer?
    private var keyCopy: [UInt8] = []

    init(_ statement: Statement) throws {
        self.statement = statement
        try advance()
    }

    private func advance() throws { key = try statement.step() ? statement.bytes(0) : nil }

    func drain(into pool: inout [Winner]) throws {
        guard let first = key else { return }
        keyCopy.removeAll(keepingCapacity: true)
        keyCopy.append(contentsOf: first)
        while let key, key.equals(keyCopy) {
            pool.append(Self.winner(statement))
            try advance()
        }
    }

    /// From columns key, from_day, ord, removed, origin, place.
    static func winner(_ statement: Statement) -> Winner {
        Winner(
            stored: statement.bytes(2), day: Int32(truncatingIfNeeded: statement.int(1)),
            removed: statement.int(3) != 0, origin: Int32(truncatingIfNeeded: statement.int(4)),
            place: statement.int(5))
    }
}

extension UnsafeRawBufferPointer {
    /// Less in the order of bytes, which is SQLite's BINARY collation.
    @inline(__always) func precedes(_ other: UnsafeRawBufferPointer) -> Bool {
        let count = Swift.min(self.count, other.count)
        if count > 0, let mine = baseAddress, let others = other.baseAddress {
            let order = memcmp(mine, others, count)
            if order != 0 { return order < 0 }
        }
        return self.count < other.count
    }

    @inline(__always) func equals(_ other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        guard count > 0, let mine = baseAddress else { return true }
        return other.withUnsafeBytes { memcmp(mine, $0.baseAddress!, count) == 0 }
    }
}
