import ELTCore
import ELTSources
import Foundation
import Kafka
import Testing

@testable import Sandbox

/// Figures, where `ELT_BENCH` is set; run them with `swift test -c release`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["ELT_BENCH"] != nil))
struct SpeedTests {
    private func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test(arguments: BrokerKind.available)
    func `messages per second`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topic = newTopic("speed")
        try broker.createTopic(topic, partitions: 3)
        let count = 400_000
        for partition in 0..<3 {
            try broker.write(
                (0..<count / 3).map { .numbered($0, size: 370) }, to: topic, partition: Int32(partition),
                ["compression.type": "zstd", "linger.ms": "50", "batch.num.messages": "5000"])
        }
        let source = try broker.source()
        let bounds = try source.bounds(of: [topic], deadline: .soon)
        let ranges = bounds.map { (partition: $0.partition, range: OffsetRange(first: $0.low, next: $0.end)) }
        var bytes = 0
        var messages = 0
        let (clock, cpu) = (ContinuousClock.now, cpuSeconds())
        try source.read(ranges, stall: .seconds(60), deadline: .now + .seconds(120)) { _, change in
            bytes += change.value?.count ?? 0
            messages += 1
        } finished: { _ in
        }
        let wall = (ContinuousClock.now - clock) / .seconds(1)
        let used = cpuSeconds() - cpu
        print(
            "BENCH \(kind) \(messages) messages \(bytes) bytes wall \(wall) cpu \(used)",
            "\(Int(Double(messages) / wall))/s \(Int(Double(messages) / used)) per CPU second")
    }

    @Test(arguments: BrokerKind.available)
    func `an hour with nothing new`(kind: BrokerKind) throws {
        let broker = try kind.start()
        let topics = (0..<3).map { newTopic("idle\($0)") }
        for topic in topics {
            try broker.createTopic(topic, partitions: 4)
            for partition in 0..<4 {
                try broker.write([.numbered(0)], to: topic, partition: Int32(partition))
            }
        }
        for _ in 0..<5 {
            var marks: [String] = []
            var last = ContinuousClock.now
            func mark(_ what: String) {
                marks.append("\(what) \(Int((ContinuousClock.now - last) / .microseconds(1))) µs")
                last = .now
            }
            var source: KafkaChangeSource? = try broker.source()
            mark("open")
            let bounds = try source!.bounds(of: topics, deadline: .soon)
            mark("bounds")
            let anchors = Dictionary(uniqueKeysWithValues: bounds.map { ($0.partition, $0.end - 1) })
            #expect(try source!.records(at: anchors, deadline: .soon).count == 12)
            mark("anchors")
            try source!.commitToGroup(anchors, deadline: .soon)
            mark("commit")
            source = nil
            mark("close")
            print("BENCH \(kind)", marks.joined(separator: ", "))
        }
    }
}

/// Figures of the sandbox, likewise.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["ELT_BENCH"] != nil))
struct SandboxSpeedTests {
    @Test func `a million customers and a million events`() async throws {
        var life: Life? = Life(SandboxOptions(), start: Instant(milliseconds: 1_795_129_200_000))
        var count = 0
        var mark = ContinuousClock.now
        life?.advance(to: Instant(milliseconds: 1_795_129_200_000 + 60 * 86_400_000)) { _ in count += 1 }
        print("BENCH life alone \(Int(Double(count) / ((ContinuousClock.now - mark) / .seconds(1))))/s")
        life = nil
        mark = .now
        var options = SandboxOptions()
        options.customers = 1_000_000
        options.eventsPerDay = 1_000_000
        options.kafkaPort = 0
        options.httpPort = 0
        func lap(_ what: String, _ count: Int) {
            let seconds = (ContinuousClock.now - mark) / .seconds(1)
            print("BENCH sandbox \(what) \(count) in \(seconds) s, \(Int(Double(count) / seconds))/s")
            mark = .now
        }
        let sandbox = try Sandbox(options)
        lap("customers", options.customers)
        try await sandbox.start()
        let status = sandbox.status
        lap("events", status.events.total)
        print("BENCH sandbox partitions \(status.partitions) fill \(status.fill) %")
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        let last = status.customers / 1000
        process.arguments = [
            "-c", "curl -s -o /dev/null '\(sandbox.serviceURL)/api/customers?size=1000&page=[0-\(last)]'",
        ]
        mark = .now
        try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in ended.resume() }
            do { try process.run() } catch { ended.resume(throwing: error) }
        }
        lap("rows served", status.customers)
        let source = try KafkaChangeSource(
            properties: ["bootstrap.servers": sandbox.bootstrapServers], groupID: "bench")
        let bounds = try source.bounds(of: status.topics, deadline: .soon)
        #expect(bounds.allSatisfy { $0.low == 0 }, "nothing was dropped")
        let ranges = bounds.map { (partition: $0.partition, range: OffsetRange(first: $0.low, next: $0.end)) }
        var messages = 0
        try source.read(ranges, stall: .seconds(60), deadline: .now + .seconds(120)) { _, _ in
            messages += 1
        } finished: { _ in
        }
        lap("messages read", messages)
        #expect(messages == status.events.total)
        sandbox.stop()
    }
}
