import CSQLite
import Foundation

/// Some rows of a statement, kept while other statements run.
package final class RowBuffer {
    /// A value as it's compared and bound: a number, or where its bytes are.
    private struct Cell {
        var type: Int32
        var bits: Int64
        var length: Int32
    }

    private let width: Int
    private let capacity: Int
    private var cells: [Cell] = []
    private var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 8)
    private var used = 0
    /// A statement that's stepped past its end would begin anew.
    package private(set) var hasEnded = false
    package private(set) var count = 0

    package init(columns: Int, capacity: Int) {
        width = columns
        self.capacity = capacity
        cells.reserveCapacity(columns * capacity)
    }

    /// An empty one for the same columns.
    convenience init(like other: RowBuffer) { self.init(columns: other.width, capacity: other.capacity) }

    deinit { bytes.deallocate() }

    /// Where no further row is taken, in bytes.
    private static let bytesMax = 256 << 10
    var isFull: Bool { used >= Self.bytesMax }

    /// Takes the next rows of one and the same statement; none is left if the buffer stays empty, or `hasEnded`.
    /// `look` sees the statement at each of them.
    package func fill(from statement: Statement, look: (Statement) throws -> Void = { _ in }) throws {
        try fill {
            guard try statement.step() else { return false }
            append(statement)
            try look(statement)
            return true
        }
    }

    /// Empties it and has rows added, one by each call, until it's full or there are no more.
    package func fill(_ addNext: () throws -> Bool) throws {
        cells.removeAll(keepingCapacity: true)
        used = 0
        count = 0
        while count < capacity && !isFull && !hasEnded { hasEnded = try !addNext() }
    }

    /// Takes the row at which a statement stands.
    @inline(__always) package func append(_ statement: Statement) {
        for column in 0..<Int32(width) { keep(statement, column) }
        count += 1
    }

    /// Takes another's row.
    func append(_ row: Int, of other: RowBuffer) {
        for column in 0..<width {
            let cell = other.cells[row * width + column]
            if cell.type == SQLITE_TEXT || cell.type == SQLITE_BLOB { keep(other.text(cell), cell.type) } else { cells.append(cell) }
        }
        count += 1
    }

    /// Takes a row that's a record of a table. Every column of the row is one of the record, or the same in all rows.
    @inline(__always) package func append(_ record: RecordReader, _ columns: [RecordColumn]) {
        reserve(record.bytes.count)
        let start = used
        (bytes.baseAddress! + used).copyMemory(from: record.bytes.baseAddress!, byteCount: record.bytes.count)
        used += record.bytes.count
        for column in columns {
            switch column {
            case .same(let value): keep(value)
            // Columns that were added to the table have no value in older records.
            case .stored(let index) where index >= record.values.count: cells.append(Cell(type: SQLITE_NULL, bits: 0, length: 0))
            case .stored(let index):
                let value = record.values[index]
                switch value.serial {
                case 0: cells.append(Cell(type: SQLITE_NULL, bits: 0, length: 0))
                case 7: cells.append(Cell(type: SQLITE_FLOAT, bits: record.integer(value), length: 0))
                case 1...9: cells.append(Cell(type: SQLITE_INTEGER, bits: record.integer(value), length: 0))
                default:
                    let length = Int32((value.serial - 12) / 2)
                    cells.append(Cell(type: value.serial & 1 == 1 ? SQLITE_TEXT : SQLITE_BLOB, bits: Int64(start + value.offset), length: length))
                }
            }
        }
        count += 1
    }

    private func keep(_ value: SQLValue) {
        switch value {
        case .null: cells.append(Cell(type: SQLITE_NULL, bits: 0, length: 0))
        case .integer(let integer): cells.append(Cell(type: SQLITE_INTEGER, bits: integer, length: 0))
        case .real(let real): cells.append(Cell(type: SQLITE_FLOAT, bits: Int64(bitPattern: real.bitPattern), length: 0))
        case .text(var text): text.withUTF8 { keep(UnsafeRawBufferPointer($0), SQLITE_TEXT) }
        case .blob(let blob): blob.withUnsafeBytes { keep($0, SQLITE_BLOB) }
        }
    }

    private func keep(_ value: UnsafeRawBufferPointer, _ type: Int32) {
        reserve(value.count)
        if let base = value.baseAddress { (bytes.baseAddress! + used).copyMemory(from: base, byteCount: value.count) }
        cells.append(Cell(type: type, bits: Int64(used), length: Int32(value.count)))
        used += value.count
    }

    private func keep(_ statement: Statement, _ column: Int32) {
        let value = statement.cell(column)
        let type = value.type
        switch type {
        case SQLITE_INTEGER:
            cells.append(Cell(type: type, bits: value.int, length: 0))
        case SQLITE_FLOAT:
            cells.append(Cell(type: type, bits: Int64(bitPattern: value.double.bitPattern), length: 0))
        case SQLITE_TEXT, SQLITE_BLOB:
            keep(value.bytes, type)
        default:
            cells.append(Cell(type: SQLITE_NULL, bits: 0, length: 0))
        }
    }

    private func reserve(_ length: Int) {
        guard used + length > bytes.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(bytes.count * 2, used + length), alignment: 8)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<used]))
        bytes.deallocate()
        bytes = larger
    }

    /// Binds a row's values to the parameters after one. They're borrowed until the buffer is filled again.
    package func bind(_ row: Int, to statement: Statement, after before: Int32) {
        let first = row * width
        for column in 0..<width {
            let cell = cells[first + column]
            let index = before + Int32(column + 1)
            switch cell.type {
            case SQLITE_INTEGER: statement.bind(index, cell.bits)
            case SQLITE_FLOAT:
                sqlite3_bind_double(statement.handle, index, Double(bitPattern: UInt64(bitPattern: cell.bits)))
            case SQLITE_TEXT: statement.bindBorrowed(index, text: text(cell))
            case SQLITE_BLOB: statement.bindBorrowed(index, blob: text(cell))
            default: statement.bindNull(index)
            }
        }
    }

    /// Writes rows of it, or all.
    package func write(_ rows: Range<Int>? = nil, with insert: RowInsert) throws {
        try insert.write(rows ?? 0..<count) { row, statement, before in bind(row, to: statement, after: before) }
    }

    /// Makes a record of a row's values, in this order. False if SQLite would store one of them as another than it is.
    @inline(__always) func pack(_ row: Int, _ columns: [(source: Int, affinity: Affinity)], into record: inout SortedRecord) -> Bool {
        let first = row * width
        record.begin()
        for (source, affinity) in columns {
            let cell = cells[first + source]
            switch cell.type {
            case SQLITE_INTEGER:
                if affinity == .text || affinity == .real { return false }
                record.add(cell.bits)
            case SQLITE_FLOAT:
                let real = Double(bitPattern: UInt64(bitPattern: cell.bits))
                if affinity == .text || real == 0 || affinity != .none && real == real.rounded() { return false }
                record.add(real)
            case SQLITE_TEXT:
                if affinity == .numeric || affinity == .real { return false }
                record.add(text(cell), isText: true)
            case SQLITE_BLOB: record.add(text(cell), isText: false)
            default: record.addNull()
            }
        }
        record.end()
        return true
    }

    private func text(_ cell: Cell) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes.baseAddress! + Int(cell.bits), count: Int(cell.length))
    }

    /// A value as a key, borrowed like the row's.
    package func key(_ row: Int, _ column: Int) -> SQLKey {
        let cell = cells[row * width + column]
        switch cell.type {
        case SQLITE_INTEGER: return .integer(cell.bits)
        case SQLITE_TEXT: return .text(text(cell))
        default: return .other
        }
    }
}

/// A key's value in the order of SQLite's BINARY collation: integers before texts.
package enum SQLKey {
    case integer(Int64)
    case text(UnsafeRawBufferPointer)
    /// Neither: nothing that can be compared here.
    case other

    package var isInteger: Bool { if case .integer = self { true } else { false } }
    package var isOther: Bool { if case .other = self { true } else { false } }

    /// Less than 0, 0 or more than 0; nil if one of them can't be compared.
    @inline(__always) package func compared(to other: SQLKey) -> Int? {
        switch (self, other) {
        case (.integer(let one), .integer(let two)): return one < two ? -1 : one == two ? 0 : 1
        case (.text(let one), .text(let two)):
            if let first = one.baseAddress, let second = two.baseAddress {
                let order = memcmp(first, second, min(one.count, two.count))
                if order != 0 { return Int(order) }
            }
            return one.count - two.count
        case (.integer, .text): return -1
        case (.text, .integer): return 1
        default: return nil
        }
    }
}

extension Statement {
    /// A column of the row as a key; borrowed until the next step.
    @inline(__always) package func key(_ column: Int32) -> SQLKey {
        let value = cell(column)
        return switch value.type {
        case SQLITE_INTEGER: .integer(value.int)
        case SQLITE_TEXT: .text(value.bytes)
        default: .other
        }
    }
}
