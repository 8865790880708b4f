import ELTCore
import Foundation
import SQLite

/// Makes each day's rows of those of the day before and of what changed, on a thread of its own, which has nothing to do
/// with the database: while it makes one day, SQLite finds what changed on the next.
final class DayMerger {
    /// What changed on a day.
    struct Day {
        /// Values of the day before that are others on this day.
        var replacing: [(column: Int, value: SortedRecord.Value)]
        let rows: RecordSorter<TextKeys>
        /// Keys, in their order, whose rows of the day before end with it.
        let gone: RecordSpool
    }

    private let condition = NSCondition()
    private var waiting: Day?
    private var spare: [(rows: RecordSorter<TextKeys>, gone: RecordSpool)] = []
    private var isComplete = false
    private var isStopped = false
    private var isRunning = false
    private var failure: (any Error)?
    /// What `finish` gives; nil once a day couldn't be made.
    private var rows: Int64? = 0

    // The thread's own from here on.
    /// Nobody's once the thread has ended, so that its file goes when its owner wants it to.
    private var sink: (any DaySink)?
    /// The rows of the day before, and those of this one. Where the sink keeps them, what it needs to give them again.
    private var spools: (before: RecordSpool, written: RecordSpool)
    private var carried = SortedRecord()
    private let last = KeptKey()

    /// - Parameter path: Spools lie beside it, without names.
    init(_ sink: any DaySink, path: String) throws {
        self.sink = sink
        spools = (try RecordSpool(path: path + "-before"), try RecordSpool(path: path + "-day"))
        // One is filled while the other is read.
        for name in ["a", "b"] {
            spare.append((Self.sorter(path: path + "-rows-" + name, keyColumn: 1), try RecordSpool(path: path + "-gone-" + name)))
        }
    }

    deinit { carried.deallocate() }

    /// For rows on their way to a table whose key is a text.
    static func sorter(path: String, keyColumn: Int) -> RecordSorter<TextKeys> {
        RecordSorter(path: path, TextKeys(column: keyColumn), runBytes: 8 << 20)
    }

    // MARK: The database's side

    /// An empty day to be filled; waits until the last but one is made.
    func next(replacing: [(column: Int, value: SortedRecord.Value)]) throws -> Day {
        let spools = try condition.withLock {
            while spare.isEmpty && failure == nil { condition.wait() }
            if let failure { throw failure }
            return spare.removeLast()
        }
        try spools.rows.restart()
        try spools.gone.restart()
        return Day(replacing: replacing, rows: spools.rows, gone: spools.gone)
    }

    func add(_ day: Day) throws {
        try day.gone.rewind()
        try condition.withLock {
            while waiting != nil && isRunning { condition.wait() }
            if let failure { throw failure }
            waiting = day
            condition.broadcast()
            if isRunning { return }
            // Both threads use it under its condition; what's below is the thread's until it has ended.
            nonisolated(unsafe) let merger = self
            try WorkThread.start { merger.work() }
            isRunning = true
        }
    }

    /// How many rows all days have; nil if one of them can't be made like this.
    func finish() throws -> Int64? {
        try condition.withLock {
            isComplete = true
            condition.broadcast()
            while isRunning { condition.wait() }
            sink = nil
            if let failure { throw failure }
            return rows
        }
    }

    /// Ends the thread where it stands; there's no next day after this.
    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
            while isRunning { condition.wait() }
            sink = nil
        }
        // Whoever makes the days in another way may need the room.
        spare = []
        try? spools.before.restart()
        try? spools.written.restart()
    }

    // MARK: The thread

    private func work() {
        var failure: (any Error)?
        do {
            while let day = take() {
                let made = try make(day)
                condition.withLock {
                    rows = rows.flatMap { rows in made.map { rows + $0 } }
                    spare.append((day.rows, day.gone))
                    condition.broadcast()
                }
            }
        } catch let error {
            failure = error
        }
        condition.withLock {
            self.failure = failure
            isRunning = false
            condition.broadcast()
        }
    }

    private func take() -> Day? {
        condition.withLock {
            while waiting == nil && !isComplete && !isStopped { condition.wait() }
            if isStopped { return nil }
            defer {
                waiting = nil
                condition.broadcast()
            }
            return waiting
        }
    }

    private func isOver() throws -> Bool {
        try Interruption.check()
        return condition.withLock { isStopped || rows == nil }
    }

    /// Whether it's known already that a day couldn't be made.
    var hasGivenUp: Bool { condition.withLock { rows == nil } }

    /// How many rows the day has; nil if its keys aren't each greater than the last, or if the sink doesn't take them.
    private func make(_ day: Day) throws -> Int64? {
        guard let sink else { return nil }
        let (written, before) = spools
        spools = (before, written)
        try written.restart()
        let keepsRows = sink.keepsRows
        let trail = try sink.mark(written)
        if !keepsRows { try before.rewind() }
        try day.rows.rewind()
        var count: Int64 = 0
        var new = try day.rows.next()
        var gone = try day.gone.next()
        last.forget()

        func key(of record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            SortedRecord.text(record, column: 1) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        }
        func add(_ record: UnsafeRawBufferPointer) throws -> Bool {
            if !keepsRows { try written.append(record) }
            count += 1
            return try sink.take(record)
        }
        /// In the table's own order, whatever collation the query's column has.
        func addNew(_ record: UnsafeRawBufferPointer) throws -> Bool {
            guard last.take(key(of: record)), try add(record) else { return false }
            new = try day.rows.next()
            return true
        }
        var looks = 0
        func isDue() -> Bool {
            looks += 1
            return looks & 0xFFFF == 1
        }
        while let old = try keepsRows ? trail?.next() : before.next() {
            if isDue(), try isOver() { return nil }
            let oldKey = key(of: old)
            while let record = new {
                let order = compare(key(of: record), oldKey)
                if order > 0 { break }
                guard try addNew(record) else { return nil }
            }
            var isGone = false
            while let ended = gone {
                let order = compare(ended, oldKey)
                isGone = order == 0
                if order >= 0 { break }
                gone = try day.gone.next()
            }
            if isGone { continue }
            if last.equals(oldKey) { return nil }
            carried.take(old, replacing: day.replacing)
            guard try add(carried.bytes) else { return nil }
        }
        while let record = new {
            if isDue(), try isOver() { return nil }
            guard try addNew(record) else { return nil }
        }
        return count
    }
}
