import ELTCore
import SQLite

/// Merge and overwrite: rows are written only where they differ, and keys that are gone go.
extension SQLiteTransformSession {
    package func merge(
        _ model: String, query: String, columns: [String], key: [String], scope: KeyScope?
    ) throws -> TableChanges {
        try named(model) {
            if let scope {
                return try merge(
                    model, query: query, columns: columns, key: key, of: key[0], scope: scope, where: "true")
            }
            try stage(query, columns: columns, key: key)
            defer { try? database.execute("DROP TABLE IF EXISTS temp.elt_stage") }
            return try upsertStage(model, columns: columns, key: key)
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
            changes += try upsertStage(model, columns: columns, key: key)
            return changes
        }
    }

    package func overwriteCarrying(
        _ model: String, query: String, changed: String?, columns: [String], partition: String, day: Day, key: String,
        resets: [String: String], scope: KeyScope
    ) throws -> TableChanges {
        try named(model) {
            let table = Names.quoted(model)
            let within = "\(Names.quoted(partition)) = \(Names.literal(day.description))"
            if case .changedOn = scope {
                var changes = try merge(
                    model, query: query, columns: columns, key: [partition, key], of: key, scope: scope, where: within,
                    day: (partition, day.description))
                changes.updated += try carryOn(model, key: key, resets, scope, of: day, where: within)
                return changes
            }
            var changes = TableChanges()
            if let days = sortedDays, days.plan.model == model {
                let next = given(day, query, scope)
                if let ahead {
                    if try ahead.take(next) {
                        days.note(next)
                        daysAhead += 1
                        return changes
                    }
                } else if !readsItself(query, model), try days.add(next) {
                    return changes
                }
                if let anew = try makeAnew(days), !readsItself(query, model), try anew.add(next) { return changes }
                changes += try carryAll(days)
            }
            try database.execute("DELETE FROM \(table) WHERE \(within)")
            let removed = database.changes
            changes.removed += removed
            let carried = CarriedColumns(model: model, columns: columns, partition: partition, day: day, key: key, resets: resets)
            if let changed, case .winnersOf(let entity, _) = scope,
                let inserted = try carryBeside(carried, changed: changed, of: entity)
            {
                changes.inserted += inserted
            } else {
                changes.inserted += try carry(carried, query: query, scope: scope)
            }
            return changes
        }
    }

    func given(_ day: Day, _ query: String, _ scope: KeyScope) -> SortedDays.Given {
        SortedDays.Given(day: day, query: query, scope: scope, keys: "SELECT key FROM \(scopeRows(scope)) ORDER BY key")
    }

    package func beginDays(
        _ model: String, columns: [OutputColumn], partition: String, key: String, resets: [String: String]
    ) throws {
        if makesAhead(model) { return }
        let plan = DaysPlan(model: model, columns: columns, partition: partition, key: key, resets: resets)
        try named(model) {
            let standing = try standingTable(model, columns, key: [partition, key])
            if standing == nil { try createTable(model, columns: columns, key: [partition, key]) }
            sortedDays = try SortedDays(database, plan, standing: standing, path: path)
            if standing != nil, sortedDays == nil { try createTable(model, columns: columns, key: [partition, key]) }
        }
    }

    package func endDays(_ model: String) throws -> TableChanges {
        guard let days = sortedDays else { return TableChanges() }
        return try named(model) {
            defer { sortedDays = nil }
            let areAllTaken = ahead?.areAllTaken ?? true
            ahead?.end()
            if areAllTaken, let changes = try days.finish(mayFail: ahead != nil) {
                try endAhead(doneWith: true)
                try warehouse.graftMidway()
                return changes
            }
            if let changes = try makeAnew(days)?.finish() { return changes }
            return try carryAll(days)
        }
    }

    /// The table as it stands, if it's defined as it shall be and can be read beside this connection.
    func standingTable(_ model: String, _ columns: [OutputColumn], key: [String]) throws -> StandingTable? {
        guard warehouse.fileIsWhole else { return nil }
        // Not having a second connection is no reason to end.
        return try? StandingTable(path: path, table: model, sql: Self.definition(model, columns: columns, key: key))
    }

    /// Makes days for an empty table that were compared with what it holds and can't be mended there, or that were made ahead and aren't those that
    /// are asked for. nil if neither is so, or if they can't be made.
    private func makeAnew(_ days: SortedDays) throws -> SortedDays? {
        guard days.isStanding || ahead != nil else { return nil }
        ahead?.end()
        days.discard()
        try endAhead(doneWith: false)
        sortedDays = nil
        try createTable(days.plan.model, columns: days.plan.columns, key: [days.plan.partition, days.plan.key])
        guard let anew = try SortedDays(database, days.plan, standing: nil, path: path) else { return nil }
        for given in days.given { guard try anew.add(given) else { return nil } }
        sortedDays = anew
        return anew
    }

    /// Writes days in the ordinary way that were to be sorted and can't be.
    private func carryAll(_ days: SortedDays) throws -> TableChanges {
        sortedDays = nil
        var changes = TableChanges()
        for given in days.given {
            changes.inserted += try carry(days.plan.carried(given.day), query: given.query, scope: given.scope)
        }
        return changes
    }

    // MARK: Merging the keys of a scope

    /// Merges the rows of a query, and removes those of the scope's keys that it doesn't give.
    ///
    /// `key` is the table's key and `column` the part of it that's the entity's. Most queries give one row for
    /// each living key, and then only the removed keys are left to look for. The keys are summed up while their
    /// rows are merged; a copy of the rows is made only if that doesn't come out even.
    private func merge(
        _ model: String, query: String, columns: [String], key: [String], of column: String, scope: KeyScope,
        where within: String, day: (column: String, text: String)? = nil
    ) throws -> TableChanges {
        // A query that reads what it's merged into must be done before the first row is written.
        let readsItself = readsItself(query, model)
        if readsItself { try stage(query, columns: columns, key: [column]) }
        defer { try? database.execute("DROP TABLE IF EXISTS temp.elt_stage") }
        let layout = try readsItself || !mergesPages ? nil : layout(model, columns, key: key)
        var (changes, keys) = try Upsert(
            database: database, model: model, columns: columns, key: key, entityKey: column, day: day, layout: layout
        ).run(readsItself ? "SELECT * FROM temp.elt_stage" : query, of: scope.entity, beside: readsItself ? nil : side)
        let (living, removed) = try sum(scope)
        if keys == living {
            if removed == 0 { return changes }
            changes.removed = try remove(
                keys: "SELECT key FROM \(scopeRows(scope)) AND removed = 1", model, column, where: within)
            return changes
        }
        if !readsItself { try stage(query, columns: columns, key: [column]) }
        try check(keys: column, in: "temp.elt_stage", among: "SELECT key FROM \(scopeRows(scope))", model, scope.entity)
        changes.removed = try remove(
            keys: "SELECT key FROM \(scopeRows(scope))", model, column,
            where: """
                \(within) AND NOT EXISTS (
                    SELECT 1 FROM temp.elt_stage s WHERE s.\(Names.quoted(column)) = \(Names.quoted(model)).\(Names.quoted(column)))
                """)
        return changes
    }

    package func checkKeys(_ model: String, column: String, of entity: String, days: (partition: String, days: [Day])?) throws {
        let within = days.map { partition, days in
            " WHERE \(Names.quoted(partition)) IN (\(days.map { Names.literal($0.description) }.joined(separator: ", ")))"
        }
        try check(
            keys: column, in: "(SELECT * FROM \(Names.quoted(model))\(within ?? ""))",
            among: "SELECT key FROM \(Names.quoted(Names.winners(entity)))", model, entity)
    }

    /// Rows whose key is another's would stay when the one that they're made of goes.
    private func check(keys column: String, in rows: String, among keys: String, _ model: String, _ entity: String) throws {
        let name = Names.quoted(column)
        // What `holds` finds: a blob of the same bytes isn't the text.
        let foreign = "SELECT 1 FROM \(rows) WHERE typeof(\(name)) NOT IN ('text', 'integer') OR CAST(\(name) AS TEXT) NOT IN (\(keys)) LIMIT 1"
        if try database.value(foreign) != .null { throw WarehouseError.foreignKey(model: model, column: column, entity: entity) }
    }

    /// How a model's table lies in its pages, if nothing hangs on it but its rows.
    private func layout(_ model: String, _ columns: [String], key: [String]) throws -> TableLayout? {
        guard let stored = try tableColumns(of: model) else { return nil }
        return try TableLayout(
            database, table: model, sql: Self.definition(model, columns: stored, key: key), key: key, columns: columns)
    }

    /// Whether a query may read the table of its own model.
    func readsItself(_ query: String, _ model: String) -> Bool {
        let words = query.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }
        return words.contains { $0 == model.lowercased() }
    }

    /// The living keys of a scope, and how many were removed.
    private func sum(_ scope: KeyScope) throws -> (living: KeySum, removed: Int64) {
        var (living, removed) = (KeySum(), Int64(0))
        let rows = try database.prepare("SELECT removed, key FROM \(scopeRows(scope))")
        while try rows.step() {
            if rows.int(0) == 0 { living.add(rows.bytes(1)) } else { removed += 1 }
        }
        return (living, removed)
    }

    /// Has rows whose winner is of an earlier day hold what they'd have been carried with, whatever the query makes of these columns.
    private func carryOn(
        _ model: String, key: String, _ resets: [String: String], _ scope: KeyScope, of day: Day, where within: String
    ) throws -> Int64 {
        let late = "SELECT key FROM \(scopeRows(scope)) AND removed = 0 AND from_day < \(day.daysSinceEpoch)"
        let sets = resets.sorted { $0.key < $1.key }.map { (column: Names.quoted($0.key), value: $0.value) }
        let differs = sets.map { "CAST(\($0.column) AS TEXT) IS NOT CAST(\($0.value) AS TEXT)" }
        try database.execute(
            """
            UPDATE \(Names.quoted(model)) SET \(sets.map { "\($0.column) = \($0.value)" }.joined(separator: ", "))
            WHERE \(within) AND \(Self.holds(key, late)) AND (\(differs.joined(separator: " OR ")))
            """)
        return database.changes
    }

    private func remove(keys: String, _ model: String, _ column: String, where condition: String) throws -> Int64 {
        let table = Names.quoted(model)
        try database.execute("DELETE FROM \(table) WHERE \(Self.holds(column, keys)) AND \(condition)")
        return database.changes
    }

    /// That a column holds one of these keys: one that's an integer is its text in the ledger.
    private static func holds(_ column: String, _ keys: String) -> String {
        let name = Names.quoted(column)
        return """
            \(name) IN (
                SELECT CASE WHEN CAST(CAST(key AS INTEGER) AS TEXT) = key THEN CAST(key AS INTEGER) ELSE key END FROM (\(keys))
                UNION ALL \(keys))
            AND CAST(\(name) AS TEXT) IN (\(keys))
            """
    }

    /// A query that gives a row if the key that a column holds is in the scope.
    func scopeLookup(_ scope: KeyScope, key: String) -> String {
        // Keys are compared as the text they are in the ledger; a column may hold an integer.
        "SELECT 1 FROM \(scopeRows(scope)) AND key = CAST(\(key) AS TEXT)"
    }

    /// The keys of a scope, as a source of rows with columns `key` and `removed`.
    func scopeRows(_ scope: KeyScope) -> String {
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

    private func upsertStage(_ model: String, columns: [String], key: [String]) throws -> TableChanges {
        try Upsert(database: database, model: model, columns: columns, key: key, entityKey: key[0])
            .run("SELECT * FROM temp.elt_stage").changes
    }
}
