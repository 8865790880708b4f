import ELTCore
import SQLite

/// Writes rows of one table with one prepared statement.
class RowWriter {
    let database: Database
    let tables: RawTables
    private var columnCount: Int
    private var rowsInserted: Int64 = 0

    init(_ database: Database, _ tables: RawTables) throws {
        self.database = database
        self.tables = tables
        columnCount = try tables.columns().count
    }

    func prepareInsert(into table: String, prefix: [String]) throws -> Statement {
        let columns = prefix + (try tables.columns().map(\.name))
        let places = (1...columns.count).map { "?\($0)" }.joined(separator: ", ")
        return try database.prepare(
            "INSERT INTO \(Names.quoted(table)) (\(Names.list(columns))) VALUES (\(places)) ON CONFLICT (_id) DO NOTHING")
    }

    @inline(__always) func bind(_ cells: UnsafeBufferPointer<Cell>, to statement: Statement, from first: Int32) {
        var index = first
        for cell in cells {
            switch cell.kind {
            case .null: statement.bindNull(index)
            case .integer: statement.bind(index, cell.integer)
            case .text: statement.bindBorrowed(index, text: cell.text)
            }
            index += 1
        }
        // A removal brings no record; what the row before it was bound to must not stay.
        let last = first + Int32(columnCount)
        while index < last {
            statement.bindNull(index)
            index += 1
        }
    }

    @inline(__always) func run(_ statement: Statement) throws {
        try statement.run()
        rowsInserted += database.changes
    }

    func inserted() -> Int64 { rowsInserted }

    func columnsChanged() throws { columnCount = try tables.columns().count }
}

/// Writes the events of one partition's life into the tables of their months.
final class SQLiteStreamWriter: RowWriter, StreamWriter {
    private let group: Int64
    private var statements: [Int: Statement] = [:]
    private var lastMonth = 0
    private var lastStatement: Statement?
    private var lastDay = Day(daysSinceEpoch: .min)

    init(_ database: Database, _ tables: RawTables, group: Int64) throws {
        self.group = group
        try super.init(database, tables)
    }

    override func columnsChanged() throws {
        try super.columnsChanged()
        statements = [:]
        lastStatement = nil
        lastDay = Day(daysSinceEpoch: .min)
    }

    func insert(_ row: StreamRow) throws {
        let statement: Statement
        if row.day == lastDay, let last = lastStatement {
            statement = last
        } else {
            statement = try self.statement(for: row.day.month)
            lastDay = row.day
            lastStatement = statement
        }
        statement.bind(1, PackedPlace.pack(group, row.offset))
        statement.bindBorrowed(2, text: row.key)
        statement.bind(3, row.time)
        statement.bind(4, row.kafkaTime)
        statement.bind(5, row.isClockCorrected ? 1 : 0)
        statement.bind(6, Int64(row.day.daysSinceEpoch))
        statement.bind(7, Int64(row.epoch))
        statement.bind(8, row.removes ? 1 : 0)
        bind(row.cells, to: statement, from: 9)
        try run(statement)
    }

    private func statement(for month: Int) throws -> Statement {
        if let statement = statements[month] { return statement }
        if try !tables.months().contains(month) { try tables.createMonth(month) }
        let statement = try prepareInsert(
            into: Names.stream(tables.entity, month: month), prefix: RawTables.streamPrefix)
        statements[month] = statement
        return statement
    }
}

/// Writes the rows of one full load.
final class SQLiteFullWriter: RowWriter, FullWriter {
    private let number: Int64
    private var statement: Statement?

    init(_ database: Database, _ tables: RawTables, number: Int) throws {
        self.number = Int64(number)
        try tables.createFull()
        try super.init(database, tables)
    }

    override func columnsChanged() throws {
        try super.columnsChanged()
        statement = nil
    }

    func insert(row: Int64, key: UnsafeRawBufferPointer, cells: UnsafeBufferPointer<Cell>) throws {
        let statement: Statement
        if let prepared = self.statement {
            statement = prepared
        } else {
            statement = try prepareInsert(into: Names.fullRows(tables.entity), prefix: RawTables.fullPrefix)
            self.statement = statement
        }
        statement.bind(1, PackedPlace.pack(number, row))
        statement.bindBorrowed(2, text: key)
        bind(cells, to: statement, from: 3)
        try run(statement)
    }
}
