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
