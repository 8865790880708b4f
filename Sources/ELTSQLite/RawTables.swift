import ELTCore
import SQLite

/// The raw tables of one entity: a physical table for each month of the effective day, the rows of
/// the full loads, and a view over each that readers use.
struct RawTables {
    let database: Database
    let entity: String

    /// What comes before an entity's own columns in a month's table.
    static let streamPrefix = ["_id", "_key", "_time", "_kafka_time", "_clock_corrected", "_day", "_epoch", "_removes"]
    static let fullPrefix = ["_id", "_key"]

    func columns() throws -> [Column] {
        try database.query(
            "SELECT name, field, type, declared FROM elt_columns WHERE entity=?1 ORDER BY position", [.text(entity)]
        ).map {
            Column(
                name: $0[0].text ?? "", field: $0[1].text ?? "", type: $0[2].text.flatMap(ColumnType.init),
                isDeclared: $0[3] == .integer(1))
        }
    }

    /// The months that have a table, ascending, as `202611`.
    func months() throws -> [Int] {
        let prefix = Names.stream(entity) + "_"
        return try database.query(
            "SELECT name FROM sqlite_schema WHERE type='table' AND substr(name, 1, ?2)=?1 ORDER BY name",
            [.text(prefix), .integer(Int64(prefix.utf8.count))]
        ).compactMap { $0[0].text.flatMap { Int($0.dropFirst(prefix.count).replacing("_", with: "")) } }
    }

    func createMonth(_ month: Int) throws {
        let columns = try columns().map { ", " + Names.quoted($0.name) }.joined()
        try database.execute(
            """
            CREATE TABLE \(Names.quoted(Names.stream(entity, month: month))) (
                _id INTEGER PRIMARY KEY, _key TEXT NOT NULL, _time INTEGER NOT NULL, _kafka_time INTEGER,
                _clock_corrected INTEGER NOT NULL, _day INTEGER NOT NULL, _epoch INTEGER NOT NULL,
                _removes INTEGER NOT NULL\(columns))
            """)
        try createViews()
    }

    func createFull() throws {
        let columns = try columns().map { ", " + Names.quoted($0.name) }.joined()
        try database.execute(
            "CREATE TABLE IF NOT EXISTS \(Names.quoted(Names.fullRows(entity))) (_id INTEGER PRIMARY KEY, _key TEXT NOT NULL\(columns))")
        try createViews()
    }

    var hasFull: Bool {
        get throws {
            try database.value("SELECT 1 FROM sqlite_schema WHERE name=?1", [.text(Names.fullRows(entity))]) != .null
        }
    }

    /// Adds columns to every physical table, and turns integers into the texts they were written as.
    func evolve(to new: [Column], integersToText: [String]) throws {
        let old = Set(try columns().map(\.name))
        var tables = try months().map { Names.stream(entity, month: $0) }
        if try hasFull { tables.append(Names.fullRows(entity)) }
        for table in tables {
            for column in new where !old.contains(column.name) {
                try database.execute("ALTER TABLE \(Names.quoted(table)) ADD COLUMN \(Names.quoted(column.name))")
            }
            for name in integersToText where old.contains(name) {
                let name = Names.quoted(name)
                try database.execute(
                    "UPDATE \(Names.quoted(table)) SET \(name)=CAST(\(name) AS TEXT) WHERE typeof(\(name))='integer'")
            }
        }
        try database.execute("DELETE FROM elt_columns WHERE entity=?1", [.text(entity)])
        let insert = try database.prepare("INSERT INTO elt_columns VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        for (position, column) in new.enumerated() {
            insert.bind(1, entity)
            insert.bind(2, Int64(position))
            insert.bind(3, column.name)
            insert.bind(4, column.field)
            insert.bind(5, column.type.map { .text($0.rawValue) } ?? .null)
            insert.bind(6, Int64(column.isDeclared ? 1 : 0))
            try insert.run()
        }
        try createViews()
    }

    /// `raw_<entity>_stream` and `raw_<entity>_full`: what people read.
    func createViews() throws {
        let names = try columns().map { ", r." + Names.quoted($0.name) }.joined()
        let months = try months()
        let instant = { (column: String) in "strftime('%Y-%m-%dT%H:%M:%fZ', \(column) / 1000.0, 'unixepoch')" }
        try database.execute("DROP VIEW IF EXISTS \(Names.quoted(Names.stream(entity)))")
        if !months.isEmpty {
            let arms = months.map {
                """
                SELECT p.topic AS _topic, p.incarnation AS _incarnation, p."partition" AS _partition,
                    r._id & \(PackedPlace.offsetMask) AS _offset, r._key, \(instant("r._time")) AS _time,
                    \(instant("nullif(r._kafka_time, -1)")) AS _kafka_time, r._clock_corrected,
                    date(r._day * 86400, 'unixepoch') AS _day, r._epoch, r._removes, r._id\(names)
                FROM \(Names.quoted(Names.stream(entity, month: $0))) r
                JOIN elt_partitions p ON p.id = r._id >> \(PackedPlace.offsetBits)
                """
            }
            try database.execute(
                "CREATE VIEW \(Names.quoted(Names.stream(entity))) AS \(arms.joined(separator: " UNION ALL "))")
        }
        try database.execute("DROP VIEW IF EXISTS \(Names.quoted(Names.full(entity)))")
        if try hasFull {
            try database.execute(
                """
                CREATE VIEW \(Names.quoted(Names.full(entity))) AS
                SELECT r._id >> \(PackedPlace.offsetBits) AS _full_load, r._id & \(PackedPlace.offsetMask) AS _row, r._key,
                    l.started_at AS _time, l.day AS _day, l.number AS _epoch, r._id\(names)
                FROM \(Names.quoted(Names.fullRows(entity))) r
                JOIN elt_full_loads l ON l.entity = \(Names.literal(entity)) AND l.number = r._id >> \(PackedPlace.offsetBits)
                """)
        }
    }
}
