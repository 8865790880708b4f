import ELTCore
import SQLite

/// How rows get into a table.
enum RawTarget {
    case insert(RowInsert)
    case run(RowidRun)

    func isSame(as other: RawTarget) -> Bool {
        switch (self, other) {
        case (.insert(let one), .insert(let two)): one === two
        case (.run(let one), .run(let two)): one === two
        default: false
        }
    }
}

/// Writes raw rows, those of each table many at a time.
class RowWriter {
    let database: Database
    let tables: RawTables
    private let grafted: GraftedTables?
    private var columnCount: Int
    /// By statements that aren't in use any more, and as records.
    private var insertedBefore: Int64 = 0
    private var inserts: [RowInsert] = []
    private var record = SortedRecord()

    /// - Parameter grafted: Where rows of empty tables go.
    init(_ database: Database, _ tables: RawTables, _ grafted: GraftedTables?) throws {
        self.database = database
        self.tables = tables
        self.grafted = grafted
        columnCount = try tables.columns().count
    }

    deinit { record.deallocate() }

    /// - Parameter group: Whose places rise.
    func target(_ table: String, group: Int64, prefix: [String]) throws -> RawTarget {
        if let run = try grafted?.run(group, of: table) { return .run(run) }
        let columns = prefix + (try tables.columns().map(\.name))
        let insert = try RowInsert(database, table: table, columns: columns, end: "ON CONFLICT (_id) DO NOTHING")
        inserts.append(insert)
        return .insert(insert)
    }

    /// Adds a row as a record of its table: the place, which stands for a null, what `prefix` adds, and the cells.
    @inline(__always) func append(
        _ place: Int64, _ cells: UnsafeBufferPointer<Cell>, to run: RowidRun, prefix: (inout SortedRecord) -> Void
    ) throws {
        record.begin()
        record.addNull()
        prefix(&record)
        for cell in cells {
            switch cell.kind {
            case .null: record.addNull()
            case .integer: record.add(cell.integer)
            case .text: record.add(cell.text, isText: true)
            }
        }
        // A removal brings no record.
        for _ in cells.count..<max(columnCount, cells.count) { record.addNull() }
        record.end()
        try run.append(place, record.bytes)
        insertedBefore += 1
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
    private var months: [Int: RawTarget] = [:]
    private var last: (day: Day, target: RawTarget)?

    init(_ database: Database, _ tables: RawTables, _ grafted: GraftedTables?, group: Int64) throws {
        self.group = group
        try super.init(database, tables, grafted)
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
            let target = try target(on: rows[start].day)
            var end = start + 1
            while end < rows.count, try self.target(on: rows[end].day).isSame(as: target) { end += 1 }
            switch target {
            case .insert(let insert): try insert.write(start..<end) { bind(rows[$0], to: $1, after: $2) }
            case .run(let run): for row in rows[start..<end] { try append(row, to: run) }
            }
            start = end
        }
    }

    private func append(_ row: StreamRow, to run: RowidRun) throws {
        try append(PackedPlace.pack(group, row.offset), row.cells, to: run) {
            $0.add(row.key, isText: true)
            $0.add(row.time)
            $0.add(row.kafkaTime)
            $0.add(row.isClockCorrected ? 1 : 0)
            $0.add(Int64(row.day.daysSinceEpoch))
            $0.add(Int64(row.epoch))
            $0.add(row.removes ? 1 : 0)
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

    @inline(__always) private func target(on day: Day) throws -> RawTarget {
        if let last, last.day == day { return last.target }
        let target = try target(in: day.month)
        last = (day, target)
        return target
    }

    private func target(in month: Int) throws -> RawTarget {
        if let target = months[month] { return target }
        if try !tables.months().contains(month) { try tables.createMonth(month) }
        let target = try target(Names.stream(tables.entity, month: month), group: group, prefix: RawTables.streamPrefix)
        months[month] = target
        return target
    }
}

/// Writes the rows of one full load.
final class SQLiteFullWriter: RowWriter, FullWriter {
    private let number: Int64
    private var target: RawTarget?

    init(_ database: Database, _ tables: RawTables, _ grafted: GraftedTables?, number: Int) throws {
        self.number = Int64(number)
        try tables.createFull()
        try super.init(database, tables, grafted)
    }

    override func columnsChanged() throws {
        try super.columnsChanged()
        target = nil
    }

    func insert(_ row: FullRow) throws { try insert(all: [row]) }

    func insert(all rows: [FullRow]) throws {
        let target: RawTarget
        if let known = self.target {
            target = known
        } else {
            target = try self.target(Names.fullRows(tables.entity), group: number, prefix: RawTables.fullPrefix)
            self.target = target
        }
        switch target {
        case .insert(let insert): try insert.write(0..<rows.count) { bind(rows[$0], to: $1, after: $2) }
        case .run(let run):
            for row in rows { try append(PackedPlace.pack(number, row.number), row.cells, to: run) { $0.add(row.key, isText: true) } }
        }
    }

    private func bind(_ row: FullRow, to statement: Statement, after before: Int32) {
        statement.bind(before + 1, PackedPlace.pack(number, row.number))
        statement.bindBorrowed(before + 2, text: row.key)
        bind(row.cells, to: statement, after: before + 2)
    }
}
