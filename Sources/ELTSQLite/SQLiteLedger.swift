import ELTCore
import SQLite

/// The ledger: what was loaded, published and run, as tables that anyone can read with SQL.
extension SQLiteWarehouse: Warehouse {
    package var settingsDigest: String? { get throws { try meta("settings_digest").text } }
    package var typesChanged: Bool { get throws { try meta("types_changed") == .integer(1) } }

    package func setSettingsDigest(_ digest: String) throws { try setMeta("settings_digest", .text(digest)) }

    package func loadSession(settings: ProjectSettings) -> any LoadSession {
        changesRaw = true
        return SQLiteLoadSession(self, settings: settings)
    }

    package func transformSession() -> any TransformSession { SQLiteTransformSession(self) }

    package func offsets() throws -> [LedgerOffset] {
        try database.query(
            """
            SELECT entity, topic, "partition", incarnation, next_offset, anchor_offset, anchor_digest, last_timestamp,
                again_until
            FROM elt_offsets ORDER BY topic, "partition"
            """
        ).map {
            LedgerOffset(
                entity: $0[0].text ?? "", partition: TopicPartition($0[1].text ?? "", Int32($0[2].integer ?? 0)),
                incarnation: Int($0[3].integer ?? 1), next: $0[4].integer ?? 0,
                againUntil: $0[8].integer, anchorOffset: $0[5].integer,
                anchorDigest: $0[6].text, lastTimestamp: $0[7].text.flatMap { Zone.utc.instant($0) })
        }
    }

    package func incarnations() throws -> [String: Int] {
        Dictionary(
            try database.query("SELECT topic, max(incarnation) FROM elt_incarnations GROUP BY topic").map {
                ($0[0].text ?? "", Int($0[1].integer ?? 1))
            }, uniquingKeysWith: max)
    }

    package func lastFullLoadRows(of entity: String) throws -> Int64? {
        try database.value(
            "SELECT rows FROM elt_full_loads WHERE entity=?1 ORDER BY number DESC LIMIT 1", [.text(entity)]
        ).integer
    }

    package func nextRun() throws -> Int64 {
        (try database.value("SELECT max(run) FROM elt_runs").integer ?? 0) + 1
    }

    package func record(_ run: RunRecord) throws {
        try database.execute(
            """
            INSERT OR REPLACE INTO elt_runs VALUES
            (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
            """,
            [
                .integer(run.run), .text(run.command), .text(run.now.description), .text(run.startedAt.description),
                run.finishedAt.map { .text($0.description) } ?? .null, .text(run.status), .integer(run.sequence),
                .integer(run.events), .integer(run.fullRows), .integer(run.quarantined),
                .integer(run.changes.inserted), .integer(run.changes.updated), .integer(run.changes.removed),
                .integer(run.ties), .integer(Int64(run.daysRewritten)), .real(run.seconds),
                .integer(Int64(run.warnings)), run.error.map(SQLValue.text) ?? .null,
                run.report.map(SQLValue.text) ?? .null,
            ])
    }

    /// A warehouse of an older program has let pass what it has published.
    package var acceptedSequence: Int64 {
        get throws { try meta("accepted_sequence").integer ?? publishedSequence }
    }

    package func acceptLoaded(upTo sequence: Int64) throws {
        try setMeta("accepted_sequence", .integer(sequence))
        try database.execute("DELETE FROM elt_forbidden WHERE sequence <= ?1", [.integer(sequence)])
    }

    package func faults(after sequence: Int64) throws -> [EntryFaults] {
        var forbidden: [Int64: [String: [String]]] = [:]
        for row in try database.query(
            "SELECT sequence, entity, field FROM elt_forbidden WHERE sequence > ?1", [.integer(sequence)])
        {
            forbidden[row[0].integer ?? 0, default: [:]][row[1].text ?? "", default: []].append(row[2].text ?? "")
        }
        return try database.query(
            "SELECT sequence, rows, quarantined FROM elt_segments WHERE sequence > ?1 ORDER BY sequence",
            [.integer(sequence)]
        ).map { row in
            let sequence = row[0].integer ?? 0
            return EntryFaults(
                sequence: sequence, rows: row[1].integer ?? 0, quarantined: row[2].integer ?? 0,
                forbidden: forbidden[sequence] ?? [:])
        }
    }

    package func publish(run: Int64, tests: [TestResult]) throws {
        try setMeta("published_sequence", .integer(try loadedSequence))
        try acceptLoaded(upTo: loadedSequence)
        try database.execute("DELETE FROM elt_pending")
        try database.execute("DELETE FROM elt_meta WHERE name='types_changed'")
        if let instant = try meta("complete_through").integer.map(Instant.init(milliseconds:)) {
            try database.execute("UPDATE elt_freshness SET complete_through=?1", [.text(instant.description)])
        }
        try record(run: run, tests: tests)
    }

    package func hidingUnpublished<T>(_ body: () throws -> T) throws -> T {
        let published = try publishedSequence
        try database.execute(
            """
            DROP TABLE IF EXISTS temp.elt_hidden;
            CREATE TEMP TABLE elt_hidden AS SELECT * FROM elt_pending;
            DELETE FROM elt_pending;
            """)
        try setMeta("published_sequence", .integer(try loadedSequence))
        let result = try body()
        try setMeta("published_sequence", .integer(published))
        try database.execute(
            "INSERT INTO elt_pending SELECT * FROM temp.elt_hidden; DROP TABLE temp.elt_hidden;")
        return result
    }

    package func record(run: Int64, tests: [TestResult]) throws {
        for test in tests {
            try database.execute(
                "INSERT OR REPLACE INTO elt_tests VALUES (?1, ?2, ?3, ?4, ?5)",
                [
                    .integer(run), .text(test.name), .text(test.model), .text(test.severity),
                    .integer(test.failures),
                ])
        }
    }
}
