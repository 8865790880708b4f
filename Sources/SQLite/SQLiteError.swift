/// What SQLite answered, with the statement it answered to. Values bound to it aren't kept.
package struct SQLiteError: Error, CustomStringConvertible, Sendable {
    /// SQLite's extended result code.
    package let result: Int32
    package let message: String
    package let sql: String?
    /// The file, where it's known.
    package let path: String?

    package init(code: Int32, message: String, sql: String?, path: String? = nil) {
        result = code
        self.message = message
        self.sql = sql
        self.path = path
    }

    package var primaryCode: Int32 { result & 0xFF }
    package var description: String {
        sql.map { "\(message) (SQLite \(result)) in: \($0)" } ?? "\(message) (SQLite \(result))"
    }
}
