import CSQLite

/// Counts updates from inside of an upsert, which else doesn't tell them from inserts.
///
/// By a collation, not by a function: those may fail, so a statement of several rows that calls one keeps a copy of each page it
/// touches in a temporary file, to undo some of them.
package final class UpdateCounter {
    package private(set) var updates: Int64 = 0

    /// Nobody's SQL can name it: no authorizer is asked about collations.
    private static let collation = "elt_updated_\(UInt64.random(in: 0 ... .max))"

    /// Makes a collation known to statements of a connection, which finds all texts equal.
    package init(_ database: Database) throws {
        let context = Unmanaged.passRetained(self)
        let result = sqlite3_create_collation_v2(
            database.handle, Self.collation, SQLITE_UTF8, context.toOpaque(),
            { context, _, _, _, _ in
                if let context { Unmanaged<UpdateCounter>.fromOpaque(context).takeUnretainedValue().updates += 1 }
                return 0
            },
            { context in context.map { Unmanaged<UpdateCounter>.fromOpaque($0).release() } })
        // Refused while a statement runs: counts would then go to the counter before this one.
        guard result == SQLITE_OK else {
            // Unlike functions, collations that are refused aren't let go of (https://sqlite.org/c3ref/create_collation.html).
            context.release()
            throw database.error("elt_updated")
        }
    }

    /// A condition that's true and counts, once for each time that it's asked.
    /// - Parameter key: A column that isn't null, of the row that's there or of the one that comes.
    package static func counts(_ key: String) -> String { "CAST(\(key) AS TEXT) = '' COLLATE \(collation)" }
}
