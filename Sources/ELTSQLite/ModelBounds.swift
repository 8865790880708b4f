import CSQLite
import ELTCore
import SQLite

/// What a project's own SQL may use up, and what it mustn't ask.
struct ModelBounds {
    let model: String
    let timeMax: Duration

    /// The longest text or blob that a model may make, in bytes.
    private static let valueBytesMax: Int32 = 256 << 20

    /// Runs statements of a model: not longer than `timeMax`, not with values without end, and
    /// without the clock. A signal ends them; the transaction around them rolls back.
    /// - Parameter isOver: Ends them too.
    func keep<T>(_ database: Database, isOver: @escaping () -> Bool = { false }, _ body: () throws -> T) throws -> T {
        let reads = RefusedClock.reads
        let end = ContinuousClock.now + timeMax
        // Bounds within bounds end with the inner ones: what's outside goes on in its own.
        let outer = database.stop
        let length = database.limit(SQLITE_LIMIT_LENGTH, Self.valueBytesMax)
        database.setStop { Interruption.isRequested || ContinuousClock.now > end || isOver() }
        defer {
            database.setStop(outer)
            database.limit(SQLITE_LIMIT_LENGTH, length)
        }
        let result: T
        do {
            result = try body()
        } catch let error as SQLiteError where error.primaryCode == SQLITE_INTERRUPT {
            try Interruption.check()
            throw WarehouseError.modelTooLong(name: model, seconds: timeMax.components.seconds)
        }
        guard RefusedClock.reads == reads else { throw WarehouseError.modelClock(name: model) }
        return result
    }
}

extension SQLiteWarehouse {
    /// How far a model is run to see whether it asks for the time, in steps of SQLite's machine.
    private static let probeStepsMax: Int32 = 200_000

    func bounded<T>(_ model: String, _ body: () throws -> T) throws -> T {
        try ModelBounds(model: model, timeMax: modelTimeMax).keep(database, body)
    }

    /// Looks for the first row of a query, for a moment: a view isn't run by us, and readers would get
    /// other rows each time if it asked for the time.
    func probe(_ query: String) throws {
        let statement = try database.prepareGuarded("SELECT * FROM (\(query)) LIMIT 1")
        var isOver = false
        let outer = database.stop
        database.setStop(every: Self.probeStepsMax) {
            isOver = true
            return true
        }
        defer { database.setStop(outer) }
        do {
            _ = try statement.step()
        } catch where isOver {
            // It takes longer than that: what it does with every row is seen when it's built.
        }
    }
}
