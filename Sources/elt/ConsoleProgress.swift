import ELTCore
import ELTReport

/// Computes what the progress line says. A value: the clock and the terminal are outside.
struct ProgressMeter {
    private struct Step {
        var name: String
        var startedAt: ContinuousClock.Instant
        /// What was done when it started: a resumed step doesn't begin at 0, and that's not its rate.
        var startedWith: Int64
    }

    private var steps: [Step] = []
    private var shownAt: ContinuousClock.Instant?
    /// Steps side by side; more than this are forgotten, the oldest first.
    private static let stepsMax = 64

    let interval: Duration
    init(interval: Duration) { self.interval = interval }

    /// The line to show now, or nil if it's too early for another.
    mutating func line(
        step name: String, done: Int64, total: Int64?, at now: ContinuousClock.Instant
    ) -> String? {
        let step = step(name, done: done, at: now)
        let isLast = total.map { done >= $0 } ?? false
        if let shownAt, now - shownAt < interval, !isLast { return nil }
        shownAt = now
        return Self.text(
            step.name, done: done, total: total, since: step.startedWith, elapsed: now - step.startedAt)
    }

    private mutating func step(_ name: String, done: Int64, at now: ContinuousClock.Instant) -> Step {
        if let index = steps.firstIndex(where: { $0.name == name }) {
            // A step of the same name that goes back is a new one, such as the next segment.
            if done >= steps[index].startedWith { return steps[index] }
            steps.remove(at: index)
        }
        if steps.count == Self.stepsMax { steps.removeFirst() }
        let step = Step(name: name, startedAt: now, startedWith: done)
        steps.append(step)
        return step
    }

    static func text(_ step: String, done: Int64, total: Int64?, since: Int64, elapsed: Duration) -> String {
        var text = "\(ConsoleEscape.line(step))  \(grouped(done))"
        if let total {
            let percent = total > 0 ? min(100, Int(Double(done) / Double(total) * 100)) : 100
            text += " of \(grouped(total)) (\(percent)%)"
        }
        let seconds = Double(elapsed.wholeMilliseconds) / 1000
        // In the first moments a rate says nothing.
        guard seconds >= 0.5, done > since else { return text }
        let rate = Double(done - since) / seconds
        text += "  \(rate >= 10 ? grouped(Int64(rate)) : oneDecimal(rate))/s"
        if let total, done < total { text += "  \(clock(Double(total - done) / rate)) left" }
        return text
    }

    /// `1,234,567`.
    static func grouped(_ number: Int64) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    private static func oneDecimal(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// `0:05`, `12:34`, `3:00:00`, `5 days`.
    private static func clock(_ seconds: Double) -> String {
        guard seconds < 8_640_000 else { return "more than 100 days" }
        let whole = Int(seconds.rounded(.up))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if whole >= 2 * 86_400 { return "\(whole / 86_400) days" }
        if whole >= 3600 { return "\(whole / 3600):\(two(whole % 3600 / 60)):\(two(whole % 60))" }
        return "\(whole / 60):\(two(whole % 60))"
    }
}
