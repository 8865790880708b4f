import CSQLite

/// One open SQLite file. It belongs to one thread: nothing here locks.
package final class Database {
    package enum Mode: Sendable {
        case readOnly, readWrite, create
        /// To read what doesn't change as long as it's open, in a file that may change elsewhere: without locks, and without looking for a
        /// journal or a log (https://sqlite.org/uri.html#uriimmutable).
        case frozen
    }

    package let handle: OpaquePointer
    private var isClosed = false
    package let path: String

    /// Names of the files that are attached until the transaction ends.
    private var attached: [String] = []

    fileprivate var knowsTableFunctions = false

    /// What may end running statements, kept as long as SQLite may ask it.
    package private(set) var stop: (() -> Bool)?

    /// - Parameter tellsTime: False for a connection whose statements mustn't know what time it is.
    package init(path: String, mode: Mode, tellsTime: Bool = true) throws {
        let flags =
            switch mode {
            case .readOnly: SQLITE_OPEN_READONLY
            case .readWrite: SQLITE_OPEN_READWRITE
            case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .frozen: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            }
        var handle: OpaquePointer?
        let clock = tellsTime ? nil : RefusedClock.layer
        let result = sqlite3_open_v2(
            mode == .frozen ? Self.frozenURI(path) : path, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
            mode == .readOnly || mode == .frozen ? clock : LogBuffer.layer(over: clock))
        guard result == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(handle)
            throw SQLiteError(code: result, message: "can't open \(path): \(message)", sql: nil)
        }
        self.handle = handle
        self.path = path
        // What a file or a model says can't change the schema table, run untrusted functions or load code.
        for (option, on) in [
            (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0), (SQLITE_DBCONFIG_DQS_DML, 0),
            (SQLITE_DBCONFIG_DQS_DDL, 0),
        ] {
            _ = elt_sqlite3_db_config_flag(handle, option, Int32(on))
        }
    }

    deinit { if !isClosed { sqlite3_close_v2(handle) } }

    private static func frozenURI(_ path: String) -> String {
        let plain = Set("/-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let digits = Array("0123456789ABCDEF")
        var uri = "file:"
        // Two slashes at its begin would be followed by a host.
        if path.hasPrefix("//") { uri += "//" }
        for byte in path.utf8 {
            if plain.contains(byte) {
                uri.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                uri += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return uri + "?immutable=1"
    }

    /// Closes the file for good. Statements and whatever else uses this must be gone.
    package func close() throws {
        guard sqlite3_close(handle) == SQLITE_OK else { throw error(nil) }
        isClosed = true
    }

    func error(_ sql: String?) -> SQLiteError {
        let offset = Int(sqlite3_error_offset(handle))
        return SQLiteError(
            code: sqlite3_extended_errcode(handle), message: String(cString: sqlite3_errmsg(handle)), sql: sql,
            path: path, offset: offset < 0 ? nil : offset)
    }

    package func prepare(_ sql: String) throws -> Statement { try Statement(sql, self) }

    /// Runs one or more statements that give no rows.
    package func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw error(sql) }
    }

    package func execute(_ sql: String, _ bindings: [SQLValue]) throws {
        let statement = try prepare(sql)
        for (index, value) in bindings.enumerated() { statement.bind(Int32(index + 1), value) }
        while try statement.step() {}
    }

    package func query(_ sql: String, _ bindings: [SQLValue] = []) throws -> [[SQLValue]] {
        let statement = try prepare(sql)
        for (index, value) in bindings.enumerated() { statement.bind(Int32(index + 1), value) }
        var rows: [[SQLValue]] = []
        while try statement.step() { rows.append(statement.row) }
        return rows
    }

    /// The first column of the first row.
    package func value(_ sql: String, _ bindings: [SQLValue] = []) throws -> SQLValue {
        let statement = try prepare(sql)
        for (index, value) in bindings.enumerated() { statement.bind(Int32(index + 1), value) }
        return try statement.step() ? statement.value(0) : .null
    }

    /// A name as it's written in SQL.
    package static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    /// Rows that the last INSERT, UPDATE or DELETE touched.
    package var changes: Int64 { sqlite3_changes64(handle) }

    /// Whether a transaction is open.
    package var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Runs `body` in a transaction, which lasts if `body` returns.
    package func transaction<T>(_ body: () throws -> T) throws -> T {
        try execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try execute("COMMIT")
            detach()
            return result
        } catch {
            // The first error is the one to report: ROLLBACK may fail because of it.
            if isInTransaction { try? execute("ROLLBACK") }
            detach()
            throw error
        }
    }

    /// Attaches another file until the running transaction has ended, and gives the name it's known by.
    func attachUntilEnd(_ path: String) throws -> String {
        let name = "elt_attached_\(attached.count)"
        try execute("ATTACH ?1 AS \(name)", [.text(path)])
        attached.append(name)
        return name
    }

    /// Whether one more file may be attached.
    var canAttach: Bool { attachable > 0 }

    /// How many more files may be attached.
    package var attachable: Int { Int(sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, -1)) - attached.count }

    /// A file that was read from stays locked until the transaction has ended.
    private func detach() {
        for name in attached { try? execute("DETACH \(name)") }
        attached = []
    }

    /// Writes the changed pages that the caches hold: the file's to where they'd be written at commit, temporary ones to their
    /// file. Until then they keep their places, and what's only read has to do with those that are left.
    package func flushPages() throws {
        let code = sqlite3_db_cacheflush(handle)
        // Where somebody's lock forbids it they stay, as they'd have without.
        guard code != SQLITE_OK, code & 0xFF != SQLITE_BUSY else { return }
        // It leaves no error with the connection.
        throw SQLiteError(code: code, message: String(cString: sqlite3_errstr(code)), sql: nil, path: path)
    }

    /// Moves what the write-ahead log holds into the file. False if a reader kept it from ending.
    package func checkpoint(truncate: Bool) throws -> Bool {
        let row = try query("PRAGMA wal_checkpoint(\(truncate ? "TRUNCATE" : "PASSIVE"))").first
        // Not busy, and as many pages moved as there are.
        guard let row, row.count == 3 else { return false }
        return row[0] == .integer(0) && row[1] == row[2]
    }
}

extension Database {
    /// Prepares a statement of a person's: it may read, and nothing else. ATTACH, PRAGMA, writes,
    /// extensions and the like are refused by SQLite itself while it's compiled.
    /// - Parameter tables: What it may read, views and the tables behind them; nil for everything.
    package func prepareGuarded(_ sql: String, tables: Set<String>? = nil) throws -> Statement {
        try knowTableFunctions()
        let readable = tables.map(ReadableTables.init)
        defer { withExtendedLifetime(readable) {} }
        sqlite3_set_authorizer(
            handle,
            { tables, action, first, second, _, _ in
                switch action {
                case SQLITE_SELECT, SQLITE_RECURSIVE: return SQLITE_OK
                case SQLITE_READ:
                    guard let tables, let first else { return SQLITE_OK }
                    let readable = Unmanaged<ReadableTables>.fromOpaque(tables).takeUnretainedValue()
                    return readable.names.contains(String(cString: first)) ? SQLITE_OK : SQLITE_DENY
                case SQLITE_FUNCTION:
                    let name = second.map { String(cString: $0).lowercased() } ?? ""
                    return ["load_extension", "fts3_tokenizer", "writefile", "readfile", "edit"].contains(name)
                        || name.hasPrefix("elt_") ? SQLITE_DENY : SQLITE_OK
                case SQLITE_PRAGMA:
                    let name = first.map { String(cString: $0).lowercased() } ?? ""
                    return second == nil && readablePragmas.contains(name) ? SQLITE_OK : SQLITE_DENY
                default: return SQLITE_DENY
                }
            }, readable.map { Unmanaged.passUnretained($0).toOpaque() })
        defer { sqlite3_set_authorizer(handle, nil, nil) }
        return try Statement(sql, self, alone: true)
    }

    /// Interrupts statements that are running once `stop` says so; asked every `steps` steps of theirs.
    /// nil takes it away.
    package func setStop(every steps: Int32 = 100_000, _ stop: (() -> Bool)?) {
        self.stop = stop
        guard stop != nil else { return sqlite3_progress_handler(handle, 0, nil, nil) }
        sqlite3_progress_handler(
            handle, steps,
            { database in
                guard let database else { return 0 }
                return Unmanaged<Database>.fromOpaque(database).takeUnretainedValue().stop?() == true ? 1 : 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// The first use of `json_each` makes a table of it, which the rules for a person's statement would forbid.
    private func knowTableFunctions() throws {
        guard !knowsTableFunctions else { return }
        knowsTableFunctions = true
        _ = try Statement("SELECT 1 FROM json_each('[]'), json_tree('[]')", self)
    }

    /// Sets one of SQLite's limits and gives what it was.
    @discardableResult
    package func limit(_ id: Int32, _ value: Int32) -> Int32 { sqlite3_limit(handle, id, value) }

    /// Has SQLite not count the memory that it takes, which costs a lock for every piece. Before the first file of the process is opened;
    /// `limitMemory` has no effect then.
    package static func forgoMemoryCounts() { _ = elt_sqlite3_config_memory_status(0) }

    /// The most memory that SQLite takes in this process, in bytes; past it statements fail.
    package static func limitMemory(to bytes: Int64) { sqlite3_hard_heap_limit64(bytes) }
}

/// What a guarded statement may read.
private final class ReadableTables {
    let names: Set<String>
    init(_ names: Set<String>) { self.names = names }
}

private let readablePragmas: Set<String> = [
    "table_info", "table_xinfo", "table_list", "index_list", "database_list", "page_count", "page_size",
]
