import ELTCore
import SQLite

/// Finds the winner of every key on every day, from the raw rows (semantics, sections 3 to 5).
struct WinnersResolver {
    let warehouse: SQLiteWarehouse
    let entity: EntitySettings
    /// The days that models hold already.
    let built: ClosedRange<Day>?
    /// The day that comes next, if it has begun.
    let following: Day?
    /// Who evaluates models' queries besides, and must know what changed.
    let side: () throws -> SideReader?
    /// The days of the winners there are.
    let days: WinnerDays
    /// Who puts all winners aside, where timelines are made anew.
    let daily: DailyWinners?

    private var database: Database { warehouse.database }
    private var tables: RawTables { RawTables(database: database, entity: entity.name) }
    private var name: String { entity.name }

    /// Gives the days of the winners besides, as they are after it.
    func resolve(everything: Bool) throws -> (Resolution, WinnerDays) {
        let loads = try warehouse.fullLoads(of: name)
        let published = try warehouse.publishedSequence
        let fresh = try database.query(
            "SELECT number FROM elt_full_loads WHERE entity=?1 AND sequence > ?2",
            [.text(name), .integer(published)]
        ).compactMap { $0[0].integer }
        try createTemporaryTables()
        if everything { return try resolveAll(from: nil, loads: loads) }
        if fresh.isEmpty {
            // The first of all is written in order rather than looked up and laid in; there's no model yet that could be merged.
            return try published == 0 ? resolveAll(from: nil, loads: loads) : resolvePending(loads: loads)
        }
        // Events of the new epoch may lie as much before T0 as clocks may differ.
        let marks = loads.filter { fresh.contains(Int64($0.number)) }
        let first = try marks.map { $0.day.previous }.min() ?? firstPendingDay() ?? Day(daysSinceEpoch: 0)
        return try resolveAll(from: first, loads: loads)
    }

    // MARK: An ordinary hour

    private func resolvePending(loads: [FullLoadMark]) throws -> (Resolution, WinnerDays) {
        var (resolution, days) = (Resolution(firstDay: nil), days)
        if let query = try pendingQuery(before: nil) {
            if let side = try side() {
                try side.learn(of: name) { relay in resolution = try lay(query, loads: loads, relay, &days) }
            } else {
                resolution = try lay(query, loads: loads, nil, &days)
            }
        }
        resolution.firstDay = days.first
        return (resolution, days)
    }

    /// Lays the records that were loaded since the last publication into the timelines of their keys.
    private func lay(
        _ query: String, loads: [FullLoadMark], _ relay: ChangeRelay?, _ days: inout WinnerDays
    ) throws -> Resolution {
        var resolution = Resolution(firstDay: nil)
        let cursor = try EventCursor(try database.prepare(query), ranks: try ranks(), path: sorterPath)
        let writer = try PendingWriter(database, name, built: built, following: following, relay: relay)
        let absences = entity.fullLoad?.absent == .remove ? loads : []
        var pool: [Winner] = []
        var old: [Winner] = []
        var key: [UInt8] = []
        var timeline = Timeline()
        var firstRecordDay = Int32.max
        try pending(cursor, isBeside: relay != nil) { batch in
            try batch.each { next, records, stored, earliest in
                firstRecordDay = min(firstRecordDay, earliest)
                key.removeAll(keepingCapacity: true)
                key.append(contentsOf: next)
                old.removeAll(keepingCapacity: true)
                old.append(contentsOf: stored)
                pool.removeAll(keepingCapacity: true)
                pool.append(contentsOf: records)
                // What holds on the earliest day accounts for all that lies before it.
                let holding = old.first.flatMap { $0.day <= earliest ? $0 : nil }
                addAbsences(of: absences, to: &pool, from: holding?.day)
                pool.append(contentsOf: old)
                timeline.build(from: &pool, continues: holding != nil)
                resolution.ties += timeline.ties
                for winner in timeline.winners { days.add(winner.day) }
                try writer.write(key, old: old, new: timeline.winners)
            }
        }
        try writer.finish()
        resolution.records = cursor.records
        resolution.changedKeys = writer.changedKeys
        if firstRecordDay < .max { resolution.firstRecordDay = Day(daysSinceEpoch: firstRecordDay) }
        resolution.changedDays = writer.changedDays.sorted().map { Day(daysSinceEpoch: $0) }
        try ChangedWinners.finish(in: database, name)
        return resolution
    }

    /// Has `take` called with all keys of pending records. Where that can be, they're looked up a few batches ahead, by a connection that sees
    /// what was committed: this run changes the timelines of each key once.
    private func pending(_ cursor: EventCursor, isBeside: Bool, take: (PendingBatch) throws -> Void) throws {
        if isBeside, let committed = try? Database(path: warehouse.path, mode: .readOnly, tellsTime: false),
            (try? committed.execute("PRAGMA busy_timeout=10000; PRAGMA cache_size=-2048; BEGIN")) != nil,
            let keys = try? PendingKeys(cursor, of: name, timelines: committed)
        {
            return try Handover<PendingBatch>.between(piecesMax: 4) { handover in
                var batch = handover.spare() ?? PendingBatch()
                while try keys.fill(batch) {
                    try handover.give(batch)
                    batch = handover.spare() ?? PendingBatch()
                }
            } taker: { handover, batch in
                try take(batch)
                batch.empty()
                handover.giveBack(batch)
            }
        }
        let keys = try PendingKeys(cursor, of: name, timelines: database)
        let batch = PendingBatch()
        while try keys.fill(batch) {
            try take(batch)
            batch.empty()
        }
    }

    /// Records of a lower epoch than a full load are answered for by it.
    private func addAbsences(of loads: [FullLoadMark], to pool: inout [Winner], from day: Int32?) {
        guard !loads.isEmpty, let lowest = pool.map({ Int($0.words.0 >> 32) }).min() else { return }
        for load in loads where load.number > lowest && load.day.daysSinceEpoch >= day ?? .min {
            pool.append(Self.absence(load))
        }
    }

    private static func absence(_ load: FullLoadMark) -> Winner {
        Winner(
            order: .absence(epoch: load.number), day: load.day.daysSinceEpoch, removed: true, origin: 0, place: 0)
    }

    // MARK: A full load, or everything

    /// Makes all timelines anew: up to the day before `from` as they stand, from then on from the records.
    private func resolveAll(from: Day?, loads: [FullLoadMark]) throws -> (Resolution, WinnerDays) {
        let table = Names.quoted(Names.winners(name))
        try database.execute("ALTER TABLE \(table) RENAME TO elt_winners_before")
        try database.execute(Schema.noCoveringDays(name))
        try database.execute(Schema.noWinnersByDay(name))
        try database.execute(Schema.winners(name))
        let ranks = try ranks()
        var cursors: [any RecordCursor] = []
        if let from {
            cursors.append(
                try StoredCursor(
                    try database.prepare(
                        "SELECT key, from_day, ord, removed, origin, place FROM elt_winners_before WHERE from_day < \(from.daysSinceEpoch) ORDER BY key, from_day"
                    )))
        }
        for load in loads where from.map({ load.day >= $0 }) ?? true { cursors.append(try fullLoadCursor(load)) }
        if let query = try eventsQuery(from: from) {
            cursors.append(try EventCursor(try database.prepare(query), ranks: ranks, path: sorterPath))
        }
        let absences = entity.fullLoad?.absent == .remove ? loads.map(Self.absence) : []
        let writer = try TimelineWriter(database, name, path: warehouse.path, daily: daily)
        var pool: [Winner] = []
        var key: [UInt8] = []
        var timeline = Timeline()
        var resolution = Resolution(fullFrom: from)
        var days = WinnerDays()
        while let least = Self.least(cursors) {
            key.removeAll(keepingCapacity: true)
            key.append(contentsOf: least)
            pool.removeAll(keepingCapacity: true)
            for cursor in cursors where cursor.key?.equals(key) == true { try cursor.drain(into: &pool) }
            if pool.isEmpty { continue }
            pool.append(contentsOf: absences)
            timeline.build(from: &pool)
            resolution.ties += timeline.ties
            for winner in timeline.winners { days.add(winner.day) }
            try writer.write(key, timeline.winners)
        }
        resolution.records = cursors.reduce(0) {
            $0 + (($1 as? EventCursor)?.records ?? 0) + (($1 as? FullLoadCursor)?.records ?? 0)
        }
        cursors = []
        try writer.finish()
        try database.dropTable("elt_winners_before")
        resolution.changedKeys = writer.keys
        resolution.firstDay = days.first
        if let from {
            resolution.fullFrom = try min(from, firstPendingDay() ?? from)
        } else {
            resolution.fullFrom = resolution.firstDay ?? Day(daysSinceEpoch: 0)
        }
        return (resolution, days)
    }

    private static func least(_ cursors: [any RecordCursor]) -> UnsafeRawBufferPointer? {
        var least: UnsafeRawBufferPointer?
        for cursor in cursors {
            guard let key = cursor.key else { continue }
            if let known = least, !key.precedes(known) { continue }
            least = key
        }
        return least
    }

    private func fullLoadCursor(_ load: FullLoadMark) throws -> FullLoadCursor {
        let sorted = try database.value(
            "SELECT sorted FROM elt_full_loads WHERE entity=?1 AND number=?2",
            [.text(name), .integer(Int64(load.number))])
        let number = Int64(load.number)
        let statement = try database.prepare(
            """
            SELECT _key, _id FROM \(Names.quoted(Names.fullRows(name)))
            WHERE _id BETWEEN \(PackedPlace.pack(number, 0)) AND \(PackedPlace.pack(number, PackedPlace.offsetMask))
            ORDER BY \(sorted == .integer(1) ? "_id" : "_key, _id")
            """)
        return try FullLoadCursor(statement, load: load)
    }

    private var sorterPath: String { SortedDays.path(beside: warehouse.path) + "-winners" }

    // MARK: Queries

    private static func arm(_ table: String, _ month: Int, join: String, where condition: String) -> String {
        "SELECT r._key, r._day, r._epoch, r._time, r._removes, r._id, \(month) FROM \(join)\(Names.quoted(table)) r WHERE \(condition)"
    }

    /// What was loaded since the last publication; nil if nothing was.
    private func pendingQuery(before day: Day?) throws -> String? {
        guard try database.value("SELECT 1 FROM elt_pending WHERE entity=?1", [.text(name)]) != .null else { return nil }
        let arms = try pendingArms(before: day)
        return arms.isEmpty ? nil : arms.joined(separator: " UNION ALL ")
    }

    private func pendingArms(before day: Day?) throws -> [String] {
        let until = day.map { " AND r._day < \($0.daysSinceEpoch)" } ?? ""
        return try tables.months().map {
            Self.arm(
                Names.stream(name, month: $0), $0, join: "elt_pending b CROSS JOIN ",
                where: "b.entity = \(Names.literal(name)) AND r._id BETWEEN b.low AND b.high\(until)")
        }
    }

    private func eventsQuery(from day: Day?) throws -> String? {
        var arms = try tables.months().filter { month in day.map { month >= $0.month } ?? true }.map {
            Self.arm(
                Names.stream(name, month: $0), $0, join: "",
                where: day.map { "r._day >= \($0.daysSinceEpoch)" } ?? "true")
        }
        // Late ones that were loaded in the meantime lie before, and aren't in the timelines yet.
        if let day { arms += try pendingArms(before: day) }
        return arms.isEmpty ? nil : arms.joined(separator: " UNION ALL ")
    }

    private func firstPendingDay() throws -> Day? {
        var first: Int64?
        for month in try tables.months() {
            let day = try database.value(
                """
                SELECT min(r._day) FROM elt_pending b CROSS JOIN \(Names.quoted(Names.stream(name, month: month))) r
                WHERE b.entity=?1 AND r._id BETWEEN b.low AND b.high
                """, [.text(name)])
            if let day = day.integer { first = min(first ?? day, day) }
        }
        return first.map { Day(daysSinceEpoch: Int32(truncatingIfNeeded: $0)) }
    }

    private func ranks() throws -> [Int64: PartitionRank] {
        var ranks: [Int64: PartitionRank] = [:]
        for row in try database.query(
            "SELECT id, topic, incarnation, \"partition\" FROM elt_partitions WHERE entity=?1", [.text(name)])
        {
            guard let rank = entity.topics.firstIndex(where: { $0.name == row[1].text }), let id = row[0].integer
            else { continue }
            ranks[id] = PartitionRank(
                operation: entity.topics[rank].operation.rawValue, topic: rank,
                partition: Int32(row[3].integer ?? 0), incarnation: Int(row[2].integer ?? 1))
        }
        return ranks
    }

    private func createTemporaryTables() throws {
        try Heads(database: database, entity: name).drop()
        try ChangedWinners.create(in: database, name)
    }
}
