import ELTCore
import SQLite

/// Writes the days of a table that's built in full, one after the other, each as the day before it, less the keys of a
/// scope, plus the rows of a query.
///
/// Most rows of a day are those of the day before, with another day in them. They're carried over as records, from
/// one spool to the next, without SQLite and on a thread of their own (`DayMerger`); SQLite gives what changed, and
/// gets all days together, sorted and ready (`SortedTable`). A row that this can't be done with makes `add` or `finish` say
/// so, and then nothing has been written to the table.
final class SortedDays {
    /// A day and its queries, should they have to be run again.
    struct Given {
        var day: Day
        var query: String
        var scope: KeyScope
    }

    let model: String
    private let database: Database
    private let table: SortedTable
    private let columns: [String]
    private let affinities: [Affinity]
    private let key: String
    private var resets: [(column: Int, value: SortedRecord.Value)] = []
    private let merger: DayMerger
    private var record = SortedRecord()
    private(set) var given: [Given] = []

    /// - Parameters:
    ///   - columns: Of the table, with their declared types.
    ///   - path: Of the warehouse: files lie beside it for a while.
    /// - Returns: nil if the table isn't one that can be built like this.
    init?(
        _ database: Database, model: String, columns: [OutputColumn], partition: String, key: String,
        resets: [String: String], path: String
    ) throws {
        guard let table = try SortedTable(database, table: model, path: Self.path(beside: path)) else { return nil }
        self.model = model
        self.database = database
        self.table = table
        self.key = key
        let rest = columns.filter { $0.name != partition && $0.name != key }
        let first = [partition, key].compactMap { name in columns.first { $0.name == name } }
        self.columns = (first + rest).map(\.name)
        affinities = (first + rest).map { Affinity(declared: $0.type) }
        merger = try DayMerger(table, path: path)
        guard first.count == 2 else { return nil }
        for (index, name) in self.columns.enumerated() where index >= 2 {
            guard let literal = resets[name] else { continue }
            guard let value = try SortedRecord.value(of: literal, affinities[index], database) else { return nil }
            self.resets.append((index, value))
        }
    }

    /// The file that holds the sorted days until they're in the table.
    static func path(beside warehouse: String) -> String { warehouse + "-sorted" }

    deinit {
        merger.stop()
        record.deallocate()
    }

    /// - Parameters:
    ///   - query: The model's rows of the day.
    ///   - scope: The keys for which the day before does not count.
    ///   - keys: A query for them, sorted.
    /// - Returns: False if it can't be done.
    func add(_ day: Day, query: String, scope: KeyScope, keys: String) throws -> Bool {
        guard let date = try SortedRecord.value(of: Names.literal(day.description), affinities[0], database) else { return false }
        let merged = try merger.next(replacing: [(column: 0, value: date)] + resets)
        guard try spool(query, day, into: merged), try spool(keys: keys, into: merged) else { return false }
        try merger.add(merged)
        given.append(Given(day: day, query: query, scope: scope))
        return true
    }

    /// Rows that come in too many runs are asked for once more, in order.
    private func spool(_ query: String, _ day: Day, into merged: DayMerger.Day) throws -> Bool {
        let query = "SELECT \(Names.list(columns)) FROM (\(query))"
        switch try spool(rows: query, day, into: merged) {
        case .done: return true
        case .unfit: return false
        case .disordered: try merged.rows.restart()
        }
        return try spool(rows: query + " ORDER BY \(Names.quoted(key)) COLLATE BINARY", day, into: merged) == .done
    }

    private enum Spooled { case done, unfit, disordered }

    private func spool(rows query: String, _ day: Day, into merged: DayMerger.Day) throws -> Spooled {
        let text = Array(day.description.utf8)
        let new = try database.prepare(query)
        return try text.withUnsafeBytes { text in
            while try new.step() {
                guard case .text(let on) = new.key(0), SQLKey.text(on).compared(to: .text(text)) == 0, case .text = new.key(1),
                    record.take(new, affinities)
                else { return .unfit }
                guard try merged.rows.append(record.bytes) else { return .disordered }
            }
            return .done
        }
    }

    private func spool(keys: String, into merged: DayMerger.Day) throws -> Bool {
        let gone = try database.prepare(keys)
        while try gone.step() {
            guard case .text(let key) = gone.key(0) else { return false }
            try merged.gone.append(key)
        }
        return true
    }

    /// Puts all days into the table. How many rows they have; nil if it can't be done.
    func finish() throws -> Int64? {
        guard let rows = try merger.finish() else { return nil }
        try table.finish()
        return rows
    }
}
