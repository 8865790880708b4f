import ELTCore
import ELTExtract
import ELTReport
import ELTTesting
import Testing

@Suite struct LagTests {
    let clock = Instant(milliseconds: 10 * 3_600_000)

    private func lag(
        _ source: ScriptedChangeSource, _ next: [Int64?], last: Int64? = nil,
        retention: [String: TopicRetention] = [:], watermarks: [Int64] = []
    ) throws -> Lag {
        var positions = Positions()
        positions.watermarks = watermarks.map { Watermark(partition: TopicPartition("t", 0), incarnation: 1, offset: $0) }
        for (partition, next) in next.enumerated() {
            positions.partitions[TopicPartition("t", Int32(partition))] = next.map {
                Position(incarnation: 1, next: $0, lastTimestamp: last)
            }
        }
        return try LagReader(
            topics: ["t"], positions: positions, source: source, retention: retention, clock: clock,
            deadline: ContinuousClock.now + .seconds(10)
        ).read()
    }

    /// One message an hour, from hour 0 on.
    private func source(_ messages: Int) -> ScriptedChangeSource {
        let source = ScriptedChangeSource()
        source.create("t")
        for hour in 0..<messages {
            source.produce(
                to: TopicPartition("t", 0), timestamp: Int64(hour) * 3_600_000, key: nil, value: [])
        }
        return source
    }

    @Test func `Time behind is how long the oldest message that isn't archived has waited`() throws {
        let lag = try lag(source(9), [6], last: 5 * 3_600_000)
        #expect(lag.messages == 3)
        #expect(lag.behindSeconds == 14_400)
        #expect(lag.complaint(above: .messages(3)) == nil)
        #expect(lag.complaint(above: .messages(2)) == "3 messages aren't archived yet; the limit is 2.")
        #expect(lag.complaint(above: .time(.seconds(4 * 3600))) == nil)
        #expect(lag.complaint(above: .time(.seconds(3 * 3600))) == "t/0 is 4.0 h behind; the limit is 3.0 h.")
    }

    @Test func `Nothing waits, nothing is behind, however old the last message is`() throws {
        let lag = try lag(source(1), [1], last: 0)
        #expect(lag.behindSeconds == 0)
        #expect(lag.complaint(above: .time(.seconds(1))) == nil)
    }

    @Test func `Where the next offset is a hole the last archived record tells`() throws {
        let source = source(9)
        source.compact([6], of: TopicPartition("t", 0))
        #expect(try lag(source, [6], last: 5 * 3_600_000).behindSeconds == 18_000)
    }

    @Test func `The broker's retention less the wait is what's left`() throws {
        let lag = try lag(source(9), [6], retention: ["t": .time(.seconds(7 * 3600))])
        #expect(lag.partitions.map(\.hoursLeft) == [3])
        #expect(lag.partitions.map(\.basis) == ["retention.ms"])
        #expect(
            try self.lag(source(9), [6], retention: ["t": .unlimited]).partitions.map(\.basis) == [
                "unlimited"
            ])
    }

    @Test func `A broker that doesn't tell is judged by its oldest record, once it has removed one`() throws {
        #expect(try lag(source(9), [6]).hoursLeft == nil)
        let source = source(9)
        source.forget(before: 2, of: TopicPartition("t", 0))
        let lag = try lag(source, [6])
        #expect(lag.partitions.map(\.basis) == ["oldest record"])
        // The oldest is 8 hours old, ours has waited 4.
        #expect(lag.hoursLeft == 4)
    }

    @Test func `A gap and a recreated topic are named`() throws {
        let source = source(9)
        source.forget(before: 4, of: TopicPartition("t", 0))
        let gap = try lag(source, [3])
        #expect(gap.partitions.map(\.state) == [.gap])
        #expect(gap.hoursLeft == 0)
        #expect(gap.text.contains("it has"))
        #expect(try lag(source, [12]).partitions.map(\.state) == [.recreated])
        #expect(try lag(source, [nil]).partitions.map(\.next) == [4])
    }

    @Test(arguments: [(Int64(6), Lag.State.ok), (4, .ok), (3, .gap)])
    func `What retention took since a rewind is archived`(until: Int64, state: Lag.State) throws {
        let source = source(9)
        source.forget(before: 4, of: TopicPartition("t", 0))
        let positions = Positions(
            partitions: [TopicPartition("t", 0): Position(incarnation: 1, next: 1, againUntil: until)])
        let lag = try LagReader(
            topics: ["t"], positions: positions, source: source, retention: [:], clock: clock,
            deadline: ContinuousClock.now + .seconds(10)
        ).read()
        #expect(lag.partitions.map(\.state) == [state])
        #expect(lag.partitions.map(\.next) == [min(until, 4)])
    }

    /// As the next run will see it: it begins where the first full load saw the topic end, unless a later one heals that.
    @Test func `What was lost before a first run is told, and what a full load heals isn't`() throws {
        let source = source(9)
        source.forget(before: 4, of: TopicPartition("t", 0))
        #expect(try lag(source, [nil], watermarks: [2]).partitions.map(\.state) == [.gap])
        #expect(try lag(source, [nil], watermarks: [4]).partitions.map(\.state) == [.new])
        let healed = try lag(source, [3], watermarks: [2, 6])
        #expect(healed.partitions.map(\.state) == [.ok])
        #expect(healed.messages == 5)
        #expect(try lag(source, [nil], watermarks: [12]).partitions.map(\.state) == [.recreated])
    }
}

@Suite struct ThresholdTests {
    @Test func `A number is messages, a number with a unit is time`() throws {
        #expect(try Threshold("5000") == .messages(5000))
        #expect(try Threshold("90m") == .time(.seconds(5400)))
        #expect(throws: ReportError.threshold("soon")) { try Threshold("soon") }
        #expect(throws: ReportError.thresholdWithoutUnit("90")) { try Threshold.time("90") }
    }
}
