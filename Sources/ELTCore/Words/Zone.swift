import Foundation
import Synchronization

/// The project's time zone: an IANA name and its offsets.
///
/// The offset of an instant holds until the zone's next transition, so it's looked up once for
/// each such stretch and not once for each event.
package final class Zone: Sendable {
    package let name: String
    private let zone: TimeZone
    private struct Stretch { var from: Int64, to: Int64, offset: Int64 }
    private let stretches = Mutex<[Stretch]>([])

    /// nil if there's no such zone. Only IANA names count: `CET+1` or `GMT+2` are refused.
    package init?(_ name: String) {
        guard name == "UTC" || TimeZone.knownTimeZoneIdentifiers.contains(name) || name.contains("/"),
            let zone = TimeZone(identifier: name)
        else { return nil }
        self.name = name
        self.zone = zone
    }

    package static let utc = Zone("UTC")!

    /// Milliseconds that local time is ahead of UTC at `instant`.
    package func offset(at instant: Instant) -> Int64 {
        let ms = instant.shown.milliseconds
        return stretches.withLock { stretches in
            if let last = stretches.last, last.from <= ms, ms < last.to { return last.offset }
            if let index = stretches.firstIndex(where: { $0.from <= ms && ms < $0.to }) {
                stretches.swapAt(index, stretches.count - 1)
                return stretches[stretches.count - 1].offset
            }
            let stretch = look(at: ms)
            stretches.append(stretch)
            return stretch.offset
        }
    }

    private func look(at ms: Int64) -> Stretch {
        // A day is short enough that it holds at most one transition, and probing three points
        // keeps us independent of how far a Foundation knows its transitions.
        let from = ms.floorDivided(by: 86_400_000) * 86_400_000
        let to = from + 86_400_000
        let (first, last) = (raw(from), raw(to - 1))
        if first == last, raw(from + 43_200_000) == first { return Stretch(from: from, to: to, offset: first) }
        var low = from, high = to - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if raw(middle) == first { low = middle } else { high = middle }
        }
        return ms < high
            ? Stretch(from: from, to: high, offset: first) : Stretch(from: high, to: to, offset: last)
    }

    private func raw(_ ms: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(ms) / 1000))) * 1000
    }

    /// The civil date of an instant in this zone. Days have 23, 24 or 25 hours.
    package func day(of instant: Instant) -> Day {
        let local = instant.shown.milliseconds + offset(at: instant)
        return Day(daysSinceEpoch: Int32(clamping: local.floorDivided(by: 86_400_000)))
    }

    /// The instant of a local time. Of an hour that comes twice, the first; an hour that's left out
    /// is read with the offset that was in force before it.
    package func instant(localMilliseconds: Int64) -> Instant {
        let before = offset(at: Instant(milliseconds: localMilliseconds - 86_400_000))
        let first = Instant(milliseconds: localMilliseconds - before)
        if offset(at: first) == before { return first }
        let after = offset(at: Instant(milliseconds: localMilliseconds + 86_400_000))
        let second = Instant(milliseconds: localMilliseconds - after)
        return offset(at: second) == after ? second : first
    }

    /// The first instant of a day.
    package func start(of day: Day) -> Instant {
        let midnight = Int64(day.daysSinceEpoch) * 86_400_000
        let guess = instant(localMilliseconds: midnight)
        // Where midnight itself is left out (some zones shift at 00:00), the day starts later.
        return self.day(of: guess) < day ? Instant(milliseconds: guess.milliseconds + 3_600_000) : guess
    }
}
