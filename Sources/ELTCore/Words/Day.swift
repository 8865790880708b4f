/// A civil date, `YYYY-MM-DD`.
package struct Day: Hashable, Comparable, Strideable, Sendable {
    package let daysSinceEpoch: Int32

    package init(daysSinceEpoch: Int32) { self.daysSinceEpoch = daysSinceEpoch }

    /// nil if there's no such date.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...12).contains(month), day >= 1, (0...9999).contains(year) else { return nil }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let length =
            switch month {
            case 2: leap ? 29 : 28
            case 4, 6, 9, 11: 30
            default: 31
            }
        guard day <= length else { return nil }
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil.
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        daysSinceEpoch = Int32(era * 146_097 + dayOfEra - 719_468)
    }

    /// nil if the text isn't exactly `YYYY-MM-DD`.
    package init?(_ text: String) {
        var text = text
        guard let parts = text.withUTF8({ TimestampText(UnsafeRawBufferPointer($0)) }), text.utf8.count == 10
        else { return nil }
        daysSinceEpoch = Int32(parts.localMilliseconds / 86_400_000)
    }

    package static func < (a: Day, b: Day) -> Bool { a.daysSinceEpoch < b.daysSinceEpoch }
    package func advanced(by days: Int) -> Day { Day(daysSinceEpoch: daysSinceEpoch + Int32(days)) }
    package func distance(to other: Day) -> Int { Int(other.daysSinceEpoch) - Int(daysSinceEpoch) }
    // Strideable would compare by distance, which is slower.
    package static func == (a: Day, b: Day) -> Bool { a.daysSinceEpoch == b.daysSinceEpoch }
    package var next: Day { advanced(by: 1) }
    package var previous: Day { advanced(by: -1) }

    /// Year, month and day of the month.
    package var civil: (year: Int, month: Int, day: Int) {
        // Howard Hinnant: civil_from_days.
        let z = Int(daysSinceEpoch) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// Which month a day is in, as one number that sorts: `202611`.
    package var month: Int { let (year, month, _) = civil; return year * 100 + month }
}

extension Day: CustomStringConvertible {
    package var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(10)
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    package func append(to bytes: inout [UInt8]) {
        let (year, month, day) = civil
        bytes.appendDigits(Int64(year), width: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.appendDigits(Int64(month), width: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.appendDigits(Int64(day), width: 2)
    }
}
