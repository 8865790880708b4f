import ELTCore
import JSON

/// Puts the pages of a draft in order: page files of whole pages, by index, with nothing between.
final class LoadAssembly {
    private let draft: LocalDraft
    private let target: Folder
    private let path: String
    private let compressor: Compressor
    private var recent: [(chunk: Int, text: JSONText)] = []

    /// A page file ends with the page that brings it to this much text.
    static let fileTextBytes: Int64 = 256 << 20
    /// Pages that came side by side are near each other: a few chunks in memory spare reading them twice.
    static let recentMax = 8

    init(draft: LocalDraft, into target: Folder, path: String, level: Int32) {
        self.draft = draft
        self.target = target
        self.path = path
        // This thread reads the draft, others compress; how many there are changes no byte.
        compressor = Compressor(level: level, workers: 2)
    }

    func write() throws -> [FullLoadEntry.PageFile] {
        var files: [FullLoadEntry.PageFile] = []
        var first = 0
        while first < draft.pages.count {
            let (file, next) = try writeFile(from: first)
            files.append(file)
            first = next
        }
        return files
    }

    /// Writes one file, and tells with which page the next begins.
    private func writeFile(from first: Int) throws -> (FullLoadEntry.PageFile, next: Int) {
        compressor.begin()
        let file = try NewFile(in: target, temporary: ".pages.partial")
        var textBytes: Int64 = 0
        var next = first
        while textBytes < Self.fileTextBytes, let page = draft.pages[next] {
            for (index, place) in page.parts.enumerated() {
                let line = try line(at: place)
                try checkLine(line, page: next, part: index, of: page)
                try compressor.add(line) { try file.write($0) }
                textBytes += Int64(line.count)
            }
            next += 1
        }
        var tail: [UInt8] = []
        try compressor.end { tail.append(contentsOf: $0) }
        let name = "pages-\(digits(first))-\(digits(next - 1))" + SegmentPath.suffix
        let sum = try tail.withUnsafeBytes { try file.seal($0, as: name, in: target) }
        return (.init(path: path + "/" + name, bytes: file.bytes, textBytes: textBytes, sha256: sum), next)
    }

    /// A line with its end.
    private func line(at place: LocalDraft.Place) throws -> UnsafeRawBufferPointer {
        let text = try text(ofChunk: place.chunk)
        guard place.start + place.length <= text.count else { throw DraftFiles.damaged(draft.folder.path) }
        return UnsafeRawBufferPointer(rebasing: text.bytes[place.start..<(place.start + place.length)])
    }

    private func text(ofChunk number: Int) throws -> JSONText {
        if let known = recent.first(where: { $0.chunk == number }) { return known.text }
        guard let chunk = draft.chunks[number] else { throw DraftFiles.damaged(draft.folder.path) }
        if recent.count == Self.recentMax { recent.removeFirst() }
        let text = try chunk.text(in: draft.folder)
        recent.append((number, text))
        return text
    }

    private func checkLine(
        _ line: UnsafeRawBufferPointer, page: Int, part: Int, of whole: LocalDraft.Page
    ) throws {
        // The chunk's own sums stand for the rest of the line.
        guard PageLine.isLine(line, page: page, part: part, isLast: part == whole.parts.count - 1) else {
            throw DraftFiles.damaged(draft.folder.path)
        }
    }

    private func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 8 - text.count)) + text
    }
}
