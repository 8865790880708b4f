/// What SQLite answered, with the statement it answered to. Values bound to it aren't kept.
package struct SQLiteError: Error, CustomStringConvertible, Sendable {
    /// SQLite's extended result code.
    package let code: Int32
    package let message: String
    package let sql: String?

    package init(code: Int32, message: String, sql: String?) {
        self.code = code
        self.message = message
        self.sql = sql
    }

    package var primaryCode: Int32 { code & 0xFF }
    package var description: String {
        sql.map { "\(message) (SQLite \(code)) in: \($0)" } ?? "\(message) (SQLite \(code))"
    }
}
