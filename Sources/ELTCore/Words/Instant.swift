/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
package struct Instant: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (a: Instant, b: Instant) -> Bool { a.milliseconds < b.milliseconds }
    // A broker keeps whatever timestamp it's sent, the greatest number too.
    package static func + (a: Instant, b: Duration) -> Instant {
        Instant(milliseconds: a.milliseconds.addingClamped(b.wholeMilliseconds))
    }
    package static func - (a: Instant, b: Duration) -> Instant {
        Instant(milliseconds: a.milliseconds.subtractingClamped(b.wholeMilliseconds))
    }

    /// The smallest and the greatest instant that may stand in a payload: 1970 to 9999.
    package static let least = Instant(milliseconds: 0)
    package static let greatest = Instant(milliseconds: 253_402_300_799_999)
}

extension Duration {
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}

extension Instant: CustomStringConvertible {
    /// ISO-8601 in UTC with milliseconds: `2026-11-20T09:30:00.123Z`. What lies outside of the years 1 to 9999 is shown as
    /// their begin or end.
    package var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The nearest instant of the years 1 to 9999, which have names of days.
    var shown: Instant { min(max(self, Self.yearOne), .greatest) }
    private static let yearOne = Instant(milliseconds: -62_135_596_800_000)

    package func append(to bytes: inout [UInt8]) {
        let milliseconds = shown.milliseconds
        let dayCount = milliseconds.floorDivided(by: 86_400_000)
        var rest = milliseconds - dayCount * 86_400_000
        Day(daysSinceEpoch: Int32(clamping: dayCount)).append(to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        let hour = rest / 3_600_000; rest %= 3_600_000
        let minute = rest / 60_000; rest %= 60_000
        bytes.appendDigits(hour, width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.appendDigits(minute, width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.appendDigits(rest / 1000, width: 2)
        bytes.append(UInt8(ascii: "."))
        bytes.appendDigits(rest % 1000, width: 3)
        bytes.append(UInt8(ascii: "Z"))
    }
}

extension Int64 {
    package func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return (self % divisor != 0 && (self < 0) != (divisor < 0)) ? quotient - 1 : quotient
    }

    /// The nearest that there is to a sum or a difference.
    package func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    package func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}

extension [UInt8] {
    package mutating func appendDigits(_ number: Int64, width: Int) {
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}
