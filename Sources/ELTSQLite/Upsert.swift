import ELTCore
import SQLite

/// Writes the rows of a query into a table: new ones are inserted, those that really differ are updated.
///
/// Some rows at a time and not as one INSERT … SELECT: whoever wants to know which keys the query gave would have to keep those too, and
/// rows that a second connection evaluates couldn't be written here.
struct Upsert {
    let database: Database
    let model: String
    let columns: [String]
    let key: [String]
    /// The part of the key that's the entity's.
    let entityKey: String
    /// Of days: what the column must hold in each row.
    var day: (column: String, text: String)?
    /// How the table lies in its pages; nil where rows are to be written one by one.
    var layout: TableLayout?

    /// What was written, and the keys of all rows that the query gave.
    /// - Parameter side: Who may evaluate the query meanwhile.
    func run(_ query: String, of entity: String? = nil, beside side: SideReader? = nil) throws -> (changes: TableChanges, keys: KeySum) {
        let counter = try UpdateCounter(database)
        let look = GivenRows(self)
        let write = try RowInsert(database, table: model, columns: columns, end: onConflict())
        let merge = MergeInsert(database, write)
        let query = "SELECT \(Names.list(columns)) FROM (\(query))"
        if let entity, let side, let rows = side.statement(query, of: entity) {
            if let layout, try side.merged(of: rows, into: layout, model: model, look: look.see, take: merge.write) {
                try merge.finish()
            } else {
                try side.rows(of: rows, model: model, look: look.see) { buffer in try buffer.write(with: write) }
            }
        } else {
            let rows = try database.prepare(query)
            let buffer = RowBuffer(columns: columns.count, capacity: Self.rowsAtOnce)
            while !buffer.hasEnded {
                try buffer.fill(from: rows, look: look.see)
                try buffer.write(with: write)
            }
        }
        let inserted = write.changes - counter.updates + merge.inserted
        return (TableChanges(inserted: inserted, updated: counter.updates + merge.updated), look.keys)
    }

    private static let rowsAtOnce = 256

    /// What's done with a row whose key is there.
    func onConflict() throws -> String {
        let table = Names.quoted(model)
        let types = try columnTypes()
        // A day is what was asked for. Other columns of a key are written where one has several forms.
        let rest = columns.filter { !key.contains($0) || isUntyped(types[$0]) && $0 != day?.column }
        let conflict = "ON CONFLICT (\(Names.list(key))) DO "
        if rest.isEmpty { return conflict + "NOTHING" }
        let sets = rest.map { "\(Names.quoted($0))=excluded.\(Names.quoted($0))" }.joined(separator: ", ")
        // Comparing ends at the first that differs, which in most records is a version's number.
        let likely = rest.filter { types[$0] == "INTEGER" } + rest.filter { types[$0] != "INTEGER" }
        var differs = likely.map { "\(table).\(Names.quoted($0)) IS NOT excluded.\(Names.quoted($0))" }
        // 1 is 1.0, and divided by 2 it isn't; as texts they differ. A column of a type has only one of them, but where the type is none
        // (https://sqlite.org/datatype3.html#determination_of_column_affinity). No function is called: see `UpdateCounter`.
        differs += likely.filter { isUntyped(types[$0]) }
            .map { "CAST(\(table).\(Names.quoted($0)) AS TEXT) IS NOT CAST(excluded.\(Names.quoted($0)) AS TEXT)" }
        let counts = UpdateCounter.counts("excluded.\(Names.quoted(entityKey))")
        return conflict + "UPDATE SET \(sets) WHERE CASE WHEN \(differs.joined(separator: " OR ")) THEN \(counts) ELSE 0 END"
    }
}

extension Upsert {
    private func isUntyped(_ type: String?) -> Bool { type.map { $0.isEmpty || $0.uppercased().contains("BLOB") } ?? true }

    private func columnTypes() throws -> [String: String] {
        let rows = try database.query("SELECT name, type FROM pragma_table_info(?1)", [.text(model)])
        return Dictionary(rows.map { ($0[0].text ?? "", $0[1].text ?? "") }, uniquingKeysWith: { $1 })
    }
}

/// Sees the rows that are to be written: that they're of the day, and which keys they have.
private final class GivenRows {
    private let model: String
    private let day: (column: Int32, text: String)?
    private let wanted: [UInt8]
    private let keyColumn: Int32
    private(set) var keys = KeySum()

    init(_ upsert: Upsert) {
        model = upsert.model
        day = upsert.day.flatMap { day in
            upsert.columns.firstIndex(of: day.column).map { (column: Int32($0), text: day.text) }
        }
        wanted = Array((upsert.day?.text ?? "").utf8)
        keyColumn = Int32(upsert.columns.firstIndex(of: upsert.entityKey) ?? 0)
    }

    func see(_ row: Statement) throws {
        if let day, !row.bytes(day.column).equals(wanted) { throw WarehouseError.otherDay(model: model, day: day.text) }
        keys.add(row.bytes(keyColumn))
        if keys.count & 0xFFFF == 0 { try Interruption.check() }
    }
}

/// How many keys there are, and the sum of their hashes.
///
/// Two lists of keys with equal sums hold the same keys equally often, but for a chance of 1 in 2^64. The hash is
/// seeded anew by each process, so that nobody can aim at it.
struct KeySum: Equatable {
    private(set) var count: Int64 = 0
    private var sum: UInt64 = 0

    @inline(__always) mutating func add(_ key: UnsafeRawBufferPointer) {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        count += 1
        sum &+= UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
