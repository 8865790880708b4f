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
    /// What of a record is added so far: types, and values behind them.
    private var header = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 8, alignment: 8)
    private var headerBytes = 0
    private var body = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 12, alignment: 8)
    private var bodyBytes = 0
    /// Types of another record.
    private var serials: [Int] = []
    private var replaced: [Int] = []

    package init() {}

    /// Its owner's last act.
    package func deallocate() {
        storage.deallocate()
        header.deallocate()
        body.deallocate()
    }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

    // MARK: From a statement's row

    /// Takes the row a statement stands on. False if SQLite would convert a value for the table's columns: then
    /// the row isn't one for here.
    package mutating func take(_ row: Statement, _ affinities: [Affinity]) -> Bool {
        begin()
        for column in 0..<affinities.count {
            let value = row.cell(Int32(column))
            let affinity = affinities[column]
            switch value.type {
            case SQLITE_INTEGER:
                if affinity == .text || affinity == .real { return false }
                add(value.int)
            case SQLITE_FLOAT:
                let real = value.double
                if affinity == .text || affinity == .numeric && real == real.rounded() { return false }
                add(real)
            case SQLITE_TEXT:
                if affinity == .numeric || affinity == .real { return false }
                add(value.bytes, isText: true)
            case SQLITE_BLOB: add(value.bytes, isText: false)
            default: addNull()
            }
        }
        end()
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
        headerBytes = 0
        bodyBytes = 0
    }

    @inline(__always) package mutating func addNull() { add(type: 0) }

    @inline(__always) package mutating func add(_ integer: Int64) {
        let serial = Self.serial(of: integer)
        add(type: serial)
        add(number: integer, bytes: Self.length(serial))
    }

    @inline(__always) mutating func add(_ real: Double) {
        add(type: 7)
        add(number: Int64(bitPattern: real.bitPattern), bytes: 8)
    }

    /// A text or a blob.
    @inline(__always) package mutating func add(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        add(type: (isText ? 13 : 12) + 2 * bytes.count)
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        if bodyBytes + bytes.count > body.count { Self.enlarge(&body, used: bodyBytes, by: bytes.count) }
        memcpy(body.baseAddress! + bodyBytes, base, bytes.count)
        bodyBytes += bytes.count
    }

    @inline(__always) private mutating func add(type serial: Int) {
        if headerBytes + 9 > header.count { Self.enlarge(&header, used: headerBytes, by: 9) }
        if serial < 0x80 {
            header.storeBytes(of: UInt8(truncatingIfNeeded: serial), toByteOffset: headerBytes, as: UInt8.self)
            headerBytes += 1
        } else {
            headerBytes += Varint.write(serial, to: header.baseAddress! + headerBytes)
        }
    }

    /// The lowest bytes of a number, the highest of them first.
    @inline(__always) private mutating func add(number: Int64, bytes: Int) {
        if bytes == 0 { return }
        if bodyBytes + 8 > body.count { Self.enlarge(&body, used: bodyBytes, by: 8) }
        body.storeBytes(of: (number << (64 - 8 * Int64(bytes))).bigEndian, toByteOffset: bodyBytes, as: Int64.self)
        bodyBytes += bytes
    }

    package mutating func end() {
        begin(header: headerBytes, body: bodyBytes)
        put(UnsafeRawBufferPointer(rebasing: header[..<headerBytes]))
        put(UnsafeRawBufferPointer(rebasing: body[..<bodyBytes]))
    }

    private static func enlarge(_ buffer: inout UnsafeMutableRawBufferPointer, used: Int, by bytes: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: (used + bytes) * 2, alignment: 8)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<used]))
        buffer.deallocate()
        buffer = larger
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
            while replaced.count <= column { replaced.append(0) }
            replaced[column] = serials[column]
            serials[column] = value.serial
        }
        for serial in serials { header += Varint.length(serial) }
        begin(header: header, body: body)
        for serial in serials { putVarint(serial) }
        var from = headerBytes
        var at = headerBytes
        var column = 0
        for (target, value) in replacing {
            while column < target {
                at += Self.length(serials[column])
                column += 1
            }
            put(UnsafeRawBufferPointer(rebasing: other[from..<at]))
            value.bytes.withUnsafeBytes { put($0) }
            at += Self.length(replaced[column])
            column += 1
            from = at
        }
        put(UnsafeRawBufferPointer(rebasing: other[from...]))
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
