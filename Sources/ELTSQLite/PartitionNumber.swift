import ELTCore
import SQLite

/// The number of a partition's life in the ids of its raw rows.
///
/// It follows from the settings and the place alone, so that raw rows have the same ids whatever was loaded
/// first, after a crash and in a rebuild. Settings that change it load everything again.
package enum PartitionNumber {
    /// Numbers from here on are for places that have none of their own, such as those of a topic that's no
    /// longer configured.
    static let spare: Int64 = 1 << 17
    static let greatest: Int64 = (1 << 18) - 1

    /// nil where the number would be too large. `topic` counts from 0 through all entities' topics.
    ///
    /// An odd number times a power of two is a number that no other pair of them gives, and a small one for
    /// all partitions of the first lives.
    package static func of(topic: Int, of topics: Int, incarnation: Int, partition: Int32) -> Int64? {
        guard partition >= 0, incarnation >= 1, incarnation <= 17, Int64(partition) < spare else { return nil }
        let pair = ((2 * Int64(partition) + 1) << Int64(incarnation - 1)) - 1
        let number = pair * Int64(topics) + Int64(topic) + 1
        return number < spare ? number : nil
    }
}

/// The numbers that a warehouse has given to partitions' lives.
struct PartitionNumbers {
    private let database: Database
    private let topics: [(entity: String, topic: String)]

    init(_ database: Database, _ entities: [EntitySettings]) {
        self.database = database
        topics = entities.flatMap { entity in entity.topics.map { (entity.name, $0.name) } }
    }

    /// Gives a number to a place that has none yet.
    func number(of place: SegmentPlace) throws -> Int64 {
        let key: [SQLValue] = [
            .text(place.entity), .text(place.topic), .integer(Int64(place.incarnation)),
            .integer(Int64(place.partition)),
        ]
        if let known = try database.value(
            "SELECT id FROM elt_partitions WHERE entity=?1 AND topic=?2 AND incarnation=?3 AND \"partition\"=?4", key
        ).integer { return known }
        let number = try own(place) ?? spare()
        try database.execute(
            """
            INSERT INTO elt_partitions (entity, topic, incarnation, "partition", id) VALUES (?1, ?2, ?3, ?4, ?5)
            """, key + [.integer(number)])
        return number
    }

    /// The number that follows from the place; nil if there's none, or if an older program gave it to another.
    private func own(_ place: SegmentPlace) throws -> Int64? {
        guard let topic = topics.firstIndex(where: { $0 == (place.entity, place.topic) }),
            let number = PartitionNumber.of(
                topic: topic, of: topics.count, incarnation: place.incarnation, partition: place.partition),
            try database.value("SELECT 1 FROM elt_partitions WHERE id=?1", [.integer(number)]) == .null
        else { return nil }
        return number
    }

    private func spare() throws -> Int64 {
        let least = try database.value(
            "SELECT min(id) FROM elt_partitions WHERE id >= ?1", [.integer(PartitionNumber.spare)]
        ).integer
        return (least ?? PartitionNumber.greatest + 1) - 1
    }
}
