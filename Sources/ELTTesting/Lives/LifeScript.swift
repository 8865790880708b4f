import ELTCore

/// A random life of a project, made from a seed: the same seed gives the same life.
///
/// It prints in the words of `fixtures/README.md`, so that a life that shows a mistake can be cut down
/// by hand and kept as a golden case.
package struct LifeScript: Sendable, CustomStringConvertible {
    package let seed: UInt64
    package let life: GoldenCase

    package var settings: ReferenceSettings { life.settings }
    package var partitions: Int32 { life.partitions }
    package var steps: [LifeStep] { life.steps }
    package var description: String { life.description }

    /// A life of about `length` commands, with events before most of them.
    package init(seed: UInt64, length: Int = 20) {
        self.seed = seed
        var generator = LifeGenerator(seed: seed)
        let steps = generator.steps(length)
        life = GoldenCase(
            name: "seed-\(seed)", about: "The life of seed \(seed), \(length) commands long.",
            settings: generator.settings, partitions: generator.partitions, steps: steps)
    }
}

/// Where lives begin: a zone, and the evenings before its odd nights.
private let beginnings: [(zone: String, starts: [String])] = [
    ("Europe/Berlin", ["2026-03-27T20:00:00Z", "2026-10-23T20:00:00Z"]),
    ("America/New_York", ["2026-03-06T22:00:00Z", "2026-10-30T22:00:00Z"]),
    ("Asia/Kolkata", ["2026-03-28T16:00:00Z"]),
    ("Pacific/Apia", ["2026-12-29T08:00:00Z"]),
    ("Australia/Lord_Howe", ["2026-04-03T12:00:00Z", "2026-10-02T12:00:00Z"]),
    ("UTC", ["2026-02-26T20:00:00Z"]),
]

private let hour: Int64 = 3_600_000

private struct LifeGenerator {
    var random: SplitMix64
    let settings: ReferenceSettings
    let partitions: Int32
    private let zone: Zone
    private let keys: [String]
    private var now: Instant
    /// When the last command ran: events lie between it and `now`.
    private var before: Instant
    /// Latest T0, to aim at its edges.
    private var loaded: Instant?
    private var loadedRows = 0
    private var counter = 0
    /// How far the field `points` has widened: 0 integer, 1 decimal, 2 text.
    private var widened = 0
    private var sent: [ProducedEvent] = []
    /// Effective times of events, to meet them again.
    private var times: [Instant] = []
    /// Topics with events that no run has fetched.
    private var dirty: Set<String> = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        let beginning = random.one(of: beginnings)
        guard let zone = Zone(beginning.zone) else { preconditionFailure("no zone \(beginning.zone)") }
        self.zone = zone
        var topics = Operation.allCases.map { TopicSettings(name: $0.word, operation: $0) }
        for index in topics.indices where random.once(in: index == 2 ? 3 : 12) {
            topics[index].mode = .remove
        }
        if random.once(in: 3) { topics.swapAt(random.below(3), random.below(3)) }
        var settings = ReferenceSettings(zone: beginning.zone, topics: topics)
        settings.absent = random.one(of: [.keep, .remove])
        if random.once(in: 2) { settings.declared = ["created_at": .timestamp] }
        if random.once(in: 8) { settings.eventTime = nil }
        self.settings = settings
        partitions = Int32(random.within(1...3))
        keys = (0..<random.within(3...9)).map { "c-\($0)" }
        guard let start = ReferenceTime(zone: "UTC").instant(random.one(of: beginning.starts))
        else { preconditionFailure("a start is no time") }
        now = start
        before = Instant(milliseconds: start.milliseconds - 24 * hour)
    }

    mutating func steps(_ length: Int) -> [LifeStep] {
        var steps: [LifeStep] = []
        for _ in 0..<length {
            if !random.once(in: 6) {
                steps.append(.produce(events(random.within(1...12), from: before, to: now)))
            }
            steps += command()
            before = now
            let days = random.once(in: 8) ? random.within(2...6) : 0
            if days > 0 { steps.append(.outage(days: days)) }
            let minutes = random.one(of: [0, 1, 30, 60, 60, 120, 300, 720, 1440, 1441])
            now = Instant(milliseconds: now.milliseconds + Int64(days) * 24 * hour + Int64(minutes) * 60_000)
        }
        return steps + [.run(at: now), .rebuild]
    }

    private mutating func command() -> [LifeStep] {
        switch random.below(20) {
        case 0...1: return [.rebuild]
        case 2...5: return [.fullLoad(fullLoad())]
        case 6: return [run(), .recreate(topic: random.one(of: settings.topics).name)]
        case 7: return [run(), run()]
        case 8:
            // A backfill of an hour long past.
            dirty = []
            return [.run(at: Instant(milliseconds: now.milliseconds - Int64(random.within(1...100)) * hour))]
        default: return [run()]
        }
    }

    private mutating func run() -> LifeStep {
        dirty = []
        return .run(at: now)
    }

    // MARK: full loads

    private mutating func fullLoad() -> LifeFullLoad {
        let at = now
        var date: Instant?
        if random.once(in: 3) {
            date = Instant(milliseconds: (at.milliseconds / 1000 + Int64(random.within(-90...90))) * 1000)
        }
        loaded = min(at, date ?? at)
        // Not fewer rows than half of the last load's: that would be refused.
        var listed = keys.filter { _ in !random.once(in: 4) }
        if listed.count < max(1, (loadedRows + 1) / 2) { listed = keys }
        var rows = listed.map { row($0) }
        if random.once(in: 3) { rows.append(row(random.one(of: listed))) }
        loadedRows = rows.count
        let size = random.within(1...5)
        var parts: [LifeFullLoad.Part] = []
        let isBusy = random.once(in: 2)
        for start in stride(from: 0, to: rows.count, by: size) {
            parts.append(.page(Array(rows[start..<min(start + size, rows.count)])))
            guard isBusy else { continue }
            let begun = now
            now = Instant(milliseconds: now.milliseconds + Int64(random.one(of: [1, 10, 90, 1500])) * 60_000)
            if random.once(in: 2) {
                parts.append(.during(.produce(events(random.within(1...4), from: begun, to: now))))
            }
            if random.once(in: 3) { parts.append(.during(run())) }
        }
        return LifeFullLoad(at: at, date: date, parts: parts)
    }

    private mutating func row(_ key: String) -> String { record(key, name: "row", isListed: true) }

    // MARK: events

    private mutating func events(_ count: Int, from first: Instant, to last: Instant) -> [ProducedEvent] {
        let events = (0..<count).map { _ in event(from: first, to: last) }
        sent += events
        dirty.formUnion(events.map(\.topic))
        return events
    }

    private mutating func event(from first: Instant, to last: Instant) -> ProducedEvent {
        let span = Int(max(1, last.milliseconds - first.milliseconds))
        let stamp = Instant(milliseconds: last.milliseconds - Int64(random.below(span)))
        if !sent.isEmpty, random.once(in: 12) {
            // Delivered again: the same bytes at a new offset, with the old timestamp or a new one.
            var again = random.one(of: sent)
            again.offset = nil
            if random.once(in: 2) { again.timestamp = stamp }
            return again
        }
        let key = random.below(keys.count)
        let topic = settings.topics[[0, 1, 1, 1, 2][random.below(5)]]
        let partition = random.once(in: 6) ? Int32(random.below(Int(partitions))) : Int32(key) % partitions
        var event = ProducedEvent(
            topic: topic.name, partition: partition, timestamp: stamp, key: Array(keys[key].utf8), value: nil)
        if random.once(in: 10) { return event }
        if random.once(in: 14) {
            event.value = poison(keys[key])
            return event
        }
        let time = effectiveTime(near: stamp)
        times.append(time)
        let head = random.once(in: 15) ? "" : "\"event_time\":\"\(time)\","
        let record = record(keys[key], name: topic.name, isListed: false)
        event.value = Array("{\(head)\"customer\":\(record)}".utf8)
        return event
    }

    private mutating func effectiveTime(near stamp: Instant) -> Instant {
        let edge = [-1, 0, 1][random.below(3)]
        func after(_ instant: Instant, _ milliseconds: Int) -> Instant {
            Instant(milliseconds: instant.milliseconds + Int64(milliseconds))
        }
        switch random.below(16) {
        case 0: return after(stamp, -60_000 * random.within(1...600))
        case 1: return after(stamp, -3_600_000 * random.within(12...200))
        case 2: return after(stamp, 1000 * random.within(1...299))
        case 3: return after(stamp, 300_000 + edge)
        case 4: return after(stamp, 3_600_000 * random.within(1...1000))
        case 5: return after(zone.start(of: zone.day(of: stamp)), edge)
        case 6: return after(zone.start(of: zone.day(of: stamp).previous), edge)
        case 7 where !times.isEmpty: return random.one(of: times)
        case 8 where loaded != nil: return after(loaded ?? stamp, -300_000 + edge)
        case 9: return stamp
        default: return after(stamp, -random.within(0...3000))
        }
    }

    private mutating func record(_ key: String, name: String, isListed: Bool) -> String {
        counter += 1
        var fields = ["\"id\":\"\(key)\"", "\"name\":\"\(name) \(counter)\""]
        fields.append(
            "\"created_at\":"
                + random.one(of: [
                    "\"2026-01-02T03:04:05+01:00\"", "\"2026-01-02T03:04:05.678Z\"", "null",
                ]))
        if isListed || random.once(in: 4) { fields.append("\"tier\":\"standard\"") }
        if random.once(in: 3) { fields.append("\"points\":\(points())") }
        if random.once(in: 5) { fields.append("\"vip\":\(random.one(of: ["true", "false", "null"]))") }
        if random.once(in: 8) { fields.append("\"prefs\":{\"a\": [1, 2.50], \"b\":\"\\u00fc\"}") }
        if random.once(in: 10) { fields.append("\"name\":\"last name wins \(counter)\"") }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private mutating func points() -> String {
        if random.once(in: 10) { widened = min(2, widened + 1) }
        switch random.below(widened + 1) {
        case 0:
            return random.one(of: [
                "1", "-7", "9007199254740993", "9223372036854775807", "18446744073709551616",
            ])
        case 1: return random.one(of: ["1.50", "0.1", "-2.0", "12345678901234567890.5"])
        default: return random.one(of: ["\"many\"", "\"7\"", "\"\""])
        }
    }

    private mutating func poison(_ key: String) -> [UInt8] {
        let texts = [
            "not json", "{\"event_time\":\"2026-01-01T00:00:00Z\",\"customer\":{\"id\":\"\(key)\"",
            "{\"event_time\":\"2026-01-01T00:00:00Z\"}", "null", "[]", "",
            "{\"customer\":{\"name\":\"no id\"}}",
            "{\"event_time\":\"2026-01-01T00:00:00Z\",\"customer\":{\"id\":\"\(key)\"}} x",
        ]
        switch random.below(texts.count + 2) {
        case texts.count:
            return Array("{\"customer\":{\"id\":\"\(key)\",\"name\":\"".utf8) + [0xFF] + Array("\"}}".utf8)
        // Without a configured time this is an ordinary record, and a good one.
        case texts.count + 1: return Array("{\"event_time\":\"soon\",\"customer\":{\"id\":\"\(key)\"}}".utf8)
        case let index: return Array(texts[index].utf8)
        }
    }
}
