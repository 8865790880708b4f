import CSQLite

/// How the rows of a table WITHOUT ROWID lie in its pages: what it takes to lay others in beside SQLite.
package struct TableLayout {
    let root: UInt32
    let pageSize: Int
    /// Which of a row's values stand in a record, in their order: the key's, then the others as the table has them
    /// (https://sqlite.org/withoutrowid.html).
    let columns: [(source: Int, affinity: Affinity)]
    /// How many of them are the key.
    let keyColumns: Int

    private let table: String
    private let sql: String

    /// - Parameters:
    ///   - sql: How the table has to be defined, to the letter: by columns with types and the key alone.
    ///   - columns: Of the rows that come, in their order.
    /// - Returns: nil if there's no such table, if more hangs on it, such as an index or a trigger, or if it isn't all columns that come.
    package init?(_ database: Database, table: String, sql: String, key: [String], columns: [String]) throws {
        let found = try database.query(
            "SELECT sql, rootpage FROM main.sqlite_schema WHERE tbl_name=?1 COLLATE NOCASE", [.text(table)])
        guard found.count == 1, found[0][0] == .text(sql), let root = found[0][1].integer.flatMap(UInt32.init(exactly:)), root > 1,
            try database.value("PRAGMA encoding") == .text("UTF-8"), let size = try database.value("PRAGMA main.page_size").integer,
            size < 65536, (1...2).contains(key.count)
        else { return nil }
        self.root = root
        (self.table, self.sql) = (table, sql)
        pageSize = Int(size)
        keyColumns = key.count
        let stored = try database.query("SELECT name, type FROM pragma_table_info(?1, 'main')", [.text(table)])
        func isKey(_ name: String) -> Bool { key.contains { $0.lowercased() == name.lowercased() } }
        let names = key + stored.compactMap { $0[0].text }.filter { !isKey($0) }
        guard names.count == stored.count, names.count == columns.count, names.count > key.count else { return nil }
        var kinds: [(source: Int, affinity: Affinity)] = []
        for name in names {
            guard let source = columns.firstIndex(where: { $0.lowercased() == name.lowercased() }),
                let column = stored.first(where: { $0[0].text?.lowercased() == name.lowercased() })
            else { return nil }
            kinds.append((source, Affinity(declared: column[1].text)))
        }
        self.columns = kinds
    }

    /// Whether another connection sees the table at the same place: it may have been made anew in a transaction that isn't committed.
    func isSeen(by other: Database) throws -> Bool {
        try other.query("SELECT sql, rootpage FROM main.sqlite_schema WHERE tbl_name=?1 COLLATE NOCASE", [.text(table)])
            == [[.text(sql), .integer(Int64(root))]]
    }
}

/// A row's key as it's looked for: of one column or two.
struct RowKey {
    var first: SQLKey
    var second: SQLKey?

    /// Less than 0, 0 or more than 0; nil if one of them can't be compared.
    @inline(__always) func compared(to other: RowKey) -> Int? {
        guard let order = first.compared(to: other.first) else { return nil }
        guard order == 0, let second, let others = other.second else { return order }
        return second.compared(to: others)
    }
}

/// What's asked of bytes that may be damaged.
extension UnsafeRawBufferPointer {
    @inline(__always) func short(at place: Int) -> Int { Int(self[place]) << 8 | Int(self[place + 1]) }

    @inline(__always) func number(at place: Int) -> UInt32 {
        UInt32(self[place]) << 24 | UInt32(self[place + 1]) << 16 | UInt32(self[place + 2]) << 8 | UInt32(self[place + 3])
    }

    /// The key that a record begins with; nil if it isn't one, or has no room in these bytes.
    @inline(__always) func rowKey(columns: Int) -> RowKey? {
        guard let header = Varint.checked(self, 0), header.value <= count, let one = Varint.checked(self, header.next),
            let first = key(serial: one.value, at: header.value)
        else { return nil }
        if columns == 1 { return RowKey(first: first) }
        guard let two = Varint.checked(self, one.next), two.next <= header.value,
            let second = key(serial: two.value, at: header.value + SortedRecord.length(one.value))
        else { return nil }
        return RowKey(first: first, second: second)
    }

    @inline(__always) private func key(serial: Int, at place: Int) -> SQLKey? {
        let length = SortedRecord.length(serial)
        guard place + length <= count else { return nil }
        switch serial {
        case 13... where serial & 1 == 1: return .text(UnsafeRawBufferPointer(rebasing: self[place..<place + length]))
        case 8: return .integer(0)
        case 9: return .integer(1)
        case 1...6:
            var number = Int64(Int8(bitPattern: self[place]))
            for next in place + 1..<place + length { number = number << 8 | Int64(self[next]) }
            return .integer(number)
        default: return nil
        }
    }
}
