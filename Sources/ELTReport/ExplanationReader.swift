import ELTCore
import ELTLoad
import ELTSQLite
import SQLite

/// Gathers all records of one key and lays them in order.
///
/// The raw tables have no index by key: an index would cost every run, and this is asked by a person now
/// and then. So they are read through, a few seconds for millions of rows.
package struct ExplanationReader {
    package let reader: WarehouseReader
    package let entity: EntitySettings
    /// nil where it isn't there: then lines aren't told.
    package let archive: (any Archive)?

    package init(reader: WarehouseReader, entity: EntitySettings, archive: (any Archive)?) {
        self.reader = reader
        self.entity = entity
        self.archive = archive
    }

    private struct Candidate {
        var order: RecordOrder
        var day: Day
        var record: Explanation.Record
        /// False for an event of a topic that's no longer configured.
        var counts = true
    }

    package func explain(_ key: String, day: Day?) throws -> Explanation {
        let events = try events(of: key)
        let loads = try loads()
        let rows = try fullLoadRows(of: key, loads)
        guard !(events + rows).isEmpty else { throw ReportError.noSuchKey(entity: entity.name) }
        let absences = entity.fullLoad?.absent == .remove ? loads.map(Self.absence) : []
        let all = (events + rows + absences).sorted { $1.order.isLess(than: $0.order) }
        let inTime = { (candidate: Candidate) in day.map { candidate.day <= $0 } ?? true }
        // A key is absent only where it was there before.
        let isThere = (events + rows).contains { $0.counts && inTime($0) }
        let winner = isThere ? all.first { $0.counts && inTime($0) } : nil
        let losers = all.filter { candidate in
            guard let winner else { return candidate.record.kind != "absence" }
            // An absence that lost explains nothing.
            return candidate.order.bytes != winner.order.bytes && candidate.record.kind != "absence"
        }
        var explanation = Explanation(
            entity: entity.name, key: key, day: day?.description, outcome: Self.outcome(winner?.record),
            winner: try winner.map { try located($0.record) },
            losers: [], losersTotal: losers.count, isPublished: try isPublished(winner, key, day))
        explanation.losers = try losers.prefix(Explanation.losersShown).map { loser in
            var record = try filed(loser.record)
            record.rule = Self.rule(loser, winner, day)?.text
            return record
        }
        return explanation
    }

    private static func outcome(_ winner: Explanation.Record?) -> Explanation.Outcome {
        guard let winner else { return .notYet }
        return winner.kind == "absence" ? .absent : winner.removes ? .removed : .living
    }

    private static func rule(_ loser: Candidate, _ winner: Candidate?, _ day: Day?) -> DecidingRule? {
        guard loser.counts else { return .notConfigured }
        if let day, loser.day > day { return .laterDay(loser.day) }
        return winner.map { DecidingRule(loser.order, losesTo: $0.order) }
    }

    // MARK: Records

    private func tables(_ prefix: String) throws -> [String] {
        try reader.rows(
            "SELECT name FROM sqlite_schema WHERE type='table' AND substr(name, 1, ?2)=?1 ORDER BY name",
            [.text(prefix), .integer(Int64(prefix.utf8.count))]
        ).compactMap { $0[0].text }
    }

    private func events(of key: String) throws -> [Candidate] {
        var partitions: [Int64: (topic: String, incarnation: Int, partition: Int32)] = [:]
        for row in try reader.rows(
            "SELECT id, topic, incarnation, \"partition\" FROM elt_partitions WHERE entity=?1",
            [.text(entity.name)])
        {
            partitions[row[0].integer ?? 0] = (
                row[1].text ?? "", Int(row[2].integer ?? 1), Int32(clamping: row[3].integer ?? 0)
            )
        }
        return try tables(Names.stream(entity.name) + "_").flatMap { table in
            try reader.rows(
                """
                SELECT _id, _time, _kafka_time, _clock_corrected, _day, _epoch, _removes FROM \(Names.quoted(table))
                WHERE _key=?1
                """, [.text(key)]
            ).compactMap { row in
                let place = row[0].integer ?? 0
                return partitions[PackedPlace.group(place)].map {
                    event(row, at: PackedPlace.offset(place), in: $0)
                }
            }
        }
    }

    private func event(
        _ row: [SQLValue], at offset: Int64, in place: (topic: String, incarnation: Int, partition: Int32)
    ) -> Candidate {
        let rank = entity.topics.firstIndex { $0.name == place.topic }
        let operation = rank.map { entity.topics[$0].operation }
        let day = Day(daysSinceEpoch: Int32(clamping: row[4].integer ?? 0))
        let time = row[1].integer ?? 0
        let epoch = Int(row[5].integer ?? 0)
        var record = Explanation.Record(kind: "event", removes: row[6].integer == 1, day: day, epoch: epoch)
        record.operation = operation?.word
        record.topic = place.topic
        record.incarnation = place.incarnation
        record.partition = place.partition
        record.offset = offset
        record.effectiveTime = Instant(milliseconds: time).description
        record.kafkaTime = row[2].integer.flatMap { $0 < 0 ? nil : Instant(milliseconds: $0).description }
        record.clockCorrected = row[3].integer == 1
        let order = RecordOrder(
            epoch: epoch, kind: .event, time: time, operationRank: operation?.rawValue ?? 0,
            topicRank: rank ?? 0,
            partition: place.partition, incarnation: place.incarnation, offset: offset)
        return Candidate(order: order, day: day, record: record, counts: rank != nil)
    }

    private struct Load {
        var number: Int
        var startedAt: String
        var day: Day
        var pages: Int
    }

    private func loads() throws -> [Load] {
        try reader.rows(
            "SELECT number, started_at, day, pages FROM elt_full_loads WHERE entity=?1 ORDER BY number",
            [.text(entity.name)]
        ).compactMap { row in
            row[2].text.flatMap(Day.init).map {
                Load(
                    number: Int(row[0].integer ?? 0), startedAt: row[1].text ?? "", day: $0,
                    pages: Int(row[3].integer ?? 0))
            }
        }
    }

    private func fullLoadRows(of key: String, _ loads: [Load]) throws -> [Candidate] {
        let byNumber = Dictionary(loads.map { ($0.number, $0) }, uniquingKeysWith: { $1 })
        return try tables(Names.fullRows(entity.name)).flatMap { table in
            try reader.rows("SELECT _id FROM \(Names.quoted(table)) WHERE _key=?1", [.text(key)])
        }.compactMap { row in
            let place = row[0].integer ?? 0
            return byNumber[Int(PackedPlace.group(place))].map { load in
                let row = PackedPlace.offset(place)
                var record = Explanation.Record(
                    kind: "full_load", removes: false, day: load.day, epoch: load.number)
                record.fullLoad = load.number
                (record.page, record.rowInPage) = ArchivedRecords.place(ofRow: row, pages: load.pages)
                record.effectiveTime = load.startedAt
                return Candidate(
                    order: .fullLoad(epoch: load.number, row: row), day: load.day, record: record)
            }
        }
    }

    private static func absence(_ load: Load) -> Candidate {
        var record = Explanation.Record(kind: "absence", removes: true, day: load.day, epoch: load.number)
        record.fullLoad = load.number
        record.effectiveTime = load.startedAt
        return Candidate(order: .absence(epoch: load.number), day: load.day, record: record)
    }

    // MARK: Where they are

    /// The ledger's file of a record, and the manifest entry that lists it.
    private func segment(of record: Explanation.Record) throws -> (sequence: Int64, path: String)? {
        let found: [[SQLValue]]
        if let offset = record.offset {
            found = try reader.rows(
                """
                SELECT sequence, path FROM elt_segments WHERE kind='events' AND topic=?1 AND incarnation=?2
                    AND "partition"=?3 AND first_offset <= ?4 AND next_offset > ?4 ORDER BY sequence LIMIT 1
                """,
                [
                    .text(record.topic ?? ""), .integer(Int64(record.incarnation ?? 1)),
                    .integer(Int64(record.partition ?? 0)), .integer(offset),
                ])
        } else {
            found = try reader.rows(
                "SELECT sequence, path FROM elt_segments WHERE kind='full_load' AND entity=?1 AND full_load=?2",
                [.text(entity.name), .integer(Int64(record.fullLoad ?? 0))])
        }
        return found.first.flatMap { row in
            row[0].integer.flatMap { number in row[1].text.map { (number, $0) } }
        }
    }

    private func filed(_ record: Explanation.Record) throws -> Explanation.Record {
        var record = record
        record.file = try segment(of: record)?.path
        return record
    }

    /// With the line in its file, for which the file is read.
    private func located(_ record: Explanation.Record) throws -> Explanation.Record {
        var record = record
        guard let found = try segment(of: record) else { return record }
        record.file = found.path
        guard let archive, let offset = record.offset,
            case .segment(let segment) = try archive.entries(after: found.sequence - 1).first?.content
        else { return record }
        record.line = try ArchivedRecords.event(at: offset, in: segment, archive)?.line
        return record
    }

    /// Whether the winners that tables are made of have this record for the key.
    private func isPublished(_ winner: Candidate?, _ key: String, _ day: Day?) throws -> Bool {
        let table = Names.winners(entity.name)
        guard try !tables(table).isEmpty else { return false }
        let stored = try reader.rows(
            "SELECT ord FROM \(Names.quoted(table)) WHERE key=?1 AND from_day <= ?2 ORDER BY from_day DESC LIMIT 1",
            [.text(key), .integer(day.map { Int64($0.daysSinceEpoch) } ?? .max)])
        guard let winner else { return stored.isEmpty }
        // A key that was removed on the day it came is in no table, and has no winner there.
        if stored.isEmpty { return winner.record.removes }
        return stored.first?[0] == .blob(winner.order.bytes)
    }
}
