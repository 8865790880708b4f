import ELTCore
import SQLite

/// Writes the rows of a model, each with the days for which its winner wins.
struct IntervalRows {
    private let database: Database
    private let history: IntervalHistory
    private let names: IntervalNames
    /// What else becomes of a key when its row comes, and the touched winners; nil in empty tables.
    private let ends: IntervalEnds?
    private let touched: Statement?
    private let walk: WinnerWalk

    init(_ database: Database, _ history: IntervalHistory, ends: IntervalEnds?) throws {
        self.database = database
        self.history = history
        self.ends = ends
        names = IntervalNames(history: history)
        walk = try WinnerWalk(database, history.entity)
        touched = try ends.map { _ in
            try database.prepare(
                "SELECT last_day, since, next FROM temp.\(TouchedKeys.winners) WHERE key = ?1 AND from_day = ?2")
        }
    }

    /// What was written, and the keys of all rows that the query gave.
    func write(_ query: String) throws -> (changes: TableChanges, keys: KeySum) {
        var keys = KeySum()
        var written: Int64 = 0
        let counter = try UpdateCounter(database)
        let columns = names.columns
        let rows = try database.prepare("SELECT \(Names.list(columns + [history.partition])) FROM (\(query))")
        let write = try database.prepare(sql(columns))
        let width = Int32(columns.count)
        let keyColumn = Int32(columns.firstIndex(of: history.key) ?? 0)
        var days = DayNumbers()
        while try rows.step() {
            for column in 0..<width { write.bindBorrowed(column + 1, rows, column) }
            let day = days.number(rows.bytes(width))
            guard let day, let last = try last(of: rows.bytes(keyColumn), from: day) else {
                throw WarehouseError.foreignDay(model: history.model)
            }
            write.bind(width + 1, day + IntervalNames.shift)
            write.bind(width + 2, last + IntervalNames.shift)
            try write.run()
            written += ends == nil ? 1 : database.changes
            keys.add(rows.bytes(keyColumn))
            if keys.count & 0xFFFF == 0 { try Interruption.check() }
        }
        return (TableChanges(inserted: written - counter.updates, updated: counter.updates), keys)
    }

    private func sql(_ columns: [String]) throws -> String {
        let all = columns + [names.firstDay, names.lastDay]
        let places = (1...all.count).map { "?\($0)" }.joined(separator: ", ")
        let insert = "INSERT INTO \(names.rows) (\(Names.list(all))) VALUES (\(places)) "
        if ends == nil { return insert }
        return try insert
            + Upsert(
                database: database, model: IntervalNames.rows(history.model), columns: all,
                key: [history.key, names.firstDay], entityKey: history.key
            ).onConflict()
    }

    /// The last day of the winner that begins on a day; nil if none does.
    private func last(of key: UnsafeRawBufferPointer, from day: Int64) throws -> Int64? {
        guard let ends, let touched else {
            let (found, next) = try walk.next(of: key, after: day)
            return found ? next.map { $0 - 1 } ?? IntervalNames.open : nil
        }
        touched.bindBorrowed(1, text: key)
        touched.bind(2, day)
        defer { touched.reset() }
        guard try touched.step() else { return nil }
        // The row is written into the pages that this reads.
        try ends.run(IntervalEnds.Key(name: key, since: touched.int(1), next: touched.int(2), begins: day))
        return touched.int(0)
    }
}

/// The numbers of days that come as texts, most often the same as before.
private struct DayNumbers {
    private var text: [UInt8] = []
    private var day: Int64?

    mutating func number(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        if text.isEmpty || !text.elementsEqual(bytes) {
            text = Array(bytes)
            day = Day(String(decoding: bytes, as: UTF8.self)).map { Int64($0.daysSinceEpoch) }
        }
        return day
    }
}
