import ELTCore
import SQLite

/// Names of tables, and how names and texts are written in SQL.
package enum Names {
    package static func quoted(_ name: String) -> String { Database.quoted(name) }
    package static func literal(_ text: String) -> String {
        "'" + text.replacing("'", with: "''") + "'"
    }
    package static func list(_ names: [String]) -> String { names.map(quoted).joined(separator: ", ") }

    package static func stream(_ entity: String) -> String { "raw_\(entity)_stream" }
    package static func stream(_ entity: String, month: Int) -> String {
        let digits = String(month % 100)
        return "raw_\(entity)_stream_\(month / 100)_\(digits.count == 1 ? "0" + digits : digits)"
    }
    package static func full(_ entity: String) -> String { "raw_\(entity)_full" }
    /// The physical table behind the view `full`.
    package static func fullRows(_ entity: String) -> String { "raw_\(entity)_full_rows" }
    package static func winners(_ entity: String) -> String { "elt_\(entity)_winners" }
    // Temporary tables hide others of their name: models can't begin with elt_.
    package static func changed(_ entity: String) -> String { "elt_\(entity)_changed" }
    package static func changedDays(_ entity: String) -> String { "elt_\(entity)_changed_days" }
    static func shape(_ entity: String, _ table: String) -> String { "elt_\(entity)_shape_of_\(table)" }
    package static func heads(_ entity: String) -> String { "elt_\(entity)_heads" }
}

extension Database {
    /// Drops a table if it's there. DROP alone keeps all that it frees in a statement journal, which reads and writes
    /// the table once; DELETE without a condition doesn't.
    func dropTable(_ name: String) throws {
        guard try value("SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?1", [.text(name)]) != .null else { return }
        // Somebody's triggers would see the rows go, and might forbid it.
        for trigger in try query("SELECT name FROM sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE", [.text(name)]) {
            try execute("DROP TRIGGER \(Names.quoted(trigger[0].text ?? ""))")
        }
        try execute("DELETE FROM \(Names.quoted(name)); DROP TABLE \(Names.quoted(name))")
    }
}
