import ELTCore

/// Reads a segment's file and checks it against its entry, in memory that doesn't grow with it.
struct SegmentReader {
    let root: Folder

    /// Brings every event, after the digest of the file is found right. Lines, offsets and count are checked.
    func read(_ entry: SegmentEntry, each: (ArchivedChange) throws -> Void) throws {
        let covers = Self.covers(entry)
        guard let file = try root.file(at: entry.path) else {
            throw ArchiveError.changed(path: entry.path, covers: covers, detail: "the file is missing")
        }
        try Self.check(file, path: entry.path, covers: covers, bytes: entry.bytes, sha256: entry.sha256)
        let found = try scan(
            file, entry.place, entry.range, entry.path, textBytes: entry.textBytes, each: each)
        guard found.rows == entry.rows, found.anchorOffset == entry.anchorOffset else {
            throw ArchiveError.changed(
                path: entry.path, covers: covers, detail: "it has \(found.rows) rows and not \(entry.rows)")
        }
    }

    static func covers(_ entry: SegmentEntry) -> String {
        "offsets \(entry.range) of \(entry.place.topic)/\(entry.place.partition)"
    }

    /// Size first, then the digest of every byte.
    static func check(_ file: OpenFile, path: String, covers: String, bytes: Int64, sha256: String) throws {
        guard file.size == bytes else {
            throw ArchiveError.changed(
                path: path, covers: covers, detail: "it has \(file.size) bytes and not \(bytes)")
        }
        guard try file.sha256() == sha256 else {
            throw ArchiveError.changed(path: path, covers: covers, detail: "its SHA-256 differs")
        }
    }

    struct Found {
        var rows: Int64 = 0
        var textBytes: Int64 = 0
        var firstTimestamp: Int64?
        var lastTimestamp: Int64?
        var anchorOffset: Int64?
    }

    /// Reads every line of a file that should hold events of `place` within `range`.
    func scan(
        _ file: OpenFile, _ place: SegmentPlace, _ range: OffsetRange, _ path: String, textBytes: Int64?,
        each: (ArchivedChange) throws -> Void
    ) throws -> Found {
        let covers = "offsets \(range) of \(place.topic)/\(place.partition)"
        let reader = EventReader(place)
        var found = Found()
        var next = range.first
        try LineReader(file, covers: covers, textBytes: textBytes).read { bytes, line in
            do {
                try reader.read(bytes) { change in
                    guard change.offset >= next, change.offset < range.next else {
                        throw EventReader.Refusal(detail: "its offset \(change.offset) isn't due")
                    }
                    next = change.offset + 1
                    found.rows += 1
                    found.textBytes += Int64(bytes.count) + 1
                    found.anchorOffset = change.offset
                    if change.timestamp != -1 {
                        if found.firstTimestamp == nil { found.firstTimestamp = change.timestamp }
                        found.lastTimestamp = change.timestamp
                    }
                    try each(ArchivedChange(change: change, line: line))
                }
            } catch let refusal as EventReader.Refusal {
                throw ArchiveError.changed(
                    path: path, covers: covers, detail: "line \(line): \(refusal.detail)")
            }
        }
        return found
    }
}
