import ELTCore
import SQLite

/// Days of a new table, made while other models are built.
extension SQLiteTransformSession {
    package func expectDays(of entity: String, until horizon: Day) throws {
        // One day alone goes straight into the table.
        guard try warehouse.fullLoads(of: entity).contains(where: { $0.day < horizon }) || hasEvents(of: entity, before: horizon),
            // Not having a second connection is no reason to end.
            let database = warehouse.frozen(),
            let winners = try? DailyWinners(entity, path: Self.path(ahead: path))
        else { return }
        winnersAhead = (entity, database, winners)
    }

    package func expectNoDays() { winnersAhead = nil }

    /// Whether one of the partitions begins with an event of an earlier day. Looking at all of them would take longer than what it may spare.
    private func hasEvents(of entity: String, before day: Day) throws -> Bool {
        let raw = RawTables(database: database, entity: entity)
        let partitions = try database.query("SELECT id FROM elt_partitions WHERE entity=?1", [.text(entity)]).compactMap { $0[0].integer }
        for month in try raw.months() {
            let first = try database.prepare(
                "SELECT _day FROM \(Names.quoted(Names.stream(entity, month: month))) WHERE _id >= ?1 ORDER BY _id LIMIT 1")
            for partition in partitions {
                first.bind(1, PackedPlace.pack(partition, 0))
                if try first.step(), first.int(0) < day.daysSinceEpoch { return true }
                first.reset()
            }
        }
        return false
    }

    package func beginDaysAhead(
        _ model: String, columns: [OutputColumn], partition: String, key: String, resets: [String: String], of entity: String,
        queries: [(day: Day, query: String)], beside others: Int
    ) throws {
        guard let winnersAhead, winnersAhead.entity == entity, winnersAhead.winners.isComplete else { return }
        let plan = DaysPlan(model: model, columns: columns, partition: partition, key: key, resets: resets)
        try createTable(model, columns: columns, key: [partition, key])
        let sorted: SortedDays?
        do {
            let grafted = try warehouse.beginGrafting(days: model, room: room(for: others))
            sorted = try SortedDays(database, plan, standing: nil, grafted: grafted, path: Self.path(ahead: path))
        } catch is SQLiteError where !isUndone {
            // A file that can't be had now isn't missed: the model's turn comes.
            return try warehouse.abandonGrafting()
        }
        guard let days = sorted else { return try warehouse.abandonGrafting() }
        let raw = RawTables(database: database, entity: entity)
        let tables = try raw.months().map { Names.stream(entity, month: $0) } + [Names.fullRows(entity), Names.winners(entity)]
        ahead = try? DaysAhead(
            days, queries.map { given($0.day, $0.query, .winnersOf(entity: entity, day: $0.day)) }, from: winnersAhead.database,
            winners: winnersAhead.winners, tables: Set(tables), timeMax: warehouse.modelTimeMax)
        guard ahead != nil else {
            days.discard()
            return try warehouse.abandonGrafting()
        }
        sortedDays = days
    }

    /// How many pages as many models may take that have a row for each key of an entity, as long as its record is in the archive.
    private func room(for models: Int) throws -> Int {
        var bytes: Int64 = 0
        for (entity, keys) in keys {
            let row = try database.value("SELECT sum(text_bytes) / max(sum(rows), 1) FROM elt_segments WHERE entity=?1", [.text(entity)]).integer ?? 0
            bytes += min(row, 1 << 20) * keys
        }
        let size = try database.value("PRAGMA page_size").integer ?? 1
        let modelsOfEach = Int64((models + keys.count - 1) / max(1, keys.count))
        return 512 + Int(min(bytes / size * modelsOfEach, 1 << 20))
    }

    /// Beside which the files lie of what's made ahead, as others lie beside the warehouse.
    static func path(ahead warehouse: String) -> String { warehouse + "-ahead" }

    func makesAhead(_ model: String) -> Bool { ahead?.model == model }

    /// Ends the thread. What it spared is done now if it has to be.
    func endAhead(doneWith isDone: Bool) throws {
        ahead?.end()
        ahead = nil
        if !isDone {
            try warehouse.abandonGrafting()
            if let indexDue { try makeDaysIndex(of: indexDue) }
        }
        indexDue = nil
    }
}
