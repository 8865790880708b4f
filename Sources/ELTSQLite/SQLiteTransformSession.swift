import ELTCore
import SQLite

/// Builds models inside a transaction that its maker has begun.
package final class SQLiteTransformSession: TransformSession {
    let warehouse: SQLiteWarehouse
    let database: Database
    /// Not yet in the ledger. Written between large models, its page would be in the log twice, and SQLite would
    /// sum up anew all that lies between.
    private var states: [String: ModelState] = [:]
    /// How many queries' rows were kept. A model needs those of two at most.
    private var kept = 0
    /// The model whose days are all being built.
    var sortedDays: SortedDays?
    /// Who makes the days of a model besides.
    var ahead: DaysAhead?
    /// What that needs: a connection that was there before the transaction changed anything, and the winners of an entity.
    var winnersAhead: (entity: String, database: Database, winners: DailyWinners)?
    /// The entity whose index of days has still to be made, should nobody make its days ahead.
    var indexDue: String?
    /// How many keys of each entity had records.
    var keys: [String: Int64] = [:]
    /// How many tables got rows that were put in order first.
    var sortedFills = 0
    /// How many days were made ahead and taken.
    var daysAhead = 0
    /// Where files may lie beside the warehouse.
    var path: String { warehouse.path }
    /// Evaluates queries besides, from the first changed winner on until the models are built.
    package private(set) var side: SideReader?
    /// Whether rows may be merged into pages: from before anything of a model's table was given up, no page of it is given up unseen.
    private(set) var mergesPages = false
    /// Where the winners begin, before this session and now. Not yet in the ledger, for the same reason as `states`.
    private(set) var winnerDays: [String: (before: WinnerDays, after: WinnerDays)] = [:]
    /// Entities whose winners keep their index by day.
    private var indexed: Set<String> = []
    /// What `touch` found last: the keys of the living winners that it laid ready.
    var touched: (model: String, living: KeySum)?

    package init(_ warehouse: SQLiteWarehouse) {
        self.warehouse = warehouse
        database = warehouse.database
    }

    // MARK: What models read

    package func resolve(_ entity: EntitySettings, everything: Bool, maxClockSkew: Duration, horizon: Day) throws -> Resolution {
        let days = try database.query("SELECT min(first_day), max(last_day) FROM elt_models").first
        let first = days?[0].text.flatMap(Day.init)
        let last = days?[1].text.flatMap(Day.init)
        let built = first.flatMap { first in last.map { first...$0 } }
        let following = built.flatMap { $0.upperBound < horizon ? $0.upperBound.next : nil }
        try database.execute(Schema.winners(entity.name))
        let before = try WinnerDays.now(of: entity.name, in: warehouse)
        let (resolution, after) = try WinnersResolver(
            warehouse: warehouse, entity: entity, built: built, following: following, side: sideOfHour, days: before,
            daily: winnersAhead.flatMap { $0.entity == entity.name ? $0.winners : nil }
        ).resolve(everything: everything)
        winnerDays[entity.name] = (before, after)
        keys[entity.name] = resolution.changedKeys
        try makeRoom()
        return resolution
    }

    package var isUndone: Bool { !database.isInTransaction }

    package func indexDays(of entity: String, for model: String) throws {
        if makesAhead(model) { indexDue = entity } else { try makeDaysIndex(of: entity) }
    }

    func makeDaysIndex(of entity: String) throws {
        try database.execute(Schema.coveringDays(entity))
        try makeRoom()
    }

    /// What comes next reads at random, and what was written isn't needed again soon.
    func makeRoom() throws {
        if warehouse.mayWriteTwice { try database.flushPages() }
    }

    /// Has the winners of one day found by an index from now on: intervals ask for each hour's.
    func keepDaysIndexed(of entity: String) throws {
        try database.execute(Schema.winnersByDay(entity))
        indexed.insert(entity)
    }

    func sideReader() throws -> SideReader? {
        if side == nil, warehouse.isReadableBeside {
            side = try SideReader(path: warehouse.path, modelTimeMax: warehouse.modelTimeMax)
            // Merges go through their tables in the order of keys and need no page twice. In a small cache pages are on their way to the log from
            // the beginning; what a large one keeps is written when nothing else is left to do.
            try database.execute("PRAGMA cache_size=-16384")
        }
        return side
    }

    /// The same, where rows may be merged into pages from now on (`mergesPages`).
    private func sideOfHour() throws -> SideReader? {
        guard let side = try sideReader() else { return nil }
        if warehouse.mayMerge, !mergesPages {
            try database.keepFreedPages(true)
            mergesPages = true
        }
        return side
    }

    package func prepareHeads(of entity: String) throws {
        try Heads(database: database, entity: entity).prepare()
    }

    package func columns(of entity: String) throws -> [Column] {
        try RawTables(database: database, entity: entity).columns()
    }

    package func relation(_ source: SourceRelation) throws -> String {
        try SourceRelations(database: database).sql(source)
    }

    package func table(_ model: String) -> String { Names.quoted(model) }

    package func describe(_ query: String, model: String) throws -> [OutputColumn] {
        let statement = try named(model) {
            // Compiled first: where it's at fault is told by bytes of this text.
            let statement = try database.prepareGuarded(query)
            try warehouse.probe(query)
            return statement
        }
        return (0..<statement.columnCount).map {
            OutputColumn(name: statement.columnName($0), type: statement.declaredType($0))
        }
    }

    package func origins(of query: String) throws -> [ColumnOrigin?] {
        guard let statement = try? database.prepareGuarded(query) else { return [] }
        return (0..<statement.columnCount).map { column in
            statement.originName(column).map { name in
                ColumnOrigin(column: name, type: statement.declaredType(column).flatMap { $0.isEmpty ? nil : $0 })
            }
        }
    }

    package func keep(_ query: String, model: String, by partition: String) throws -> String {
        let columns = try describe(query, model: model).map(\.name)
        return try named(model) {
            let name = "elt_kept_\(kept % 2)"
            kept += 1
            try database.execute("DROP TABLE IF EXISTS temp.\(name)")
            try database.execute("CREATE TEMP TABLE \(name) (\(Names.list(columns)))")
            try database.execute("INSERT INTO temp.\(name) \(query)")
            try database.execute("CREATE INDEX temp.\(name)_by_day ON \(name) (\(Names.quoted(partition)))")
            return "SELECT * FROM temp.\(name)"
        }
    }

    // MARK: The ledger of models

    package func state(of model: String) throws -> ModelState? {
        if let state = states[model] { return state }
        return try database.query(
            "SELECT name, materialized, digest, first_day, last_day FROM elt_models WHERE name=?1", [.text(model)]
        ).first.map {
            ModelState(
                name: $0[0].text ?? "", materialized: $0[1].text ?? "", digest: $0[2].text ?? "",
                firstDay: $0[3].text.flatMap(Day.init), lastDay: $0[4].text.flatMap(Day.init))
        }
    }

    package func setState(_ state: ModelState) { states[state.name] = state }

    package func writeStates() throws {
        // As long as it reads, the log can't be moved into the file.
        side = nil
        winnersAhead = nil
        if mergesPages { try database.keepFreedPages(false) }
        mergesPages = false
        for (entity, days) in winnerDays {
            try database.execute(Schema.noCoveringDays(entity))
            if !indexed.contains(entity) { try database.execute(Schema.noWinnersByDay(entity)) }
            try days.after.note(of: entity, in: warehouse)
        }
        let day = { (day: Day?) -> SQLValue in day.map { .text($0.description) } ?? .null }
        for state in states.values.sorted(by: { $0.name < $1.name }) {
            try database.execute(
                "INSERT OR REPLACE INTO elt_models VALUES (?1, ?2, ?3, ?4, ?5)",
                [
                    .text(state.name), .text(state.materialized), .text(state.digest), day(state.firstDay),
                    day(state.lastDay),
                ])
        }
        states = [:]
    }

    package func forget(modelsOtherThan names: [String]) throws {
        for row in try database.query("SELECT name FROM elt_models") {
            guard let name = row[0].text, !names.contains(name) else { continue }
            try drop(name)
            try database.execute("DELETE FROM elt_models WHERE name=?1", [.text(name)])
        }
    }

    // MARK: Views and tables

    func drop(_ model: String) throws {
        switch try database.value(
            "SELECT type FROM sqlite_schema WHERE name=?1 AND type IN ('table', 'view')", [.text(model)]).text
        {
        case "table": try database.dropTable(model)
        case "view": try database.execute("DROP VIEW \(Names.quoted(model))")
        default: break
        }
        try dropIntervals(model)
    }

    package func replaceView(_ model: String, query: String) throws {
        try named(model) {
            try drop(model)
            try database.execute("CREATE VIEW \(Names.quoted(model)) AS \(query)")
        }
    }

    package func replaceTable(_ model: String, query: String, columns: [OutputColumn]) throws -> TableChanges {
        let before = try rowCount(model)
        try createTable(model, columns: columns, key: [])
        var changes = try fill(model, query: query, columns: columns.map(\.name), key: [], of: nil)
        changes.removed = before
        return changes
    }

    private func rowCount(_ model: String) throws -> Int64 {
        guard try database.value(
            "SELECT 1 FROM sqlite_schema WHERE name=?1 AND type='table'", [.text(model)]) != .null
        else { return 0 }
        return try database.value("SELECT count(*) FROM \(Names.quoted(model))").integer ?? 0
    }

    package func createTable(_ model: String, columns: [OutputColumn], key: [String]) throws {
        try named(model) {
            try drop(model)
            try database.execute(Self.definition(model, columns: columns, key: key))
        }
    }

    /// The SQL that makes a model's table, as SQLite's schema keeps it.
    static func definition(_ model: String, columns: [OutputColumn], key: [String]) -> String {
        var parts = columns.map { Names.quoted($0.name) + ($0.type.map { " " + $0 } ?? "") }
        if !key.isEmpty { parts.append("PRIMARY KEY (\(Names.list(key)))") }
        return "CREATE TABLE \(Names.quoted(model)) (\(parts.joined(separator: ", ")))\(key.isEmpty ? "" : " WITHOUT ROWID")"
    }

    package func tableColumns(of model: String) throws -> [OutputColumn]? {
        let rows = try database.query("SELECT name, type FROM pragma_table_info(?1)", [.text(model)])
        guard !rows.isEmpty, try database.value(
            "SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?1", [.text(try storedTables(of: model)[0])]) != .null
        else { return nil }
        return rows.map { OutputColumn(name: $0[0].text ?? "", type: $0[1].text.flatMap { $0.isEmpty ? nil : $0 }) }
    }

    package func addIndexes(_ model: String, _ indexes: [[String]]) throws {
        let table = try storedTables(of: model)[0]
        for (number, columns) in indexes.enumerated() {
            // Not of the columns' names: a model may be called so.
            let name = "elt_\(model)_index_\(number + 1)"
            try named(model) {
                try database.execute("CREATE INDEX \(Names.quoted(name)) ON \(Names.quoted(table)) (\(Names.list(columns)))")
            }
        }
    }

    package func addColumns(_ model: String, _ columns: [OutputColumn]) throws {
        for column in columns {
            try database.execute(
                "ALTER TABLE \(Names.quoted(try storedTables(of: model)[0])) ADD COLUMN \(Names.quoted(column.name))\(column.type.map { " " + $0 } ?? "")")
        }
    }

    package func analyze(_ model: String) throws {
        // A few hundred rows tell enough: milliseconds, whatever the size.
        for table in try storedTables(of: model) {
            try database.execute("PRAGMA analysis_limit=400; ANALYZE main.\(Names.quoted(table))")
        }
    }

    package func removeDays(_ model: String, partition: String, from: Day?, after: Day?) throws {
        let column = Names.quoted(partition)
        if let from {
            try database.execute(
                "DELETE FROM \(Names.quoted(model)) WHERE \(column) >= \(Names.literal(from.description))")
        }
        if let after {
            try database.execute(
                "DELETE FROM \(Names.quoted(model)) WHERE \(column) > \(Names.literal(after.description))")
        }
    }

    package func failures(_ query: String) throws -> Int64 {
        try named("of a data test") {
            let statement = try database.prepareGuarded(query)
            return try statement.step() ? statement.int(0) : 0
        }
    }

    package func samples(_ query: String) throws -> [String] {
        let statement = try database.prepareGuarded(query)
        defer { statement.reset() }
        var samples: [String] = []
        while try statement.step() { samples.append(statement.text(0)) }
        return samples
    }

    /// Errors of a model's SQL carry its name.
    func named<T>(_ model: String, _ body: () throws -> T) throws -> T {
        do {
            return try warehouse.bounded(model, body)
        } catch let error as SQLiteError {
            switch error.result {
            case 1555, 2067: throw WarehouseError.duplicateKey(model: model, key: error.constrained)  // PRIMARYKEY, UNIQUE
            case 1299: throw WarehouseError.nullKey(model: model, column: error.constrained.first ?? "its key")  // NOTNULL
            default:
                let meaning = WarehouseError.from(error, path: warehouse.path)
                switch meaning {
                case .statement: throw WarehouseError.model(name: model, error)
                case .memory: throw WarehouseError.memory(model: model)
                default: throw meaning
                }
            }
        }
    }
}

extension SQLiteError {
    /// The columns that a constraint is about: "UNIQUE constraint failed: table.a, table.b".
    fileprivate var constrained: [String] {
        guard let colon = message.firstRange(of: ": ") else { return [] }
        return message[colon.upperBound...].split(separator: ", ").map { name in
            name.firstIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? String(name)
        }
    }
}
