import ELTCore
import ELTSources
import Foundation
import Kafka
import Synchronization

/// A broker that a test writes to and reads from.
protocol TestBroker: AnyObject, Sendable {
    var address: String { get }
    func createTopic(_ name: String, partitions: Int32) throws
}

/// The brokers that every promise is tested on. The second one only where it's installed.
enum BrokerKind: String, CaseIterable, Sendable {
    case mock, noida

    static let available: [BrokerKind] = Noida.program == nil ? [.mock] : [.mock, .noida]

    func start() throws -> any TestBroker {
        switch self {
        case .mock: try Mock()
        case .noida: try Noida.shared.get()
        }
    }
}

/// librdkafka's own broker, one for each test.
final class Mock: TestBroker {
    private let cluster: Mutex<MockCluster>
    let address: String

    init(brokers: Int32 = 1) throws {
        let made = try MockCluster(brokers: brokers)
        address = made.bootstrapServers
        cluster = Mutex(made)
    }

    func createTopic(_ name: String, partitions: Int32) throws {
        try cluster.withLock { try $0.createTopic(name, partitions: partitions) }
    }

    func with(_ body: (MockCluster) throws -> Void) rethrows { try cluster.withLock { try body($0) } }
}

/// An independent broker in a child process, one for the whole test run.
///
/// A shell stands between: it ends the broker when our end of its input closes, so the broker is gone
/// however the tests end.
final class Noida: TestBroker {
    /// `ELT_NOIDA`, or `noida-db` on the path; nil if it isn't installed.
    static let program: String? = {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["ELT_NOIDA"] { return named.isEmpty ? nil : named }
        return (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/noida-db" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    static let shared = Result { try Noida() }

    let address: String
    private let shell: Mutex<Process>

    init() throws {
        let port = try freePort()
        address = "127.0.0.1:\(port)"
        let folder = FileManager.default.temporaryDirectory.appending(path: "elt-noida-\(port)").path
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c",
            """
            set -m; "$0" start --data-dir "$1" --only kafka --kafka-port "$2" >/dev/null 2>&1 & broker=$!
            read -r _; kill -9 -- -$broker; rm -rf "$1"
            """,
            Self.program ?? "noida-db", folder, String(port),
        ]
        process.standardInput = Pipe()
        try process.run()
        shell = Mutex(process)
        let admin = try Consumer(ClientSettings.reading(["bootstrap.servers": address], groupID: "wait"))
        guard eventually({ (try? admin.metadata(of: nil, timeout: .milliseconds(300))) != nil }) else {
            throw TestFailure("noida-db did not start on \(address)")
        }
    }

    func createTopic(_ name: String, partitions: Int32) throws {
        let admin = try Admin(.writing(["bootstrap.servers": address]))
        try admin.createTopic(
            name, partitions: partitions, configuration: ["retention.ms": "-1"], timeout: .seconds(10))
    }

    var admin: Admin { get throws { try Admin(.writing(["bootstrap.servers": address])) } }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Waits for a condition, no longer than `deadline`.
func eventually(within deadline: Duration = .seconds(15), _ condition: () throws -> Bool) rethrows -> Bool {
    let end = ContinuousClock.now + deadline
    while ContinuousClock.now < end {
        if try condition() { return true }
        usleep(20_000)
    }
    return try condition()
}

/// A port that was free a moment ago.
func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw TestFailure("no socket") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
    }
    guard bound else { throw TestFailure("no port") }
    return UInt16(bigEndian: address.sin_port)
}

private let topicNumber = Atomic<Int>(0)

/// A topic name that no other test has.
func newTopic(_ stem: String = "topic") -> String {
    "\(stem)-\(getpid())-\(topicNumber.add(1, ordering: .relaxed).newValue)"
}

extension TestBroker {
    func source(
        _ properties: [String: String] = [:], progress: any ELTCore.Progress = SilentProgress()
    ) throws -> KafkaChangeSource {
        try KafkaChangeSource(
            properties: properties.merging(["bootstrap.servers": address]) { _, own in own },
            groupID: "elt-tests", progress: progress)
    }

    func producer(_ properties: [String: String] = [:]) throws -> Producer {
        try Producer(.writing(properties.merging(["bootstrap.servers": address]) { _, own in own }))
    }

    /// Writes changes to one partition, in order; their offsets are given by the broker.
    func write(
        _ changes: [Change], to topic: String, partition: Int32 = 0, _ properties: [String: String] = [:]
    ) throws {
        let producer = try producer(properties)
        for change in changes {
            try producer.send(
                topic: topic, partition: partition, key: change.key, value: change.value,
                timestamp: change.timestamp,
                headers: change.headers.map { RecordHeader(name: $0.name, value: $0.value) })
        }
        try producer.flush(timeout: .seconds(20))
        guard producer.deliveredCount == changes.count else {
            throw TestFailure("\(producer.deliveredCount) of \(changes.count) messages were delivered")
        }
    }
}

extension Change {
    /// A plain change with a number in it.
    static func numbered(_ number: Int, size: Int = 0, at timestamp: Int64? = nil) -> Change {
        var value = Array("{\"n\":\(number)}".utf8)
        if value.count < size { value += [UInt8](repeating: 32, count: size - value.count) }
        return Change(
            offset: Int64(number), timestamp: timestamp ?? 1_700_000_000_000 + Int64(number),
            key: Array("k-\(number)".utf8), value: value)
    }
}

extension ContinuousClock.Instant {
    /// Far enough for a busy machine.
    static var soon: Self { .now + .seconds(30) }
}

extension ChangeSource {
    /// All changes of the ranges, and the order in which ranges were finished.
    func collect(
        _ ranges: [(partition: TopicPartition, range: OffsetRange)], stall: Duration = .seconds(20),
        deadline: ContinuousClock.Instant = .soon
    ) throws -> (changes: [[Change]], finished: [Int]) {
        var changes = [[Change]](repeating: [], count: ranges.count)
        var finished: [Int] = []
        try read(ranges, stall: stall, deadline: deadline) { index, change in
            changes[index].append(Change(copying: change))
        } finished: { index in
            finished.append(index)
        }
        return (changes, finished)
    }

    /// All changes of one range of partition 0.
    func collect(
        _ topic: String, _ range: Range<Int64>, stall: Duration = .seconds(20),
        deadline: ContinuousClock.Instant = .soon
    ) throws -> [Change] {
        try collect(topic, 0, range, stall: stall, deadline: deadline)
    }

    /// All changes of one range.
    func collect(
        _ topic: String, _ partition: Int32, _ range: Range<Int64>, stall: Duration = .seconds(20),
        deadline: ContinuousClock.Instant = .soon
    ) throws -> [Change] {
        let range = OffsetRange(first: range.lowerBound, next: range.upperBound)
        return try collect([(TopicPartition(topic, partition), range)], stall: stall, deadline: deadline)
            .changes[0]
    }
}
