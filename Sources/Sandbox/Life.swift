import ELTCore

/// A message on its way to its topic.
struct Event {
    /// When it reaches the topic: the message's Kafka timestamp.
    let arrival: Int64
    /// Decides between events that arrive in the same millisecond.
    let sequence: Int64
    let operation: ELTCore.Operation
    let customer: Int
    let value: [UInt8]
    let kind: Kind

    enum Kind { case plain, late, duplicate }
}

/// The life of the service's customers: a pure function of the options, however it's cut into advances.
struct Life {
    private(set) var customers: [Customer] = []
    /// The service's clock: all that happened up to here has happened.
    private(set) var now: Instant
    /// How often the service changed a record and told nobody.
    private(set) var silentChanges = 0

    private let options: SandboxOptions
    /// From here on `rate` tells how much happens, before it the day's curve.
    private let liveFrom: Int64
    private var random: RandomStream
    private var hour: Hour
    private var carry = 0.0
    private var sequence: Int64 = 0
    private var underway = Heap()
    private var withoutPhone: [Int] = []

    /// The events of one hour are spread evenly over it, each at a random place of its share.
    private struct Hour {
        var start: Int64
        var length: Int64
        var count: Int
        var index = 0
        var next: Int64?
    }

    init(_ options: SandboxOptions, start: Instant) {
        self.options = options
        now = start
        random = RandomStream(seed: options.seed)
        liveFrom = start.milliseconds + Int64(max(options.days, 0)) * 86_400_000
        hour = Hour(start: start.milliseconds, length: 0, count: 0)
        customers.reserveCapacity(options.customers)
        let past: Int64 = 2 * 365 * 86_400_000
        for number in 0..<max(options.customers, 0) {
            let step = Double(past) / Double(options.customers)
            let created = start.milliseconds - past + Int64((Double(number) + random.unit()) * step)
            var customer = Customer(number: number + 1, created: created, &random)
            if random.happens(0.4) {
                customer.version = Int32(2 + random.below(4))
                customer.updated = created + Int64(random.unit() * Double(start.milliseconds - created))
                if random.happens(0.1) { customer.status = .inactive }
            }
            if customer.phone == .none { withoutPhone.append(number) }
            customers.append(customer)
        }
        enterHour(at: start.milliseconds)
    }

    /// Lives up to `instant` and brings every message that arrives until then, in order of arrival.
    mutating func advance(to instant: Instant, each: (Event) throws -> Void) rethrows {
        guard instant > now else { return }
        let end = instant.milliseconds
        while let time = nextTime(until: end) {
            // What arrives before this happens can't be overtaken by anything that's still to come.
            while let first = underway.first, first.arrival <= time { try each(underway.removeFirst()) }
            happen(at: time)
        }
        while let first = underway.first, first.arrival <= end { try each(underway.removeFirst()) }
        now = instant
    }

    // MARK: Time

    private mutating func nextTime(until end: Int64) -> Int64? {
        while true {
            if let next = hour.next { return next <= end ? take(next) : nil }
            let following = hour.start + hour.length
            guard following <= end else { return nil }
            enterHour(at: following)
        }
    }

    private mutating func take(_ time: Int64) -> Int64 {
        hour.index += 1
        hour.next = placed()
        return time
    }

    private mutating func placed() -> Int64? {
        guard hour.index < hour.count else { return nil }
        let share = Double(hour.length) / Double(hour.count)
        return hour.start + Int64((Double(hour.index) + random.unit()) * share)
    }

    private mutating func enterHour(at start: Int64) {
        var end = (start.floorDivided(by: 3_600_000) + 1) * 3_600_000
        let isLive = options.rate > 0 && start >= liveFrom
        if options.rate > 0, start < liveFrom, end > liveFrom { end = liveFrom }
        let hours = Double(end - start) / 3_600_000
        let local = start + options.zone.offset(at: Instant(milliseconds: start))
        let curve = People.hours[Int((local.floorDivided(by: 3_600_000) % 24 + 24) % 24)] / People.hoursTotal
        carry += isLive ? options.rate * 3600 * hours : Double(options.eventsPerDay) * curve * hours
        let count = Int(carry)
        carry -= Double(count)
        hour = Hour(start: start, length: end - start, count: count)
        hour.next = placed()
    }

    // MARK: What happens

    private mutating func happen(at time: Int64) {
        if random.happens(0.02) { fillSilently() }
        let dice = random.unit()
        if dice < 0.2 || customers.isEmpty {
            let customer = Customer(number: customers.count + 1, created: time, &random)
            if customer.phone == .none { withoutPhone.append(customers.count) }
            customers.append(customer)
            send(.create, customers.count - 1, at: time)
            return
        }
        let index = somebody()
        customers[index].version += 1
        customers[index].updated = time
        if dice < 0.95 {
            customers[index].change(&random)
            // Who was gone and writes again is back.
            if customers[index].status == .inactive { customers[index].status = .active }
            send(.update, index, at: time)
        } else {
            customers[index].status = .inactive
            send(.delete, index, at: time)
        }
    }

    /// Mostly somebody who is still a customer.
    private mutating func somebody() -> Int {
        for _ in 0..<8 {
            let index = random.below(customers.count)
            if customers[index].status != .inactive || random.happens(0.05) { return index }
        }
        return random.below(customers.count)
    }

    /// The service puts a default where a value was missing. No event, no new version: only a full
    /// load shows it.
    private mutating func fillSilently() {
        guard !withoutPhone.isEmpty else { return }
        let place = random.below(withoutPhone.count)
        let index = withoutPhone[place]
        withoutPhone.swapAt(place, withoutPhone.count - 1)
        withoutPhone.removeLast()
        // A number may have come by an event since.
        guard customers[index].phone == .none else { return }
        customers[index].phone = .filled
        silentChanges += 1
    }

    private mutating func send(_ operation: ELTCore.Operation, _ index: Int, at time: Int64) {
        var value: [UInt8] = []
        value.reserveCapacity(420)
        value.append(text: #"{"event_type":""#)
        switch operation {
        case .create: value.append(text: "create")
        case .update: value.append(text: "update")
        case .delete: value.append(text: "delete")
        }
        value.append(text: #"","event_time":""#)
        Instant(milliseconds: time).append(to: &value)
        value.append(text: #"","customer":"#)
        customers[index].append(number: index + 1, to: &value)
        value.append(UInt8(ascii: "}"))

        var arrival = time + 5 + Int64(random.below(400))
        var kind = Event.Kind.plain
        if random.happens(0.01) {
            // Most of the late ones by minutes, a few by a day or two.
            let u = random.unit()
            arrival = time + 180_000 + Int64(u * u * u * u * 172_800_000)
            kind = .late
        }
        enqueue(arrival, operation, index, value, kind)
        if random.happens(0.01) {
            enqueue(arrival + 500 + Int64(random.below(3_600_000)), operation, index, value, .duplicate)
        }
    }

    private mutating func enqueue(
        _ arrival: Int64, _ operation: ELTCore.Operation, _ index: Int, _ value: [UInt8], _ kind: Event.Kind
    ) {
        sequence += 1
        underway.insert(
            Event(
                arrival: arrival, sequence: sequence, operation: operation, customer: index, value: value,
                kind: kind))
    }
}

/// Events by arrival; the earliest first.
private struct Heap {
    private var events: [Event] = []

    var first: Event? { events.first }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        let (a, b) = (events[a], events[b])
        return a.arrival != b.arrival ? a.arrival < b.arrival : a.sequence < b.sequence
    }

    mutating func insert(_ event: Event) {
        events.append(event)
        var child = events.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            events.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() -> Event {
        events.swapAt(0, events.count - 1)
        let first = events.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < events.count {
                if precedes(child, least) { least = child }
            }
            if least == parent { return first }
            events.swapAt(parent, least)
            parent = least
        }
    }
}
