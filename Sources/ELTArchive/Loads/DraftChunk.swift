import ELTCore
import JSON

/// Some parts of pages, sealed together so that a crash loses little and not every page costs a file:
/// `000001.ndjson.zst`, and `000001.json`, which says what is in it. It counts once both are there.
struct DraftChunk {
    var number: Int
    var bytes: Int64
    var textBytes: Int64
    var sha256: String
    var parts: [Part]

    /// A line of the chunk.
    struct Part: Equatable {
        /// Which attempt at the page; one that broke off never has a last part.
        var attempt: Int64
        var page: Int
        var part: Int
        var start: Int
        var length: Int
        /// On the last part.
        var note: PageNote?
    }

    static func fileName(_ number: Int) -> String { digits(number) + SegmentPath.suffix }
    static func indexName(_ number: Int) -> String { digits(number) + ".json" }

    private static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 6 - text.count)) + text
    }

    func write(to folder: Folder) throws {
        let text = JSONText()
        text.member(#"{"bytes":"#, bytes)
        text.member(#","text_bytes":"#, textBytes)
        text.member(#","sha256":"#, sha256)
        text.append(#","parts":["#)
        for (index, part) in parts.enumerated() {
            text.member(index == 0 ? #"{"attempt":"# : #",{"attempt":"#, part.attempt)
            text.member(#","page":"#, Int64(part.page))
            text.member(#","part":"#, Int64(part.part))
            text.member(#","start":"#, Int64(part.start))
            text.member(#","length":"#, Int64(part.length))
            if let note = part.note { PageLine.append(note, to: text, as: #","note":"#) }
            text.append("}")
        }
        text.append("]}\n")
        try folder.writeFile(
            Self.indexName(number), text.contents, NewFile.Failpoints(renamed: .pagesSealed))
    }

    /// The chunk of an index file; nil if the chunk's file isn't there or isn't what the index says. Its
    /// pages are fetched again then.
    static func read(_ number: Int, in folder: Folder) throws -> DraftChunk? {
        guard let index = try folder.open(indexName(number)), let file = try folder.open(fileName(number)),
            let root = try index.document()?.root, let bytes = root["bytes"]?.integer,
            let textBytes = root["text_bytes"]?.integer, let sha256 = root["sha256"]?.string,
            let parts = root["parts"]?.elements.map(Part.init), !parts.contains(nil)
        else { return nil }
        guard file.size == bytes, try file.sha256() == sha256 else { return nil }
        return DraftChunk(
            number: number, bytes: bytes, textBytes: textBytes, sha256: sha256, parts: parts.compactMap { $0 }
        )
    }

    /// All of the chunk's text.
    func text(in folder: Folder) throws -> JSONText {
        guard let file = try folder.open(Self.fileName(number)) else {
            throw DraftFiles.damaged(folder.pathOf(Self.fileName(number)))
        }
        let text = JSONText()
        try LineReader(file, covers: "an unfinished full load", textBytes: textBytes).read { line, _ in
            text.append(line)
            text.append("\n")
        }
        return text
    }
}

extension DraftChunk.Part {
    fileprivate init?(_ node: JSONDocument.Node) {
        guard let attempt = node["attempt"]?.integer, let page = node["page"]?.integer,
            let part = node["part"]?.integer, let start = node["start"]?.integer,
            let length = node["length"]?.integer, page >= 0, part >= 0, start >= 0, length > 0
        else { return nil }
        var note: PageNote?
        if let found = node["note"] {
            guard let rows = found["rows"]?.integer, let isLast = found["is_last"]?.bool else { return nil }
            note = PageNote(
                rows: Int(rows), total: found["total"]?.integer, next: found["next"]?.string, isLast: isLast,
                offset: found["offset"]?.integer)
        }
        self.init(
            attempt: attempt, page: Int(page), part: Int(part), start: Int(start), length: Int(length),
            note: note)
    }
}
