import ELTCore
import SQLite

/// The temporary tables that tell models which winners this run has changed: the newest of each key, and those that
/// decide a standing day, or the day after. On that one a key whose winner is older counts as removed: it has no row of a query's, and the
/// day before's is carried.
final class ChangedWinners {
    private let newest: Statement
    private let ofDay: Statement

    init(_ database: Database, _ entity: String) throws {
        newest = try database.prepare(
            "INSERT INTO temp.\(Names.quoted(Names.changed(entity))) VALUES (?1, ?2, ?3, ?4, ?5)")
        ofDay = try database.prepare(
            "INSERT INTO temp.\(Names.quoted(Names.changedDays(entity))) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    }

    /// Makes them, empty, in a connection. Their rows come in the order of keys, and are read in the order in which they
    /// came: a key of their own would be looked for with each.
    static func create(in database: Database, _ entity: String) throws {
        let (changed, days) = (Names.quoted(Names.changed(entity)), Names.quoted(Names.changedDays(entity)))
        try database.execute(
            """
            DROP TABLE IF EXISTS temp.\(changed);
            DROP TABLE IF EXISTS temp.\(days);
            CREATE TEMP TABLE \(changed) (key TEXT, from_day INTEGER, removed INTEGER, origin INTEGER, place INTEGER);
            CREATE TEMP TABLE \(days) (
                key TEXT, from_day INTEGER, removed INTEGER, origin INTEGER, place INTEGER, on_day INTEGER);
            """)
    }

    /// Says that all are in. With more than one day, those of each are found without looking at all.
    static func finish(in database: Database, _ entity: String) throws {
        let days = Names.changedDays(entity)
        guard try database.value("SELECT min(on_day) <> max(on_day) FROM temp.\(Names.quoted(days))") == .integer(1) else { return }
        try database.execute("CREATE INDEX temp.\(Names.quoted(days + "_by_day")) ON \(Names.quoted(days)) (on_day)")
    }

    /// Adds a winner: as its key's newest, or as the one that decides a day.
    func add(_ winner: Winner, on day: Int32?, key: UnsafeRawBufferPointer) throws {
        let statement = day == nil ? newest : ofDay
        statement.bindBorrowed(1, text: key)
        statement.bind(2, Int64(winner.day))
        statement.bind(3, winner.removed ? 1 : 0)
        statement.bind(4, Int64(winner.origin))
        statement.bind(5, winner.place)
        if let day { statement.bind(6, Int64(day)) }
        try statement.run()
    }
}

/// Tells another thread of changed winners, many at a time.
package final class ChangeRelay {
    /// Some winners and their keys.
    final class Batch {
        static let rowsMax = 512
        private var rows: [(winner: Winner, day: Int32?, length: Int)] = []
        private var keys: [UInt8] = []

        var isFull: Bool { rows.count >= Self.rowsMax }

        func append(_ winner: Winner, on day: Int32?, key: UnsafeRawBufferPointer) {
            rows.append((winner, day, key.count))
            keys.append(contentsOf: key)
        }

        /// Moves all of them into tables.
        func empty(into tables: ChangedWinners) throws {
            try keys.withUnsafeBytes { keys in
                var start = 0
                for row in rows {
                    let key = UnsafeRawBufferPointer(rebasing: keys[start..<start + row.length])
                    try tables.add(row.winner, on: row.day, key: key)
                    start += row.length
                }
            }
            rows.removeAll(keepingCapacity: true)
            keys.removeAll(keepingCapacity: true)
        }
    }

    private let handover: Handover<Batch>
    private var batch = Batch()

    init(_ handover: Handover<Batch>) { self.handover = handover }

    func add(_ winner: Winner, on day: Int32?, key: UnsafeRawBufferPointer) throws {
        batch.append(winner, on: day, key: key)
        if batch.isFull { try flush() }
    }

    func flush() throws {
        try handover.give(batch)
        batch = handover.spare() ?? Batch()
    }
}
