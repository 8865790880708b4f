import ELTCore

/// Which entries of the manifest `elt archive list` shows.
package struct ArchiveFilter: Sendable {
    package var entity: String?
    package var topic: String?
    /// Only what reaches beyond this instant.
    package var since: Instant?

    package init(entity: String? = nil, topic: String? = nil, since: Instant? = nil) {
        self.entity = entity
        self.topic = topic
        self.since = since
    }

    package func matches(_ entry: ManifestEntry) -> Bool {
        let line = ArchiveLine(entry)
        if let entity, line.entity != entity { return false }
        if let topic, line.topic != topic { return false }
        guard let since else { return true }
        // What has no time of its own, such as a segment of markers alone, is never hidden by one.
        guard let last = ArchiveLine.lastMoment(entry) else { return true }
        return last >= since.milliseconds
    }
}

/// One entry of the manifest, as `elt archive list` shows it.
package struct ArchiveLine: Codable, Equatable, Sendable {
    package var sequence: Int64
    /// `segment`, `full_load`, `run`, `gap`, `incarnation` or `rewind`.
    package var kind: String
    package var entity: String?
    package var topic: String?
    package var incarnation: Int?
    package var partition: Int32?
    package var first: Int64?
    package var next: Int64?
    package var fullLoad: Int?
    package var pages: Int?
    package var rows: Int64?
    package var bytes: Int64?
    package var textBytes: Int64?
    /// Of the first and the last record; of a full load its beginning and end; the instant of a run or gap.
    package var from: String?
    package var to: String?
    package var path: String?
    package var sha256: String?
    package var note: String?

    package init(_ entry: ManifestEntry) {
        sequence = entry.sequence
        func instant(_ milliseconds: Int64?) -> String? {
            milliseconds.map { Instant(milliseconds: $0).description }
        }
        switch entry.content {
        case .segment(let segment):
            kind = "segment"
            set(segment.place, segment.range)
            rows = segment.rows
            bytes = segment.bytes
            textBytes = segment.textBytes
            from = instant(segment.firstTimestamp)
            to = instant(segment.lastTimestamp)
            path = segment.path
            sha256 = segment.sha256
        case .fullLoad(let load):
            kind = "full_load"
            entity = load.entity
            fullLoad = load.number
            pages = load.pages
            rows = load.rows
            bytes = load.files.reduce(0) { $0 + $1.bytes }
            textBytes = load.files.reduce(0) { $0 + $1.textBytes }
            from = load.startedAt.description
            to = load.finishedAt.description
            path = load.files.first?.path
            sha256 = load.files.first?.sha256
            note = load.drift
        case .run(let run):
            kind = "run"
            from = run.now.description
            note = run.command
        case .gap(let gap):
            kind = "gap"
            set(gap.place, gap.lost)
            from = instant(gap.after)
            to = instant(gap.before)
            note = "accepted \(gap.acceptedAt)"
        case .incarnation(let life):
            kind = "incarnation"
            topic = life.topic
            incarnation = life.number
            note = life.reason
        case .rewind(let rewind):
            kind = "rewind"
            entity = rewind.place.entity
            topic = rewind.place.topic
            incarnation = rewind.place.incarnation
            partition = rewind.place.partition
            first = rewind.offset
            from = rewind.at.description
            note = "the next run reads again from offset \(rewind.offset) on"
        }
    }

    private mutating func set(_ place: SegmentPlace, _ range: OffsetRange) {
        entity = place.entity
        topic = place.topic
        incarnation = place.incarnation
        partition = place.partition
        first = range.first
        next = range.next
    }

    /// The latest instant that an entry speaks of, in milliseconds.
    static func lastMoment(_ entry: ManifestEntry) -> Int64? {
        switch entry.content {
        case .segment(let segment): segment.lastTimestamp
        case .fullLoad(let load): load.finishedAt.milliseconds
        case .run(let run): run.now.milliseconds
        case .gap(let gap): gap.acceptedAt.milliseconds
        case .rewind(let rewind): rewind.at.milliseconds
        case .incarnation: nil
        }
    }

    /// The cells of the page for people, under `headings`.
    package var cells: [String] {
        let what =
            switch kind {
            case "segment", "gap", "rewind":
                "\(topic ?? "")/\(partition ?? 0)" + (incarnation == 1 ? "" : " life \(incarnation ?? 1)")
            case "full_load": "\(entity ?? "") full load \(fullLoad ?? 0)"
            case "incarnation": "\(topic ?? "") life \(incarnation ?? 1)"
            default: note ?? ""
            }
        let range = first.flatMap { first in next.map { "\(first)..<\($0)" } }
        return [
            "\(sequence)", kind, what, range ?? pages.map { "\($0) pages" } ?? Grid.nothing,
            Shown.number(rows),
            bytes.map(Shown.bytes) ?? Grid.nothing, from ?? Grid.nothing, to ?? Grid.nothing,
            path ?? (kind == "run" ? nil : note) ?? Grid.nothing,
        ]
    }

    package static let headings = ["entry", "kind", "what", "range", "rows", "size", "from", "to", "file"]
}

/// The manifest's entries with their sums.
package struct ArchiveList: Codable, Equatable, Sendable {
    package var entries: [ArchiveLine]
    package var rows: Int64
    package var bytes: Int64

    package init(_ entries: [ManifestEntry]) {
        self.entries = entries.map(ArchiveLine.init)
        rows = self.entries.reduce(0) { $0 + ($1.rows ?? 0) }
        bytes = self.entries.reduce(0) { $0 + ($1.bytes ?? 0) }
    }

    package var text: String {
        guard !entries.isEmpty else { return "Nothing in the archive matches.\n" }
        return Grid.text(ArchiveLine.headings, entries.map(\.cells))
            + "\(Shown.count(Int64(entries.count), "entry", "entries")), \(Shown.count(rows, "row")), \(Shown.bytes(bytes))\n"
    }
}

/// What `elt archive verify` found.
package struct ArchiveVerdict: Codable, Equatable, Sendable {
    package struct Fault: Codable, Equatable, Sendable {
        package var kind: String
        package var path: String
        package var detail: String
    }
    package var entries: Int64
    package var faults: [Fault]

    package init(entries: Int64, faults: [ArchiveFault]) {
        self.entries = entries
        self.faults = faults.map { Fault(kind: $0.kind.rawValue, path: $0.path, detail: $0.detail) }
    }

    package var text: String {
        guard !faults.isEmpty else {
            return "The archive is whole: \(Shown.count(entries, "entry", "entries")) read and compared.\n"
        }
        return Grid.text(["fault", "file", "what"], faults.map { [$0.kind, $0.path, $0.detail] })
    }
}
