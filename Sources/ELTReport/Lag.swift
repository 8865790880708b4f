import ELTCore
import ELTExtract

/// How far the archive is behind the broker, partition by partition.
package struct Lag: Codable, Equatable, Sendable {
    package enum State: String, Codable, Sendable {
        case ok
        /// Never read: the next run begins where retention has left it.
        case new
        /// The broker has forgotten offsets that were never archived.
        case gap
        /// The topic ends before the offset we'd go on with.
        case recreated
    }

    package struct Partition: Codable, Equatable, Sendable {
        package var topic: String
        package var partition: Int32
        package var state: State
        /// The offset that the next run begins with.
        package var next: Int64
        package var low: Int64
        package var end: Int64
        /// Offsets that aren't archived yet. Holes count: the broker alone knows them.
        package var messages: Int64
        /// How long the oldest message that isn't archived has been waiting: since its own timestamp. Where
        /// that can't be read, since the last archived one's. 0 if nothing waits.
        package var behindSeconds: Double?
        /// How long the broker keeps a record; nil where it's unknown or without limit.
        package var retentionHours: Double?
        /// Until retention may pass our next offset; nil where it can't be told.
        package var hoursLeft: Double?
        /// What `hoursLeft` rests on: `retention.ms`, `oldest record` (an estimate), `unlimited`, `unknown`.
        package var basis: String

        package init(
            topic: String, partition: Int32, state: State, next: Int64, low: Int64, end: Int64,
            messages: Int64,
            behindSeconds: Double? = nil, retentionHours: Double? = nil, hoursLeft: Double? = nil,
            basis: String = "unknown"
        ) {
            self.topic = topic
            self.partition = partition
            self.state = state
            self.next = next
            self.low = low
            self.end = end
            self.messages = messages
            self.behindSeconds = behindSeconds
            self.retentionHours = retentionHours
            self.hoursLeft = hoursLeft
            self.basis = basis
        }
    }

    package var askedAt: String
    package var partitions: [Partition]
    package var messages: Int64
    /// The longest wait of any partition.
    package var behindSeconds: Double?
    /// The soonest that retention bites anywhere.
    package var hoursLeft: Double?

    package init(askedAt: Instant, partitions: [Partition]) {
        self.askedAt = askedAt.description
        self.partitions = partitions
        messages = partitions.reduce(0) { $0 + $1.messages }
        behindSeconds = partitions.compactMap(\.behindSeconds).max()
        hoursLeft = partitions.compactMap(\.hoursLeft).min()
    }

    /// Why an alert is due; nil if none is. A partition whose wait can't be told counts as too late.
    package func complaint(above limit: Threshold) -> String? {
        switch limit {
        case .messages(let count):
            guard messages > count else { return nil }
            return
                "\(Shown.count(messages, "message isn't", "messages aren't")) archived yet; the limit is \(Shown.number(count))."
        case .time(let duration):
            let allowed = duration.wholeMilliseconds
            let late = partitions.filter { partition in
                partition.behindSeconds.map { $0 * 1000 > Double(allowed) } ?? (partition.messages > 0)
            }
            guard let worst = late.max(by: { $0.behindSeconds ?? .infinity < $1.behindSeconds ?? .infinity })
            else {
                return nil
            }
            let wait =
                worst.behindSeconds.map { Shown.span(milliseconds: Int64($0 * 1000)) } ?? "an unknown time"
            return
                "\(worst.topic)/\(worst.partition) is \(wait) behind; the limit is \(Shown.span(milliseconds: allowed))."
        }
    }

    /// The page for people.
    package var text: String {
        let hour: Double = 3_600_000
        var text = Grid.text(
            ["partition", "next", "low", "end", "messages", "behind", "retention bites in", ""],
            partitions.map { partition in
                let behind = partition.behindSeconds.map { Shown.span(milliseconds: Int64($0 * 1000)) } ?? "?"
                let left = partition.hoursLeft.map { Shown.span(milliseconds: Int64($0 * hour)) }
                let bites =
                    switch (partition.state, partition.basis) {
                    case (.gap, _): "it has"
                    case (_, "unlimited"): "never"
                    case (_, "oldest record"): left.map { "about \($0)" } ?? "?"
                    default: left ?? "?"
                    }
                return [
                    "\(partition.topic)/\(partition.partition)", "\(partition.next)", "\(partition.low)",
                    "\(partition.end)", Shown.number(partition.messages),
                    partition.messages == 0 ? Grid.nothing : behind,
                    bites, Self.remark(partition.state),
                ]
            })
        text += "\(Shown.count(messages, "message")) behind"
        if messages > 0, let behindSeconds {
            text += ", up to \(Shown.span(milliseconds: Int64(behindSeconds * 1000)))"
        }
        return text + "\n"
    }

    private static func remark(_ state: State) -> String {
        switch state {
        case .ok: ""
        case .new: "not read yet"
        case .gap: "offsets are lost: 'elt full-load', or 'elt run --accept-gap'"
        case .recreated: "the topic was recreated; the next run begins at 0"
        }
    }
}

/// Asks the broker for its bounds and lays them beside our own positions.
package struct LagReader {
    package let topics: [String]
    package let positions: Positions
    package let source: any ChangeSource
    package let retention: [String: TopicRetention]
    package let clock: Instant
    package let deadline: ContinuousClock.Instant

    package init(
        topics: [String], positions: Positions, source: any ChangeSource, retention: [String: TopicRetention],
        clock: Instant, deadline: ContinuousClock.Instant
    ) {
        self.topics = topics
        self.positions = positions
        self.source = source
        self.retention = retention
        self.clock = clock
        self.deadline = deadline
    }

    package func read() throws -> Lag {
        guard !topics.isEmpty else { return Lag(askedAt: clock, partitions: []) }
        let bounds = try source.bounds(of: topics, deadline: deadline)
        var partitions = bounds.map(partition)
        let waiting = pairs(partitions) {
            $0.messages > 0 && $0.state != .recreated ? max($0.next, $0.low) : nil
        }
        let oldest = pairs(partitions) {
            retention[$0.topic] == nil && $0.low > 0 && $0.low < $0.end ? $0.low : nil
        }
        let waitingSince = try timestamps(waiting)
        let oldestSince = try timestamps(oldest)
        for index in partitions.indices {
            let key = TopicPartition(partitions[index].topic, partitions[index].partition)
            finish(&partitions[index], waitingSince: waitingSince[key], oldestSince: oldestSince[key])
        }
        return Lag(askedAt: clock, partitions: partitions)
    }

    private func partition(_ bound: PartitionBounds) -> Lag.Partition {
        let topic = bound.partition.topic
        let known = positions.partitions[bound.partition]
        // As extraction does.
        let furthest = positions.start(of: bound, positions.watermarks).furthest
        let isLost = positions.lacks(bound)
        let next = isLost ? positions.next(of: bound) : max(positions.next(of: bound), bound.low)
        let state: Lag.State =
            furthest > bound.end ? .recreated : isLost ? .gap : known == nil ? .new : .ok
        return Lag.Partition(
            topic: topic, partition: bound.partition.partition, state: state, next: next, low: bound.low,
            end: bound.end, messages: state == .recreated ? bound.end - bound.low : bound.end - next)
    }

    private func pairs(
        _ partitions: [Lag.Partition], _ offset: (Lag.Partition) -> Int64?
    ) -> [TopicPartition: Int64] {
        var pairs: [TopicPartition: Int64] = [:]
        for partition in partitions {
            if let offset = offset(partition) {
                pairs[TopicPartition(partition.topic, partition.partition)] = offset
            }
        }
        return pairs
    }

    /// When the records at these offsets were written; those that are holes or have no timestamp are absent.
    private func timestamps(_ offsets: [TopicPartition: Int64]) throws -> [TopicPartition: Int64] {
        guard !offsets.isEmpty else { return [:] }
        return try source.records(at: offsets, deadline: deadline).compactMapValues {
            $0.timestamp >= 0 ? $0.timestamp : nil
        }
    }

    private func finish(_ partition: inout Lag.Partition, waitingSince: Int64?, oldestSince: Int64?) {
        let key = TopicPartition(partition.topic, partition.partition)
        func age(_ timestamp: Int64) -> Double { Double(max(0, clock.milliseconds.subtractingClamped(timestamp))) / 1000 }
        let since = waitingSince ?? positions.partitions[key]?.lastTimestamp
        partition.behindSeconds = partition.messages == 0 ? 0 : since.map(age)
        let waited = partition.behindSeconds
        switch retention[partition.topic] {
        case .unlimited: partition.basis = "unlimited"
        case .time(let duration):
            let keeps = Double(duration.wholeMilliseconds) / 1000
            partition.basis = "retention.ms"
            partition.retentionHours = keeps / 3600
            partition.hoursLeft = waited.map { max(0, keeps - $0) / 3600 }
        case nil:
            // Retention has removed something already, so the oldest record is about as old as records get.
            guard let oldestSince, let waited else { break }
            partition.basis = "oldest record"
            partition.hoursLeft = max(0, age(oldestSince) - waited) / 3600
        }
        if partition.state == .gap { partition.hoursLeft = 0 }
    }
}
