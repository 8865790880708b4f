import ELTCore
import SQLite

/// Loads raw rows inside a transaction that its maker has begun.
package final class SQLiteLoadSession: LoadSession {
    private let warehouse: SQLiteWarehouse
    private let database: Database
    private let maxClockSkew: Duration
    private let zone: Zone
    private let numbers: PartitionNumbers

    package init(_ warehouse: SQLiteWarehouse, settings: ProjectSettings) {
        self.warehouse = warehouse
        maxClockSkew = settings.limits.maxClockSkew
        zone = settings.zone
        numbers = PartitionNumbers(warehouse.database, settings.entities)
        database = warehouse.database
    }

    private func tables(_ entity: String) -> RawTables { RawTables(database: database, entity: entity) }

    package private(set) var rewound: [RewoundRange] = []

    package func expect(entries: Int, records: Int64) throws { try warehouse.beginGrafting(entries: entries, records: records) }

    package func columns(of entity: String) throws -> [Column] { try tables(entity).columns() }

    package func evolve(_ entity: String, to columns: [Column], integersToText: [String]) throws {
        try tables(entity).evolve(to: columns, integersToText: integersToText)
        // Rows that no statement sees would keep them.
        if !integersToText.isEmpty, try holdsUnseen(entity) { throw GraftedTables.Unfit() }
        // Tables hold the integers as well; a full refresh writes them as the texts they now are.
        if !integersToText.isEmpty { try warehouse.setMeta("types_changed", .integer(1)) }
    }

    package func fullLoads(of entity: String) throws -> [FullLoadMark] { try warehouse.fullLoads(of: entity) }

    package func streamWriter(for place: SegmentPlace) throws -> any StreamWriter {
        try SQLiteStreamWriter(database, tables(place.entity), warehouse.grafted, group: try numbers.number(of: place))
    }

    package func fullWriter(of entity: String, number: Int) throws -> any FullWriter {
        try SQLiteFullWriter(database, tables(entity), warehouse.grafted, number: number)
    }

    /// Whether rows of the entity aren't in SQLite's tables yet.
    private func holdsUnseen(_ entity: String) throws -> Bool {
        guard let grafted = warehouse.grafted else { return false }
        return try grafted.holds(Names.fullRows(entity)) || tables(entity).months().contains { grafted.holds(Names.stream(entity, month: $0)) }
    }

    package func quarantine(_ item: QuarantineItem) throws {
        func optional(_ value: (some BinaryInteger)?) -> SQLValue { value.map { .integer(Int64($0)) } ?? .null }
        try database.execute(
            """
            INSERT INTO elt_quarantine (entity, sequence, topic, incarnation, "partition", "offset", full_load, page,
                row, path, line, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """,
            [
                .text(item.entity), .integer(item.sequence), item.topic.map(SQLValue.text) ?? .null,
                optional(item.incarnation), optional(item.partition), optional(item.offset), optional(item.fullLoad),
                optional(item.page), optional(item.row), .text(item.path), optional(item.line), .text(item.reason),
                .text(item.detail),
            ])
    }

    package func noteDrift(entity: String, field: String, what: String, at: String) throws -> Bool {
        try database.execute(
            "INSERT INTO elt_drift VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            [.text(entity), .text(field), .text(what), .text(at)])
        return database.changes == 1
    }

    package func note(_ entry: ManifestEntry, result: LoadedRows, day: Day?) throws {
        switch entry.content {
        case .segment(let segment): try note(segment, entry.sequence, result)
        case .fullLoad(let load): try note(load, entry.sequence, result, day: day)
        case .run(let run):
            for start in run.starts { try note(start) }
            let latest = max(try warehouse.latestNow ?? run.now, run.now)
            try warehouse.setMeta("latest_now", .integer(latest.milliseconds))
            // Full loads and rebuilds don't read the stream to its end.
            guard run.readsStream else { break }
            let read = max(try warehouse.meta("complete_through").integer ?? .min, run.now.milliseconds)
            try warehouse.setMeta("complete_through", .integer(read))
            try endRewinds()
        case .rewind(let rewind): try note(rewind)
        case .gap(let gap): try note(gap, entry.sequence)
        case .incarnation(let life):
            try database.execute(
                "INSERT INTO elt_incarnations VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                [.text(life.topic), .integer(Int64(life.number)), .text(life.reason)])
        }
        try noteForbidden(result.forbidden, in: entry)
        try warehouse.setMeta("loaded_sequence", .integer(entry.sequence))
    }

    private func note(_ start: PartitionStart) throws {
        let place = start.place
        try database.execute(
            """
            INSERT INTO elt_offsets (topic, "partition", entity, incarnation, next_offset) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (topic, "partition") DO UPDATE SET entity=excluded.entity, incarnation=excluded.incarnation,
                next_offset=excluded.next_offset, again_until=NULL, anchor_offset=NULL, anchor_digest=NULL,
                last_timestamp=NULL WHERE incarnation < excluded.incarnation
            """,
            [
                .text(place.topic), .integer(Int64(place.partition)), .text(place.entity),
                .integer(Int64(place.incarnation)), .integer(start.offset),
            ])
    }

    private func noteForbidden(_ fields: [String], in entry: ManifestEntry) throws {
        let entity: String
        switch entry.content {
        case .segment(let segment): entity = segment.place.entity
        case .fullLoad(let load): entity = load.entity
        case .run, .gap, .incarnation, .rewind: return
        }
        for field in fields {
            try database.execute(
                "INSERT INTO elt_forbidden VALUES (?1, ?2, ?3)",
                [.integer(entry.sequence), .text(entity), .text(field)])
        }
    }

    private func note(_ segment: SegmentEntry, _ sequence: Int64, _ result: LoadedRows) throws {
        let place = segment.place
        try database.execute(
            """
            INSERT INTO elt_segments VALUES (?1, 'events', ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
            """,
            [
                .integer(sequence), .text(place.entity), .text(place.topic), .integer(Int64(place.incarnation)),
                .integer(Int64(place.partition)), .integer(segment.range.first), .integer(segment.range.next),
                .text(segment.path), .integer(segment.rows), .integer(result.inserted),
                .integer(result.quarantined), .integer(result.clockCorrected), .integer(segment.bytes),
                .integer(segment.textBytes), .text(segment.sha256),
            ])
        try noteRestored(segment)
        try noteRewound("topic=?1 AND \"partition\"=?2", [.text(place.topic), .integer(Int64(place.partition))])
        let instant = { (ms: Int64?) -> SQLValue in ms.map { .text(Instant(milliseconds: $0).description) } ?? .null }
        try database.execute(
            """
            INSERT INTO elt_offsets VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL) ON CONFLICT (topic, "partition")
            DO UPDATE SET entity=excluded.entity, incarnation=excluded.incarnation,
                next_offset=excluded.next_offset, again_until=NULL,
                last_timestamp=coalesce(excluded.last_timestamp, last_timestamp),
                anchor_offset=coalesce(excluded.anchor_offset, anchor_offset),
                anchor_digest=coalesce(excluded.anchor_digest, anchor_digest)
            """,
            [
                .text(place.topic), .integer(Int64(place.partition)), .text(place.entity),
                .integer(Int64(place.incarnation)), .integer(segment.range.next), instant(segment.lastTimestamp),
                segment.anchorOffset.map(SQLValue.integer) ?? .null, segment.anchorDigest.map(SQLValue.text) ?? .null,
            ])
        try database.execute(
            """
            INSERT INTO elt_freshness VALUES (?1, ?2, ?3, NULL) ON CONFLICT (entity, topic) DO UPDATE
            SET newest_event=max(coalesce(newest_event, ''), coalesce(excluded.newest_event, newest_event, ''))
            """, [.text(place.entity), .text(place.topic), instant(result.latest)])
    }

    package func noteRestored(_ segment: SegmentEntry) throws {
        guard !segment.range.isEmpty else { return }
        let group = try numbers.number(of: segment.place)
        try database.execute(
            "INSERT OR REPLACE INTO elt_pending VALUES (?1, ?2, ?3)",
            [
                .text(segment.place.entity), .integer(PackedPlace.pack(group, segment.range.first)),
                .integer(PackedPlace.pack(group, segment.range.next - 1)),
            ])
    }

    /// Remembers what is being read again of some partitions, before that they are is forgotten.
    private func noteRewound(_ condition: String, _ bindings: [SQLValue]) throws {
        for row in try database.query(
            """
            SELECT topic, incarnation, "partition", next_offset, again_until FROM elt_offsets
            WHERE again_until IS NOT NULL AND \(condition)
            """, bindings)
        {
            rewound.append(
                RewoundRange(
                    partition: TopicPartition(row[0].text ?? "", Int32(row[2].integer ?? 0)),
                    incarnation: Int(row[1].integer ?? 1),
                    range: OffsetRange(first: row[3].integer ?? 0, next: row[4].integer ?? 0)))
        }
    }

    /// A run has read again what was to be read again.
    private func endRewinds() throws {
        try noteRewound("true", [])
        try database.execute(
            "UPDATE elt_offsets SET next_offset=again_until, again_until=NULL WHERE again_until IS NOT NULL")
    }

    private func note(_ rewind: RewindEntry) throws {
        let place = rewind.place
        try database.execute(
            """
            UPDATE elt_offsets SET again_until=coalesce(again_until, next_offset), next_offset=?4
            WHERE topic=?1 AND "partition"=?2 AND incarnation=?3 AND next_offset > ?4
            """,
            [
                .text(place.topic), .integer(Int64(place.partition)), .integer(Int64(place.incarnation)),
                .integer(rewind.offset),
            ])
    }

    private func note(_ gap: GapEntry, _ sequence: Int64) throws {
        let day = { (ms: Int64?) -> SQLValue in
            ms.map { .text(self.zone.day(of: Instant(milliseconds: $0)).description) } ?? .null
        }
        try database.execute(
            "INSERT INTO elt_gaps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            [
                .integer(sequence), .text(gap.place.entity), .text(gap.place.topic),
                .integer(Int64(gap.place.incarnation)), .integer(Int64(gap.place.partition)), .integer(gap.lost.first),
                .integer(gap.lost.next), day(gap.after), day(gap.before), .text(gap.acceptedAt.description),
            ])
        try database.execute(
            """
            INSERT INTO elt_offsets VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL, NULL, NULL)
            ON CONFLICT (topic, "partition") DO UPDATE
            SET next_offset=excluded.next_offset, incarnation=excluded.incarnation, anchor_offset=NULL,
                anchor_digest=NULL, again_until=NULL
            """,
            [
                .text(gap.place.topic), .integer(Int64(gap.place.partition)), .text(gap.place.entity),
                .integer(Int64(gap.place.incarnation)), .integer(gap.lost.next),
            ])
    }

    private func note(_ load: FullLoadEntry, _ sequence: Int64, _ result: LoadedRows, day: Day?) throws {
        guard let day else { preconditionFailure("a full load has a day") }
        let bytes = load.files.reduce(0) { $0 + $1.bytes }
        let textBytes = load.files.reduce(0) { $0 + $1.textBytes }
        try database.execute(
            """
            INSERT INTO elt_segments VALUES (?1, 'full_load', ?2, NULL, NULL, NULL, NULL, NULL, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10)
            """,
            [
                .integer(sequence), .text(load.entity), .integer(Int64(load.number)),
                .text(load.files.first?.path ?? ""), .integer(load.rows), .integer(result.inserted),
                .integer(result.quarantined), .integer(bytes), .integer(textBytes),
                .text(load.files.first?.sha256 ?? ""),
            ])
        try database.execute(
            "INSERT INTO elt_full_loads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            [
                .text(load.entity), .integer(Int64(load.number)), .text(max(load.startedAt, .least).description),
                .text(load.finishedAt.description), .text(day.description), .integer(Int64(load.pages)),
                .integer(load.rows), load.total.map(SQLValue.integer) ?? .null, load.drift.map(SQLValue.text) ?? .null,
                .integer(result.isSorted ? 1 : 0), .integer(sequence),
            ])
        for (marks, column) in [(load.w0, "w0"), (load.w1, "w1")] {
            for mark in marks {
                try database.execute(
                    """
                    INSERT INTO elt_watermarks (entity, full_load, topic, "partition", incarnation, \(column))
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET \(column)=excluded.\(column)
                    """,
                    [
                        .text(load.entity), .integer(Int64(load.number)), .text(mark.partition.topic),
                        .integer(Int64(mark.partition.partition)), .integer(Int64(mark.incarnation)),
                        .integer(mark.offset),
                    ])
            }
        }
        try reassignEpochs(load, day: day)
    }

    /// Events that runs loaded while the full load was under way come after it, if its rule says so.
    private func reassignEpochs(_ load: FullLoadEntry, day: Day) throws {
        let mark = FullLoadMark(number: load.number, startedAt: load.startedAt, day: day, w0: load.w0)
        let earliest = (load.startedAt - maxClockSkew).milliseconds
        for row in try database.query(
            "SELECT id, topic, incarnation, \"partition\" FROM elt_partitions WHERE entity=?1", [.text(load.entity)])
        {
            guard let id = row[0].integer, let topic = row[1].text, let life = row[2].integer,
                let partition = row[3].integer,
                let first = mark.firstOffset(of: TopicPartition(topic, Int32(partition)), incarnation: Int(life))
            else { continue }
            for month in try tables(load.entity).months() {
                try database.execute(
                    """
                    UPDATE \(Names.quoted(Names.stream(load.entity, month: month))) SET _epoch=?1
                    WHERE _id BETWEEN ?2 AND ?3 AND _time >= ?4 AND _epoch < ?1
                    """,
                    [
                        .integer(Int64(load.number)), .integer(PackedPlace.pack(id, first)),
                        .integer(PackedPlace.pack(id, PackedPlace.offsetMask)), .integer(earliest),
                    ])
            }
        }
    }
}

extension SQLiteWarehouse {
    /// The complete full loads of an entity, oldest first.
    package func fullLoads(of entity: String) throws -> [FullLoadMark] {
        let marks = try database.query(
            "SELECT full_load, topic, \"partition\", incarnation, w0 FROM elt_watermarks WHERE entity=?1 AND w0 IS NOT NULL",
            [.text(entity)])
        return try database.query(
            "SELECT number, started_at, day FROM elt_full_loads WHERE entity=?1 ORDER BY number", [.text(entity)]
        ).map { row in
            let number = row[0].integer ?? 0
            let w0 = marks.filter { $0[0] == .integer(number) }.map {
                Watermark(
                    partition: TopicPartition($0[1].text ?? "", Int32($0[2].integer ?? 0)),
                    incarnation: Int($0[3].integer ?? 0), offset: $0[4].integer ?? 0)
            }
            guard let startedAt = row[1].text.flatMap({ Zone.utc.instant($0) }), let day = row[2].text.flatMap(Day.init)
            else { throw WarehouseError.damaged(path: path, "full load \(number) of \(entity) has no start") }
            return FullLoadMark(number: Int(number), startedAt: startedAt, day: day, w0: w0)
        }
    }
}
