import ELTCore
import SQLite

/// Writes the days of a table that's built in full, one after the other, each as the day before it, less the keys of a
/// scope, plus the rows of a query.
///
/// Most rows of a day are those of the day before, with another day in them. They're carried over as records, from
/// one spool to the next, without SQLite; it gets all days together, sorted and ready (`SortedTable`). A row that this can't
/// be done with makes `write` give nil, and then nothing has been written to the table.
final class SortedDays {
    let model: String
    private let database: Database
    private let table: SortedTable
    private let columns: [String]
    private let affinities: [Affinity]
    private let key: String
    private let partition: String
    private var resets: [(column: Int, value: SortedRecord.Value)] = []
    private var before: RecordSpool
    private var written: RecordSpool
    private var record = SortedRecord()
    private var carried = SortedRecord()
    /// The day and the queries of each day that was given, should they have to be run again.
    private(set) var given: [(day: Day, query: String, scope: KeyScope)] = []

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
        self.partition = partition
        self.key = key
        let rest = columns.filter { $0.name != partition && $0.name != key }
        let first = [partition, key].compactMap { name in columns.first { $0.name == name } }
        self.columns = (first + rest).map(\.name)
        affinities = (first + rest).map { Affinity(declared: $0.type) }
        before = try RecordSpool(path: path + "-before")
        written = try RecordSpool(path: path + "-day")
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
        record.deallocate()
        carried.deallocate()
    }

    func note(_ day: Day, _ query: String, _ scope: KeyScope) { given.append((day, query, scope)) }

    /// - Parameters:
    ///   - rows: The query of the model's rows for the day.
    ///   - scope: A query for the keys for which the day before does not count, sorted.
    /// - Returns: How many rows the day has.
    func write(_ day: Day, rows: String, scope: String) throws -> Int64? {
        guard let date = try SortedRecord.value(of: Names.literal(day.description), affinities[0], database) else { return nil }
        let replacing = [(column: 0, value: date)] + resets
        let text = Array(day.description.utf8)
        let new = try database.prepare("SELECT \(Names.list(columns)) FROM (\(rows)) ORDER BY \(Names.quoted(key))")
        let gone = try database.prepare(scope)
        (before, written) = (written, before)
        try before.rewind()
        try written.restart()
        var count: Int64 = 0
        var hasNew = try new.step()
        var hasGone = try gone.step()
        var last: [UInt8]?

        func addNew() throws -> Bool {
            // In the table's own order, whatever collation the query's column has.
            guard case .text(let on) = new.key(0), on.elementsEqual(text), case .text(let key) = new.key(1),
                last.map({ $0.withUnsafeBytes { SQLKey.text($0).compared(to: .text(key)) ?? 0 } < 0 }) ?? true,
                record.take(new, affinities)
            else { return false }
            last = Array(key)
            try add(record.bytes)
            hasNew = try new.step()
            return true
        }
        func add(_ bytes: UnsafeRawBufferPointer) throws {
            try table.append(bytes)
            try written.append(bytes)
            count += 1
            if count & 0xFFFF == 0 { try Interruption.check() }
        }
        while let old = try before.next() {
            guard let oldKey = SortedRecord.text(old, column: 1) else { return nil }
            while hasNew {
                guard let order = new.key(1).compared(to: .text(oldKey)) else { return nil }
                if order > 0 { break }
                guard try addNew() else { return nil }
            }
            var isGone = false
            while hasGone {
                guard let order = gone.key(0).compared(to: .text(oldKey)) else { return nil }
                isGone = order == 0
                if order >= 0 { break }
                hasGone = try gone.step()
            }
            if isGone { continue }
            if let last, last.elementsEqual(oldKey) { return nil }
            carried.take(old, replacing: replacing)
            try add(carried.bytes)
        }
        while hasNew { guard try addNew() else { return nil } }
        return count
    }

    /// Puts all days into the table.
    func finish() throws { try table.finish() }
}
