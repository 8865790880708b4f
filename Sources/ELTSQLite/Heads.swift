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
        try database.execute(
            """
            CREATE TEMP TABLE \(name) (
                origin INTEGER, key TEXT, from_day INTEGER, place INTEGER, PRIMARY KEY (origin, key)) WITHOUT ROWID;
            INSERT INTO temp.\(name) SELECT origin, key, from_day, place FROM (
                SELECT key, max(from_day) AS from_day, removed, origin, place FROM \(winners) GROUP BY key) WHERE removed = 0;
            """)
    }

    /// The timelines have one winner for each key: there's nothing to take out.
    func useTimelines() throws {
        try drop()
        try database.execute(
            "CREATE TEMP VIEW \(name) AS SELECT origin, key, from_day, place FROM main.\(winners) WHERE removed = 0")
    }

    func drop() throws {
        if let kind = try kind() { try database.execute("DROP \(kind) temp.\(name)") }
    }

    private func kind() throws -> String? {
        try database.value("SELECT type FROM temp.sqlite_schema WHERE name=?1", [.text(Names.heads(entity))]).text
    }
}
