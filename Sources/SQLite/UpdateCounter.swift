import CSQLite

/// Counts updates from inside of an upsert, which else doesn't tell them from inserts.
package final class UpdateCounter {
    package private(set) var updates: Int64 = 0

    /// Makes the SQL function `elt_updated()` known to statements of a connection: it's always true.
    package init(_ database: Database) {
        let context = Unmanaged.passRetained(self).toOpaque()
        sqlite3_create_function_v2(
            database.handle, "elt_updated", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, context,
            { call, _, _ in
                if let context = sqlite3_user_data(call) {
                    Unmanaged<UpdateCounter>.fromOpaque(context).takeUnretainedValue().updates += 1
                }
                sqlite3_result_int(call, 1)
            }, nil, nil,
            { context in context.map { Unmanaged<UpdateCounter>.fromOpaque($0).release() } })
    }

    package func reset() { updates = 0 }
}
