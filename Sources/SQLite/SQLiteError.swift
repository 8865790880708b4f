/// What SQLite answered, with the statement it answered to. Values bound to it aren't kept.
package struct SQLiteError: Error, CustomStringConvertible, Sendable {
    /// SQLite's extended result code.
    package let result: Int32
    package let message: String
    package let sql: String?
    /// The file, where it's known.
    package let path: String?
    /// The byte of the SQL at which it lies, where SQLite knows.
    package let offset: Int?

    package init(code: Int32, message: String, sql: String?, path: String? = nil, offset: Int? = nil) {
        result = code
        self.message = message
        self.sql = sql
        self.path = path
        self.offset = offset
    }

    /// What `prepareGuarded` says of text that goes on after its first statement.
    static func severalStatements(_ sql: String) -> SQLiteError {
        SQLiteError(code: severalStatementsCode, message: "there's more than one statement", sql: sql)
    }
    private static let severalStatementsCode: Int32 = -1

    package var isSeveralStatements: Bool { result == Self.severalStatementsCode }
    package var primaryCode: Int32 { result & 0xFF }
    package var description: String {
        sql.map { "\(message) (SQLite \(result)) in: \($0)" } ?? "\(message) (SQLite \(result))"
    }
}
