import HTTP
import ELTCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How often and when a page is asked for again.
package struct RESTRetryPolicy: Sendable, Equatable {
    /// Attempts for one page. Those that the service itself put off don't count.
    package var attemptsMax = 6
    package var firstDelay: Duration = .milliseconds(500)
    package var delayMax: Duration = .seconds(60)
    package init() {}

    /// The delay before the next attempt after `failures` of them: doubled each time, and somewhere
    /// between half and all of that, so that many clients don't come back together.
    func delay(after failures: Int, random: Double) -> Duration {
        let whole = min(firstDelay * (1 << min(failures - 1, 20)), delayMax)
        return whole * (0.5 + random / 2)
    }
}

/// What the time of day is, for headers that speak of it.
package struct RESTClock: Sendable {
    package var now: @Sendable () -> Instant

    package init(now: @escaping @Sendable () -> Instant) { self.now = now }

    package static let system = RESTClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// What a response's headers say about when to come again.
struct RESTWaits {
    let head: HTTPHead
    let clock: RESTClock

    /// `Retry-After`, in seconds or as a date; nil if there's none.
    var retryAfter: Duration? {
        guard let text = head["Retry-After"] else { return nil }
        if let seconds = Self.seconds(text) { return seconds }
        let now = serviceNow
        return Instant(httpDate: text, now: now).map { Self.from(now, to: $0) }
    }

    /// The end of the time slice whose requests are used up; nil if they aren't.
    var untilReset: Duration? {
        guard value("Remaining") == 0, let reset = value("Reset") else { return nil }
        switch reset {
        case ..<100_000_000: return .seconds(reset)
        case ..<1_000_000_000_000: return Self.from(serviceNow, to: Instant(milliseconds: reset * 1000))
        default: return Self.from(serviceNow, to: Instant(milliseconds: reset))
        }
    }

    private func value(_ name: String) -> Int64? {
        for prefix in ["X-RateLimit-", "X-Rate-Limit-", "RateLimit-"] {
            if let text = head[prefix + name], let value = Int64(text), value >= 0 { return value }
        }
        return nil
    }

    /// The service's own clock where it shows it: its dates are meant by that one.
    private var serviceNow: Instant {
        let now = clock.now()
        return head["Date"].flatMap { Instant(httpDate: $0, now: now) } ?? now
    }

    private static func seconds(_ text: String) -> Duration? {
        guard !text.isEmpty, text.utf8.count <= 12, text.utf8.allSatisfy({ $0 &- 48 < 10 }) else {
            return nil
        }
        return Int64(text).map { .seconds($0) }
    }

    private static func from(_ now: Instant, to then: Instant) -> Duration {
        .milliseconds(max(0, then.milliseconds.subtractingClamped(now.milliseconds)))
    }
}
