import ELTCore
import SQLite

/// Days of a new table, made while other models are built.
extension SQLiteTransformSession {
    package func expectDays(of entity: String, until horizon: Day) throws {
        // One day alone goes straight into the table.
        let raw = RawTables(database: database, entity: entity)
        guard try !raw.months().isEmpty || warehouse.fullLoads(of: entity).contains(where: { $0.day < horizon }),
            // Not having a second connection is no reason to end.
            let database = warehouse.frozen(),
            let winners = try? DailyWinners(entity, path: Self.path(ahead: path))
        else { return }
        winnersAhead = (entity, database, winners)
    }

    package func beginDaysAhead(
        _ model: String, columns: [OutputColumn], partition: String, key: String, resets: [String: String], of entity: String,
        queries: [(day: Day, query: String)]
    ) throws {
        guard let winnersAhead, winnersAhead.entity == entity, winnersAhead.winners.isComplete else { return }
        self.winnersAhead = nil
        let plan = DaysPlan(model: model, columns: columns, partition: partition, key: key, resets: resets)
        try createTable(model, columns: columns, key: [partition, key])
        // What can't be had now isn't missed: the model's turn comes.
        guard let days = (try? SortedDays(database, plan, standing: nil, path: Self.path(ahead: path))) ?? nil else { return }
        let raw = RawTables(database: database, entity: entity)
        let tables = try raw.months().map { Names.stream(entity, month: $0) } + [Names.fullRows(entity), Names.winners(entity)]
        ahead = try? DaysAhead(
            days, queries.map { given($0.day, $0.query, .winnersOf(entity: entity, day: $0.day)) }, from: winnersAhead.database,
            winners: winnersAhead.winners, tables: Set(tables), timeMax: warehouse.modelTimeMax)
        if ahead == nil { days.discard() } else { sortedDays = days }
    }

    /// Beside which the files lie of what's made ahead, as others lie beside the warehouse.
    static func path(ahead warehouse: String) -> String { warehouse + "-ahead" }

    func makesAhead(_ model: String) -> Bool { ahead?.model == model }

    /// Ends the thread. What it spared is done now if it has to be.
    func endAhead(doneWith isDone: Bool) throws {
        ahead?.end()
        ahead = nil
        if !isDone, let indexDue { try indexDays(of: indexDue) }
        indexDue = nil
    }
}
