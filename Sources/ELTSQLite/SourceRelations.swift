import ELTCore
import SQLite

/// The SQL behind `source('<entity>', '<table>')`.
///
/// | table | rows |
/// | --- | --- |
/// | `stream` | every event |
/// | `full` | every row of every complete full load |
/// | `winners` | the living winner of each key |
/// | `daily_winners` | the living winners that decide a day, with `_on_day` |
struct SourceRelations {
    let database: Database

    static let tables = ["stream", "full", "winners", "daily_winners"]

    func sql(_ source: SourceRelation) throws -> String {
        let entity = source.entity
        switch (source.table, source.binding) {
        case (let table, .shape): return try shape(of: entity, table)
        case ("stream", _): return try view(Names.stream(entity), Self.emptyStream, entity)
        case ("full", _): return try view(Names.full(entity), Self.emptyFull, entity)
        case ("winners", .changed):
            let origins = try origins("temp.\(Names.quoted(Names.changed(entity)))", where: "removed = 0")
            return try winners(
                entity, from: "temp.\(Names.quoted(Names.changed(entity)))", origins: origins,
                where: "w.removed = 0", onDay: nil)
        case ("winners", .lasting): return try allWinners(entity, from: nil, origins: { [] })
        case ("winners", let binding):
            let heads = Heads(database: database, entity: entity)
            let source = try binding == .unordered || !heads.areByPlace() ? heads.source() : nil
            return try allWinners(entity, from: source, origins: heads.origins)
        case ("daily_winners", .day(let day, changedOnly: true)):
            let table = "temp.\(Names.quoted(Names.changedDays(entity)))"
            let condition = "on_day = \(day.daysSinceEpoch) AND removed = 0"
            return try winners(
                entity, from: table, origins: try origins(table, where: condition),
                where: "w.on_day = \(day.daysSinceEpoch) AND w.removed = 0", onDay: day)
        case ("daily_winners", .day(let day, changedOnly: false)):
            // A winner's day is its record's day, so only that month and the full loads can hold its row.
            return try winners(
                entity, from: Names.quoted(Names.winners(entity)), origins: [0, day.month],
                where: "w.from_day = \(day.daysSinceEpoch) AND w.removed = 0", onDay: day)
        case ("daily_winners", .touched):
            let table = "temp.\(TouchedKeys.winners)"
            return try winners(
                entity, from: table, origins: try origins(table, where: "true"), where: "true", onDay: nil, dayColumn: true)
        case ("daily_winners", _):
            guard try hasWinners(entity) else {
                return try winners(entity, from: "", origins: [], where: "true", onDay: nil, dayColumn: true)
            }
            return try winners(
                entity, from: Names.quoted(Names.winners(entity)), origins: [0] + RawTables(database: database, entity: entity).months(),
                where: "w.removed = 0", onDay: nil, dayColumn: true)
        default: throw SQLiteError(code: 1, message: "no source \(source.table)", sql: nil)
        }
    }

    /// What comes before an entity's own columns, with the types that SQLite finds for them in the relations themselves.
    private static let prefixes = [
        "stream": "_topic TEXT, _incarnation INTEGER, _partition INTEGER, _offset, _key TEXT, _time, _kafka_time, _clock_corrected INTEGER, _day, _epoch INTEGER, _removes INTEGER, _id INTEGER",
        "full": "_full_load, _row, _key TEXT, _time TEXT, _day TEXT, _epoch INTEGER, _id INTEGER",
        "winners": "_key TEXT, _day", "daily_winners": "_key TEXT, _day, _on_day",
    ]

    /// An empty table: raw tables have no types, which the ledger knows, and not every relation has an arm that reads one.
    private func shape(of entity: String, _ table: String) throws -> String {
        let columns = try RawTables(database: database, entity: entity).columns().map { column in
            Names.quoted(column.name) + (column.type.map { " " + $0.sqlName } ?? "")
        }
        let name = Names.shape(entity, table)
        let definition = "(\(([Self.prefixes[table] ?? ""] + columns).joined(separator: ", ")))"
        let sql = try database.value("SELECT sql FROM temp.sqlite_schema WHERE name=?1", [.text(name)]).text
        if sql?.hasSuffix(definition) != true {
            try database.execute("DROP TABLE IF EXISTS temp.\(Names.quoted(name)); CREATE TEMP TABLE \(Names.quoted(name)) \(definition)")
        }
        return "temp." + Names.quoted(name)
    }

    private static let emptyStream =
        "NULL AS _topic, NULL AS _incarnation, NULL AS _partition, NULL AS _offset, NULL AS _key, NULL AS _time, NULL AS _kafka_time, NULL AS _clock_corrected, NULL AS _day, NULL AS _epoch, NULL AS _removes, NULL AS _id"
    private static let emptyFull =
        "NULL AS _full_load, NULL AS _row, NULL AS _key, NULL AS _time, NULL AS _day, NULL AS _epoch, NULL AS _id"

    /// A view that isn't there yet, because nothing was loaded, has its columns and no rows.
    private func view(_ name: String, _ empty: String, _ entity: String) throws -> String {
        if try database.value("SELECT 1 FROM sqlite_schema WHERE type='view' AND name=?1", [.text(name)]) != .null {
            return Names.quoted(name)
        }
        let columns = try RawTables(database: database, entity: entity).columns()
        return "(SELECT \(empty)\(columns.map { ", NULL AS " + Names.quoted($0.name) }.joined()) WHERE false)"
    }

    private func origins(_ table: String, where condition: String) throws -> [Int] {
        try database.query("SELECT DISTINCT origin FROM \(table) WHERE \(condition) ORDER BY 1")
            .compactMap { $0[0].integer.map(Int.init) }
    }

    /// Winners joined with their raw rows, one arm for each table that can hold them, each in the order of `table`.
    private func winners(
        _ entity: String, from table: String, origins: [Int], where condition: String, onDay: Day?,
        dayColumn: Bool = false
    ) throws -> String {
        let tables = RawTables(database: database, entity: entity)
        let columns = try tables.columns().map { "r." + Names.quoted($0.name) }
        let months = Set(try tables.months())
        let hasFull = try tables.hasFull
        let date = "date(w.from_day * 86400, 'unixepoch')"
        // Nearly all winners that decide a day are of that day, and its name needn't be worked out for each.
        let day = onDay.map { "CASE w.from_day WHEN \($0.daysSinceEpoch) THEN \(Names.literal($0.description)) ELSE \(date) END" }
        var head = ["w.key AS _key", "\(day ?? date) AS _day"]
        if let onDay { head.append("\(Names.literal(onDay.description)) AS _on_day") }
        if dayColumn { head.append("\(date) AS _on_day") }
        let list = (head + columns).joined(separator: ", ")
        let arms = origins.filter { $0 == 0 ? hasFull : months.contains($0) }.map { origin in
            let rows = origin == 0 ? Names.fullRows(entity) : Names.stream(entity, month: origin)
            return """
                SELECT \(list) FROM \(table) w CROSS JOIN \(Names.quoted(rows)) r
                WHERE r._id = w.place AND w.origin = \(origin) AND \(condition)
                """
        }
        if arms.isEmpty {
            let empty = ["NULL AS _key", "NULL AS _day"] + (head.count > 2 ? ["NULL AS _on_day"] : [])
            let names = try tables.columns().map { "NULL AS " + Names.quoted($0.name) }
            return "(SELECT \((empty + names).joined(separator: ", ")) WHERE false)"
        }
        return "(\(arms.joined(separator: " UNION ALL ")))"
    }

    /// Before the first publication there's no list of winners.
    private func hasWinners(_ entity: String) throws -> Bool {
        try database.value("SELECT 1 FROM sqlite_schema WHERE name=?1", [.text(Names.winners(entity))]) != .null
    }

    private func allWinners(_ entity: String, from heads: String?, origins: () throws -> [Int]) throws -> String {
        if let heads { return try winners(entity, from: heads, origins: origins(), where: "true", onDay: nil) }
        let newest = """
            (SELECT key, max(from_day) AS from_day, removed, origin, place FROM \(Names.quoted(Names.winners(entity))) GROUP BY key)
            """
        guard try hasWinners(entity) else { return try winners(entity, from: newest, origins: [], where: "true", onDay: nil) }
        return try winners(
            entity, from: newest, origins: [0] + RawTables(database: database, entity: entity).months(),
            where: "w.removed = 0", onDay: nil)
    }
}
