import ELTCore
import SQLite

/// Builds models inside a transaction that its maker has begun.
package final class SQLiteTransformSession: TransformSession {
    private let warehouse: SQLiteWarehouse
    let database: Database

    package init(_ warehouse: SQLiteWarehouse) {
        self.warehouse = warehouse
        database = warehouse.database
    }

    // MARK: What models read

    package func resolve(_ entity: EntitySettings, everything: Bool, maxClockSkew: Duration) throws -> Resolution {
        let days = try database.query("SELECT min(first_day), max(last_day) FROM elt_models").first
        let first = days?[0].text.flatMap(Day.init)
        let last = days?[1].text.flatMap(Day.init)
        let built = first.flatMap { first in last.map { first...$0 } }
        return try WinnersResolver(warehouse: warehouse, entity: entity, built: built).resolve(everything: everything)
    }

    package func prepareHeads(of entity: String) throws {
        let heads = "temp.\(Names.quoted(Names.heads(entity)))"
        try database.execute(
            """
            DELETE FROM \(heads);
            INSERT INTO \(heads) SELECT origin, key, from_day, place FROM (
                SELECT key, max(from_day) AS from_day, removed, origin, place
                FROM \(Names.quoted(Names.winners(entity))) GROUP BY key) WHERE removed = 0;
            """)
    }

    package func columns(of entity: String) throws -> [Column] {
        try RawTables(database: database, entity: entity).columns()
    }

    package func relation(_ source: SourceRelation) throws -> String {
        try SourceRelations(database: database).sql(source)
    }

    package func table(_ model: String) -> String { Names.quoted(model) }

    package func describe(_ query: String, model: String) throws -> [OutputColumn] {
        let statement = try named(model) { try database.prepareGuarded(query) }
        return (0..<statement.columnCount).map {
            OutputColumn(name: statement.columnName($0), type: statement.declaredType($0))
        }
    }

    // MARK: The ledger of models

    package func state(of model: String) throws -> ModelState? {
        try database.query(
            "SELECT name, materialized, digest, first_day, last_day FROM elt_models WHERE name=?1", [.text(model)]
        ).first.map {
            ModelState(
                name: $0[0].text ?? "", materialized: $0[1].text ?? "", digest: $0[2].text ?? "",
                firstDay: $0[3].text.flatMap(Day.init), lastDay: $0[4].text.flatMap(Day.init))
        }
    }

    package func setState(_ state: ModelState) throws {
        let day = { (day: Day?) -> SQLValue in day.map { .text($0.description) } ?? .null }
        try database.execute(
            "INSERT OR REPLACE INTO elt_models VALUES (?1, ?2, ?3, ?4, ?5)",
            [
                .text(state.name), .text(state.materialized), .text(state.digest), day(state.firstDay),
                day(state.lastDay),
            ])
    }

    package func forget(modelsOtherThan names: [String]) throws {
        for row in try database.query("SELECT name FROM elt_models") {
            guard let name = row[0].text, !names.contains(name) else { continue }
            try drop(name)
            try database.execute("DELETE FROM elt_models WHERE name=?1", [.text(name)])
        }
    }

    // MARK: Views and tables

    private func drop(_ model: String) throws {
        switch try database.value(
            "SELECT type FROM sqlite_schema WHERE name=?1 AND type IN ('table', 'view')", [.text(model)]).text
        {
        case "table": try database.execute("DROP TABLE \(Names.quoted(model))")
        case "view": try database.execute("DROP VIEW \(Names.quoted(model))")
        default: break
        }
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
        var changes = try fill(model, query: query, columns: columns.map(\.name))
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
        for name in key where !columns.contains(where: { $0.name.lowercased() == name.lowercased() }) {
            throw WarehouseError.missingKey(model: model, key: [name])
        }
        try named(model) {
            try drop(model)
            var parts = columns.map { Names.quoted($0.name) + ($0.type.map { " " + $0 } ?? "") }
            if !key.isEmpty { parts.append("PRIMARY KEY (\(Names.list(key)))") }
            try database.execute(
                "CREATE TABLE \(Names.quoted(model)) (\(parts.joined(separator: ", ")))\(key.isEmpty ? "" : " WITHOUT ROWID")"
            )
        }
    }

    package func tableColumns(of model: String) throws -> [OutputColumn]? {
        let rows = try database.query("SELECT name, type FROM pragma_table_info(?1)", [.text(model)])
        guard !rows.isEmpty, try database.value(
            "SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?1", [.text(model)]) != .null
        else { return nil }
        return rows.map { OutputColumn(name: $0[0].text ?? "", type: $0[1].text.flatMap { $0.isEmpty ? nil : $0 }) }
    }

    package func addIndex(_ model: String, columns: [String]) throws {
        let name = "\(model)_by_\(columns.joined(separator: "_"))"
        try database.execute(
            "CREATE INDEX IF NOT EXISTS \(Names.quoted(name)) ON \(Names.quoted(model)) (\(Names.list(columns)))")
    }

    package func addColumns(_ model: String, _ columns: [OutputColumn]) throws {
        for column in columns {
            try database.execute(
                "ALTER TABLE \(Names.quoted(model)) ADD COLUMN \(Names.quoted(column.name))\(column.type.map { " " + $0 } ?? "")")
        }
    }

    package func fill(_ model: String, query: String, columns: [String]) throws -> TableChanges {
        try named(model) {
            try database.execute("INSERT INTO \(Names.quoted(model)) (\(Names.list(columns))) \(query)")
            return TableChanges(inserted: database.changes)
        }
    }

    // MARK: Merge and overwrite

    package func merge(
        _ model: String, query: String, columns: [String], key: [String], scope: KeyScope?
    ) throws -> TableChanges {
        try named(model) {
            try stage(query, columns: columns, key: key)
            defer { try? database.execute("DROP TABLE IF EXISTS temp.elt_stage") }
            var changes = TableChanges()
            if let scope { changes.removed = try removeUnstaged(model, key: key[0], scope: scope, where: "true") }
            changes += try upsert(model, columns: columns, key: key)
            return changes
        }
    }

    package func overwrite(
        _ model: String, query: String, columns: [String], partition: String, day: Day, key: [String]
    ) throws -> TableChanges {
        try named(model) {
            let table = Names.quoted(model)
            let within = "\(Names.quoted(partition)) = \(Names.literal(day.description))"
            if key.isEmpty {
                try database.execute("DELETE FROM \(table) WHERE \(within)")
                let removed = database.changes
                try database.execute(
                    "INSERT INTO \(table) (\(Names.list(columns))) SELECT * FROM (\(query)) WHERE \(within)")
                return TableChanges(inserted: database.changes, removed: removed)
            }
            // Only rows that differ are written; the day holds exactly the query's rows all the same.
            try stage("SELECT * FROM (\(query)) WHERE \(within)", columns: columns, key: key)
            defer { try? database.execute("DROP TABLE IF EXISTS temp.elt_stage") }
            let keys = key.map { "s.\(Names.quoted($0)) = \(table).\(Names.quoted($0))" }.joined(separator: " AND ")
            try database.execute(
                "DELETE FROM \(table) WHERE \(within) AND NOT EXISTS (SELECT 1 FROM temp.elt_stage s WHERE \(keys))")
            var changes = TableChanges(removed: database.changes)
            changes += try upsert(model, columns: columns, key: key)
            return changes
        }
    }

    package func overwriteCarrying(
        _ model: String, query: String, columns: [String], partition: String, day: Day, key: String,
        resets: [String: String], scope: KeyScope
    ) throws -> TableChanges {
        try named(model) {
            let table = Names.quoted(model)
            let within = "\(Names.quoted(partition)) = \(Names.literal(day.description))"
            if case .changedOn = scope {
                try stage(query, columns: columns, key: [key])
                defer { try? database.execute("DROP TABLE IF EXISTS temp.elt_stage") }
                var changes = TableChanges(removed: try removeUnstaged(model, key: key, scope: scope, where: within))
                changes += try upsert(model, columns: columns, key: [partition, key])
                return changes
            }
            try database.execute("DELETE FROM \(table) WHERE \(within)")
            let removed = database.changes
            return TableChanges(
                inserted: try carry(
                    model, query: query, columns: columns, partition: partition, day: day, key: key, resets: resets,
                    scope: scope),
                removed: removed)
        }
    }

    /// Yesterday's rows less those whose key is in the scope, and the query's rows, in the order of keys.
    private func carry(
        _ model: String, query: String, columns: [String], partition: String, day: Day, key: String,
        resets: [String: String], scope: KeyScope
    ) throws -> Int64 {
        let table = Names.quoted(model)
        let yesterday = "\(Names.quoted(partition)) = \(Names.literal(day.previous.description))"
        let insert = "INSERT INTO \(table) (\(Names.list(columns))) "
        guard try database.value("SELECT 1 FROM \(table) WHERE \(yesterday) LIMIT 1") != .null else {
            try database.execute(insert + query)
            return database.changes
        }
        let carried = columns.map { column in
            if column == partition { return "\(Names.literal(day.description)) AS \(Names.quoted(column))" }
            return resets[column].map { "\($0) AS \(Names.quoted(column))" } ?? "b.\(Names.quoted(column))"
        }.joined(separator: ", ")
        let named = Names.list(columns)
        try database.execute(
            """
            \(insert)SELECT \(named) FROM (
                SELECT \(carried) FROM \(table) b
                WHERE b.\(yesterday) AND NOT EXISTS (\(scopeLookup(scope, key: "b.\(Names.quoted(key))")))
                UNION ALL SELECT \(named) FROM (\(query))
                ORDER BY \(Names.quoted(key)))
            """)
        return database.changes
    }

    /// A query that gives a row if the key that a column holds is in the scope.
    private func scopeLookup(_ scope: KeyScope, key: String) -> String {
        // Keys are compared as the text they are in the ledger; a column may hold an integer.
        let text = "CAST(\(key) AS TEXT)"
        switch scope {
        case .changed(let entity):
            return "SELECT 1 FROM temp.\(Names.quoted(Names.changed(entity))) s WHERE s.key = \(text)"
        case .changedOn(let entity, let day):
            return
                "SELECT 1 FROM temp.\(Names.quoted(Names.changedDays(entity))) s WHERE s.on_day = \(day.daysSinceEpoch) AND s.key = \(text)"
        case .winnersOf(let entity, let day):
            return
                "SELECT 1 FROM \(Names.quoted(Names.winners(entity))) s WHERE s.key = \(text) AND s.from_day = \(day.daysSinceEpoch)"
        }
    }

    /// The keys of a scope, as a source of rows with columns `key` and `removed`.
    private func scopeRows(_ scope: KeyScope) -> String {
        switch scope {
        case .changed(let entity): "temp.\(Names.quoted(Names.changed(entity))) WHERE true"
        case .changedOn(let entity, let day):
            "temp.\(Names.quoted(Names.changedDays(entity))) WHERE on_day = \(day.daysSinceEpoch)"
        case .winnersOf(let entity, let day):
            "\(Names.quoted(Names.winners(entity))) WHERE from_day = \(day.daysSinceEpoch)"
        }
    }

    private func stage(_ query: String, columns: [String], key: [String]) throws {
        try database.execute("DROP TABLE IF EXISTS temp.elt_stage")
        try database.execute(
            "CREATE TEMP TABLE elt_stage (\(Names.list(columns)), PRIMARY KEY (\(Names.list(key)))) WITHOUT ROWID")
        try database.execute("INSERT INTO temp.elt_stage (\(Names.list(columns))) \(query)")
    }

    /// Removes rows of keys that the scope answers for and the staged query doesn't give.
    private func removeUnstaged(_ model: String, key: String, scope: KeyScope, where within: String) throws -> Int64 {
        let column = Names.quoted(key)
        let staged = try database.value("SELECT count(*) FROM temp.elt_stage").integer
        let living = try database.value("SELECT count(*) FROM \(scopeRows(scope)) AND removed = 0").integer
        // A row for each living key: then only those that went can be too many.
        let keys = "SELECT key FROM \(scopeRows(scope))" + (staged == living ? " AND removed = 1" : "")
        // An integer key is an integer in the table and its text in the ledger.
        let typed = """
            SELECT CASE WHEN CAST(CAST(key AS INTEGER) AS TEXT) = key THEN CAST(key AS INTEGER) ELSE key END FROM (\(keys))
            UNION ALL \(keys)
            """
        try database.execute(
            """
            DELETE FROM \(Names.quoted(model)) WHERE \(within) AND \(column) IN (\(typed))
            AND EXISTS (\(scopeLookup(scope, key: "\(Names.quoted(model)).\(column)")))
            AND NOT EXISTS (SELECT 1 FROM temp.elt_stage s WHERE s.\(column) = \(Names.quoted(model)).\(column))
            """)
        return database.changes
    }

    /// Inserts staged rows that are new and updates those that really differ.
    private func upsert(_ model: String, columns: [String], key: [String]) throws -> TableChanges {
        let table = Names.quoted(model)
        let staged = try database.value("SELECT count(*) FROM temp.elt_stage").integer ?? 0
        if staged == 0 { return TableChanges() }
        let rest = columns.filter { !key.contains($0) }
        let before = try matching(model, key: key)
        var sql = "INSERT INTO \(table) (\(Names.list(columns))) SELECT \(Names.list(columns)) FROM temp.elt_stage WHERE true "
        sql += "ON CONFLICT (\(Names.list(key))) DO "
        if rest.isEmpty {
            sql += "NOTHING"
        } else {
            let sets = rest.map { "\(Names.quoted($0))=excluded.\(Names.quoted($0))" }.joined(separator: ", ")
            let differs = rest.map { "\(table).\(Names.quoted($0)) IS NOT excluded.\(Names.quoted($0))" }
            sql += "UPDATE SET \(sets) WHERE \(differs.joined(separator: " OR "))"
        }
        try database.execute(sql)
        let inserted = staged - before
        return TableChanges(inserted: inserted, updated: database.changes - inserted)
    }

    private func matching(_ model: String, key: [String]) throws -> Int64 {
        let keys = key.map { "t.\(Names.quoted($0)) = s.\(Names.quoted($0))" }.joined(separator: " AND ")
        return try database.value(
            "SELECT count(*) FROM temp.elt_stage s CROSS JOIN \(Names.quoted(model)) t WHERE \(keys)"
        ).integer ?? 0
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
        var samples: [String] = []
        while try statement.step() { samples.append(statement.text(0)) }
        return samples
    }

    /// Errors of a model's SQL carry its name.
    private func named<T>(_ model: String, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as SQLiteError {
            switch error.code {
            case 1555, 2067: throw WarehouseError.duplicateKey(model: model, key: [])
            default:
                let meaning = WarehouseError.from(error, path: warehouse.path)
                if case .statement = meaning { throw WarehouseError.model(name: model, error) }
                throw meaning
            }
        }
    }
}
