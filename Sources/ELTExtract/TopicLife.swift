import ELTCore

/// Tells which life each topic is in now, before anything is read.
package struct TopicLife {
    private let archive: any Archive
    private let source: any ChangeSource
    private let positions: Positions
    /// The entity of each topic.
    private let entities: [String: String]

    package init(
        archive: any Archive, source: any ChangeSource, positions: Positions, entities: [EntitySettings]
    ) {
        self.archive = archive
        self.source = source
        self.positions = positions
        self.entities = Dictionary(
            entities.flatMap { entity in entity.topics.map { ($0.name, entity.name) } }, uniquingKeysWith: { a, _ in a })
    }

    /// The end of every partition as a watermark. A topic that was recreated since it was last read is in
    /// its next life already, though the next run will be the first to read it: offsets of two lives
    /// can't be compared.
    package func watermarks(_ bounds: [PartitionBounds], deadline: ContinuousClock.Instant) throws -> [Watermark] {
        let recreated = try recreatedTopics(bounds, deadline: deadline)
        return bounds.map { bound in
            let topic = bound.partition.topic
            return Watermark(
                partition: bound.partition,
                incarnation: positions.incarnation(of: topic) + (recreated.contains(topic) ? 1 : 0), offset: bound.end)
        }.sorted { $0.partition < $1.partition }
    }

    private func recreatedTopics(_ bounds: [PartitionBounds], deadline: ContinuousClock.Instant) throws -> Set<String> {
        let there = Dictionary(bounds.map { ($0.partition, $0) }, uniquingKeysWith: { $1 })
        let topics = Set(bounds.map(\.partition.topic))
        var recreated: Set<String> = []
        var anchors: [TopicPartition: Int64] = [:]
        for (partition, position) in positions.partitions where topics.contains(partition.topic) {
            guard let bound = there[partition], position.furthest <= bound.end else {
                recreated.insert(partition.topic)
                continue
            }
            if let anchor = position.anchorOffset, anchor >= bound.low { anchors[partition] = anchor }
        }
        for (partition, change) in try source.records(at: anchors, deadline: deadline) {
            guard let position = positions.partitions[partition], let digest = position.anchorDigest,
                let entity = entities[partition.topic]
            else { continue }
            let place = SegmentPlace(
                entity: entity, topic: partition.topic, incarnation: position.incarnation,
                partition: partition.partition)
            if change.withView({ archive.digest(of: $0, at: place) }) != digest { recreated.insert(partition.topic) }
        }
        return recreated
    }
}
