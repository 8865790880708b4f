import ELTCore
import Kafka
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Changes from Kafka topics, read with librdkafka in bounded ranges of assigned partitions.
///
/// Transient trouble is waited out until the deadline, with a new client where the old one may hold
/// something stale; what waiting won't change is thrown at once. Not Sendable: use it on one thread.
package final class KafkaChangeSource: ChangeSource {
    let settings: ClientSettings
    /// As the user wrote them, for the texts of errors.
    let brokers: String
    let progress: any Progress
    private let log: LogSink
    private var open: Consumer?
    package internal(set) var wasTroubled = false

    /// The longest single wait, so that a signal is seen within it.
    static let sliceMax = Duration.seconds(5)
    /// How long a topic may be unknown before it counts as missing: metadata lag behind for a moment.
    static let missingGrace = Duration.seconds(1)
    /// The longest that the group's commit may take.
    static let commitMax = Duration.seconds(3)

    /// - Parameters:
    ///   - properties: librdkafka's, as they stand in `elt.yml`. `ClientSettings.promised` win.
    ///   - groupID: Used where the properties name no `group.id`.
    package init(properties: [String: String], groupID: String, progress: any Progress = SilentProgress())
        throws
    {
        settings = .reading(properties, groupID: groupID)
        brokers =
            properties["bootstrap.servers"] ?? properties["metadata.broker.list"] ?? "(no bootstrap.servers)"
        self.progress = progress
        log = Self.sink(progress)
        // Wrong properties are told before anything else is done.
        _ = try client()
    }

    /// Warnings of librdkafka go to the run's report, each kind at most once in a while.
    private static func sink(_ progress: any Progress) -> LogSink {
        let seen = Mutex<[String: ContinuousClock.Instant]>([:])
        return { line in
            // The mock broker can't be told not to create topics, which is known and answered for.
            guard line.facility != "AUTOCREATE" else { return }
            let now = ContinuousClock.now
            let isNew = seen.withLock { seen in
                if let last = seen[line.facility], now - last < .seconds(10), line.level < 7 { return false }
                seen[line.facility] = now
                return true
            }
            guard isNew else { return }
            let text = "kafka \(line.facility): \(line.text)"
            if line.level <= 4 { progress.warn(text) } else { progress.note(text) }
        }
    }

    /// The client, connected or not.
    func client() throws -> Consumer {
        if let open { return open }
        do throws(KafkaError) {
            let consumer = try Consumer(settings, log: log)
            open = consumer
            return consumer
        } catch {
            throw KafkaSourceError.configuration(reason: error.reason)
        }
    }

    /// Forgets the client: what it knows of leaders and offsets may be stale.
    func renew() { open = nil }

    // MARK: Asking

    package func bounds(of topics: [String], deadline: ContinuousClock.Instant) throws -> [PartitionBounds] {
        let partitions = try partitions(of: topics, deadline: deadline)
        let low = try lookUp(partitions, Consumer.oldest, "asking for the oldest offsets", deadline)
        let end = try lookUp(partitions, Consumer.end, "asking for the end offsets", deadline)
        return partitions.map { partition in
            let last = end[partition] ?? 0
            // Between the two questions retention may have gone on.
            return PartitionBounds(partition: partition, low: min(low[partition] ?? 0, last), end: last)
        }
    }

    package func offsets(
        of partitions: [TopicPartition], at instant: Instant, deadline: ContinuousClock.Instant
    )
        throws -> [TopicPartition: Int64]
    {
        let time = max(0, instant.milliseconds)
        var offsets = try lookUp(partitions, time, "asking for the offsets of \(instant)", deadline)
        let later = partitions.filter { offsets[$0] == nil }
        if !later.isEmpty {
            let ends = try lookUp(later, Consumer.end, "asking for the end offsets", deadline)
            offsets.merge(ends) { known, _ in known }
        }
        return offsets
    }

    /// The offset that each partition has for a time, or for one of the ends; absent where it has none.
    private func lookUp(
        _ partitions: [TopicPartition], _ time: Int64, _ doing: String, _ deadline: ContinuousClock.Instant
    ) throws -> [TopicPartition: Int64] {
        guard !partitions.isEmpty else { return [:] }
        let question = partitions.map {
            PartitionOffset(topic: $0.topic, partition: $0.partition, offset: time)
        }
        let answer = try retrying(doing, until: deadline) { consumer, slice in
            let answer = try consumer.offsets(atTimes: question, timeout: slice)
            // A partition that was left out keeps its question, which is no offset.
            if time < 0, let left = answer.first(where: { $0.offset < 0 }) {
                throw KafkaError(.leaderNotAvailable, topic: left.topic, partition: left.partition)
            }
            return answer
        }
        var offsets: [TopicPartition: Int64] = [:]
        for element in answer where element.offset >= 0 {
            offsets[TopicPartition(element.topic, element.partition)] = element.offset
        }
        return offsets
    }

    // MARK: The group

    package func commitToGroup(_ offsets: [TopicPartition: Int64], deadline: ContinuousClock.Instant) throws {
        guard !offsets.isEmpty else { return }
        let left = deadline - .now
        let list = offsets.map {
            PartitionOffset(topic: $0.key.topic, partition: $0.key.partition, offset: $0.value)
        }
        do {
            try client().commit(list, timeout: min(max(left, .zero), Self.commitMax))
        } catch let error as KafkaError {
            // For lag tools only: the next run commits again, and nothing reads it back.
            progress.warn("The consumer group's offsets could not be written: \(error)")
            renew()
        }
    }

    // MARK: Waiting

    /// Does something until it works, waiting out what passes by itself.
    func retrying<T>(
        _ doing: String, until deadline: ContinuousClock.Instant, _ body: (Consumer, Duration) throws -> T
    ) throws -> T {
        let began = ContinuousClock.now
        var slice = Duration.milliseconds(500)
        var last: KafkaError?
        while true {
            try Interruption.check()
            let left = deadline - .now
            guard left > .zero else { throw unreachable(doing, since: began, last) }
            let consumer = try client()
            do {
                let result = try body(consumer, min(slice, left))
                consumer.forgetTrouble()
                return result
            } catch let error as KafkaError {
                consumer.serve()
                last = consumer.lastTrouble ?? error
                if consumer.isRefused { throw refused(consumer.lastTrouble ?? error) }
                guard error.isRetryable else { throw translated(error, doing) }
                switch error.code {
                case .transport, .timedOut, .allBrokersDown, .resolve: break
                // It may go on asking a broker that isn't the leader any more.
                default: renew()
                }
                sleepThread(for: .milliseconds(50))
            }
            slice = min(slice * 2, Self.sliceMax)
        }
    }

    private func unreachable(_ doing: String, since began: ContinuousClock.Instant, _ last: KafkaError?)
        -> KafkaSourceError
    {
        .unreachable(
            brokers: brokers, doing: doing, seconds: (ContinuousClock.now - began).components.seconds,
            last: last?.description)
    }

    func refused(_ error: KafkaError) -> KafkaSourceError { .refused(brokers: brokers, reason: error.reason) }

    /// Trouble that waiting won't change, in our words.
    func translated(_ error: KafkaError, _ doing: String) -> KafkaSourceError {
        switch (error.code, error.topic) {
        case (.topicAuthorization, let topic?): .topicNotAuthorised(topic: topic, brokers: brokers)
        case (.clusterAuthorization, _), (.authentication, _), (.saslAuthenticationFailed, _), (.ssl, _):
            refused(error)
        default: .failed(doing: doing, reason: error.description)
        }
    }
}

/// Lets the calling thread rest between two tries.
func sleepThread(for duration: Duration) { usleep(UInt32(clamping: duration.wholeMilliseconds * 1000)) }

extension KafkaChangeSource {
    /// What librdkafka has against a property of `elt.yml`; nil if it takes it.
    package static func complaint(_ name: String, _ value: String) -> String? {
        ClientSettings.complaint(name, value)
    }
}
