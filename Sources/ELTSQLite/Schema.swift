import ELTCore
import SQLite

/// The tables that every warehouse has.
enum Schema {
    static let version = Int64(steps.count)

    /// What makes a warehouse of version 0, which is an empty file, one of version 1, and so on.
    static let steps = [ledger, forbidden, rewinds]

    private static let forbidden = """
        CREATE TABLE elt_forbidden (
            sequence INTEGER NOT NULL, entity TEXT NOT NULL, field TEXT NOT NULL,
            PRIMARY KEY (sequence, entity, field)) WITHOUT ROWID;
        """

    private static let rewinds = "ALTER TABLE elt_offsets ADD COLUMN again_until INTEGER"

    private static let ledger = """
        CREATE TABLE elt_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE elt_runs (
            run INTEGER PRIMARY KEY, command TEXT NOT NULL, now TEXT NOT NULL, started_at TEXT NOT NULL,
            finished_at TEXT, status TEXT NOT NULL, sequence INTEGER, events INTEGER, full_rows INTEGER,
            quarantined INTEGER, inserted INTEGER, updated INTEGER, removed INTEGER, ties INTEGER,
            days_rewritten INTEGER, seconds REAL, warnings INTEGER, error TEXT, report TEXT);
        CREATE TABLE elt_segments (
            sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, entity TEXT NOT NULL, topic TEXT,
            incarnation INTEGER, "partition" INTEGER, first_offset INTEGER, next_offset INTEGER, full_load INTEGER,
            path TEXT NOT NULL, rows INTEGER NOT NULL, loaded INTEGER NOT NULL, quarantined INTEGER NOT NULL,
            clock_corrected INTEGER NOT NULL, bytes INTEGER NOT NULL, text_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL);
        CREATE TABLE elt_offsets (
            topic TEXT NOT NULL, "partition" INTEGER NOT NULL, entity TEXT NOT NULL, incarnation INTEGER NOT NULL,
            next_offset INTEGER NOT NULL, last_timestamp TEXT, anchor_offset INTEGER, anchor_digest TEXT,
            PRIMARY KEY (topic, "partition")) WITHOUT ROWID;
        CREATE TABLE elt_partitions (
            id INTEGER PRIMARY KEY, entity TEXT NOT NULL, topic TEXT NOT NULL, incarnation INTEGER NOT NULL,
            "partition" INTEGER NOT NULL, UNIQUE (entity, topic, incarnation, "partition"));
        CREATE TABLE elt_pending (
            entity TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, PRIMARY KEY (entity, low)) WITHOUT ROWID;
        CREATE TABLE elt_incarnations (
            topic TEXT NOT NULL, incarnation INTEGER NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (topic, incarnation)) WITHOUT ROWID;
        CREATE TABLE elt_full_loads (
            entity TEXT NOT NULL, number INTEGER NOT NULL, started_at TEXT NOT NULL, finished_at TEXT NOT NULL,
            day TEXT NOT NULL, pages INTEGER NOT NULL, rows INTEGER NOT NULL, total INTEGER, drift TEXT,
            sorted INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (entity, number)) WITHOUT ROWID;
        CREATE TABLE elt_watermarks (
            entity TEXT NOT NULL, full_load INTEGER NOT NULL, topic TEXT NOT NULL, "partition" INTEGER NOT NULL,
            incarnation INTEGER NOT NULL, w0 INTEGER, w1 INTEGER,
            PRIMARY KEY (entity, full_load, topic, "partition")) WITHOUT ROWID;
        CREATE TABLE elt_gaps (
            sequence INTEGER PRIMARY KEY, entity TEXT NOT NULL, topic TEXT NOT NULL, incarnation INTEGER NOT NULL,
            "partition" INTEGER NOT NULL, first_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL,
            first_day TEXT, last_day TEXT, accepted_at TEXT NOT NULL);
        CREATE TABLE elt_quarantine (
            id INTEGER PRIMARY KEY, entity TEXT NOT NULL, sequence INTEGER NOT NULL, topic TEXT,
            incarnation INTEGER, "partition" INTEGER, "offset" INTEGER, full_load INTEGER, page INTEGER, row INTEGER,
            path TEXT NOT NULL, line INTEGER, reason TEXT NOT NULL, detail TEXT NOT NULL);
        CREATE TABLE elt_columns (
            entity TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, field TEXT NOT NULL, type TEXT,
            declared INTEGER NOT NULL, PRIMARY KEY (entity, position)) WITHOUT ROWID;
        CREATE TABLE elt_drift (
            entity TEXT NOT NULL, field TEXT NOT NULL, what TEXT NOT NULL, first_seen TEXT NOT NULL,
            PRIMARY KEY (entity, field, what)) WITHOUT ROWID;
        CREATE TABLE elt_models (
            name TEXT PRIMARY KEY, materialized TEXT NOT NULL, digest TEXT NOT NULL, first_day TEXT,
            last_day TEXT) WITHOUT ROWID;
        CREATE TABLE elt_tests (
            run INTEGER NOT NULL, test TEXT NOT NULL, model TEXT, severity TEXT NOT NULL, failures INTEGER NOT NULL,
            PRIMARY KEY (run, test)) WITHOUT ROWID;
        CREATE TABLE elt_freshness (
            entity TEXT NOT NULL, topic TEXT NOT NULL, newest_event TEXT, complete_through TEXT,
            PRIMARY KEY (entity, topic)) WITHOUT ROWID;
        CREATE VIEW elt_approximate_days AS
            SELECT entity, first_day, last_day, topic, "partition", first_offset, next_offset FROM elt_gaps;
        """

    static func winners(_ entity: String) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(Names.quoted(Names.winners(entity))) (
            key TEXT NOT NULL, from_day INTEGER NOT NULL, ord BLOB NOT NULL, removed INTEGER NOT NULL,
            origin INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (key, from_day)) WITHOUT ROWID;
        """
    }

    /// The winners by the days that they begin on, with all that days are built of. An hour does without: changing it costs
    /// more than it finds.
    static func coveringDays(_ entity: String) -> String {
        "CREATE INDEX IF NOT EXISTS \(index(entity, "_covering")) ON \(Names.quoted(Names.winners(entity))) (from_day, key, removed, origin, place)"
    }

    static func noCoveringDays(_ entity: String) -> String { "DROP INDEX IF EXISTS \(index(entity, "_covering"))" }

    /// The same to stay: a winner that's replaced on its day changes nothing in it.
    static func winnersByDay(_ entity: String) -> String {
        "CREATE INDEX IF NOT EXISTS \(index(entity, "_day")) ON \(Names.quoted(Names.winners(entity))) (from_day, key)"
    }

    static func noWinnersByDay(_ entity: String) -> String { "DROP INDEX IF EXISTS \(index(entity, "_day"))" }

    private static func index(_ entity: String, _ suffix: String) -> String { Names.quoted(Names.winners(entity) + suffix) }
}
