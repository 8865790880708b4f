import ELTCore
import ELTRun
import ELTSQLite
import Foundation
import SQLite

/// Asks the warehouse how the project stands. Neither the broker nor the service is asked, and nothing
/// that grows with the data is read unless all rows are to be counted.
package struct StatusReader {
    package let settings: ProjectSettings
    package let reader: WarehouseReader
    package let clock: Instant
    /// The archive's newest entry, if the archive could be looked at.
    package let newestSequence: Int64?
    package let countsAll: Bool

    package init(
        settings: ProjectSettings, reader: WarehouseReader, clock: Instant, newestSequence: Int64?,
        countsAll: Bool
    ) {
        self.settings = settings
        self.reader = reader
        self.clock = clock
        self.newestSequence = newestSequence
        self.countsAll = countsAll
    }

    static let runsShown = 10
    /// Where there are more rows than this, only `--verbose` counts them.
    static let rowsCounted: Int64 = 100_000

    package func read() throws -> Status {
        var status = Status(project: settings.name, warehouse: settings.warehousePath, askedAt: clock)
        status.runs = try runs()
        status.completeThrough = try completeThrough()
        if let instant = status.completeThrough.flatMap({ Zone.utc.instant($0) }) {
            status.ageSeconds = Double(clock.milliseconds.subtractingClamped(instant.milliseconds)) / 1000
        }
        let hoursLeft = try hoursLeft()
        status.hoursLeft = hoursLeft.values.min()
        status.topics = try reader.rows(
            "SELECT entity, topic, nullif(newest_event, ''), complete_through FROM elt_freshness ORDER BY entity, topic"
        ).map {
            Status.Topic(
                entity: $0[0].text ?? "", topic: $0[1].text ?? "", newestEvent: $0[2].text,
                completeThrough: $0[3].text, hoursLeft: hoursLeft[$0[1].text ?? ""])
        }
        status.tables = try tables()
        status.fullLoads = try fullLoads()
        status.gaps = try gaps()
        status.quarantine = try reader.rows(
            "SELECT entity, reason, count(*) FROM elt_quarantine GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"
        ).map {
            Status.Quarantined(entity: $0[0].text ?? "", reason: $0[1].text ?? "", count: $0[2].integer ?? 0)
        }
        status.drift = try reader.rows("SELECT entity, field, what FROM elt_drift ORDER BY 1, 2, 3 LIMIT 50")
            .map {
                Status.Drift(entity: $0[0].text ?? "", field: $0[1].text ?? "", what: $0[2].text ?? "")
            }
        status.sizes = try sizes()
        let loaded = try meta("loaded_sequence") ?? 0
        status.unloaded = max(0, (newestSequence ?? loaded) - loaded)
        status.unpublished = max(0, loaded - (try meta("published_sequence") ?? 0))
        status.rewound = try reader.rows("SELECT count(*) FROM elt_offsets WHERE again_until IS NOT NULL").first?[0].integer ?? 0
        status.locks = RunLock.holders(archive: settings.archivePath)
        return status
    }

    private func meta(_ name: String) throws -> Int64? {
        try reader.rows("SELECT value FROM elt_meta WHERE name=?1", [.text(name)]).first?[0].integer
    }

    private func runs() throws -> [Status.Run] {
        try reader.rows(
            """
            SELECT run, command, now, started_at, status, events, full_rows, quarantined, inserted, updated, removed,
                seconds, error FROM elt_runs ORDER BY run DESC LIMIT \(Self.runsShown)
            """
        ).map {
            var seconds = 0.0
            if case .real(let value) = $0[11] { seconds = value }
            return Status.Run(
                run: $0[0].integer ?? 0, command: $0[1].text ?? "", now: $0[2].text ?? "",
                startedAt: $0[3].text ?? "",
                status: $0[4].text ?? "", events: $0[5].integer ?? 0, fullRows: $0[6].integer ?? 0,
                quarantined: $0[7].integer ?? 0, inserted: $0[8].integer ?? 0, updated: $0[9].integer ?? 0,
                removed: $0[10].integer ?? 0, seconds: seconds, error: $0[12].text)
        }
    }

    /// Only a run pulls from the broker; a full load that's published in between makes nothing more complete. Nor does
    /// an hour that's done again make it less.
    private func completeThrough() throws -> String? {
        try reader.rows(
            """
            SELECT coalesce(
                (SELECT max(instant) FROM (
                    SELECT complete_through AS instant FROM elt_freshness
                    UNION ALL SELECT now FROM elt_runs WHERE status='published' AND command='run')),
                (SELECT max(now) FROM elt_runs WHERE status='published'))
            """
        ).first?[0].text
    }

    /// Of each topic, what the last run that read the stream knew, less the time since.
    private func hoursLeft() throws -> [String: Double] {
        let rows = try reader.rows(
            """
            SELECT json_extract(value, '$.topic'), min(json_extract(value, '$.hoursLeft')), started_at
            FROM (SELECT started_at, report FROM elt_runs
                WHERE command='run' AND json_array_length(report, '$.lag') > 0 ORDER BY run DESC LIMIT 1),
                json_each(report, '$.lag')
            GROUP BY 1
            """)
        var left: [String: Double] = [:]
        for row in rows {
            guard let topic = row[0].text, let begun = row[2].text.flatMap({ Zone.utc.instant($0) }) else { continue }
            let hours: Double
            switch row[1] {
            case .real(let number): hours = number
            case .integer(let number): hours = Double(number)
            default: continue
            }
            let passed = Double(clock.milliseconds.subtractingClamped(begun.milliseconds)) / 3_600_000
            left[topic] = max(0, hours - passed)
        }
        return left
    }

    private func tables() throws -> [Status.Table] {
        try reader.rows("SELECT name, materialized, first_day, last_day FROM elt_models ORDER BY name").map {
            row in
            var table = Status.Table(
                name: row[0].text ?? "", materialized: row[1].text ?? "", firstDay: row[2].text,
                lastDay: row[3].text,
                rows: nil, isMore: false)
            guard table.materialized != "view" else { return table }
            let count = try count(table)
            table.rows = count.map { countsAll ? $0 : min($0, Self.rowsCounted) }
            table.isMore = count.map { !countsAll && $0 > Self.rowsCounted } ?? false
            return table
        }
    }

    /// Rows of a table, or of its last day where it has days: these lie together, as the day leads its key.
    private func count(_ table: Status.Table) throws -> Int64? {
        var condition = ""
        if let day = table.lastDay {
            let leading = try reader.rows(
                "SELECT name FROM pragma_table_info(?1) WHERE pk=1", [.text(table.name)])
            guard let column = leading.first?[0].text else { return nil }
            condition = " WHERE \(Names.quoted(column)) = \(Names.literal(day))"
        }
        let rows = "SELECT 1 FROM \(Names.quoted(table.name))\(condition)"
        let limit = countsAll ? "" : " LIMIT \(Self.rowsCounted + 1)"
        return try reader.rows("SELECT count(*) FROM (\(rows)\(limit))").first?[0].integer
    }

    private func fullLoads() throws -> [Status.FullLoad] {
        try reader.rows(
            """
            SELECT entity, number, started_at, finished_at, pages, rows, drift FROM elt_full_loads
            ORDER BY sequence DESC LIMIT \(Self.runsShown)
            """
        ).map {
            Status.FullLoad(
                entity: $0[0].text ?? "", number: $0[1].integer ?? 0, startedAt: $0[2].text ?? "",
                finishedAt: $0[3].text ?? "", pages: $0[4].integer ?? 0, rows: $0[5].integer ?? 0,
                drift: $0[6].text)
        }
    }

    private func gaps() throws -> [Status.Gap] {
        try reader.rows(
            """
            SELECT entity, topic, "partition", first_offset, next_offset, first_day, last_day, accepted_at
            FROM elt_gaps ORDER BY sequence
            """
        ).map {
            Status.Gap(
                entity: $0[0].text ?? "", topic: $0[1].text ?? "", partition: $0[2].integer ?? 0,
                first: $0[3].integer ?? 0, next: $0[4].integer ?? 0, firstDay: $0[5].text,
                lastDay: $0[6].text,
                acceptedAt: $0[7].text ?? "")
        }
    }

    private func sizes() throws -> Status.Sizes {
        var sizes = Status.Sizes()
        sizes.warehouseBytes = FileSize.bytes(settings.warehousePath) ?? 0
        sizes.keptLogBytes = KeptLog.bytes(of: settings.warehousePath)
        if sizes.keptLogBytes == 0 { sizes.logBytes = FileSize.bytes(settings.warehousePath + "-wal") ?? 0 }
        sizes.freeBytes = [settings.archivePath, settings.warehousePath].compactMap(FileSize.free).min()
        let sums = try reader.rows(
            "SELECT count(*), sum(bytes), sum(text_bytes), sum(CASE kind WHEN 'events' THEN rows END) FROM elt_segments"
        )
        if let sums = sums.first {
            sizes.archiveSegments = sums[0].integer ?? 0
            sizes.archiveBytes = sums[1].integer ?? 0
            sizes.archiveTextBytes = sums[2].integer ?? 0
            sizes.archivedEvents = sums[3].integer ?? 0
        }
        return sizes
    }
}

/// What the file system says of a file.
package enum FileSize {
    /// nil if there's no such file.
    package static func bytes(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// Free space where `path` lies; nil if it can't be told.
    package static func free(_ path: String) -> Int64? {
        var status = statvfs()
        return statvfs(path, &status) == 0 ? Int64(status.f_bavail) * Int64(status.f_frsize) : nil
    }

    /// Tells disks apart; nil if there's no such file.
    package static func device(_ path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_dev) : nil
    }

    package static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

    /// Permission bits; nil if there's no such file.
    package static func permissions(_ path: String) -> UInt32? {
        var status = stat()
        return lstat(path, &status) == 0 ? UInt32(status.st_mode) & 0o7777 : nil
    }
}
