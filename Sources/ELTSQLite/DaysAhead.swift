import ELTCore
import Foundation
import SQLite

/// The days of a new table, evaluated and put together on a thread of their own while the writing connection builds other models
/// (decision 11).
///
/// The thread has a connection that sees the raw rows as they were committed, and the winners as they were put aside. What it fails with isn't
/// told: the days are made again in the ordinary way then, and fail there if they must.
final class DaysAhead {
    let model: String
    /// Days that were asked for and are made.
    private(set) var taken = 0
    private let given: [SortedDays.Given]
    private let work: Work

    /// - Parameters:
    ///   - days: The thread's from now on, until `end`.
    ///   - database: As `SQLiteWarehouse.frozen` gives it.
    ///   - tables: What a query may read there.
    /// - Throws: `WorkThreadError`.
    init(
        _ days: SortedDays, _ given: [SortedDays.Given], from database: Database, winners: DailyWinners, tables: Set<String>, timeMax: Duration,
        stackBytes: Int = WorkThread.stackBytes
    ) throws {
        model = days.plan.model
        self.given = given
        work = Work(
            days: days, given: given, database: database, winners: winners, tables: tables, bounds: ModelBounds(model: model, timeMax: timeMax))
        try work.start(stackBytes: stackBytes)
    }

    deinit { work.end() }

    var areAllTaken: Bool { taken == given.count }

    /// Waits until the day is made. False if it can't be, or is another than the one that was given.
    func take(_ next: SortedDays.Given) throws -> Bool {
        guard taken < given.count, given[taken] == next, work.hasMade(taken + 1) else { return false }
        taken += 1
        return true
    }

    /// Ends the thread where it stands; the days are the caller's then.
    func end() { work.end() }

    private final class Work {
        private let condition = NSCondition()
        private var made = 0
        private var isRunning = false
        private var isStopped = false

        // The thread's own.
        /// Nobody's once the thread has ended, so that its files go when their owner wants it.
        private var days: SortedDays?
        private let given: [SortedDays.Given]
        private var database: Database?
        private var winners: DailyWinners?
        private let tables: Set<String>
        private let bounds: ModelBounds

        init(
            days: SortedDays, given: [SortedDays.Given], database: Database, winners: DailyWinners, tables: Set<String>, bounds: ModelBounds
        ) {
            self.days = days
            self.given = given
            self.database = database
            self.winners = winners
            self.tables = tables
            self.bounds = bounds
        }

        func start(stackBytes: Int) throws {
            try condition.withLock {
                // Both threads use it under its condition; what a day takes is the thread's until it has ended.
                nonisolated(unsafe) let work = self
                try WorkThread.start(stackBytes: stackBytes) { work.run() }
                isRunning = true
            }
        }

        func hasMade(_ count: Int) -> Bool {
            condition.withLock {
                while made < count && isRunning { condition.wait() }
                return made >= count
            }
        }

        func end() {
            condition.withLock {
                isStopped = true
                while isRunning { condition.wait() }
            }
        }

        func run() {
            try? makeAll()
            // Whoever makes them in another way may need the room.
            if condition.withLock({ made < given.count }) { days?.discard() }
            days = nil
            condition.withLock {
                isRunning = false
                condition.broadcast()
            }
        }

        private var isOver: Bool { condition.withLock { isStopped } }

        /// Not inlined: then it holds nothing any more when it returns.
        @inline(never) private func makeAll() throws {
            // The connection ends before the thread says so.
            defer { (database, winners) = (nil, nil) }
            guard let days, let database, let winners, try winners.attach(to: database, unless: { [self] in isOver }) != nil else { return }
            for next in given {
                try Interruption.check()
                let isMade = try bounds.keep(database, isOver: { [self] in isOver }) {
                    _ = try database.prepareGuarded(next.query, tables: tables)
                    return try days.make(next, from: database, keys: winners)
                }
                guard isMade, !isOver else { return }
                condition.withLock {
                    made += 1
                    condition.broadcast()
                }
            }
        }
    }
}
