import CSQLite
import ELTCore
import SQLite

/// What a project's own SQL may use up, and what it mustn't ask.
extension SQLiteWarehouse {
    /// The longest text or blob that a model may make, in bytes.
    private static let modelValueBytesMax: Int32 = 256 << 20
    /// How far a model is run to see whether it asks for the time, in steps of SQLite's machine.
    private static let probeStepsMax: Int32 = 200_000

    /// Runs statements of a model: not longer than `modelTimeMax`, not with values without end, and
    /// without the clock. A signal ends them; the transaction around them rolls back.
    func bounded<T>(_ model: String, _ body: () throws -> T) throws -> T {
        let reads = RefusedClock.reads
        let end = ContinuousClock.now + modelTimeMax
        let length = database.limit(SQLITE_LIMIT_LENGTH, Self.modelValueBytesMax)
        database.setStop { Interruption.isRequested || ContinuousClock.now > end }
        defer {
            database.setStop(nil)
            database.limit(SQLITE_LIMIT_LENGTH, length)
        }
        let result: T
        do {
            result = try body()
        } catch let error as SQLiteError where error.primaryCode == SQLITE_INTERRUPT {
            try Interruption.check()
            throw WarehouseError.modelTooLong(name: model, seconds: modelTimeMax.components.seconds)
        }
        guard RefusedClock.reads == reads else { throw WarehouseError.modelClock(name: model) }
        return result
    }

    /// Looks for the first row of a query, for a moment: a view isn't run by us, and readers would get
    /// other rows each time if it asked for the time.
    func probe(_ query: String) throws {
        let statement = try database.prepareGuarded("SELECT * FROM (\(query)) LIMIT 1")
        var isOver = false
        database.setStop(every: Self.probeStepsMax) {
            isOver = true
            return true
        }
        defer { database.setStop(nil) }
        do {
            _ = try statement.step()
        } catch where isOver {
            // It takes longer than that: what it does with every row is seen when it's built.
        }
    }
}
