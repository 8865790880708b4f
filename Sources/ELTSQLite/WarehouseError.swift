import CSQLite
import ELTCore
import SQLite

/// What can be wrong with the warehouse.
package enum WarehouseError: SQLComplaining {
    case storage(path: String, SQLiteError)
    case busy(path: String)
    case damaged(path: String, String)
    case newer(path: String, version: Int64, known: Int64)
    case model(name: String, SQLiteError)
    case duplicateKey(model: String, key: [String])
    case nullKey(model: String, column: String)
    /// A row of a model with `by_key` whose key isn't that of the thing that it's made of.
    case foreignKey(model: String, column: String, entity: String)
    /// A row of a history of intervals that's of no day on which its key's winner begins.
    case foreignDay(model: String)
    /// A row that a day's winners don't have on that day.
    case otherDay(model: String, day: String)
    case statement(SQLiteError)
    /// The system gives no more memory, for a model if it has a name.
    case memory(model: String?)
    /// A model or a data test asked what time it is, in a way that its text didn't show.
    case modelClock(name: String)
    case modelTooLong(name: String, seconds: Int64)

    package var code: String {
        switch self {
        case .storage: "warehouse.storage"
        case .busy: "warehouse.busy"
        case .damaged: "warehouse.damaged"
        case .newer: "warehouse.newer"
        case .model: "model.failed"
        case .duplicateKey: "model.duplicate-key"
        case .nullKey: "model.null-key"
        case .foreignKey: "model.foreign-key"
        case .foreignDay, .otherDay: "model.foreign-day"
        case .statement: "warehouse.statement"
        case .memory: "warehouse.no-memory"
        case .modelClock: "model.wall-clock"
        case .modelTooLong: "model.too-long"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .storage, .damaged: .storage
        case .busy: .locked
        case .newer: .configuration
        case .model, .duplicateKey, .nullKey, .foreignKey, .foreignDay, .otherDay, .modelClock, .modelTooLong: .data
        case .statement, .memory: .failed
        }
    }

    package var problem: String {
        switch self {
        case .storage(let path, let error): "The warehouse \(path) can't be read or written: \(error.message)."
        case .busy(let path): "The warehouse \(path) is locked by another program."
        case .damaged(let path, let what): "The warehouse \(path) is damaged: \(what)."
        case .newer(let path, let version, let known):
            "The warehouse \(path) has format \(version); this program knows formats up to \(known)."
        case .model(let name, let error): "The model \(name) failed: \(error.message).\(error.sql.map { "\n\($0)" } ?? "")"
        case .duplicateKey(let model, let key):
            "The model \(model) gives two rows for one \(key.isEmpty ? "key" : key.joined(separator: ", "))."
        case .nullKey(let model, let column):
            "The model \(model) gives a row without a value in \(column), which is its key or part of it."
        case .foreignKey(let model, let column, let entity):
            "The model \(model) has by_key and gives a row whose \(column) isn't the key of its \(entity): when that changes or goes, the row couldn't be found again."
        case .foreignDay(let model):
            "The model \(model) gives a row whose day or key isn't the winner's: as an interval it would have no last day."
        case .otherDay(let model, let day): "The model \(model) gives a row of another day when it's asked for \(day)."
        case .statement(let error): "The warehouse refused a statement: \(error)."
        case .memory(let model): "The system gives no more memory\(model.map { " for the model \($0)" } ?? "")."
        case .modelClock(let name):
            "The model \(name) reads the wall clock when it runs: a rebuild from the archive would give other rows."
        case .modelTooLong(let name, let seconds):
            "One statement of the model \(name) ran for \(seconds) seconds and was ended."
        }
    }

    package var remedy: String {
        switch self {
        case .storage:
            "Check free space, permissions of its folder and the limit of file sizes (ulimit -f), then run the same command again; nothing is half done."
        case .busy: "Close the program that writes to it (see `lsof`), then run the same command again."
        case .damaged:
            "Run 'elt rebuild --from-archive': the archive has everything. What can't be mended in place is set aside and made anew."
        case .newer: "Use the newer elt, or move the file away and run 'elt rebuild --from-archive'."
        case .model: "Mend the model's SQL and run 'elt build'. The tables stand as they were published last."
        case .duplicateKey: "Make the query give one row for each key, for example with group by, or name more columns in unique_key."
        case .nullKey(_, let column): "Leave such rows out (where \(column) is not null), or give them a value with coalesce()."
        case .foreignKey:
            "Select the entity's key, such as _key, and name it in unique_key; or leave out by_key, and each run evaluates the whole query."
        case .foreignDay:
            "Select _on_day as the column of partition_by and the entity's key as unique_key, or use storage='days'."
        case .otherDay:
            "Select _on_day as the column of partition_by; _day is the winner's own, which may be an earlier one."
        case .memory(let model):
            "Give it more (ulimit -v, the container's limit)\(model == nil ? "" : " or have the model need less"), then run the same command again; nothing is half done."
        case .statement: "This is a fault of elt: please report it with the statement."
        case .modelClock:
            "Use '{{ run.now }}' or '{{ run.today }}'. Date functions read the clock where they're given 'now', nothing, or a column that says so."
        case .modelTooLong: "Mend the model if it never ends, or raise limits.deadline in elt.yml."
        }
    }

    package var complaint: SQLComplaint? {
        guard case .model(_, let error) = self else { return nil }
        return SQLComplaint(reason: error.message, offset: error.offset)
    }

    /// IOERR_NOMEM, which Swift doesn't see.
    private static let memoryOfFiles = SQLITE_IOERR | 12 << 8

    /// SQLite's error as what it means here.
    package static func from(_ error: SQLiteError, path: String) -> WarehouseError {
        switch error.primaryCode {
        case _ where error.result == memoryOfFiles: .memory(model: nil)
        case SQLITE_NOMEM: .memory(model: nil)
        case 5, 6: .busy(path: path)  // BUSY, LOCKED
        case 8, 10, 13, 14, 23: .storage(path: path, error)  // READONLY, IOERR, FULL, CANTOPEN, AUTH
        case 11, 26: .damaged(path: path, error.message)  // CORRUPT, NOTADB
        default: .statement(error)
        }
    }
}

/// What SQLite says outside of a transaction means the same as in one: a full disk is a full disk.
extension SQLiteError: ELTError {
    private var meaning: WarehouseError { .from(self, path: path ?? "") }
    package var code: String { meaning.code }
    package var kind: ErrorKind { meaning.kind }
    package var problem: String { meaning.problem }
    package var remedy: String { meaning.remedy }
}
