import ELTCore

/// A target that asks the reference model: it keeps what a broker and an archive would keep.
package final class ReferenceLife: LifeTarget {
    package let settings: ReferenceSettings
    /// Whether a full load brings the events up to its end into the archive too.
    package let fullLoadExtracts: Bool
    private let model: ReferenceModel
    private let partitions: Int32
    private var incarnations: [String: Int] = [:]
    private var ends: [TopicPartition: Int64] = [:]
    private var pending: [ReferenceEvent] = []
    private var archived: [ReferenceEvent] = []
    private var loads: [ReferenceFullLoad] = []
    private var nows: [Instant] = []
    private var reckoned: (current: [[String: Value]], history: [[String: Value]], quarantined: Int)?

    package init(_ settings: ReferenceSettings, partitions: Int32, fullLoadExtracts: Bool) {
        self.settings = settings
        self.partitions = partitions
        self.fullLoadExtracts = fullLoadExtracts
        model = ReferenceModel(settings)
    }

    package func produce(_ events: [ProducedEvent]) {
        for event in events {
            precondition(event.partition < partitions, "partitions are made before events")
            let place = TopicPartition(event.topic, event.partition)
            let offset = event.offset ?? ends[place, default: 0]
            precondition(offset >= ends[place, default: 0], "offsets grow")
            ends[place] = offset + 1
            pending.append(
                ReferenceEvent(
                    topic: event.topic, incarnation: incarnations[event.topic, default: 1],
                    partition: event.partition, offset: offset, timestamp: event.timestamp, key: event.key,
                    value: event.value))
        }
    }

    package func recreate(topic: String) {
        precondition(pending.allSatisfy { $0.topic != topic }, "a run comes before its topic is recreated")
        incarnations[topic, default: 1] += 1
        ends = ends.filter { $0.key.topic != topic }
    }

    package func run(at now: Instant) {
        extract()
        nows.append(now)
        reckoned = nil
    }

    package func fullLoad(
        at now: Instant, date: Instant?, pages: [[String]], between: (Int) throws -> Void
    ) rethrows {
        var w0: [TopicPartition: (incarnation: Int, offset: Int64)] = [:]
        for topic in settings.topics.map(\.name) {
            for partition in 0..<partitions {
                let place = TopicPartition(topic, partition)
                w0[place] = (incarnations[topic, default: 1], ends[place, default: 0])
            }
        }
        for index in 0...pages.count { try between(index) }
        let start = min(now, date ?? now)
        loads.append(ReferenceFullLoad(startedAt: start, w0: w0, rows: pages.flatMap { $0 }))
        if fullLoadExtracts { extract() }
        nows.append(now)
        reckoned = nil
    }

    /// Tables are a function of the archive: a rebuild can't change them.
    package func rebuild(verify: Bool) {}

    package func rows(of table: LifeTable) -> [[String: Value]] {
        let tables = tables()
        return table == .current ? tables.current : tables.history
    }

    package func quarantined() -> Int { tables().quarantined }

    private func extract() {
        archived += pending
        pending = []
    }

    private func tables() -> (current: [[String: Value]], history: [[String: Value]], quarantined: Int) {
        let tables = reckoned ?? model.tables(events: archived, loads: loads, nows: nows)
        reckoned = tables
        return tables
    }
}
