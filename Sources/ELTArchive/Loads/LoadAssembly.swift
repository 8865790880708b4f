import ELTCore
import JSON

/// Puts the pages of a draft in order: page files of whole pages, by index, with nothing between. It begins with the first chunk, so
/// that little is left when the last one has come.
final class LoadAssembly {
    /// A page file, in the draft's folder `DraftFiles.completeName`.
    struct File {
        var name: String
        var bytes: Int64
        var textBytes: Int64
        var sha256: String
    }

    private let folder: Folder
    private let level: Int32
    private var idleCompressor: Compressor?
    private var pages: [Int: LocalDraft.Page]
    private var chunks: [Int: DraftChunk]
    private var recent: [(chunk: Int, text: JSONText)] = []

    /// nil until the first page is written.
    private var target: Folder?
    private var files: [File] = []
    private var open: (file: NewFile, compressor: Compressor, first: Int, textBytes: Int64)?
    /// The pages that are written, as they were.
    private var written: [LocalDraft.Page] = []
    /// The page files are the caller's.
    private var isFinished = false

    /// So much is written after one chunk at most: who resumes, or waited for one page, has more to catch up with than a download may wait for.
    static let catchUpBytes: Int64 = 64 << 20
    /// A page file ends with the page that brings it to this much text.
    static let fileTextBytes: Int64 = 256 << 20
    /// Pages that came side by side are near each other: a few chunks in memory spare reading them.
    static let recentMax = 4

    /// - Parameters:
    ///   - level: What the page files are compressed with.
    ///   - pages: What an earlier process left, and `chunks` where it is.
    init(folder: Folder, level: Int32, pages: [Int: LocalDraft.Page], chunks: [Int: DraftChunk]) {
        self.folder = folder
        self.level = level
        self.pages = pages
        self.chunks = chunks
    }

    /// Takes a chunk that's sealed, and writes pages whose turn it is. Gives back texts that aren't needed any more.
    func take(_ chunk: DraftChunk, _ text: JSONText, pages new: [Int: LocalDraft.Page]) throws -> [JSONText] {
        chunks[chunk.number] = chunk
        let dropped = keep(text, of: chunk.number)
        pages.merge(new) { $1 }
        // A page that came again is another one.
        if new.contains(where: { $0.key < written.count && $0.value != written[$0.key] }) { forget() }
        try advance(textBytes: Self.catchUpBytes)
        return dropped
    }

    /// Writes what's left, and lets go of the memory. All pages are there.
    func finish() throws -> [File] {
        try advance(textBytes: .max)
        try sealFile()
        recent = []
        idleCompressor = nil
        isFinished = true
        return files
    }

    private func advance(textBytes: Int64) throws {
        var done: Int64 = 0
        while done < textBytes, let page = pages[written.count] {
            do {
                done += try add(page, number: written.count)
            } catch {
                forget()
                throw error
            }
            written.append(page)
            if let open, open.textBytes >= Self.fileTextBytes { try sealFile() }
        }
    }

    /// Gives how much text it has.
    private func add(_ page: LocalDraft.Page, number: Int) throws -> Int64 {
        if open == nil { try beginFile(with: number) }
        guard let (file, compressor, _, _) = open else { return 0 }
        var textBytes: Int64 = 0
        for (index, place) in page.parts.enumerated() {
            try Interruption.check()
            let line = try line(at: place)
            // The chunk's own sums stand for the rest of the line.
            guard PageLine.isLine(line, page: number, part: index, isLast: index == page.parts.count - 1) else {
                throw DraftFiles.damaged(folder.path)
            }
            try compressor.add(line) { try file.write($0) }
            textBytes += Int64(line.count)
        }
        open?.textBytes += textBytes
        return textBytes
    }

    // MARK: Files

    private func beginFile(with page: Int) throws {
        let target = try target ?? emptyTarget()
        self.target = target
        // This thread reads the draft, others compress; how many there are changes no byte.
        let compressor = idleCompressor ?? Compressor(level: level, workers: 2)
        idleCompressor = compressor
        compressor.begin()
        open = (try NewFile(in: target, temporary: ".pages.partial"), compressor, page, 0)
    }

    private func sealFile() throws {
        guard let (file, compressor, first, textBytes) = open, let target else { return }
        open = nil
        var tail: [UInt8] = []
        try compressor.end { tail.append(contentsOf: $0) }
        let name = "pages-\(digits(first))-\(digits(written.count - 1))" + SegmentPath.suffix
        let sum: String
        do {
            sum = try tail.withUnsafeBytes { try file.seal($0, as: name, in: target) }
        } catch {
            forget()
            throw error
        }
        files.append(File(name: name, bytes: file.bytes, textBytes: textBytes, sha256: sum))
    }

    private func emptyTarget() throws -> Folder {
        try folder.removeFolder(DraftFiles.completeName)
        return try folder.makeFolder(DraftFiles.completeName)
    }

    /// The end of an assembly that nobody takes. What broke off takes no room: the draft has it all.
    func abandon() { if !isFinished { forget() } }

    /// Takes away what's written. Whatever comes next begins anew.
    private func forget() {
        open?.file.discard()
        open = nil
        files = []
        written = []
        if target != nil { try? folder.removeFolder(DraftFiles.completeName) }
        target = nil
    }

    // MARK: The draft

    /// A line with its end.
    private func line(at place: LocalDraft.Place) throws -> UnsafeRawBufferPointer {
        let text = try text(ofChunk: place.chunk)
        guard place.start + place.length <= text.count else { throw DraftFiles.damaged(folder.path) }
        return UnsafeRawBufferPointer(rebasing: text.bytes[place.start..<(place.start + place.length)])
    }

    private func text(ofChunk number: Int) throws -> JSONText {
        if let known = recent.first(where: { $0.chunk == number }) { return known.text }
        guard let chunk = chunks[number] else { throw DraftFiles.damaged(folder.path) }
        let text = try chunk.text(in: folder)
        _ = keep(text, of: number)
        return text
    }

    /// Gives back what has no room any more.
    private func keep(_ text: JSONText, of chunk: Int) -> [JSONText] {
        recent.append((chunk, text))
        return recent.count > Self.recentMax ? [recent.removeFirst().text] : []
    }

    private func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 8 - text.count)) + text
    }
}
