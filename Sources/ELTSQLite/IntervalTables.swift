import ELTCore
import SQLite

/// The names of what a history of intervals is stored in.
struct IntervalNames {
    let history: IntervalHistory

    static func rows(_ model: String) -> String { "elt_\(model)_intervals" }
    static func calendar(_ model: String) -> String { "elt_\(model)_calendar" }

    var rows: String { Names.quoted(Self.rows(history.model)) }
    var calendar: String { Names.quoted(Self.calendar(history.model)) }
    var firstDay: String { free("_first_day") }
    var lastDay: String { free("_last_day") }
    var first: String { Names.quoted(firstDay) }
    var last: String { Names.quoted(lastDay) }
    var number: String { Names.quoted(history.partition.lowercased() == "_number" ? "__number" : "_number") }

    /// The stored columns: those of the model but for the day.
    var columns: [String] { history.columns.filter { $0 != history.partition } }
    var key: String { Names.quoted(history.key) }

    /// A name that no column of the model has.
    private func free(_ name: String) -> String {
        let taken = Set(history.columns.map { $0.lowercased() })
        var name = name
        while taken.contains(name) { name = "_" + name }
        return name
    }

    /// The last day of an interval that goes on: 9999-12-31, like other days since 1970.
    static let open: Int64 = 2_932_896
    /// What days are stored as, less the days since 1970: Julian days. Those of our times have three bytes, and that
    /// far one too, so that an interval that's ended keeps its length and is overwritten where it lies.
    static let shift: Int64 = 2_440_588
}

extension SQLiteTransformSession {
    /// Where a model's rows are: its own table, or what its view reads.
    func storedTables(of model: String) throws -> [String] {
        let rows = IntervalNames.rows(model)
        let isThere = try database.value("SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?1", [.text(rows)]) != .null
        return isThere ? [rows, IntervalNames.calendar(model)] : [model]
    }

    func dropIntervals(_ model: String) throws {
        for table in [IntervalNames.rows(model), IntervalNames.calendar(model)] {
            try database.dropTable(table)
        }
    }

    package func createIntervals(_ history: IntervalHistory, columns: [OutputColumn]) throws {
        let names = IntervalNames(history: history)
        try named(history.model) {
            try drop(history.model)
            let type = { (name: String) in columns.first { $0.name == name }?.type.map { " " + $0 } ?? "" }
            let stored = names.columns.map { Names.quoted($0) + type($0) }
            // The days come first in a row: who reads a day looks at them in every row.
            try database.execute(
                """
                CREATE TABLE \(names.rows) (
                    \(names.first) INTEGER NOT NULL, \(names.last) INTEGER NOT NULL, \(stored.joined(separator: ", ")),
                    PRIMARY KEY (\(names.key), \(names.first))) WITHOUT ROWID
                """)
            try database.execute(
                """
                CREATE TABLE \(names.calendar) (
                    \(names.number) INTEGER PRIMARY KEY, \(Names.quoted(history.partition))\(type(history.partition)) NOT NULL UNIQUE)
                """)
        }
    }

    package func showIntervals(_ history: IntervalHistory, columns: [OutputColumn], days: ClosedRange<Day>?) throws {
        let names = IntervalNames(history: history)
        if let days {
            let insert = try database.prepare("INSERT OR IGNORE INTO \(names.calendar) VALUES (?1, ?2)")
            for day in days {
                insert.bind(1, Int64(day.daysSinceEpoch) + IntervalNames.shift)
                insert.bind(2, day.description)
                try insert.run()
            }
        }
        let selected = try columns.map { column in
            let name = Names.quoted(column.name)
            if column.name == history.partition { return "d.\(name) AS \(name)" }
            guard let reset = history.resets[column.name] else { return "i.\(name) AS \(name)" }
            let isFirst = "d.\(names.number) = i.\(names.first)"
            guard let type = column.type else { return "CASE WHEN \(isFirst) THEN i.\(name) ELSE \(reset) END AS \(name)" }
            // A CASE has no type, but a subquery has its column's, for those who ask and for comparisons.
            return "(SELECT \(try stored(reset, type)) WHERE NOT \(isFirst) UNION ALL SELECT i.\(name) WHERE \(isFirst)) AS \(name)"
        }
        let view = """
            CREATE VIEW \(Names.quoted(history.model)) AS SELECT \(selected.joined(separator: ", ")) \
            FROM \(names.calendar) d JOIN \(names.rows) i ON d.\(names.number) BETWEEN i.\(names.first) AND i.\(names.last)
            """
        let standing = try database.value("SELECT sql FROM sqlite_schema WHERE type='view' AND name=?1", [.text(history.model)])
        guard standing.text != view else { return }
        try named(history.model) {
            try database.execute("DROP VIEW IF EXISTS \(Names.quoted(history.model))")
            try database.execute(view)
        }
    }

    package func intervals(of model: String, partition: String) -> String {
        "(SELECT NULL AS \(Names.quoted(partition)), * FROM \(Names.quoted(IntervalNames.rows(model))))"
    }

    /// A literal as a column of a type would hold it.
    private func stored(_ literal: String, _ type: String) throws -> String {
        try database.execute("DROP TABLE IF EXISTS temp.elt_reset")
        try database.execute("CREATE TEMP TABLE elt_reset (value \(type))")
        defer { try? database.execute("DROP TABLE IF EXISTS temp.elt_reset") }
        try database.execute("INSERT INTO temp.elt_reset VALUES (\(literal))")
        return try database.value("SELECT quote(value) FROM temp.elt_reset").text ?? literal
    }
}
