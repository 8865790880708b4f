import ELTCore
import SQLite

/// Writes whole timelines into their empty table, in the order of their keys.
///
/// Rows are packed and filed on a thread of their own, some timelines at a time, while the next are found.
final class TimelineWriter {
    private let file: TimelineFile?
    private let side = SideWork()
    private var batch = TimelineBatch()
    /// The batch that's being filed, or was and can be filled again.
    private var filed = TimelineBatch()
    private let insert: Statement
    private let heads: HeadsFile
    private(set) var keys: Int64 = 0

    /// - Parameters:
    ///   - path: Of the warehouse: files lie beside it for a while.
    ///   - daily: Who puts all winners aside besides.
    init(_ database: Database, _ entity: String, path: String, daily: DailyWinners?) throws {
        heads = HeadsFile(Heads(database: database, entity: entity), beside: path)
        let table = try SortedTable(database, table: Names.winners(entity), path: SortedDays.path(beside: path))
        file = table.map { [heads] in TimelineFile($0, heads, daily) }
        insert = try database.prepare(
            "INSERT INTO \(Names.quoted(Names.winners(entity))) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    }

    // Its file has a name until it's attached, which the next one may have.
    deinit { try? side.settle() }

    /// - Parameter winners: In the order of their days.
    func write(_ key: [UInt8], _ winners: [Winner]) throws {
        if winners.isEmpty { return }
        keys += 1
        try key.withUnsafeBytes { key in
            if file == nil {
                for winner in winners { try insert.write(winner, key: key) }
                try winners.withUnsafeBufferPointer { try heads.note(key, $0) }
            } else {
                batch.add(key, winners)
                if batch.isFull { try fileBatch() }
            }
        }
    }

    private func fileBatch() throws {
        guard let file else { return }
        let full = batch
        try side.start {
            try file.append(full)
            full.removeAll()
        }
        (batch, filed) = (filed, full)
    }

    /// Has the timelines in their table, and their heads ready.
    func finish() throws {
        try fileBatch()
        try side.settle()
        try file?.finish()
        try heads.finish()
    }
}

/// Some timelines on their way into their file.
private final class TimelineBatch {
    private var keys: [UInt8] = []
    private var winners: [Winner] = []
    private var ends: [(key: Int, winners: Int)] = []

    /// Few enough to stay in the cache.
    var isFull: Bool { winners.count >= 2048 || keys.count >= 1 << 18 }

    func add(_ key: UnsafeRawBufferPointer, _ new: [Winner]) {
        keys.append(contentsOf: key)
        winners.append(contentsOf: new)
        ends.append((keys.count, winners.count))
    }

    func removeAll() {
        keys.removeAll(keepingCapacity: true)
        winners.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    func each(_ body: (UnsafeRawBufferPointer, UnsafeBufferPointer<Winner>) throws -> Void) throws {
        try keys.withUnsafeBytes { keys in
            try winners.withUnsafeBufferPointer { winners in
                var begin = (key: 0, winners: 0)
                for end in ends {
                    try body(
                        UnsafeRawBufferPointer(rebasing: keys[begin.key..<end.key]),
                        UnsafeBufferPointer(rebasing: winners[begin.winners..<end.winners]))
                    begin = end
                }
            }
        }
    }
}

/// The file of sorted timelines.
private final class TimelineFile {
    private let table: SortedTable
    private let heads: HeadsFile
    private let daily: DailyWinners?
    private var record = SortedRecord()

    init(_ table: SortedTable, _ heads: HeadsFile, _ daily: DailyWinners?) {
        self.table = table
        self.heads = heads
        self.daily = daily
    }

    deinit { record.deallocate() }

    func append(_ batch: TimelineBatch) throws {
        try batch.each { key, winners in
            try heads.note(key, winners)
            for winner in winners {
                record.begin()
                record.add(key, isText: true)
                record.add(Int64(winner.day))
                winner.withOrder { order in
                    record.add(order, isText: false)
                    record.add(winner.removed ? 1 : 0)
                    record.add(Int64(winner.origin))
                    record.add(winner.place)
                    record.end()
                }
                try table.append(record.bytes)
                daily?.add(key, winner)
            }
        }
    }

    func finish() throws {
        daily?.finish()
        try table.finish()
    }
}

/// Changes timelines where new records were laid in, and notes what changed by it.
final class PendingWriter {
    private let database: Database
    private let begun: BegunWinners
    private let update: Statement
    private let delete: Statement
    private let changes: ChangedWinners
    private var batch = ChangedBatch()
    private let relay: ChangeRelay?
    private let built: ClosedRange<Int32>?
    private let following: Int32?
    private(set) var changedKeys: Int64 = 0
    private(set) var changedDays: Set<Int32> = []

    /// - Parameters:
    ///   - built: The days that models hold.
    ///   - following: The day that comes next, if it has begun.
    ///   - relay: Who is told of changes besides.
    init(_ database: Database, _ entity: String, built: ClosedRange<Day>?, following: Day?, relay: ChangeRelay?) throws {
        let table = Names.quoted(Names.winners(entity))
        self.database = database
        begun = try BegunWinners(database, entity)
        // A row of the same length is overwritten where it lies, and the index by day stays as it is.
        update = try database.prepare(
            "UPDATE \(table) SET ord=?3, removed=?4, origin=?5, place=?6 WHERE key=?1 AND from_day=?2")
        delete = try database.prepare("DELETE FROM \(table) WHERE key=?1 AND from_day=?2")
        changes = try ChangedWinners(database, entity)
        self.relay = relay
        self.built = built.map { $0.lowerBound.daysSinceEpoch...$0.upperBound.daysSinceEpoch }
        self.following = following?.daysSinceEpoch
    }

    func write(_ key: [UInt8], old: [Winner], new: [Winner]) throws {
        try key.withUnsafeBytes { key in
            for winner in old where !new.contains(where: { $0.day == winner.day }) {
                delete.bindBorrowed(1, text: key)
                delete.bind(2, Int64(winner.day))
                try delete.run()
                try checkChanged()
            }
            for (index, winner) in new.enumerated() {
                let standing = old.first { $0.day == winner.day }
                if let standing, standing.isSameRecord(as: winner) { continue }
                if standing == nil {
                    try begun.add(winner, key: key)
                } else {
                    try update.write(winner, key: key)
                    try checkChanged()
                }
                try noteDays(winner, until: index + 1 < new.count ? new[index + 1].day : nil, key: key)
                if index < new.count - 1 { continue }
                changedKeys += 1
                try note(winner, on: nil, key: key)
            }
        }
    }

    /// What was looked up must be what's changed.
    private func checkChanged() throws {
        guard database.changes == 1 else {
            throw WarehouseError.damaged(path: database.path, "a winner that was there a moment ago isn't any more")
        }
    }

    private func note(_ winner: Winner, on day: Int32?, key: UnsafeRawBufferPointer) throws {
        batch.append(winner, on: day, key: key)
        if batch.isFull { try tell() }
    }

    /// Writes what's still waiting.
    func finish() throws {
        try begun.write()
        try tell()
    }

    private func tell() throws {
        try changes.add(batch)
        if let relay { batch = try relay.exchange(batch) } else { batch.empty() }
    }

    /// A winner holds until the next one: every standing day in between is touched.
    private func noteDays(_ winner: Winner, until next: Int32?, key: UnsafeRawBufferPointer) throws {
        guard let built else { return }
        let last = min(built.upperBound, next.map { $0 - 1 } ?? built.upperBound)
        var day = max(winner.day, built.lowerBound)
        while day <= last {
            changedDays.insert(day)
            try note(winner, on: day, key: key)
            day += 1
        }
        guard let following, winner.day <= following, next.map({ $0 > following }) ?? true else { return }
        // A day has rows of its own winners; others are carried from the day before.
        var winner = winner
        winner.removed = winner.removed || winner.day < following
        try note(winner, on: following, key: key)
    }
}

/// Winners from days on that their timelines had none for, some at a time. Each row is written once, so it may come later than changes of other rows.
private final class BegunWinners {
    private let insert: RowInsert
    private var keys: [UInt8] = []
    private var orders: [UInt8] = []
    private var rows: [(key: Range<Int>, winner: Winner)] = []

    private static let rowsMax = 256
    private static let keyBytesMax = 1 << 16

    init(_ database: Database, _ entity: String) throws {
        insert = try RowInsert(
            database, table: Names.winners(entity), columns: ["key", "from_day", "ord", "removed", "origin", "place"])
    }

    func add(_ winner: Winner, key: UnsafeRawBufferPointer) throws {
        rows.append((keys.count..<keys.count + key.count, winner))
        keys.append(contentsOf: key)
        winner.withOrder { orders.append(contentsOf: $0) }
        if rows.count == Self.rowsMax || keys.count >= Self.keyBytesMax { try write() }
    }

    func write() throws {
        try keys.withUnsafeBytes { keys in
            try orders.withUnsafeBytes { orders in
                try insert.write(0..<rows.count) { row, statement, before in
                    let (key, winner) = rows[row]
                    let order = row * RecordOrder.byteCount
                    statement.bindBorrowed(before + 1, text: UnsafeRawBufferPointer(rebasing: keys[key]))
                    statement.bind(before + 2, Int64(winner.day))
                    statement.bindBorrowed(before + 3, blob: UnsafeRawBufferPointer(rebasing: orders[order..<order + RecordOrder.byteCount]))
                    statement.bind(before + 4, winner.removed ? 1 : 0)
                    statement.bind(before + 5, Int64(winner.origin))
                    statement.bind(before + 6, winner.place)
                }
            }
        }
        keys.removeAll(keepingCapacity: true)
        orders.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
    }
}

extension Statement {
    /// Into columns key, from_day, ord, removed, origin, place.
    @inline(__always) fileprivate func write(_ winner: Winner, key: UnsafeRawBufferPointer) throws {
        bindBorrowed(1, text: key)
        bind(2, Int64(winner.day))
        bind(4, winner.removed ? 1 : 0)
        bind(5, Int64(winner.origin))
        bind(6, winner.place)
        try winner.withOrder {
            bindBorrowed(3, blob: $0)
            try run()
        }
    }
}
