import ELTCore
import SQLite

extension SQLiteTransformSession {
    package func removeMissing(_ model: String, query: String, key: [String]) throws -> Int64 {
        let names = Names.list(key)
        let keys = key.map { "p.\(Names.quoted($0)) = \(Names.quoted(model)).\(Names.quoted($0))" }
        try database.execute(
            """
            DROP TABLE IF EXISTS temp.elt_present;
            CREATE TEMP TABLE elt_present (\(names), PRIMARY KEY (\(names))) WITHOUT ROWID;
            """)
        defer { try? database.execute("DROP TABLE IF EXISTS temp.elt_present") }
        try database.execute("INSERT OR IGNORE INTO temp.elt_present SELECT \(names) FROM (\(query))")
        try database.execute(
            """
            DELETE FROM \(Names.quoted(model))
            WHERE NOT EXISTS (SELECT 1 FROM temp.elt_present p WHERE \(keys.joined(separator: " AND ")))
            """)
        return database.changes
    }
}
