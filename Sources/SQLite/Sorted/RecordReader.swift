/// Where a row's column comes from.
package enum RecordColumn {
    /// A column of a record, counted from zero.
    case stored(Int)
    /// The same value in all rows.
    case same(SQLValue)
}

/// Takes records apart, one after the other.
package final class RecordReader {
    struct Value {
        var serial: Int
        /// From the record's first byte on.
        var offset: Int
    }

    private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var values: [Value] = []

    package init() {}

    /// Borrows a record until the next one.
    /// - Returns: False if its bytes make no sense.
    package func read(_ record: UnsafeRawBufferPointer) -> Bool {
        bytes = record
        values.removeAll(keepingCapacity: true)
        guard let header = Varint.checked(record, 0), header.value <= record.count else { return false }
        var position = header.next
        var offset = header.value
        while position < header.value {
            guard let (serial, next) = Varint.checked(record, position), serial != 10, serial != 11 else { return false }
            position = next
            values.append(Value(serial: serial, offset: offset))
            offset += SortedRecord.length(serial)
            guard offset <= record.count else { return false }
        }
        return position == header.value && !values.isEmpty
    }

    package func key(_ column: Int) -> SQLKey {
        guard column < values.count else { return .other }
        let value = values[column]
        switch value.serial {
        case 1...6, 8, 9: return .integer(integer(value))
        case 13... where value.serial & 1 == 1:
            return .text(UnsafeRawBufferPointer(rebasing: bytes[value.offset..<value.offset + (value.serial - 13) / 2]))
        default: return .other
        }
    }

    /// A number: big-endian, of as many bytes as its type says; of a floating one the bits.
    @inline(__always) func integer(_ value: Value) -> Int64 {
        switch value.serial {
        case 8: return 0
        case 9: return 1
        default:
            let length = SortedRecord.length(value.serial)
            var number = Int64(Int8(bitPattern: bytes[value.offset]))
            for place in 1..<length { number = number << 8 | Int64(bytes[value.offset + place]) }
            return number
        }
    }
}
