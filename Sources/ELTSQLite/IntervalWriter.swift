import ELTCore
import SQLite

extension SQLiteTransformSession {
    package func touch(_ history: IntervalHistory, _ reach: IntervalReach) throws {
        try keepDaysIndexed(of: history.entity)
        touched = (history.model, try TouchedKeys(database: database, history: history).find(reach))
    }

    package func fillIntervals(_ history: IntervalHistory, query: String) throws -> TableChanges {
        try named(history.model) { try IntervalRows(database, history, ends: nil).write(query).changes }
    }

    package func mergeIntervals(_ history: IntervalHistory, query: String) throws -> TableChanges {
        guard let touched, touched.model == history.model else { return TableChanges() }
        return try named(history.model) {
            let ends = try IntervalEnds(database, history)
            var (changes, given) = try IntervalRows(database, history, ends: ends).write(query)
            try end(ends, "SELECT key, since, next, NULL FROM temp.\(TouchedKeys.gone)")
            if given != touched.living {
                // The query leaves some winners out, and then some keys weren't looked at.
                try end(ends, "SELECT key, since, next, from_day FROM temp.\(TouchedKeys.winners)")
                changes.removed += try removeUngiven(history, query)
            }
            return changes + ends.changes
        }
    }

    private func end(_ ends: IntervalEnds, _ keys: String) throws {
        let keys = try database.prepare(keys + " ORDER BY key")
        while try keys.step() {
            try ends.run(
                IntervalEnds.Key(
                    name: keys.bytes(0), since: keys.int(1), next: keys.int(2), begins: keys.isNull(3) ? nil : keys.int(3)))
        }
    }

    /// Removes the intervals of touched keys that a query doesn't give, because it leaves some winners out.
    private func removeUngiven(_ history: IntervalHistory, _ query: String) throws -> Int64 {
        let names = IntervalNames(history: history)
        let day = Names.quoted(history.partition)
        try database.execute("DROP TABLE IF EXISTS temp.elt_stage")
        try database.execute("CREATE TEMP TABLE elt_stage (key TEXT, day INTEGER, PRIMARY KEY (key, day)) WITHOUT ROWID")
        defer { try? database.execute("DROP TABLE IF EXISTS temp.elt_stage") }
        try database.execute(
            """
            INSERT INTO temp.elt_stage
            SELECT CAST(\(names.key) AS TEXT), CAST(strftime('%s', \(day)) AS INTEGER) / 86400 FROM (\(query))
            """)
        try database.execute(
            """
            DELETE FROM \(names.rows) WHERE (\(names.key), \(names.first)) IN (
                SELECT i.\(names.key), i.\(names.first) FROM temp.\(TouchedKeys.winners) w
                CROSS JOIN \(names.rows) i
                WHERE i.\(names.key) IN (w.key, CAST(w.key AS INTEGER)) AND CAST(i.\(names.key) AS TEXT) = w.key
                AND i.\(names.first) = w.from_day + \(IntervalNames.shift)
                AND NOT EXISTS (SELECT 1 FROM temp.elt_stage s WHERE s.key = w.key AND s.day = w.from_day))
            """)
        return database.changes
    }
}

