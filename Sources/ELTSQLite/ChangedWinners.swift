import ELTCore
import SQLite

/// The temporary tables that tell models which winners this run has changed: the newest of each key, and those that
/// decide a standing day, or the day after. On that one a key whose winner is older counts as removed: it has no row of a query's, and the
/// day before's is carried.
final class ChangedWinners {
    private let newest: RowInsert
    private let ofDay: RowInsert

    init(_ database: Database, _ entity: String) throws {
        let columns = ["key", "from_day", "removed", "origin", "place"]
        newest = try RowInsert(database, schema: "temp", table: Names.changed(entity), columns: columns)
        ofDay = try RowInsert(database, schema: "temp", table: Names.changedDays(entity), columns: columns + ["on_day"])
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

    /// Adds winners, which stay in their batch.
    func add(_ batch: ChangedBatch) throws {
        try batch.keys.withUnsafeBytes { keys in
            try newest.write(0..<batch.newest.count) { batch.newest[$0].bind(to: $1, after: $2, keys) }
            try ofDay.write(0..<batch.ofDay.count) {
                batch.ofDay[$0].bind(to: $1, after: $2, keys)
                $1.bind($2 + 6, Int64(batch.ofDay[$0].onDay))
            }
        }
    }
}

/// Some changed winners and their keys, on their way into these tables.
final class ChangedBatch {
    struct Row {
        fileprivate var key: Range<Int>
        fileprivate var fromDay: Int32
        fileprivate var removed: Bool
        fileprivate var origin: Int32
        fileprivate var place: Int64
        fileprivate var onDay: Int32

        fileprivate func bind(to statement: Statement, after before: Int32, _ keys: UnsafeRawBufferPointer) {
            statement.bindBorrowed(before + 1, text: UnsafeRawBufferPointer(rebasing: keys[key]))
            statement.bind(before + 2, Int64(fromDay))
            statement.bind(before + 3, removed ? 1 : 0)
            statement.bind(before + 4, Int64(origin))
            statement.bind(before + 5, place)
        }
    }

    fileprivate private(set) var newest: [Row] = []
    fileprivate private(set) var ofDay: [Row] = []
    fileprivate private(set) var keys: [UInt8] = []

    private static let rowsMax = 512

    var isFull: Bool { newest.count + ofDay.count >= Self.rowsMax }

    /// Adds a winner: as its key's newest, or as the one that decides a day.
    func append(_ winner: Winner, on day: Int32?, key: UnsafeRawBufferPointer) {
        let row = Row(
            key: keys.count..<keys.count + key.count, fromDay: winner.day, removed: winner.removed, origin: winner.origin,
            place: winner.place, onDay: day ?? 0)
        keys.append(contentsOf: key)
        if day == nil { newest.append(row) } else { ofDay.append(row) }
    }

    func empty() {
        newest.removeAll(keepingCapacity: true)
        ofDay.removeAll(keepingCapacity: true)
        keys.removeAll(keepingCapacity: true)
    }
}

/// Tells another thread of changed winners.
package final class ChangeRelay {
    private let handover: Handover<ChangedBatch>

    init(_ handover: Handover<ChangedBatch>) { self.handover = handover }

    /// Gives a batch away, and has an empty one instead.
    func exchange(_ batch: ChangedBatch) throws -> ChangedBatch {
        try handover.give(batch)
        return handover.spare() ?? ChangedBatch()
    }
}
