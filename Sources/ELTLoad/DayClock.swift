import ELTCore

/// The day of one instant after another. Neighbours mostly share a day, so its bounds are kept.
struct DayClock {
    private let zone: Zone
    private var day = Day(daysSinceEpoch: 0)
    private var from: Int64 = 0
    private var to: Int64 = 0

    init(_ zone: Zone) { self.zone = zone }

    mutating func day(of instant: Int64) -> Day {
        if from <= instant && instant < to { return day }
        day = zone.day(of: Instant(milliseconds: instant))
        from = zone.start(of: day).milliseconds
        to = zone.start(of: day.next).milliseconds
        return day
    }
}
