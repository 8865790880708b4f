import CSQLite
import ELTCore
import Foundation
import SQLite

/// Reads the warehouse as an analyst would: beside a run, and without any way to change it.
package final class WarehouseReader {
    package let path: String
    private let database: Database
    /// How long the query may take.
    private var time = Duration.zero

    /// The longest text or blob that a query may make, in bytes.
    static let valueBytesMax: Int32 = 256 << 20
    /// The most memory that SQLite may take for a query, in bytes.
    static let memoryBytesMax: Int64 = 1 << 30

    /// - Parameter readsLedger: Whether elt's own tables are asked, which must be of a version that it knows.
    package init(path: String, readsLedger: Bool = true) throws {
        self.path = path
        guard try SQLiteWarehouse.isThere(path) else { throw ReaderError.missing(path: path) }
        do {
            database = try Database(path: path, mode: .readOnly)
            try database.execute("PRAGMA busy_timeout=10000; PRAGMA query_only=ON; PRAGMA temp_store=FILE; PRAGMA mmap_size=268435456;")
            if readsLedger, try SQLiteWarehouse.version(of: database, path: path) == 0 { throw ReaderError.missing(path: path) }
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
        database.limit(SQLITE_LIMIT_LENGTH, Self.valueBytesMax)
        database.limit(SQLITE_LIMIT_ATTACHED, 0)
        // A signal ends a query within a moment.
        database.setStop { Interruption.isRequested }
    }

    /// A person's query: one statement that reads, for no longer than `time`.
    package func query(_ sql: String, within time: Duration = .seconds(600)) throws -> Statement {
        self.time = time
        do {
            Database.limitMemory(to: Self.memoryBytesMax)
            let statement = try database.prepareGuarded(sql)
            guard statement.isReadOnly else { throw ReaderError.writes }
            let end = ContinuousClock.now + time
            database.setStop { Interruption.isRequested || ContinuousClock.now > end }
            return statement
        } catch let error as SQLiteError {
            throw try meaning(of: error)
        }
    }

    package func step(_ statement: Statement) throws -> Bool {
        do {
            return try statement.step()
        } catch let error as SQLiteError {
            throw try meaning(of: error)
        }
    }

    private func meaning(of error: SQLiteError) throws -> any Error {
        switch error.primaryCode {
        case SQLITE_AUTH: return ReaderError.writes
        case SQLITE_INTERRUPT:
            try Interruption.check()
            return ReaderError.tooLong(time)
        case SQLITE_TOOBIG: return ReaderError.tooLarge(bytes: Int64(Self.valueBytesMax))
        case SQLITE_NOMEM: return ReaderError.memory(bytes: Self.memoryBytesMax)
        case _ where error.isSeveralStatements: return ReaderError.severalStatements
        case _ where error.message.hasPrefix("not authorized"): return ReaderError.writes
        default:
            // A folder that can't be written to, or a damaged file, isn't the query's fault.
            if case .statement = WarehouseError.from(error, path: path) { return ReaderError.query(error.message) }
            return WarehouseError.from(error, path: path)
        }
    }

    /// Rows of one of our own queries.
    package func rows(_ sql: String, _ bindings: [SQLValue] = []) throws -> [[SQLValue]] {
        do {
            return try database.query(sql, bindings)
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
    }
}

package enum ReaderError: ELTError {
    case missing(path: String)
    case writes
    case severalStatements
    case query(String)
    case tooLong(Duration)
    case tooLarge(bytes: Int64)
    case memory(bytes: Int64)

    package var code: String {
        switch self {
        case .missing: "warehouse.missing"
        case .writes: "query.not-allowed"
        case .severalStatements: "query.several-statements"
        case .query: "query.failed"
        case .tooLong: "query.too-long"
        case .tooLarge, .memory: "query.too-large"
        }
    }
    package var kind: ErrorKind {
        switch self {
        case .missing, .tooLong, .tooLarge, .memory: .failed
        case .writes, .severalStatements, .query: .usage
        }
    }
    package var problem: String {
        switch self {
        case .missing(let path): "There's no warehouse at \(path) yet."
        case .writes: "A query may read and nothing else: no writing, ATTACH, PRAGMA or extension."
        case .severalStatements: "A query is one statement, and behind the first there's more. Nothing was run."
        case .query(let message): "The query failed: \(message)."
        case .tooLong(let time): "The query ran for \(time.components.seconds) seconds and was ended."
        case .tooLarge(let bytes): "The query made a value of more than \(bytes >> 20) MiB and was ended."
        case .memory(let bytes): "The query needed more than \(bytes >> 20) MiB of memory and was ended."
        }
    }
    package var remedy: String {
        switch self {
        case .missing: "Run 'elt full-load' or 'elt run' first, or 'elt rebuild --from-archive' if there's an archive."
        case .writes: "Ask with SELECT. Tables are changed by models and runs alone."
        case .severalStatements: "Ask them one after another, each with an 'elt query' of its own."
        case .tooLong: "Narrow it with WHERE, or give it more time with --timeout, such as --timeout 1h."
        case .tooLarge, .memory: "Ask for less at once: fewer or shorter values, or a LIMIT."
        case .query: "Mend the SQL; 'select name from sqlite_schema' lists the tables."
        }
    }
}
