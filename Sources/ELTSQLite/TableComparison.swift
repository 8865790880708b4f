import ELTCore
import SQLite

/// Compares tables of two warehouses row by row, both in the order of their keys.
package struct TableComparison {
    private let path: String

    package init(path: String) { self.path = path }

    /// The rows in which `table` differs: how many, and the first few keys. Columns are matched by name.
    package func difference(table: String, key: [String], other: String) throws -> (count: Int64, samples: [String]) {
        do {
            let live = try Database(path: path, mode: .readOnly)
            let built = try Database(path: other, mode: .readOnly)
            let columns = try self.columns(live, table)
            let other = try self.columns(built, table)
            guard columns == other else {
                let odd = Set(columns).symmetricDifference(other).sorted().joined(separator: ", ")
                return (1, ["the columns differ: \(odd)"])
            }
            let order = key.isEmpty ? columns : key + columns.filter { !key.contains($0) }
            let sql = "SELECT \(Names.list(order)) FROM \(Names.quoted(table)) ORDER BY \(Names.list(key.isEmpty ? order : key))"
            return try compare(try live.prepare(sql), try built.prepare(sql), keys: max(1, key.count))
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
    }

    private func columns(_ database: Database, _ table: String) throws -> [String] {
        try database.query("SELECT name FROM pragma_table_info(?1) ORDER BY name", [.text(table)]).compactMap { $0[0].text }
    }

    private func compare(_ a: Statement, _ b: Statement, keys: Int) throws -> (Int64, [String]) {
        var count: Int64 = 0
        var samples: [String] = []
        func note(_ row: [SQLValue], _ what: String) {
            count += 1
            guard samples.count < 20 else { return }
            samples.append(row.prefix(keys).map(Self.text).joined(separator: " ") + " " + what)
        }
        var left = try a.step() ? a.row : nil
        var right = try b.step() ? b.row : nil
        while left != nil || right != nil {
            if let l = left, let r = right, l == r {
                left = try a.step() ? a.row : nil
                right = try b.step() ? b.row : nil
                continue
            }
            let order = Self.order(left?.prefix(keys), right?.prefix(keys))
            if order == 0, let l = left { note(l, "differs") }
            if order < 0, let l = left { note(l, "only in the live table") }
            if order > 0, let r = right { note(r, "only in the rebuilt table") }
            if order <= 0 { left = try a.step() ? a.row : nil }
            if order >= 0 { right = try b.step() ? b.row : nil }
        }
        return (count, samples)
    }

    /// The order that SQLite gives values: null, numbers, texts, blobs.
    private static func order(_ a: ArraySlice<SQLValue>?, _ b: ArraySlice<SQLValue>?) -> Int {
        guard let a else { return 1 }
        guard let b else { return -1 }
        for (x, y) in zip(a, b) {
            let order = compare(x, y)
            if order != 0 { return order }
        }
        return 0
    }

    private static func compare(_ a: SQLValue, _ b: SQLValue) -> Int {
        func rank(_ value: SQLValue) -> Int {
            switch value {
            case .null: 0
            case .integer, .real: 1
            case .text: 2
            case .blob: 3
            }
        }
        if rank(a) != rank(b) { return rank(a) < rank(b) ? -1 : 1 }
        switch (a, b) {
        case (.text(let x), .text(let y)):
            return x == y ? 0 : x.utf8.lexicographicallyPrecedes(y.utf8) ? -1 : 1
        case (.integer(let x), .integer(let y)): return x == y ? 0 : x < y ? -1 : 1
        case (.real(let x), .real(let y)): return x == y ? 0 : x < y ? -1 : 1
        case (.integer(let x), .real(let y)): return Double(x) == y ? 0 : Double(x) < y ? -1 : 1
        case (.real(let x), .integer(let y)): return x == Double(y) ? 0 : x < Double(y) ? -1 : 1
        case (.blob(let x), .blob(let y)): return x == y ? 0 : x.lexicographicallyPrecedes(y) ? -1 : 1
        default: return 0
        }
    }

    private static func text(_ value: SQLValue) -> String {
        switch value {
        case .null: "NULL"
        case .integer(let number): String(number)
        case .real(let number): String(number)
        case .text(let text): text
        case .blob: "(bytes)"
        }
    }
}
