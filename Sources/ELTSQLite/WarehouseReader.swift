import CSQLite
import ELTCore
import Foundation
import SQLite

/// Reads the warehouse as an analyst would: beside a run, and without any way to change it.
package final class WarehouseReader {
    package let path: String
    private let database: Database

    /// The longest text or blob that a query may make, in bytes.
    static let valueBytesMax: Int32 = 256 << 20

    package init(path: String) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else { throw ReaderError.missing(path: path) }
        do {
            database = try Database(path: path, mode: .readOnly)
            try database.execute("PRAGMA busy_timeout=10000; PRAGMA query_only=ON; PRAGMA temp_store=FILE; PRAGMA mmap_size=268435456;")
        } catch let error as SQLiteError {
            throw WarehouseError.from(error, path: path)
        }
        database.limit(SQLITE_LIMIT_LENGTH, Self.valueBytesMax)
        database.limit(SQLITE_LIMIT_ATTACHED, 0)
        // A signal ends a query within a moment.
        database.setProgress { _ in Interruption.isRequested ? 1 : 0 }
    }

    /// A person's query: one statement that reads.
    package func query(_ sql: String) throws -> Statement {
        do {
            let statement = try database.prepareGuarded(sql)
            guard statement.isReadOnly else { throw ReaderError.writes }
            return statement
        } catch let error as SQLiteError {
            if error.primaryCode == SQLITE_AUTH { throw ReaderError.writes }
            throw ReaderError.query(error.message)
        }
    }

    package func step(_ statement: Statement) throws -> Bool {
        do {
            return try statement.step()
        } catch let error as SQLiteError {
            try Interruption.check()
            throw ReaderError.query(error.message)
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
    case query(String)

    package var code: String {
        switch self {
        case .missing: "warehouse.missing"
        case .writes: "query.not-allowed"
        case .query: "query.failed"
        }
    }
    package var kind: ErrorKind {
        switch self {
        case .missing: .failed
        case .writes, .query: .usage
        }
    }
    package var problem: String {
        switch self {
        case .missing(let path): "There's no warehouse at \(path) yet."
        case .writes: "A query may read and nothing else: no writing, ATTACH, PRAGMA or extension."
        case .query(let message): "The query failed: \(message)."
        }
    }
    package var remedy: String {
        switch self {
        case .missing: "Run 'elt full-load' or 'elt run' first, or 'elt rebuild --from-archive' if there's an archive."
        case .writes: "Ask with SELECT. Tables are changed by models and runs alone."
        case .query: "Mend the SQL; 'select name from sqlite_schema' lists the tables."
        }
    }
}
