import CSQLite

/// A value as SQLite keeps it.
package enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var integer: Int64? { if case .integer(let integer) = self { integer } else { nil } }
}

/// A prepared statement. It belongs to its database's thread.
package final class Statement {
    package let handle: OpaquePointer
    private let database: Database

    /// - Parameter alone: Refuses text with anything after the first statement but `;` and comments;
    ///   SQLite itself would leave that unread.
    init(_ sql: String, _ database: Database, alone: Bool = false) throws {
        var handle: OpaquePointer?
        var sql = sql
        var isAlone = true
        let result = sql.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { text in
                var rest: UnsafePointer<CChar>?
                var result = sqlite3_prepare_v3(
                    database.handle, text.baseAddress, Int32(text.count), UInt32(SQLITE_PREPARE_PERSISTENT), &handle,
                    &rest)
                guard alone, let start = text.baseAddress else { return result }
                let end = start + text.count
                // A `;` or a comment by itself is no statement: then it goes on behind it.
                while result == SQLITE_OK, let from = rest, from < end {
                    var next: OpaquePointer?
                    let following = sqlite3_prepare_v3(database.handle, from, Int32(end - from), 0, &next, &rest)
                    if handle == nil {
                        (handle, result) = (next, following)
                    } else if following != SQLITE_OK || next != nil {
                        sqlite3_finalize(next)
                        isAlone = false
                        break
                    }
                    // What SQLite reads no further, such as NUL, is something after all.
                    guard let now = rest, now > from else {
                        isAlone = false
                        break
                    }
                }
                return result
            }
        }
        guard result == SQLITE_OK else { throw database.error(sql) }
        guard isAlone else {
            sqlite3_finalize(handle)
            throw SQLiteError.severalStatements(sql)
        }
        guard let handle else { throw SQLiteError(code: SQLITE_MISUSE, message: "no statement", sql: sql) }
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    @inline(__always) package func bind(_ index: Int32, _ value: Int64) {
        sqlite3_bind_int64(handle, index, value)
    }
    @inline(__always) package func bindNull(_ index: Int32) { sqlite3_bind_null(handle, index) }

    /// Binds text without copying it: it must stay where it is until the statement is reset or bound anew.
    @inline(__always) package func bindBorrowed(_ index: Int32, text: UnsafeRawBufferPointer) {
        guard let base = text.baseAddress, text.count > 0 else {
            sqlite3_bind_text(handle, index, "", 0, nil)
            return
        }
        sqlite3_bind_text(handle, index, base.assumingMemoryBound(to: CChar.self), Int32(text.count), nil)
    }

    /// Binds a blob without copying it, like `bindBorrowed(_:text:)`.
    @inline(__always) package func bindBorrowed(_ index: Int32, blob: UnsafeRawBufferPointer) {
        // SQLite gives no address for an empty blob, and takes none for null.
        if blob.isEmpty { sqlite3_bind_zeroblob(handle, index, 0) } else {
            sqlite3_bind_blob(handle, index, blob.baseAddress, Int32(blob.count), nil)
        }
    }

    /// Binds what a column of another statement's row holds; it's borrowed until that statement steps on.
    @inline(__always) package func bindBorrowed(_ index: Int32, _ other: Statement, _ column: Int32) {
        let value = other.cell(column)
        switch value.type {
        case SQLITE_INTEGER: bind(index, value.int)
        case SQLITE_FLOAT: sqlite3_bind_double(handle, index, value.double)
        case SQLITE_TEXT: bindBorrowed(index, text: value.bytes)
        case SQLITE_BLOB: bindBorrowed(index, blob: value.bytes)
        default: bindNull(index)
        }
    }

    package func bind(_ index: Int32, _ text: String) {
        var text = text
        text.withUTF8 {
            _ = $0.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(handle, index, $0.baseAddress ?? emptyText, Int32($0.count), transient)
            }
        }
    }

    package func bind(_ index: Int32, _ value: SQLValue) {
        switch value {
        case .null: bindNull(index)
        case .integer(let integer): bind(index, integer)
        case .real(let real): sqlite3_bind_double(handle, index, real)
        case .text(let text): bind(index, text)
        case .blob(let bytes): bytes.withUnsafeBytes {
            _ = sqlite3_bind_blob(handle, index, $0.baseAddress ?? UnsafeRawPointer(emptyText), Int32($0.count), transient)
        }
        }
    }

    /// True while there's a row.
    @inline(__always) package func step() throws -> Bool {
        let result = sqlite3_step(handle)
        if result == SQLITE_ROW { return true }
        if result == SQLITE_DONE { return false }
        let error = database.error(String(cString: sqlite3_sql(handle)))
        sqlite3_reset(handle)
        throw error
    }

    /// Runs a statement that gives no rows, and makes it ready for the next time.
    @inline(__always) package func run() throws {
        _ = try step()
        sqlite3_reset(handle)
    }

    @inline(__always) package func reset() { sqlite3_reset(handle) }

    package var columnCount: Int32 { sqlite3_column_count(handle) }
    package func columnName(_ index: Int32) -> String { String(cString: sqlite3_column_name(handle, index)) }
    package func declaredType(_ index: Int32) -> String? {
        sqlite3_column_decltype(handle, index).map { String(cString: $0) }
    }

    /// The table's column that a column of the query is as it stands; nil for what is worked out.
    package func originName(_ index: Int32) -> String? {
        sqlite3_column_origin_name(handle, index).map { String(cString: $0) }
    }

    @inline(__always) package func int(_ index: Int32) -> Int64 { sqlite3_column_int64(handle, index) }
    @inline(__always) package func isNull(_ index: Int32) -> Bool { sqlite3_column_type(handle, index) == SQLITE_NULL }

    /// The bytes of a text or blob; valid until the next step.
    @inline(__always) package func bytes(_ index: Int32) -> UnsafeRawBufferPointer {
        let base = sqlite3_column_blob(handle, index)
        return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, index)))
    }

    /// A column's value, to be asked several things; valid until the next step. A call that names a column looks it up, and for a failure besides,
    /// each time. SQLite doesn't protect the value from other threads (https://sqlite.org/c3ref/value.html); a connection is one thread's here.
    @inline(__always) func cell(_ index: Int32) -> Cell { Cell(value: sqlite3_column_value(handle, index)) }

    struct Cell {
        fileprivate let value: OpaquePointer?
        @inline(__always) var type: Int32 { sqlite3_value_type(value) }
        @inline(__always) var int: Int64 { sqlite3_value_int64(value) }
        @inline(__always) var double: Double { sqlite3_value_double(value) }
        /// Of a text or a blob.
        @inline(__always) var bytes: UnsafeRawBufferPointer {
            let base = sqlite3_value_blob(value)
            return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_value_bytes(value)))
        }
    }

    package func text(_ index: Int32) -> String { String(decoding: bytes(index), as: UTF8.self) }

    package func value(_ index: Int32) -> SQLValue {
        switch sqlite3_column_type(handle, index) {
        case SQLITE_INTEGER: .integer(int(index))
        case SQLITE_FLOAT: .real(sqlite3_column_double(handle, index))
        case SQLITE_TEXT: .text(text(index))
        case SQLITE_BLOB: .blob(Array(bytes(index)))
        default: .null
        }
    }

    package var row: [SQLValue] { (0..<columnCount).map(value) }
    package var isReadOnly: Bool { sqlite3_stmt_readonly(handle) != 0 }
}

nonisolated(unsafe) private let emptyText: UnsafePointer<CChar> = {
    let empty = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    empty.pointee = 0
    return UnsafePointer(empty)
}()
private let transient = unsafeBitCast(-1 as Int, to: sqlite3_destructor_type.self)
