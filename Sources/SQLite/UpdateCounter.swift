import CSQLite

/// Counts updates from inside of an upsert, which else doesn't tell them from inserts.
package final class UpdateCounter {
    package private(set) var updates: Int64 = 0

    /// Makes the SQL function `elt_updated()` known to statements of a connection: it's always true.
    package init(_ database: Database) throws {
        let context = Unmanaged.passRetained(self).toOpaque()
        let result = sqlite3_create_function_v2(
            database.handle, "elt_updated", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, context,
            { call, _, _ in
                if let context = sqlite3_user_data(call) {
                    Unmanaged<UpdateCounter>.fromOpaque(context).takeUnretainedValue().updates += 1
                }
                sqlite3_result_int(call, 1)
            }, nil, nil,
            { context in context.map { Unmanaged<UpdateCounter>.fromOpaque($0).release() } })
        // Refused while a statement runs: counts would then go to the counter before this one.
        guard result == SQLITE_OK else { throw database.error("elt_updated") }
    }

    package func reset() { updates = 0 }
}
