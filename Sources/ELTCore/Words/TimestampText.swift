/// A date and time as it is written in a payload, taken apart. Not yet an instant: it may lack a zone.
package struct TimestampText: Sendable {
    /// Milliseconds since 1970 as if the text were in UTC.
    package let localMilliseconds: Int64
    /// Minutes east of UTC; nil where the text names no zone.
    package let offsetMinutes: Int?

    /// Reads ISO-8601 / RFC 3339: `YYYY-MM-DD`, then optionally `T` or a space, `HH:MM[:SS[.fraction]]`
    /// and `Z` or `±HH[:]MM`. Digits beyond the millisecond are cut off. A leap second counts as :59.
    /// nil if the text isn't one.
    package init?(_ text: UnsafeRawBufferPointer) {
        if let milliseconds = Self.canonical(text) {
            (localMilliseconds, offsetMinutes) = (milliseconds, 0)
            return
        }
        var index = 0
        func digits(_ count: Int) -> Int64? {
            guard index + count <= text.count else { return nil }
            var value: Int64 = 0
            for position in index..<(index + count) {
                let digit = text[position] &- 48
                guard digit < 10 else { return nil }
                value = value * 10 + Int64(digit)
            }
            index += count
            return value
        }
        func take(_ character: UInt8) -> Bool {
            guard index < text.count, text[index] == character else { return false }
            index += 1
            return true
        }
        guard let year = digits(4), take(45), let month = digits(2), take(45), let dayOfMonth = digits(2),
            let day = Day(year: Int(year), month: Int(month), day: Int(dayOfMonth))
        else { return nil }
        var milliseconds = Int64(day.daysSinceEpoch) * 86_400_000
        guard index < text.count else {
            localMilliseconds = milliseconds
            offsetMinutes = nil
            return
        }
        guard take(84) || take(32) || take(116) else { return nil }
        guard let hour = digits(2), hour < 24, take(58), let minute = digits(2), minute < 60 else { return nil }
        milliseconds += hour * 3_600_000 + minute * 60_000
        if take(58) {
            guard let second = digits(2), second <= 60 else { return nil }
            milliseconds += min(second, 59) * 1000
            if take(46) || take(44) {
                var scale: Int64 = 100
                let start = index
                while index < text.count, text[index] &- 48 < 10 {
                    milliseconds += Int64(text[index] - 48) * scale
                    scale /= 10
                    index += 1
                }
                guard index > start else { return nil }
            }
        }
        localMilliseconds = milliseconds
        if index == text.count {
            offsetMinutes = nil
            return
        }
        if take(90) || take(122) {
            offsetMinutes = 0
        } else {
            let east = text[index] == 43
            guard take(43) || take(45), let hours = digits(2), hours <= 18 else { return nil }
            var minutes: Int64 = 0
            if index < text.count {
                _ = take(58)
                guard let value = digits(2), value < 60 else { return nil }
                minutes = value
            }
            offsetMinutes = Int(east ? hours * 60 + minutes : -(hours * 60 + minutes))
        }
        guard index == text.count else { return nil }
    }
}

extension TimestampText {
    /// Milliseconds of `2026-11-20T09:30:00.123Z`, eight bytes at once: nearly all are written like this. nil for any other text.
    @inline(__always) private static func canonical(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count == 24 else { return nil }
        func word(_ place: Int) -> UInt64 { UInt64(bigEndian: text.loadUnaligned(fromByteOffset: place, as: UInt64.self)) }
        guard let date = digits(word(0), 0x0000_0000_FF00_00FF, 0x0000_0000_2D00_002D),
            let hours = digits(word(8), 0x0000_FF00_00FF_0000, 0x0000_5400_003A_0000),
            let seconds = digits(word(16), 0xFF00_00FF_0000_00FF, 0x3A00_002E_0000_005A)
        else { return nil }
        func two(_ word: UInt64, _ shift: UInt64) -> Int { Int(truncatingIfNeeded: (word >> (shift + 8)) & 0xF) * 10 + Int(truncatingIfNeeded: (word >> shift) & 0xF) }
        let (hour, minute, second) = (two(hours, 24), two(hours, 0), two(seconds, 40))
        guard hour < 24, minute < 60, second <= 60,
            let day = Day(year: two(date, 48) * 100 + two(date, 32), month: two(date, 8), day: two(hours, 48))
        else { return nil }
        let millisecond = two(seconds, 16) * 10 + Int(truncatingIfNeeded: (seconds >> 8) & 0xF)
        return Int64(day.daysSinceEpoch) * 86_400_000 + Int64(((hour * 60 + minute) * 60 + min(second, 59)) * 1000 + millisecond)
    }

    /// A word whose bytes are digits but for some, which are what they have to be. nil if it isn't.
    @inline(__always) private static func digits(_ word: UInt64, _ others: UInt64, _ expected: UInt64) -> UInt64? {
        let (high, six): (UInt64, UInt64) = (0xF0F0_F0F0_F0F0_F0F0, 0x0606_0606_0606_0606)
        let zeros: UInt64 = 0x3030_3030_3030_3030
        guard word & others == expected else { return nil }
        // Of a byte from 0x30 on, more than nine carries into the upper half.
        let rest = word & ~others | zeros & others
        return rest & high == zeros && (rest &+ six) & high == zeros ? rest : nil
    }
}

extension Zone {
    /// The instant that a text means: in its own zone if it names one, else in this one.
    /// nil if it isn't a timestamp, or lies outside the years 1970 to 9999.
    package func instant(_ text: UnsafeRawBufferPointer) -> Instant? {
        guard let parts = TimestampText(text) else { return nil }
        let instant =
            if let minutes = parts.offsetMinutes {
                Instant(milliseconds: parts.localMilliseconds - Int64(minutes) * 60_000)
            } else {
                self.instant(localMilliseconds: parts.localMilliseconds)
            }
        return (Instant.least...Instant.greatest).contains(instant) ? instant : nil
    }

    package func instant(_ text: String) -> Instant? {
        var text = text
        return text.withUTF8 { instant(UnsafeRawBufferPointer($0)) }
    }
}
