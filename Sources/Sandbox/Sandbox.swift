import ELTCore
import Foundation
import Synchronization

/// A broker and a customer service on loopback with believable traffic, to try everything without any
/// other installation.
package final class Sandbox: Sendable {
    package let options: SandboxOptions
    /// When the life begins.
    package let origin: Instant
    private let state: Mutex<State>
    private let service: CustomerService

    private struct State {
        var life: Life
        var broker: SandboxBroker
        var counts = Counts()
    }

    /// What has been put on the topics so far.
    package struct Counts: Sendable, Equatable, Codable {
        package var create = 0
        package var update = 0
        package var delete = 0
        /// Of these: minutes to days after they happened.
        package var late = 0
        /// Of these: once more at another offset.
        package var duplicates = 0
        package var total: Int { create + update + delete }

        mutating func count(_ event: Event) {
            switch event.operation {
            case .create: create += 1
            case .update: update += 1
            case .delete: delete += 1
            }
            switch event.kind {
            case .plain: break
            case .late: late += 1
            case .duplicate: duplicates += 1
            }
        }

        static func - (a: Counts, b: Counts) -> Counts {
            var c = Counts()
            c.create = a.create - b.create
            c.update = a.update - b.update
            c.delete = a.delete - b.delete
            c.late = a.late - b.late
            c.duplicates = a.duplicates - b.duplicates
            return c
        }
    }

    /// Where the sandbox stands.
    package struct Status: Sendable, Equatable, Codable {
        package var now: String
        package var started: String
        package var customers: Int
        package var events: Counts
        /// Records that the service changed without an event.
        package var silentChanges: Int
        package var kafka: String
        package var service: String
        package var topics: [String]
        package var partitions: Int
        /// How full the fullest partition of the broker is, in percent.
        package var fill: Int
        package var warning: String?
    }

    static let advanceDaysMax = 400

    /// Takes the broker's port; the life begins with the customers that are there already.
    package init(_ options: SandboxOptions) throws {
        self.options = options
        origin = options.start ?? Self.past(options)
        state = Mutex(State(life: Life(options, start: origin), broker: try SandboxBroker(options)))
        service = CustomerService(port: options.httpPort)
    }

    private static func past(_ options: SandboxOptions) -> Instant {
        let now = Int64(Date.now.timeIntervalSince1970 * 1000)
        // Live traffic goes with the clock; a life that stands still does so at a full hour.
        let end = options.rate > 0 ? now : now / 3_600_000 * 3_600_000
        return Instant(milliseconds: end - Int64(max(options.days, 0)) * 86_400_000)
    }

    /// Lives the days that lie behind and begins to serve. Returns when both answer.
    ///
    /// It waits for Swift's pool, which answers requests: from within the pool call the other one.
    package func start() throws {
        try advance(to: origin + .seconds(86_400 * max(options.days, 0)))
        service.begin(for: self)
        while try !service.isListening() { usleep(2000) }
    }

    /// The same for callers within Swift's pool.
    package func start() async throws {
        try advance(to: origin + .seconds(86_400 * max(options.days, 0)))
        service.begin(for: self)
        while try !service.isListening() { try await Task.sleep(for: .milliseconds(2)) }
    }

    /// Ends the service. The broker ends with the sandbox.
    package func stop() { service.stop() }

    /// `127.0.0.1:39092`
    package var bootstrapServers: String { state.withLock { $0.broker.address } }
    /// `http://127.0.0.1:38080`
    package var serviceURL: String { "http://127.0.0.1:\(service.port)" }
    /// The service's clock.
    package var now: Instant { state.withLock { $0.life.now } }

    /// Lives up to `instant`: every event that arrives until then is on its topic when this returns, and
    /// the service shows what is then so. Returns what was added.
    @discardableResult
    package func advance(to instant: Instant) throws -> Counts {
        try state.withLock { state in
            guard instant >= state.life.now else {
                throw SandboxError.backwards(now: state.life.now.description, to: instant.description)
            }
            guard instant <= state.life.now + .seconds(86_400 * Self.advanceDaysMax) else {
                throw SandboxError.tooFar(now: state.life.now.description, to: instant.description)
            }
            let before = state.counts
            var counts = before
            let broker = state.broker
            try state.life.advance(to: instant) { event in
                try broker.send(event)
                counts.count(event)
            }
            try broker.flush()
            state.counts = counts
            return counts - before
        }
    }

    package var status: Status {
        state.withLock { state in
            let fill = state.broker.fill
            return Status(
                now: state.life.now.description, started: origin.description,
                customers: state.life.customers.count,
                events: state.counts, silentChanges: state.life.silentChanges, kafka: state.broker.address,
                service: serviceURL,
                topics: [options.topics.create, options.topics.update, options.topics.delete],
                partitions: Int(state.broker.partitionCount), fill: Int(fill * 100),
                warning: fill > 0.7
                    ? "A partition of the sandbox's broker is \(Int(fill * 100)) % full; it drops its oldest"
                        + " events then. Start it anew with more partitions or fewer events."
                    : state.broker.portNote)
        }
    }

    // MARK: What the service asks

    /// One page of the listing, as JSON; rows are in the order of their creation.
    func page(_ page: Int, size: Int) -> (body: [UInt8], date: Instant) {
        state.withLock { state in
            let total = state.life.customers.count
            let (start, overflow) = page.multipliedReportingOverflow(by: size)
            let first = overflow ? total : min(start, total)
            let rows = first..<min(first + size, total)
            var json: [UInt8] = []
            json.reserveCapacity(rows.count * 380 + 100)
            json.append(text: #"{"items":["#)
            for index in rows {
                if index != rows.lowerBound { json.append(UInt8(ascii: ",")) }
                state.life.customers[index].append(number: index + 1, to: &json)
            }
            json.append(text: #"],"page":"#)
            json.append(number: Int64(page))
            json.append(text: #","size":"#)
            json.append(number: Int64(size))
            json.append(text: #","total":"#)
            json.append(number: Int64(total))
            json.append(UInt8(ascii: "}"))
            return (json, state.life.now)
        }
    }

    /// One customer, as JSON; nil if there's none of this number.
    func customer(number: Int) -> (body: [UInt8]?, date: Instant) {
        state.withLock { state in
            guard state.life.customers.indices.contains(number - 1) else { return (nil, state.life.now) }
            var json: [UInt8] = []
            state.life.customers[number - 1].append(number: number, to: &json)
            return (json, state.life.now)
        }
    }
}
