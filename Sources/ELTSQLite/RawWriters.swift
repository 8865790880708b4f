import ELTCore
import SQLite

/// Writes raw rows, those of each table many at a time.
class RowWriter {
    let database: Database
    let tables: RawTables
    private var columnCount: Int
    /// By statements that aren't in use any more.
    private var insertedBefore: Int64 = 0
    private var inserts: [RowInsert] = []

    init(_ database: Database, _ tables: RawTables) throws {
        self.database = database
        self.tables = tables
        columnCount = try tables.columns().count
    }

    func prepareInsert(into table: String, prefix: [String]) throws -> RowInsert {
        let columns = prefix + (try tables.columns().map(\.name))
        let insert = try RowInsert(database, table: table, columns: columns, end: "ON CONFLICT (_id) DO NOTHING")
        inserts.append(insert)
        return insert
    }

    @inline(__always) func bind(_ cells: UnsafeBufferPointer<Cell>, to statement: Statement, after before: Int32) {
        var index = before + 1
        for cell in cells {
            switch cell.kind {
            case .null: statement.bindNull(index)
            case .integer: statement.bind(index, cell.integer)
            case .text: statement.bindBorrowed(index, text: cell.text)
            }
            index += 1
        }
        // A removal brings no record; what a row before it was bound to must not stay.
        let last = before + Int32(columnCount)
        while index <= last {
            statement.bindNull(index)
            index += 1
        }
    }

    func inserted() -> Int64 { inserts.reduce(insertedBefore) { $0 + $1.changes } }

    func columnsChanged() throws {
        insertedBefore = inserted()
        inserts = []
        columnCount = try tables.columns().count
    }
}

/// Writes the events of one partition's life into the tables of their months.
final class SQLiteStreamWriter: RowWriter, StreamWriter {
    private let group: Int64
    private var months: [Int: RowInsert] = [:]
    private var last: (day: Day, insert: RowInsert)?

    init(_ database: Database, _ tables: RawTables, group: Int64) throws {
        self.group = group
        try super.init(database, tables)
    }

    override func columnsChanged() throws {
        try super.columnsChanged()
        months = [:]
        last = nil
    }

    func insert(_ row: StreamRow) throws { try insert(all: [row]) }

    func insert(all rows: [StreamRow]) throws {
        var start = 0
        while start < rows.count {
            let insert = try insert(on: rows[start].day)
            var end = start + 1
            while end < rows.count, try self.insert(on: rows[end].day) === insert { end += 1 }
            try insert.write(start..<end) { bind(rows[$0], to: $1, after: $2) }
            start = end
        }
    }

    private func bind(_ row: StreamRow, to statement: Statement, after before: Int32) {
        statement.bind(before + 1, PackedPlace.pack(group, row.offset))
        statement.bindBorrowed(before + 2, text: row.key)
        statement.bind(before + 3, row.time)
        statement.bind(before + 4, row.kafkaTime)
        statement.bind(before + 5, row.isClockCorrected ? 1 : 0)
        statement.bind(before + 6, Int64(row.day.daysSinceEpoch))
        statement.bind(before + 7, Int64(row.epoch))
        statement.bind(before + 8, row.removes ? 1 : 0)
        bind(row.cells, to: statement, after: before + 8)
    }

    @inline(__always) private func insert(on day: Day) throws -> RowInsert {
        if let last, last.day == day { return last.insert }
        let insert = try insert(in: day.month)
        last = (day, insert)
        return insert
    }

    private func insert(in month: Int) throws -> RowInsert {
        if let insert = months[month] { return insert }
        if try !tables.months().contains(month) { try tables.createMonth(month) }
        let insert = try prepareInsert(
            into: Names.stream(tables.entity, month: month), prefix: RawTables.streamPrefix)
        months[month] = insert
        return insert
    }
}

/// Writes the rows of one full load.
final class SQLiteFullWriter: RowWriter, FullWriter {
    private let number: Int64
    private var insert: RowInsert?

    init(_ database: Database, _ tables: RawTables, number: Int) throws {
        self.number = Int64(number)
        try tables.createFull()
        try super.init(database, tables)
    }

    override func columnsChanged() throws {
        try super.columnsChanged()
        insert = nil
    }

    func insert(_ row: FullRow) throws { try insert(all: [row]) }

    func insert(all rows: [FullRow]) throws {
        let insert: RowInsert
        if let prepared = self.insert {
            insert = prepared
        } else {
            insert = try prepareInsert(into: Names.fullRows(tables.entity), prefix: RawTables.fullPrefix)
            self.insert = insert
        }
        try insert.write(0..<rows.count) { row, statement, before in
            let row = rows[row]
            statement.bind(before + 1, PackedPlace.pack(number, row.number))
            statement.bindBorrowed(before + 2, text: row.key)
            bind(row.cells, to: statement, after: before + 2)
        }
    }
}
