import ELTCore

/// How the project stands, as its own ledger tells it.
package struct Status: Codable, Equatable, Sendable {
    package struct Run: Codable, Equatable, Sendable {
        package var run: Int64
        package var command: String
        package var now: String
        package var startedAt: String
        package var status: String
        package var events: Int64
        package var fullRows: Int64
        package var quarantined: Int64
        package var inserted: Int64
        package var updated: Int64
        package var removed: Int64
        package var seconds: Double
        package var error: String?
    }
    package struct Topic: Codable, Equatable, Sendable {
        package var entity: String
        package var topic: String
        /// The greatest effective time of an event of it.
        package var newestEvent: String?
        /// Everything that the broker had before this instant is in the tables.
        package var completeThrough: String?
        /// Until retention may take what isn't archived yet, as the last run's report knew it; nil where the broker didn't
        /// tell, or where time takes nothing.
        package var hoursLeft: Double?
    }
    package struct Table: Codable, Equatable, Sendable {
        package var name: String
        package var materialized: String
        package var firstDay: String?
        package var lastDay: String?
        /// All rows, or those of the newest day; nil for a view.
        package var rows: Int64?
        /// There are more rows than were counted.
        package var isMore: Bool
    }
    package struct FullLoad: Codable, Equatable, Sendable {
        package var entity: String
        package var number: Int64
        package var startedAt: String
        package var finishedAt: String
        package var pages: Int64
        package var rows: Int64
        package var drift: String?
    }
    package struct Gap: Codable, Equatable, Sendable {
        package var entity: String
        package var topic: String
        package var partition: Int64
        package var first: Int64
        package var next: Int64
        package var firstDay: String?
        package var lastDay: String?
        package var acceptedAt: String
    }
    package struct Quarantined: Codable, Equatable, Sendable {
        package var entity: String
        package var reason: String
        package var count: Int64
    }
    package struct Drift: Codable, Equatable, Sendable {
        package var entity: String
        package var field: String
        package var what: String
    }
    package struct Sizes: Codable, Equatable, Sendable {
        package var warehouseBytes: Int64 = 0
        package var logBytes: Int64 = 0
        /// Of an emptied log, for the next run to write over.
        package var keptLogBytes: Int64 = 0
        package var archiveBytes: Int64 = 0
        package var archiveTextBytes: Int64 = 0
        package var archiveSegments: Int64 = 0
        package var archivedEvents: Int64 = 0
        /// Of the fuller disk, where archive and warehouse lie on two.
        package var freeBytes: Int64?
    }

    package var project: String
    package var warehouse: String
    /// The machine's clock when this was asked.
    package var askedAt: String
    /// The latest `now` of the hourly runs that were published; of other commands where there was none.
    package var completeThrough: String?
    /// Since then, by the machine's clock.
    package var ageSeconds: Double?
    /// The soonest that retention bites in any topic.
    package var hoursLeft: Double?
    /// Newest first.
    package var runs: [Run] = []
    package var topics: [Topic] = []
    package var tables: [Table] = []
    package var fullLoads: [FullLoad] = []
    package var gaps: [Gap] = []
    package var quarantine: [Quarantined] = []
    package var drift: [Drift] = []
    package var sizes = Sizes()
    /// Entries of the archive's manifest that aren't loaded yet, and those loaded that aren't published.
    package var unloaded: Int64 = 0
    package var unpublished: Int64 = 0
    /// Partitions that the next run reads again, after a rewind. Its entries are among the unpublished, and bring no row.
    package var rewound: Int64 = 0
    /// Who holds a lock now.
    package var locks: [String] = []

    package init(project: String, warehouse: String, askedAt: Instant) {
        self.project = project
        self.warehouse = warehouse
        self.askedAt = askedAt.description
    }

    /// Why an alert is due; nil if none is.
    package func complaint(above limit: Duration) -> String? {
        guard let ageSeconds, let completeThrough else { return "No run has been published yet." }
        let age = Int64(ageSeconds * 1000)
        guard age > limit.wholeMilliseconds else { return nil }
        return "The tables are complete through \(completeThrough), \(Shown.span(milliseconds: age)) ago; "
            + "the limit is \(Shown.span(milliseconds: limit.wholeMilliseconds))."
    }
}

extension Status {
    /// The page for people.
    package var text: String {
        var parts = [heading]
        if !runs.isEmpty { parts.append("Runs\n" + runsText) }
        if !topics.isEmpty { parts.append("Topics\n" + topicsText) }
        if !tables.isEmpty { parts.append("Tables\n" + tablesText) }
        if !fullLoads.isEmpty { parts.append("Full loads\n" + fullLoadsText) }
        if !gaps.isEmpty { parts.append("Gaps (days are approximate)\n" + gapsText) }
        if !quarantine.isEmpty { parts.append("Quarantine\n" + quarantineText) }
        if !drift.isEmpty { parts.append("Drift\n" + driftText) }
        parts.append("Sizes\n" + sizesText)
        return parts.joined(separator: "\n")
    }

    private var heading: String {
        var lines = [project]
        if let completeThrough, let ageSeconds {
            lines.append(
                "  complete through \(completeThrough) (\(Shown.span(milliseconds: Int64(ageSeconds * 1000))) ago)"
            )
        } else {
            lines.append("  nothing has been published yet")
        }
        if let hoursLeft {
            let span = Shown.span(milliseconds: Int64(hoursLeft * 3_600_000))
            lines.append(
                hoursLeft > 0
                    ? "  retention bites in \(span) unless a run comes before"
                    : "  retention may have bitten: see 'elt lag'")
        }
        for lock in locks { lines.append("  running now: \(lock)") }
        if unloaded > 0 {
            lines.append(
                "  \(Shown.count(unloaded, "entry of the archive isn't", "entries of the archive aren't")) loaded yet"
            )
        }
        if rewound > 0 {
            lines.append("  \(Shown.count(rewound, "partition waits", "partitions wait")) to be read again: the next run does it")
        }
        if unpublished > rewound {
            lines.append(
                "  \(Shown.count(unpublished, "loaded entry isn't", "loaded entries aren't")) published yet: the next run or 'elt build' does it"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var runsText: String {
        var text = Grid.text(
            ["run", "command", "started", "status", "events", "full rows", "+", "~", "-", "seconds"],
            runs.map { run in
                let seconds = (run.seconds * 100).rounded() / 100
                return [
                    "\(run.run)", run.command, run.startedAt, run.status, Shown.number(run.events),
                    Shown.number(run.fullRows), Shown.number(run.inserted), Shown.number(run.updated),
                    Shown.number(run.removed), "\(seconds)",
                ]
            }, indent: "  ")
        if let failed = runs.first, let error = failed.error { text += "  run \(failed.run): \(error)\n" }
        return text
    }

    private var topicsText: String {
        Grid.text(
            ["entity", "topic", "newest event", "complete through"],
            topics.map {
                [$0.entity, $0.topic, $0.newestEvent ?? Grid.nothing, $0.completeThrough ?? Grid.nothing]
            },
            indent: "  ")
    }

    private var tablesText: String {
        Grid.text(
            ["table", "kind", "rows", "days"],
            tables.map { table in
                let rows =
                    table.rows.map { (table.isMore ? "more than " : "") + Shown.number($0) } ?? Grid.nothing
                let days = table.firstDay.flatMap { first in table.lastDay.map { "\(first) to \($0)" } }
                return [
                    table.name, table.materialized,
                    rows + (days != nil && table.rows != nil ? " on the last day" : ""),
                    days ?? Grid.nothing,
                ]
            }, indent: "  ")
    }

    private var fullLoadsText: String {
        Grid.text(
            ["entity", "number", "started", "finished", "pages", "rows", "drift"],
            fullLoads.map {
                [
                    $0.entity, "\($0.number)", $0.startedAt, $0.finishedAt, Shown.number($0.pages),
                    Shown.number($0.rows), $0.drift ?? Grid.nothing,
                ]
            }, indent: "  ")
    }

    private var gapsText: String {
        Grid.text(
            ["entity", "partition", "offsets", "days", "accepted"],
            gaps.map { gap in
                let days = "\(gap.firstDay ?? "?") to \(gap.lastDay ?? "?")"
                return [
                    gap.entity, "\(gap.topic)/\(gap.partition)", "\(gap.first)..<\(gap.next)", days,
                    gap.acceptedAt,
                ]
            }, indent: "  ")
    }

    private var quarantineText: String {
        Grid.text(
            ["entity", "reason", "records"],
            quarantine.map { [$0.entity, $0.reason, Shown.number($0.count)] },
            indent: "  ")
    }

    private var driftText: String {
        Grid.text(["entity", "field", "what"], drift.map { [$0.entity, $0.field, $0.what] }, indent: "  ")
    }

    private var sizesText: String {
        var lines = [
            "  warehouse  \(Shown.bytes(sizes.warehouseBytes)), log \(Shown.bytes(sizes.logBytes))"
                + (sizes.keptLogBytes > 0 ? " (\(Shown.bytes(sizes.keptLogBytes)) kept for the next)" : ""),
            "  archive    \(Shown.bytes(sizes.archiveBytes)) (\(Shown.bytes(sizes.archiveTextBytes)) of text) in \(Shown.count(sizes.archiveSegments, "segment")), \(Shown.count(sizes.archivedEvents, "event"))",
        ]
        if let free = sizes.freeBytes { lines.append("  disk       \(Shown.bytes(free)) free") }
        return lines.joined(separator: "\n") + "\n"
    }
}
