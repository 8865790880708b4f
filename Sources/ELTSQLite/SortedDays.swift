import ELTCore
import SQLite

/// A table of days that's built in full, one day after the other.
struct DaysPlan {
    let model: String
    /// Of the table, with their declared types.
    let columns: [OutputColumn]
    let partition: String
    let key: String
    /// What columns hold on days on which their key has no record, as SQL.
    let resets: [String: String]

    func carried(_ day: Day) -> CarriedColumns {
        CarriedColumns(model: model, columns: columns.map(\.name), partition: partition, day: day, key: key, resets: resets)
    }
}

/// An empty table that gets its rows in the order of its key.
private protocol DaysTable: DaySink {
    /// All rows are there.
    func finish() throws
    /// They won't be asked for.
    func discard()
}

extension SortedTable: DaysTable {
    fileprivate func finish() throws { try finish(leavesAtOnce: 256) }
}

extension GraftedRows: DaysTable {
    var keepsRows: Bool { true }

    func take(_ record: UnsafeRawBufferPointer) throws -> Bool {
        try append(record)
        return true
    }

    fileprivate func discard() {}
}

/// Makes the days of a table that's built in full, one after the other, each as the day before it, less the keys of a
/// scope, plus the rows of a query.
///
/// Most rows of a day are those of the day before, with another day in them. They're carried over as records, from
/// one spool to the next, without SQLite and on a thread of their own (`DayMerger`); SQLite gives what changed. A new table gets all days
/// together, sorted and ready (`SortedTable`); in one that stands they're compared with what it holds (`StandingDays`). A row that this can't
/// be done with makes `add` or `finish` say so, and then nothing has been written to the table.
final class SortedDays {
    /// A day and its queries, should they have to be run again.
    struct Given: Equatable {
        var day: Day
        var query: String
        var scope: KeyScope
        /// A query for the scope's keys, sorted.
        var keys: String
    }

    let plan: DaysPlan
    /// What the table that's there holds; nil for a new one.
    private let standing: StandingDays?
    private let database: Database
    private let table: any DaysTable
    private let columns: [String]
    private let affinities: [Affinity]
    private var resets: [(column: Int, value: SortedRecord.Value)] = []
    private let merger: DayMerger
    private var record = SortedRecord()
    private(set) var given: [Given] = []

    var isStanding: Bool { standing != nil }

    /// - Parameters:
    ///   - standing: The rows that the table has; nil if it's empty.
    ///   - grafted: Where an empty table's rows go; nil if they're taken over from a file beside it.
    ///   - path: Of the warehouse: files lie beside it for a while.
    /// - Returns: nil if the table isn't one that can be built like this.
    init?(_ database: Database, _ plan: DaysPlan, standing: StandingTable?, grafted: GraftedRows? = nil, path: String) throws {
        let file = try grafted == nil ? SortedTable(database, table: plan.model, path: Self.path(beside: path)) : nil
        guard let table: any DaysTable = grafted ?? file else { return nil }
        self.plan = plan
        self.database = database
        self.table = table
        let rest = plan.columns.filter { $0.name != plan.partition && $0.name != plan.key }
        let first = [plan.partition, plan.key].compactMap { name in plan.columns.first { $0.name == name } }
        columns = (first + rest).map(\.name)
        affinities = (first + rest).map { Affinity(declared: $0.type) }
        self.standing = try standing.flatMap { standing in
            try file.map { StandingDays(standing, changed: $0, gone: try RecordSpool(path: path + "-gone")) }
        }
        let sink: any DaySink = if let standing = self.standing { standing } else { table }
        merger = try DayMerger(sink, path: path)
        guard first.count == 2 else { return nil }
        for (index, name) in columns.enumerated() where index >= 2 {
            guard let literal = plan.resets[name] else { continue }
            guard let value = try SortedRecord.value(of: literal, affinities[index], database) else { return nil }
            resets.append((index, value))
        }
    }

    /// The file that holds the sorted days until they're in the table.
    static func path(beside warehouse: String) -> String { warehouse + "-sorted" }

    deinit {
        merger.stop()
        record.deallocate()
    }

    /// The next day: the model's rows of it, and the keys for which the day before doesn't count. False if it can't be done.
    func add(_ next: Given) throws -> Bool {
        guard try make(next, from: database) else { return false }
        note(next)
        return true
    }

    /// Keeps a day that was made, should it have to be made again.
    func note(_ next: Given) { given.append(next) }

    /// Makes the next day of what a connection sees.
    /// - Parameter winners: Who has the scope's keys, if they needn't be asked for.
    func make(_ next: Given, from database: Database, keys winners: DailyWinners? = nil) throws -> Bool {
        guard !merger.hasGivenUp,
            let date = try SortedRecord.value(of: Names.literal(next.day.description), affinities[0], database)
        else { return false }
        let merged = try merger.next(replacing: [(column: 0, value: date)] + resets)
        guard try spool(next.query, next.day, from: database, into: merged) else { return false }
        if let winners {
            try winners.eachKey(on: next.day) { try merged.gone.append($0) }
        } else {
            guard try spool(keys: next.keys, from: database, into: merged) else { return false }
        }
        try merger.add(merged)
        return true
    }

    private func spool(_ query: String, _ day: Day, from database: Database, into merged: DayMerger.Day) throws -> Bool {
        let query = "SELECT \(Names.list(columns)) FROM (\(query))"
        let text = Array(day.description.utf8)
        let new = try database.prepare(query)
        return try text.withUnsafeBytes { text in
            while try new.step() {
                guard case .text(let on) = new.key(0), SQLKey.text(on).compared(to: .text(text)) == 0, case .text = new.key(1),
                    record.take(new, affinities)
                else { return false }
                try merged.rows.add(record.bytes)
            }
            return true
        }
    }

    private func spool(keys: String, from database: Database, into merged: DayMerger.Day) throws -> Bool {
        let gone = try database.prepare(keys)
        while try gone.step() {
            guard case .text(let key) = gone.key(0) else { return false }
            try merged.gone.append(key)
        }
        return true
    }

    /// Has all days in the table, and tells what changed there; nil if it can't be done.
    /// - Parameter mayFail: Whether days that couldn't be put together are to be made in another way.
    func finish(mayFail: Bool = false) throws -> TableChanges? {
        guard let rows = mayFail ? (try? merger.finish()) ?? nil : try merger.finish() else { return nil }
        guard let standing else {
            try table.finish()
            return TableChanges(inserted: rows)
        }
        guard try standing.finish() else { return nil }
        return try standing.apply(
            database, model: plan.model, columns: plan.columns.map(\.name), key: [plan.partition, plan.key])
    }

    /// Ends it: the days are to be made in another way.
    func discard() {
        merger.stop()
        table.discard()
    }
}
