import ELTCore
import JSON

/// Writes archived events and pages as NDJSON, as the archive's own files hold them: what's valid UTF-8
/// as a string, what isn't in base64 under a name of its own.
package final class ArchiveText {
    private let text = JSONText()
    private let write: (UnsafeRawBufferPointer) throws -> Void

    /// `write` gets the text piece by piece.
    package init(_ write: @escaping (UnsafeRawBufferPointer) throws -> Void) { self.write = write }

    package func event(_ change: ChangeView, of place: SegmentPlace) throws {
        text.append(#"{"topic":"#)
        text.append(string: place.topic)
        text.append(#","partition":"#)
        text.append(Int64(place.partition))
        text.append(#","offset":"#)
        text.append(change.offset)
        text.append(#","timestamp":"#)
        if change.timestamp == -1 { text.append("null") } else { text.append(change.timestamp) }
        text.append(#","timestamp_type":"#)
        text.append(string: change.timestampType.rawValue)
        append(#","key":"#, change.key, binary: #","key_base64":"#)
        text.append(#","headers":["#)
        for (index, header) in change.headers.enumerated() {
            text.append(index == 0 ? "[" : ",[")
            text.append(string: header.name)
            header.value.withOptionalBytes { append(",", $0, binary: ",") }
            text.append("]")
        }
        append(#"],"value":"#, change.value, binary: #","value_base64":"#)
        text.append("}\n")
        try flush()
    }

    private func append(_ name: StaticString, _ bytes: UnsafeRawBufferPointer?, binary: StaticString) {
        text.append(name)
        guard let bytes else { return text.append("null") }
        if isValidUTF8(bytes) { return appendJSONString(bytes, to: text) }
        text.append("null")
        text.append(binary)
        appendBase64String(bytes, to: text)
    }

    /// Begins a page's line; its body follows in pieces.
    package func beginPage(_ index: Int, _ head: PageHead) throws {
        text.append(#"{"page":"#)
        text.append(Int64(index))
        text.append(#","url":"#)
        text.append(string: head.url)
        text.append(#","status":"#)
        text.append(Int64(head.status))
        for (name, value) in [("date", head.date), ("etag", head.etag)] {
            text.append(",")
            text.append(string: name)
            text.append(":")
            if let value { text.append(string: value) } else { text.append("null") }
        }
        text.append(#","fetched_at":"#)
        text.append(string: head.fetchedAt.description)
        text.append(#","body":""#)
        try flush()
    }

    /// A piece may end within a character: only single bytes are escaped, so that doesn't matter.
    package func body(_ piece: UnsafeRawBufferPointer) throws {
        appendJSONString(piece, to: text)
        let quoted = text.bytes
        try write(UnsafeRawBufferPointer(rebasing: quoted[1..<(quoted.count - 1)]))
        text.removeAll()
    }

    package func endPage() throws {
        text.append("\"}\n")
        try flush()
    }

    private func flush() throws {
        try write(text.bytes)
        text.removeAll()
    }
}

extension [UInt8]? {
    fileprivate func withOptionalBytes(_ body: (UnsafeRawBufferPointer?) -> Void) {
        guard let bytes = self else { return body(nil) }
        bytes.withUnsafeBytes {
            body($0.baseAddress == nil ? UnsafeRawBufferPointer(start: nil, count: 0) : $0)
        }
    }
}

/// What `elt archive cat` brings.
package enum ArchiveSelection: Equatable, Sendable {
    case events(topic: String, partition: Int32?, first: Int64, next: Int64)
    case fullLoad(entity: String?, number: Int)
    case file(String)

    /// The entries that hold it; an error that says so where there are none.
    package func entries(of all: [ManifestEntry]) throws(ReportError) -> [ManifestEntry] {
        switch self {
        case .events(let topic, let partition, let first, let next):
            let found = all.filter { entry in
                guard case .segment(let segment) = entry.content else { return false }
                return segment.place.topic == topic && partition.map { $0 == segment.place.partition } ?? true
                    && segment.range.first < next && segment.range.next > first
            }
            guard found.isEmpty else { return found }
            let topics = Set(all.compactMap { ArchiveLine($0).topic }).sorted()
            guard topics.contains(topic) else { throw .unknownTopic(topic, known: topics) }
            throw .emptySelection(topic: topic, partition: partition)
        case .fullLoad(let entity, let number):
            let found = all.filter { entry in
                guard case .fullLoad(let load) = entry.content else { return false }
                return load.number == number && entity.map { $0 == load.entity } ?? true
            }
            guard !found.isEmpty else { throw .noSuchFullLoad(entity: entity, number: number) }
            guard found.count == 1 else {
                throw .ambiguousFullLoad(
                    number: number, entities: found.compactMap { ArchiveLine($0).entity })
            }
            return found
        case .file(let path):
            // A path as the shell completes it leads through the archive's own folder.
            let found = all.filter { entry in
                switch entry.content {
                case .segment(let segment): Self.ends(path, with: segment.path)
                case .fullLoad(let load): load.files.contains { Self.ends(path, with: $0.path) }
                case .run, .gap, .incarnation, .rewind: false
                }
            }
            guard !found.isEmpty else { throw .noSuchFile(path) }
            return found
        }
    }

    private static func ends(_ path: String, with listed: String) -> Bool {
        path == listed || path.hasSuffix("/" + listed)
    }

    /// Whether an event of a chosen segment belongs to it.
    package func contains(_ offset: Int64) -> Bool {
        if case .events(_, _, let first, let next) = self { return first <= offset && offset < next }
        return true
    }
}
