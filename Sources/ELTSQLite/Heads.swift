import ELTCore
import SQLite

/// The newest living winners of an entity, for models that are built in full.
///
/// They lie ready by the table that holds their rows: one pass for each of them then reads its rows, however many months there are. In a file of their
/// own they're in the order in which the rows lie, else in that of their keys.
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

    private static let attachableMin = 6
    private static let columns = "(origin INTEGER, key TEXT, from_day INTEGER, place INTEGER, PRIMARY KEY (origin, key)) WITHOUT ROWID"

    private static let placedColumns =
        "(origin INTEGER, number INTEGER, key TEXT, from_day INTEGER, place INTEGER, PRIMARY KEY (origin, number)) WITHOUT ROWID"

    private func create() throws { try database.execute("CREATE TEMP TABLE \(name) \(Self.columns)") }

    /// The winners of the keys before one, each of which has no other, in the order of keys.
    func each(before key: [UInt8], _ body: (_ key: UnsafeRawBufferPointer, _ winner: Winner) throws -> Void) throws {
        let query = try database.prepare("SELECT key, from_day, ord, removed, origin, place FROM main.\(winners) WHERE key < ?1 AND removed = 0 ORDER BY key")
        try key.withUnsafeBytes {
            query.bindBorrowed(1, text: $0)
            while try query.step() { try body(query.bytes(0), StoredCursor.winner(query)) }
        }
    }

    /// Lays ready what `fill` adds, of each origin in the order of places, in a file that's there until the transaction ends; in the timelines, if SQLite takes no further one.
    func use(path: String, origins: [Int32], fill: (SortedTable) throws -> Void) throws {
        // The last ones are for timelines and days, which take longer without.
        guard database.attachable > Self.attachableMin,
            let table = try SortedTable(database, table: Names.heads(entity), definedBy: "CREATE TABLE \(name) \(Self.placedColumns)", path: path)
        else { return try prepare() }
        try drop()
        try fill(table)
        try createView(of: "SELECT origin, key, from_day, place, number FROM \(table.attach())", origins: origins)
    }

    /// Whether they come in the order in which their rows lie, and not in that of keys.
    func areByPlace() throws -> Bool {
        try database.value("SELECT 1 FROM pragma_table_info(?1, 'temp') WHERE name = 'number'", [.text(Names.heads(entity))]) != .null
    }

    /// The timelines have one winner for each key, from the tables of `origins`: there's nothing to take out.
    func useTimelines(origins: Set<Int32>) throws {
        try drop()
        try createView(of: "SELECT origin, key, from_day, place FROM main.\(winners) WHERE removed = 0", origins: origins)
    }

    private func createView(of query: String, origins: some Sequence<Int32>) throws {
        try database.execute("CREATE TEMP VIEW \(name) AS \(query); CREATE TEMP TABLE \(originsName) (origin INTEGER PRIMARY KEY);")
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
