import ELTCore
import JSON

extension ManifestEntry.Content {
    /// nil if the object isn't an entry, or lacks something.
    init?(_ node: JSONDocument.Node) {
        switch node["kind"]?.string {
        case "segment":
            guard let entry = SegmentEntry(node) else { return nil }
            self = .segment(entry)
        case "full_load":
            guard let entry = FullLoadEntry(node) else { return nil }
            self = .fullLoad(entry)
        case "run":
            guard let command = node["command"]?.string, let now = node["now"]?.instant else { return nil }
            let starts = node["starts"]?.elements.map(PartitionStart.init) ?? []
            guard !starts.contains(nil) else { return nil }
            self = .run(RunEntry(command: command, now: now, starts: starts.compactMap { $0 }))
        case "gap":
            guard let place = SegmentPlace(node), let lost = OffsetRange(node),
                let acceptedAt = node["accepted_at"]?.instant
            else { return nil }
            self = .gap(
                GapEntry(
                    place: place, lost: lost, after: node["after"]?.integer, before: node["before"]?.integer,
                    acceptedAt: acceptedAt))
        case "incarnation":
            guard let topic = node["topic"]?.string, let number = node["number"]?.integer,
                let reason = node["reason"]?.string
            else { return nil }
            self = .incarnation(IncarnationEntry(topic: topic, number: Int(number), reason: reason))
        case "rewind":
            guard let place = SegmentPlace(node), let offset = node["offset"]?.integer, offset >= 0,
                let at = node["at"]?.instant
            else { return nil }
            self = .rewind(RewindEntry(place: place, offset: offset, at: at))
        default: return nil
        }
    }
}

extension SegmentPlace {
    fileprivate init?(_ node: JSONDocument.Node) {
        guard let entity = node["entity"]?.string, let topic = node["topic"]?.string,
            let incarnation = node["incarnation"]?.integer,
            let partition = node["partition"]?.integer.flatMap(Int32.init(exactly:))
        else { return nil }
        self.init(entity: entity, topic: topic, incarnation: Int(incarnation), partition: partition)
    }
}

extension PartitionStart {
    fileprivate init?(_ node: JSONDocument.Node) {
        guard let place = SegmentPlace(node), let offset = node["offset"]?.integer, offset >= 0 else { return nil }
        self.init(place: place, offset: offset)
    }
}

extension OffsetRange {
    fileprivate init?(_ node: JSONDocument.Node) {
        guard let first = node["first"]?.integer, let next = node["next"]?.integer, first >= 0, next >= first
        else { return nil }
        self.init(first: first, next: next)
    }
}

extension SegmentEntry {
    fileprivate init?(_ node: JSONDocument.Node) {
        guard let place = SegmentPlace(node), let range = OffsetRange(node), let path = node["path"]?.string,
            let rows = node["rows"]?.integer, let bytes = node["bytes"]?.integer,
            let textBytes = node["text_bytes"]?.integer, let sha256 = node["sha256"]?.string
        else { return nil }
        self.init(
            place: place, range: range, path: path, rows: rows, bytes: bytes, textBytes: textBytes,
            sha256: sha256, firstTimestamp: node["first_timestamp"]?.integer,
            lastTimestamp: node["last_timestamp"]?.integer, anchorOffset: node["anchor_offset"]?.integer,
            anchorDigest: node["anchor_digest"]?.string)
    }
}

extension Watermark {
    fileprivate init?(_ node: JSONDocument.Node) {
        guard let topic = node["topic"]?.string, let incarnation = node["incarnation"]?.integer,
            let partition = node["partition"]?.integer.flatMap(Int32.init(exactly:)),
            let offset = node["offset"]?.integer
        else { return nil }
        self.init(partition: TopicPartition(topic, partition), incarnation: Int(incarnation), offset: offset)
    }
}

extension FullLoadEntry {
    init?(_ node: JSONDocument.Node) {
        guard let entity = node["entity"]?.string, let number = node["number"]?.integer,
            let startedAt = node["started_at"]?.instant, let finishedAt = node["finished_at"]?.instant,
            let w0 = node["w0"]?.watermarks, let w1 = node["w1"]?.watermarks,
            let files = node["files"]?.pageFiles,
            let pages = node["pages"]?.integer, let rows = node["rows"]?.integer
        else { return nil }
        let records = node["records"].map(\.texts)
        if case .some(nil) = records { return nil }
        self.init(
            entity: entity, number: Int(number), startedAt: startedAt, finishedAt: finishedAt, w0: w0, w1: w1,
            files: files, pages: Int(pages), rows: rows, total: node["total"]?.integer,
            drift: node["drift"]?.string, records: records ?? nil)
    }
}

extension JSONDocument.Node {
    /// An instant as `Instant.description` writes it.
    var instant: Instant? {
        guard var text = string else { return nil }
        guard let parts = text.withUTF8({ TimestampText(UnsafeRawBufferPointer($0)) }),
            parts.offsetMinutes == 0
        else { return nil }
        return Instant(milliseconds: parts.localMilliseconds)
    }

    var watermarks: [Watermark]? {
        guard kind == .array else { return nil }
        let marks = elements.map(Watermark.init)
        return marks.contains { $0 == nil } ? nil : marks.compactMap { $0 }
    }

    fileprivate var texts: [String]? {
        guard kind == .array else { return nil }
        let texts = elements.map(\.string)
        return texts.contains(nil) ? nil : texts.compactMap { $0 }
    }

    fileprivate var pageFiles: [FullLoadEntry.PageFile]? {
        guard kind == .array else { return nil }
        var files: [FullLoadEntry.PageFile] = []
        for node in elements {
            guard let path = node["path"]?.string, let bytes = node["bytes"]?.integer,
                let textBytes = node["text_bytes"]?.integer, let sha256 = node["sha256"]?.string
            else { return nil }
            files.append(.init(path: path, bytes: bytes, textBytes: textBytes, sha256: sha256))
        }
        return files
    }
}
