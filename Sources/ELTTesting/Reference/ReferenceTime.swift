import ELTCore
import Foundation

/// Days and written times, worked out with Foundation's calendar and none of the product's code.
struct ReferenceTime {
    private var calendar = Calendar(identifier: .gregorian)

    init(zone: String) {
        guard let zone = TimeZone(identifier: zone) else { preconditionFailure("no zone \(zone)") }
        calendar.timeZone = zone
    }

    /// The civil date of an instant in the zone, as `YYYY-MM-DD`.
    func day(of instant: Instant) -> String {
        let date = Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000)
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        return Self.text(parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    }

    /// The date after a date.
    static func next(_ day: String) -> String {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        let isLeap = parts[0] % 4 == 0 && (parts[0] % 100 != 0 || parts[0] % 400 == 0)
        let length = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][parts[1] - 1]
        if parts[2] < length { return text(parts[0], parts[1], parts[2] + 1) }
        return parts[1] < 12 ? text(parts[0], parts[1] + 1, 1) : text(parts[0] + 1, 1, 1)
    }

    private static func text(_ year: Int, _ month: Int, _ day: Int) -> String {
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// The instant of a written time; without a zone in the text it's read in this one.
    /// nil if it isn't a time.
    func instant(_ text: String) -> Instant? {
        var rest = Substring(text)
        guard let year = digits(4, &rest), take("-", &rest), let month = digits(2, &rest), take("-", &rest),
            let day = digits(2, &rest), let midnight = Self.midnight(year, month, day)
        else { return nil }
        if rest.isEmpty { return earliest(local: midnight) }
        guard take("T", &rest) || take("t", &rest) || take(" ", &rest), let hour = digits(2, &rest),
            hour < 24,
            take(":", &rest), let minute = digits(2, &rest), minute < 60
        else { return nil }
        var local = midnight + Int64(hour * 60 + minute) * 60_000
        if take(":", &rest) {
            guard let second = digits(2, &rest), second <= 60 else { return nil }
            local += Int64(min(second, 59)) * 1000
            if take(".", &rest) || take(",", &rest) {
                let fraction = rest.prefix { $0.isASCII && $0.isNumber }
                guard !fraction.isEmpty else { return nil }
                rest.removeFirst(fraction.count)
                local += Int64((fraction + "00").prefix(3)) ?? 0
            }
        }
        if rest.isEmpty { return earliest(local: local) }
        if rest == "Z" || rest == "z" { return valid(local) }
        let isWest = rest.hasPrefix("-")
        guard take("+", &rest) || take("-", &rest), let hours = digits(2, &rest) else { return nil }
        var minutes = 0
        if !rest.isEmpty {
            _ = take(":", &rest)
            guard let number = digits(2, &rest), number < 60, rest.isEmpty else { return nil }
            minutes = number
        }
        let east = Int64(hours * 60 + minutes) * 60_000
        return valid(isWest ? local + east : local - east)
    }

    private func take(_ character: Character, _ rest: inout Substring) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    private func digits(_ count: Int, _ rest: inout Substring) -> Int? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ ("0"..."9").contains($0) }) else { return nil }
        rest.removeFirst(count)
        return Int(digits)
    }

    /// Midnight of a date in UTC, in milliseconds; nil if there's no such date.
    private static func midnight(_ year: Int, _ month: Int, _ day: Int) -> Int64? {
        var utc = Calendar(identifier: .gregorian)
        utc.timeZone = .gmt
        let date = DateComponents(year: year, month: month, day: day)
        guard let midnight = utc.date(from: date),
            utc.dateComponents([.year, .month, .day], from: midnight) == date
        else { return nil }
        return Int64(midnight.timeIntervalSince1970) * 1000
    }

    /// Of an hour that comes twice the first; an hour that's left out with the offset before it.
    private func earliest(local: Int64) -> Instant? {
        func offset(_ ms: Int64) -> Int64 {
            let date = Date(timeIntervalSince1970: Double(ms) / 1000)
            return Int64(calendar.timeZone.secondsFromGMT(for: date)) * 1000
        }
        let (before, after) = (offset(local - 86_400_000), offset(local + 86_400_000))
        if offset(local - before) == before { return valid(local - before) }
        return offset(local - after) == after ? valid(local - after) : valid(local - before)
    }

    private func valid(_ ms: Int64) -> Instant? {
        ms >= 0 ? Instant(milliseconds: ms) : nil
    }
}
