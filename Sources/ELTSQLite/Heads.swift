import ELTCore
import SQLite

/// The newest living winners of an entity, for models that are built in full.
///
/// They lie ready by the table that holds their rows: one pass for each of them then reads its rows in order,
/// however many months there are.
struct Heads {
    let database: Database
    let entity: String

    private var name: String { Names.quoted(Names.heads(entity)) }
    private var winners: String { Names.quoted(Names.winners(entity)) }

    /// What they can be read from; nil if nobody laid them ready.
    func source() throws -> String? {
        try kind() == nil ? nil : "temp.\(name)"
    }

    /// Takes each key's newest winner out of the timelines, unless that's done already.
    func prepare() throws {
        guard try kind() == nil else { return }
        try create()
        try database.execute(
            """
            INSERT INTO temp.\(name) SELECT origin, key, from_day, place FROM (
                SELECT key, max(from_day) AS from_day, removed, origin, place FROM \(winners) GROUP BY key) WHERE removed = 0
            """)
    }

    private func create() throws {
        try database.execute(
            """
            CREATE TEMP TABLE \(name) (
                origin INTEGER, key TEXT, from_day INTEGER, place INTEGER, PRIMARY KEY (origin, key)) WITHOUT ROWID
            """)
    }

    /// Lays an empty list ready for a writer of timelines, who knows the newest winner of each key. Its columns are origin, key, from_day and place.
    func collect() throws -> Statement {
        try create()
        return try database.prepare("INSERT INTO temp.\(name) VALUES (?1, ?2, ?3, ?4)")
    }

    /// Adds the winners of the keys before one, each of which has no other.
    func addAll(before key: [UInt8]) throws {
        let insert = try database.prepare(
            "INSERT INTO temp.\(name) SELECT origin, key, from_day, place FROM main.\(winners) WHERE key < ?1 AND removed = 0")
        try key.withUnsafeBytes {
            insert.bindBorrowed(1, text: $0)
            try insert.run()
        }
    }

    /// The timelines have one winner for each key, from the tables of `origins`: there's nothing to take out.
    func useTimelines(origins: Set<Int32>) throws {
        try drop()
        try database.execute(
            """
            CREATE TEMP VIEW \(name) AS SELECT origin, key, from_day, place FROM main.\(winners) WHERE removed = 0;
            CREATE TEMP TABLE \(originsName) (origin INTEGER PRIMARY KEY);
            """)
        for origin in origins { try database.execute("INSERT INTO temp.\(originsName) VALUES (\(origin))") }
    }

    /// The tables that hold the winners' rows.
    func origins() throws -> [Int] {
        let source = try kind() == "view" ? originsName : name
        return try database.query("SELECT DISTINCT origin FROM temp.\(source) ORDER BY 1").compactMap { $0[0].integer.map(Int.init) }
    }

    func drop() throws {
        if let kind = try kind() { try database.execute("DROP \(kind) temp.\(name)") }
        try database.execute("DROP TABLE IF EXISTS temp.\(originsName)")
    }

    private var originsName: String { Names.quoted(Names.heads(entity) + "_origins") }

    private func kind() throws -> String? {
        try database.value("SELECT type FROM temp.sqlite_schema WHERE name=?1", [.text(Names.heads(entity))]).text
    }
}
