import CSQLite
import Foundation

/// What a column's declared type makes of a value, as far as it's needed to know that it makes nothing of it
/// (https://sqlite.org/datatype3.html#determination_of_column_affinity).
package enum Affinity: Sendable {
    case none, text, numeric, real

    package init(declared: String?) {
        let type = (declared ?? "").uppercased()
        if type.contains("INT") {
            self = .numeric
        } else if type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT") {
            self = .text
        } else if type.isEmpty || type.contains("BLOB") {
            self = .none
        } else if type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB") {
            self = .real
        } else {
            self = .numeric
        }
    }
}

/// One row in SQLite's record format (https://sqlite.org/fileformat2.html#record_format): a header with the
/// types of the values, then the values.
package struct SortedRecord {
    /// A value as it stands in a record.
    package struct Value {
        fileprivate var serial: Int
        fileprivate var bytes: [UInt8]
    }

    private var storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 12, alignment: 8)
    private var count = 0
    private var serials: [Int] = []
    private var integers: [Int64] = []
    private var lent: [UnsafeRawBufferPointer] = []

    package init() {}

    /// Its owner's last act.
    package func deallocate() { storage.deallocate() }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

    // MARK: From a statement's row

    /// Takes the row a statement stands on. False if SQLite would convert a value for the table's columns: then
    /// the row isn't one for here.
    package mutating func take(_ row: Statement, _ affinities: [Affinity]) -> Bool {
        begin()
        var header = 0
        var body = 0
        for column in 0..<affinities.count {
            let value = row.cell(Int32(column))
            let affinity = affinities[column]
            var integer: Int64 = 0
            var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            let serial: Int
            switch value.type {
            case SQLITE_INTEGER:
                if affinity == .text || affinity == .real { return false }
                integer = value.int
                serial = Self.serial(of: integer)
            case SQLITE_FLOAT:
                let real = value.double
                if affinity == .text || affinity == .numeric && real == real.rounded() { return false }
                integer = Int64(bitPattern: real.bitPattern)
                serial = 7
            case SQLITE_TEXT:
                if affinity == .numeric || affinity == .real { return false }
                bytes = value.bytes
                serial = 13 + 2 * bytes.count
            case SQLITE_BLOB:
                bytes = value.bytes
                serial = 12 + 2 * bytes.count
            default: serial = 0
            }
            serials.append(serial)
            integers.append(integer)
            lent.append(bytes)
            header += Varint.length(serial)
            body += Self.length(serial)
        }
        begin(header: header, body: body)
        for serial in serials { putVarint(serial) }
        for column in 0..<affinities.count {
            let serial = serials[column]
            if serial >= 12 { put(lent[column]) } else { putNumber(integers[column], serial) }
        }
        return true
    }

    /// A value, to stand in many records; nil for a text to SQL that gives none.
    package static func value(of expression: String, _ affinity: Affinity, _ database: Database) throws -> Value? {
        let statement = try database.prepare("SELECT \(expression)")
        guard try statement.step() else { return nil }
        var record = SortedRecord()
        defer { record.deallocate() }
        guard record.take(statement, [affinity]) else { return nil }
        let header = Varint.read(record.bytes, 0)
        return Value(serial: Varint.read(record.bytes, header.next).value, bytes: Array(record.bytes[header.value...]))
    }

    // MARK: From single values

    /// Empties the record; values are added, and `end` puts them together.
    @inline(__always) package mutating func begin() {
        serials.removeAll(keepingCapacity: true)
        integers.removeAll(keepingCapacity: true)
        lent.removeAll(keepingCapacity: true)
    }

    @inline(__always) package mutating func add(_ integer: Int64) {
        serials.append(Self.serial(of: integer))
        integers.append(integer)
        lent.append(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// A text or a blob, lent until `end`.
    @inline(__always) package mutating func add(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        serials.append((isText ? 13 : 12) + 2 * bytes.count)
        integers.append(0)
        lent.append(bytes)
    }

    package mutating func end() {
        var header = 0
        var body = 0
        for serial in serials {
            header += Varint.length(serial)
            body += Self.length(serial)
        }
        begin(header: header, body: body)
        for serial in serials { putVarint(serial) }
        for column in 0..<serials.count {
            if serials[column] >= 12 { put(lent[column]) } else { putNumber(integers[column], serials[column]) }
        }
        lent.removeAll(keepingCapacity: true)
    }

    // MARK: From another record

    /// Takes a record with some of its values replaced. `replacing` is in the order of columns.
    package mutating func take(_ other: UnsafeRawBufferPointer, replacing: [(column: Int, value: Value)]) {
        if !patch(other, replacing) { rebuild(other, replacing) }
    }

    /// Copies the record and overwrites values with others of the same length. False if one has another.
    private mutating func patch(_ other: UnsafeRawBufferPointer, _ replacing: [(column: Int, value: Value)]) -> Bool {
        reserve(other.count)
        count = other.count
        memcpy(storage.baseAddress!, other.baseAddress!, count)
        var (offset, position) = Varint.read(other, 0)
        var column = 0
        for (replaced, value) in replacing {
            var (serial, next) = Varint.read(other, position)
            while column < replaced {
                offset += Self.length(serial)
                position = next
                (serial, next) = Varint.read(other, position)
                column += 1
            }
            guard Varint.length(value.serial) == next - position, value.bytes.count == Self.length(serial) else { return false }
            _ = Varint.write(value.serial, to: storage.baseAddress! + position)
            value.bytes.withUnsafeBytes { if let base = $0.baseAddress { memcpy(storage.baseAddress! + offset, base, $0.count) } }
        }
        return true
    }

    private mutating func rebuild(_ other: UnsafeRawBufferPointer, _ replacing: [(column: Int, value: Value)]) {
        let (headerBytes, start) = Varint.read(other, 0)
        // The types are read once; the values between two replaced ones are copied in one piece.
        serials.removeAll(keepingCapacity: true)
        var position = start
        while position < headerBytes {
            let (serial, next) = Varint.read(other, position)
            serials.append(serial)
            position = next
        }
        var header = 0
        var body = other.count - headerBytes
        for (column, value) in replacing {
            body += value.bytes.count - Self.length(serials[column])
            integersSet(column, serials[column])
            serials[column] = value.serial
        }
        for serial in serials { header += Varint.length(serial) }
        begin(header: header, body: body)
        for serial in serials { putVarint(serial) }
        var from = headerBytes
        var at = headerBytes
        var column = 0
        for (replaced, value) in replacing {
            while column < replaced {
                at += Self.length(serials[column])
                column += 1
            }
            put(UnsafeRawBufferPointer(rebasing: other[from..<at]))
            value.bytes.withUnsafeBytes { put($0) }
            at += Self.length(Int(integers[replaced]))
            column += 1
            from = at
        }
        put(UnsafeRawBufferPointer(rebasing: other[from...]))
    }

    /// The type that stood in a replaced column.
    private mutating func integersSet(_ column: Int, _ serial: Int) {
        while integers.count <= column { integers.append(0) }
        integers[column] = Int64(serial)
    }

    // MARK: Reading

    /// A text of a record; nil if the value isn't one.
    package static func text(_ record: UnsafeRawBufferPointer, column: Int) -> UnsafeRawBufferPointer? {
        let (headerBytes, start) = Varint.read(record, 0)
        var position = start
        var offset = headerBytes
        for _ in 0..<column {
            let (serial, next) = Varint.read(record, position)
            offset += length(serial)
            position = next
        }
        let serial = Varint.read(record, position).value
        guard serial >= 13, serial & 1 == 1 else { return nil }
        return UnsafeRawBufferPointer(rebasing: record[offset..<(offset + (serial - 13) / 2)])
    }

    /// A text of a record that may be damaged; nil if the value isn't one, or can't be.
    package static func checkedText(_ record: UnsafeRawBufferPointer, column: Int) -> UnsafeRawBufferPointer? {
        guard let header = Varint.checked(record, 0), header.value <= record.count else { return nil }
        var position = header.next
        var offset = header.value
        for index in 0...column {
            guard position < header.value, let (serial, next) = Varint.checked(record, position) else { return nil }
            position = next
            if index < column {
                offset += length(serial)
            } else {
                guard serial >= 13, serial & 1 == 1, offset + (serial - 13) / 2 <= record.count else { return nil }
                return UnsafeRawBufferPointer(rebasing: record[offset..<(offset + (serial - 13) / 2)])
            }
        }
        return nil
    }

    // MARK: The format

    @inline(__always) private static func serial(of integer: Int64) -> Int {
        switch integer {
        case 0: 8
        case 1: 9
        case -0x80...0x7F: 1
        case -0x8000...0x7FFF: 2
        case -0x80_0000...0x7F_FFFF: 3
        case -0x8000_0000...0x7FFF_FFFF: 4
        case -0x8000_0000_0000...0x7FFF_FFFF_FFFF: 5
        default: 6
        }
    }

    @inline(__always) static func length(_ serial: Int) -> Int {
        switch serial {
        case 12...: (serial - 12) / 2
        case 0, 8, 9: 0
        case 5: 6
        case 6, 7: 8
        default: serial
        }
    }

    private mutating func begin(header: Int, body: Int) {
        // The header's length counts itself.
        var length = header + 1
        if Varint.length(length) > 1 { length = header + Varint.length(header + 2) }
        reserve(length + body)
        count = 0
        putVarint(length)
    }

    private mutating func reserve(_ bytes: Int) {
        if bytes <= storage.count { return }
        storage.deallocate()
        storage = .allocate(byteCount: bytes * 2, alignment: 8)
    }

    @inline(__always) private mutating func putVarint(_ value: Int) {
        count += Varint.write(value, to: storage.baseAddress! + count)
    }

    @inline(__always) private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress, bytes.count > 0 { memcpy(storage.baseAddress! + count, base, bytes.count) }
        count += bytes.count
    }

    @inline(__always) private mutating func putNumber(_ value: Int64, _ serial: Int) {
        let length = Self.length(serial)
        if length == 0 { return }
        withUnsafeBytes(of: value.bigEndian) { put(UnsafeRawBufferPointer(rebasing: $0[(8 - length)...])) }
    }
}

/// SQLite's integers of variable length: seven bits a byte, the highest first; up to eight bytes here.
enum Varint {
    @inline(__always) static func length(_ value: Int) -> Int {
        value < 0x80 ? 1 : (Int.bitWidth - value.leadingZeroBitCount + 6) / 7
    }

    @inline(__always) static func write(_ value: Int, to target: UnsafeMutableRawPointer) -> Int {
        let length = length(value)
        var rest = value
        for index in stride(from: length - 1, through: 0, by: -1) {
            target.storeBytes(of: UInt8(rest & 0x7F) | (index == length - 1 ? 0 : 0x80), toByteOffset: index, as: UInt8.self)
            rest >>= 7
        }
        return length
    }

    /// Of bytes that may be damaged: nil if it goes past their end, or is more than anything of a row can be.
    @inline(__always) static func checked(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> (value: Int, next: Int)? {
        var value = 0
        for next in position..<(position + 5) {
            guard next < bytes.count else { return nil }
            value = value << 7 | Int(bytes[next] & 0x7F)
            if bytes[next] < 0x80 { return value <= 1 << 31 ? (value, next + 1) : nil }
        }
        return nil
    }

    @inline(__always) static func read(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> (value: Int, next: Int) {
        var value = 0
        var position = position
        while true {
            let byte = bytes[position]
            value = value << 7 | Int(byte & 0x7F)
            position += 1
            if byte < 0x80 { return (value, position) }
        }
    }
}
