import Foundation

/// Rows that come in the order of a table's key, to fill it several times as fast as INSERT while it's empty, or to be read.
///
/// The rows are written as a database file of their own: page after page, without looking for each row's place. SQLite then
/// takes the records over as they are, which it does for `INSERT INTO a SELECT * FROM b` between equal tables when
/// the first is empty (https://sqlite.org/lang_insert.html, "transfer optimization"). For tables WITHOUT ROWID that have no
/// index.
package final class SortedTable {
    private let database: Database
    private let name: String
    private let sql: String
    private let file: PageFile
    private let tree: SortedTree

    /// Of a table that's there.
    /// - Returns: nil if its definition has no room in a first page, or if SQLite takes no further file.
    package convenience init?(_ database: Database, table: String, path: String) throws {
        guard let sql = try database.value(
            "SELECT sql FROM main.sqlite_schema WHERE type='table' AND name=?1", [.text(table)]).text
        else { return nil }
        try self.init(database, table: table, definedBy: sql, path: path)
    }

    /// Of a table that's nowhere else: it can be attached.
    package init?(_ database: Database, table: String, definedBy sql: String, path: String) throws {
        self.database = database
        name = table
        guard database.canAttach, let size = try database.value("PRAGMA main.page_size").integer,
            sql.utf8.count + 2 * table.utf8.count < Int(size) - 256, table.utf8.count < 1 << 12
        else { return nil }
        self.sql = sql
        file = try PageFile(path: path, pageSize: Int(size))
        tree = SortedTree(file)
    }

    /// Adds a row. Its columns are in the order of the key, then in that of the table; it's greater than all before it.
    package func append(_ record: UnsafeRawBufferPointer) throws { try tree.append(record) }

    /// Gives the rows that were added since the last call; nil where it's the first.
    /// - Parameter spool: Empty, and the tree's until the rows that are added from now on were read.
    package func mark(_ spool: RecordSpool) throws -> SortedTrail? { try tree.mark(spool) }

    /// Moves the rows into the table, inside the running transaction.
    /// - Parameter leavesAtOnce: How many leaves of the file's tree are given back together, once they were read.
    package func finish(leavesAtOnce: Int = 256) throws {
        let rows = try attach(givingBack: leavesAtOnce)
        // Whatever fails here ends the transaction. Without saying so, SQLite keeps what was on each page in a journal,
        // should the statement alone be undone.
        try database.execute("INSERT OR ROLLBACK INTO main.\(quoted) SELECT * FROM \(rows)")
    }

    /// Gives the rows as a table of their own, to be read until the running transaction ends; tells its name.
    package func attach() throws -> String { try attach(givingBack: nil) }

    /// - Parameter leaves: Where they're read once, from the first to the last: how many leaves are given back together.
    func attach(givingBack leaves: Int?) throws -> String {
        let root = try tree.finish()
        try file.finish(table: name, sql: sql, root: root)
        let schema = try database.attachUntilEnd(file.path)
        // SQLite has opened it with the first look.
        _ = try database.value("SELECT 1 FROM \(schema).sqlite_schema")
        if let leaves { database.readOnce(schema, leavesAtOnce: leaves) }
        file.remove()
        return "\(schema).\(quoted)"
    }

    /// Gives the file's name and its room free: the rows won't be asked for.
    package func discard() { file.discard() }

    private var quoted: String { Database.quoted(name) }
}
