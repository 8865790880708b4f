import ELTCore
import Foundation
import SQLite

/// The SQLite file that holds raw tables, models and the ledger.
///
/// It has one writing connection, this one; readers open the file for themselves, see the state of
/// the last commit, and never wait.
package final class SQLiteWarehouse {
    package let path: String
    package private(set) var database: Database
    /// Until it's installed.
    private(set) var newFile: NewFile?
    package let isFirst: Bool
    /// Whether the running transaction may have changed raw rows.
    var changesRaw = false
    /// Tables that the running transaction fills behind SQLite's pages.
    var grafted: GraftedTables?
    /// Whether tables may be filled like that; false once their rows weren't fit for it.
    var mayGraft = true
    /// Whether rows may be merged into pages; false once one of them was lost.
    private(set) var mayMerge = true
    /// Whether the running transaction does nothing but load.
    var isLoading = false
    /// Whether a part of the running transaction is committed already, and which tables and views there were before it.
    var isPartlyCommitted = false
    /// Whether nothing but its commit is left to be done.
    var isSettled = false
    var tablesBefore: Set<String> = []
    /// Whether the file has held all that was committed since the running transaction began.
    private(set) var fileIsWhole = false
    /// `PRAGMA data_version` of a time at which all that was committed then had been moved from the log into the file.
    private var movedVersion: SQLValue?
    /// Whether the file is one that others read while this one writes.
    private let isShared: Bool
    /// How long one statement of a model may run.
    package var modelTimeMax: Duration = .seconds(3000)

    /// Opens the warehouse for writing, which only the holder of the run's lock may do, and makes it if it isn't
    /// there. Others see a new one once it's installed.
    package init(path: String) throws {
        let path = Self.behindLinks(path)
        self.path = path
        let newFile = NewFile(for: path)
        self.newFile = newFile
        isShared = true
        isFirst = newFile.map { !$0.followsAnother && $0.lostAfter == nil } ?? false
        do {
            try Self.prepareFile(newFile?.path ?? path, isNew: newFile != nil)
            // What a command that was killed left behind.
            unlink(SortedDays.path(beside: path))
            unlink(SortedDays.path(beside: SQLiteTransformSession.path(ahead: path)))
            unlink(HeadsFile.path(beside: path))
            unlink(SQLiteTransformSession.path(ahead: path))
            database = try Database(path: newFile?.path ?? path, mode: .create, tellsTime: false)
            if newFile == nil { try Self.giveBackLog(database, path: path) }
            try Self.configure(database, isNew: newFile != nil)
            try database.writeLater(newFile != nil)
            try Self.migrate(database, path: path)
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
        if let sequence = newFile?.lostAfter { try transaction { try acceptLoaded(upTo: sequence) } }
    }

    /// On a disk that has less room than the log of the last run takes, the file layer doesn't keep it.
    private static func giveBackLog(_ database: Database, path: String) throws {
        var (disk, log) = (statvfs(), stat())
        guard stat(path + "-wal", &log) == 0, statvfs(path, &disk) == 0,
            Int64(disk.f_bavail) * Int64(disk.f_frsize) < Int64(log.st_size)
        else { return }
        do {
            // Readers aren't waited for.
            try database.execute("PRAGMA busy_timeout=0")
            _ = try database.checkpoint(truncate: true)
        } catch let error as SQLiteError where [5, 6, 13].contains(error.primaryCode) {
            // BUSY, LOCKED, FULL. Not having the room is no reason to end: whoever writes next is told if it's too little.
        }
    }

    package var isUnseen: Bool { newFile != nil }

    /// Whether changed pages may be written before the commit and again later. In a log, SQLite sums up at commit all that lies
    /// behind the first page that's in it twice; where all raw rows are in it, it does that anyway.
    var mayWriteTwice: Bool { newFile != nil || changesRaw }

    /// Whether another connection sees all raw rows that this one does: they're committed, in a file with a log.
    var isReadableBeside: Bool { isShared && newFile == nil && !changesRaw && database.isInTransaction }

    /// Another connection to a new warehouse, at the begin of a transaction and to be gone before its commit. It sees what was committed before:
    /// raw rows, if the transaction doesn't change them. Their pages are in the file and stay as they are, and so does the first page, which
    /// SQLite writes at commit. nil where there's none to be had.
    func frozen() -> Database? {
        guard let newFile, !changesRaw, database.isInTransaction,
            let frozen = try? Database(path: newFile.path, mode: .frozen, tellsTime: false)
        else { return nil }
        // The transaction keeps the first page, and the schema is read before anybody changes it.
        let settings = "PRAGMA cache_size=-24576; PRAGMA temp_store=FILE; PRAGMA temp.cache_size=-8192; BEGIN; SELECT 1 FROM sqlite_schema;"
        return (try? frozen.execute(settings)).map { frozen }
    }

    deinit {
        // Nobody has asked for it to stay. What another has left tells the next that its maker died.
        if let newFile, !newFile.followsAnother { newFile.remove() }
    }

    package func noteLost(after sequence: Int64) throws {
        try newFile?.noteLost(after: sequence)
        try transaction { try acceptLoaded(upTo: sequence) }
    }

    /// A new file goes where links point to, as an old one lies there.
    static func behindLinks(_ path: String) -> String {
        var path = path
        for _ in 0..<8 {
            guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { break }
            path = link.hasPrefix("/") ? link : (path as NSString).deletingLastPathComponent + "/" + link
        }
        return path
    }

    /// Gives a new warehouse its name, whole and durable. Sessions from before end with this.
    package func install() throws {
        guard let newFile else { return }
        // What failed isn't tried again: a second sync may say yes and mean nothing.
        self.newFile = nil
        do {
            try database.writeLater(false)
            try database.execute(NewFile.lastSettings)
            try database.close()
            // Whoever goes on after a failure finds an empty one.
            database = try Database(path: ":memory:", mode: .create, tellsTime: false)
            try newFile.install()
            database = try Database(path: path, mode: .create, tellsTime: false)
            try Self.configure(database, isNew: false)
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
    }

    /// Opens the warehouse to look at it: nothing is made, mended or changed.
    package init(lookingAt path: String) throws {
        self.path = path
        isShared = false
        isFirst = false
        do {
            database = try Database(path: path, mode: .readOnly, tellsTime: false)
            try database.execute("PRAGMA busy_timeout=10000; PRAGMA query_only=ON; PRAGMA temp_store=FILE;")
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
    }

    /// Whether there's a warehouse. One that may not be read, or looked for, isn't one that's missing.
    package static func isThere(_ path: String) throws -> Bool {
        guard access(path, R_OK) != 0 else { return true }
        let number = errno
        if number == ENOENT { return false }
        let reason = String(cString: strerror(number))
        throw WarehouseError.storage(path: path, SQLiteError(code: 14, message: reason, sql: nil))
    }

    /// The warehouse as readers see it; an empty one where there's none yet.
    package static func look(at path: String) throws -> SQLiteWarehouse {
        guard try isThere(path) else { return try inMemory() }
        let warehouse = try SQLiteWarehouse(lookingAt: path)
        return try version(of: warehouse.database, path: path) == 0 ? try inMemory() : warehouse
    }

    /// An empty warehouse that's never on a disk, to compile models against.
    package static func inMemory() throws -> SQLiteWarehouse { try SQLiteWarehouse(memory: ":memory:") }

    private init(memory path: String) throws {
        self.path = path
        isShared = false
        isFirst = false
        do {
            database = try Database(path: path, mode: .create, tellsTime: false)
            try Self.migrate(database, path: path)
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
    }

    /// A private copy's connection: no durability, gone after the command.
    package init(scratch path: String) throws {
        self.path = path
        isShared = false
        isFirst = false
        do {
            try Self.prepareFile(path)
            database = try Database(path: path, mode: .create, tellsTime: false)
            try database.execute(
                """
                PRAGMA page_size=16384; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
                PRAGMA secure_delete=OFF; PRAGMA cache_size=-65536; PRAGMA temp_store=FILE; PRAGMA legacy_alter_table=ON;
                """)
            try database.writeLater(true)
            try Self.migrate(database, path: path)
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
    }

    /// Personal data: the folder and the file are their owner's alone, whatever the umask.
    private static func prepareFile(_ path: String, isNew: Bool = false) throws {
        let folder = (path as NSString).deletingLastPathComponent
        if !FileManager.default.fileExists(atPath: folder) {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            // SQLite makes names in the folder durable, not the folder's own.
            let above = open(folder + "/..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if above >= 0 {
                fsync(above)
                close(above)
            }
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (isNew ? O_TRUNC : 0), 0o600)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw WarehouseError.storage(path: path, SQLiteError(code: 14, message: reason, sql: nil))
        }
        // SQLite gives its -wal and -shm files the permissions of the file itself.
        fchmod(descriptor, 0o600)
        close(descriptor)
    }

    private static func configure(_ database: Database, isNew: Bool) throws {
        // SECURE_DELETE is compiled in and costs a write for every page we free: off for our own
        // rewriting. FULL because NORMAL may lose a committed run when the power goes. Renaming a table must
        // not rename it in the models' views, which know it by the name that its successor gets.
        try database.execute(
            """
            PRAGMA busy_timeout=30000; PRAGMA page_size=16384;
            \(isNew ? NewFile.settings : "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
            PRAGMA secure_delete=OFF; PRAGMA cache_size=-65536; PRAGMA temp_store=FILE;
            PRAGMA temp.cache_size=-32768; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=\(Database.logBytesKept); PRAGMA cell_size_check=ON;
            PRAGMA legacy_alter_table=ON;
            """)
    }

    private static func migrate(_ database: Database, path: String) throws {
        let version = try version(of: database, path: path)
        guard version < Schema.version else { return }
        try database.transaction {
            for step in Schema.steps.dropFirst(Int(version)) { try database.execute(step) }
            try database.execute("PRAGMA user_version=\(Schema.version)")
        }
    }

    /// The version of the ledger; 0 if there's none yet.
    static func version(of database: Database, path: String) throws -> Int64 {
        let version = try database.value("PRAGMA user_version").integer ?? 0
        guard version <= Schema.version else {
            throw WarehouseError.newer(path: path, version: version, known: Schema.version)
        }
        if try version < 0 || version == 0 && database.value("SELECT 1 FROM sqlite_schema WHERE name='elt_meta'") != .null {
            throw WarehouseError.damaged(path: path, "it doesn't say of which version its ledger is")
        }
        return version
    }

    /// Runs `body` in a transaction and says in our words what went wrong.
    package func transaction<T>(_ body: () throws -> T) throws -> T {
        do { return try attempt(body) } catch is GraftedTables.Unfit {
            mayGraft = false
        } catch is LostMergedRow {
            mayMerge = false
        }
        return try attempt(body)
    }

    package var warnings: [String] {
        mayMerge
            ? []
            : ["A page of \(path) lacked a row that had just been merged into it, so the transaction was undone and its rows were written one by one. Should that come again, run 'elt rebuild --verify', and tell us of it with your SQLite (\(Database.libraryVersion))."]
    }

    private func attempt<T>(_ body: () throws -> T) throws -> T {
        changesRaw = false
        (isPartlyCommitted, isSettled) = (false, false)
        let moved = movedVersion
        movedVersion = nil
        do {
            let result = try database.transaction {
                // Had anybody else committed in between, there'd be another version.
                fileIsWhole = try moved.map { try $0 == dataVersion } ?? false
                defer { fileIsWhole = false }
                // What ended early may have left it otherwise.
                try database.keepFreedPages(false)
                return try settling(body)
            }
            try endGrafting()
            return result
        } catch {
            let isUnfit = error is GraftedTables.Unfit
            if undoGrafting() || isUnfit { throw GraftedTables.Unfit() }
            throw (error as? SQLiteError).map { WarehouseError.from($0, path: path) } ?? error
        }
    }

    /// Nobody is to be shown the new file any more: it lies there as if its maker had died.
    func forsake() {
        newFile = nil
        if let empty = try? Database(path: ":memory:", mode: .create, tellsTime: false) { database = empty }
    }

    package func meta(_ name: String) throws -> SQLValue {
        try database.value("SELECT value FROM elt_meta WHERE name=?1", [.text(name)])
    }

    package func setMeta(_ name: String, _ value: SQLValue) throws {
        try database.execute(
            "INSERT INTO elt_meta VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value=excluded.value",
            [.text(name), value])
    }

    /// The sequence of the newest manifest entry that is loaded.
    package var loadedSequence: Int64 { get throws { try meta("loaded_sequence").integer ?? 0 } }
    /// The sequence up to which the models have been published.
    package var publishedSequence: Int64 { get throws { try meta("published_sequence").integer ?? 0 } }
    package var loadedCheck: String? { get throws { try meta("loaded_check").text } }
    package func setLoadedCheck(_ check: String) throws { try setMeta("loaded_check", .text(check)) }
    /// The latest instant that any run has had.
    package var latestNow: Instant? {
        get throws { try meta("latest_now").integer.map(Instant.init(milliseconds:)) }
    }

    /// Moves the log into the file. False if a reader holds it up, and the log can't shrink.
    @discardableResult
    package func checkpoint() throws -> Bool {
        let version = newFile == nil ? try dataVersion : nil
        let isMoved = try database.checkpoint(truncate: false)
        movedVersion = isMoved ? version : nil
        return isMoved
    }

    private var dataVersion: SQLValue { get throws { try database.value("PRAGMA data_version") } }

    /// Bytes of the write-ahead log.
    package var logBytes: Int64 {
        var status = stat()
        return stat(path + "-wal", &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Empties everything that can be built again; ledger rows of past runs stay.
    package func forgetRaw() throws {
        changesRaw = true
        for row in try database.query(
            "SELECT type, name FROM sqlite_schema WHERE (name LIKE 'raw\\_%' ESCAPE '\\' OR name LIKE 'elt\\_%\\_winners' ESCAPE '\\') AND type IN ('table', 'view') ORDER BY type DESC")
        {
            guard let type = row[0].text, let name = row[1].text else { continue }
            if type == "table" { try database.dropTable(name) } else { try database.execute("DROP VIEW \(Names.quoted(name))") }
        }
        for table in [
            "elt_segments", "elt_offsets", "elt_partitions", "elt_incarnations", "elt_full_loads", "elt_watermarks",
            "elt_gaps", "elt_pending", "elt_quarantine", "elt_columns", "elt_drift", "elt_freshness", "elt_forbidden",
        ] { try database.execute("DELETE FROM \(table)") }
        try database.execute(WinnerDays.forget)
        try database.execute(
            "DELETE FROM elt_meta WHERE name IN ('loaded_sequence', 'loaded_check', 'published_sequence', 'latest_now', 'complete_through', 'full_from')")
    }
}
