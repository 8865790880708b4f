import ELTCore
import JSON

/// An unfinished full load: a folder of chunks that grow with the download and survive a crash.
final class LocalDraft: DraftLoad {
    let root: Folder
    let folder: Folder
    let entity: String
    private let files: DraftFiles.Plan
    /// What the finished full load is compressed with.
    private let level: Int32
    /// A draft is gone when its full load is complete: it's written fast rather than small.
    private let pool = CompressorPool(level: -4)
    /// nil until the first response.
    private var began: Instant??
    private(set) var pages: [Int: Page] = [:]
    private(set) var keptRows: Int64 = 0

    /// A whole page: its note, and where its parts are.
    struct Page {
        var note: PageNote
        var parts: [Place]
    }

    struct Place: Equatable {
        var chunk: Int
        var start: Int
        var length: Int
    }

    // The chunk that's being filled, in memory.
    private let text = JSONText()
    private var parts: [DraftChunk.Part] = []
    /// When the last chunk was sealed; nil before the first.
    private var sealedAt: ContinuousClock.Instant?
    private(set) var chunks: [Int: DraftChunk] = [:]
    /// A chunk couldn't be sealed: this draft takes no more.
    private var hasFailed = false
    private var chunkNumber = 1
    private var nextAttempt: Int64 = 1
    private var attempts: [Int64: [Place]] = [:]

    /// A chunk is sealed when it has this much text, or when the last one was this long ago: where pages come
    /// slowly each is durable at once, where they come fast a crash loses what so much time brought.
    static let chunkTextBytes = 8 << 20
    static let chunkAge: Duration = .seconds(2)

    init(root: Folder, folder: Folder, entity: String, plan: DraftFiles.Plan, level: Int32) throws {
        self.root = root
        self.folder = folder
        self.entity = entity
        self.level = level
        files = plan
        began = try DraftFiles.began(in: folder)
        try readChunks()
    }

    var plan: DraftPlan { files.plan }
    var begunAt: Instant { files.begunAt }
    var startedAt: Instant {
        guard case .some(.some(let date)) = began else { return plan.now }
        return min(plan.now, max(date, .least))
    }
    var keptPages: Set<Int> { Set(pages.keys) }
    func note(ofPage index: Int) -> PageNote? { pages[index]?.note }

    func began(date: Instant?) throws {
        guard began == nil else { return }
        try DraftFiles.writeBegan(date, to: folder)
        began = .some(date)
    }

    func page(_ index: Int, head: PageHead) throws -> any PageWriter {
        precondition(index >= 0, "pages are counted from 0")
        defer { nextAttempt += 1 }
        attempts[nextAttempt] = []
        return LocalPageWriter(draft: self, attempt: nextAttempt, index: index, head: head)
    }

    func flush() throws { try sealChunk() }

    func discard() throws {
        let drafts = try root.makeFolder(LocalArchive.draftsName)
        try drafts.removeFolder(try escapedName("", entity))
        try drafts.synchronize()
    }

    // MARK: Chunks

    /// Takes a part of a page; with a note it's the last, and the page is whole.
    func add(
        attempt: Int64, page: Int, part: Int, head: PageHead, body: UnsafeRawBufferPointer, note: PageNote?
    ) throws {
        let start = text.count
        PageLine.append(page: page, part: part, head: head, body: body, note: note, to: text)
        let length = text.count - start
        parts.append(
            DraftChunk.Part(
                attempt: attempt, page: page, part: part, start: start, length: length, note: note))
        attempts[attempt, default: []].append(Place(chunk: chunkNumber, start: start, length: length))
        if let note { keep(page, note, attempts.removeValue(forKey: attempt) ?? []) }
        let isOld = sealedAt.map { ContinuousClock.now - $0 >= Self.chunkAge } ?? true
        if text.count >= Self.chunkTextBytes || isOld { try sealChunk() }
    }

    /// A page that broke off: what's sealed of it already stays behind when the draft is completed.
    func forget(attempt: Int64) { attempts[attempt] = nil }

    private func keep(_ page: Int, _ note: PageNote, _ places: [Place]) {
        if let before = pages[page] { keptRows -= Int64(before.note.rows) }
        pages[page] = Page(note: note, parts: places)
        keptRows += Int64(note.rows)
    }

    func sealChunk() throws {
        // What a failed sync left is nobody's to sync again: the pages in memory are fetched anew by the next one.
        guard !parts.isEmpty, !hasFailed else { return }
        hasFailed = true
        let compressor = pool.take()
        defer { pool.giveBack(compressor) }
        let name = DraftChunk.fileName(chunkNumber)
        let file = try NewFile(in: folder, temporary: "." + name + ".partial")
        try compressor.add(text.bytes) { try file.write($0) }
        var tail: [UInt8] = []
        try compressor.end { tail.append(contentsOf: $0) }
        let sum = try tail.withUnsafeBytes { tail in
            try file.seal(
                tail, as: name, in: folder,
                NewFile.Failpoints(written: .pagesWritten, synced: .pagesSynced))
        }
        let chunk = DraftChunk(
            number: chunkNumber, bytes: file.bytes, textBytes: Int64(text.count), sha256: sum, parts: parts)
        try chunk.write(to: folder)
        chunks[chunkNumber] = chunk
        chunkNumber += 1
        text.removeAll()
        parts = []
        sealedAt = .now
        hasFailed = false
    }

    /// What an earlier process left: sealed chunks count, everything else goes.
    private func readChunks() throws {
        var open: [Int64: (page: Int, places: [Place])] = [:]
        try folder.removeFolder(DraftFiles.completeName)
        for item in try folder.items() where !item.isFolder {
            guard item.name.hasSuffix(".json"), let number = Int(item.name.dropLast(5)),
                item.name == DraftChunk.indexName(number)
            else { continue }
            chunkNumber = max(chunkNumber, number + 1)
            guard let chunk = try DraftChunk.read(number, in: folder) else { continue }
            chunks[number] = chunk
            for part in chunk.parts {
                nextAttempt = max(nextAttempt, part.attempt + 1)
                var attempt = open[part.attempt] ?? (part.page, [])
                // A part is missing where a chunk was damaged: the page isn't whole.
                guard attempt.places.count == part.part, attempt.page == part.page else { continue }
                attempt.places.append(Place(chunk: number, start: part.start, length: part.length))
                open[part.attempt] = attempt
                if let note = part.note {
                    keep(part.page, note, attempt.places)
                    open[part.attempt] = nil
                }
            }
        }
        var kept: Set = [DraftFiles.planName, DraftFiles.beganName]
        for number in chunks.keys {
            kept.formUnion([DraftChunk.fileName(number), DraftChunk.indexName(number)])
        }
        for item in try folder.items() where !item.isFolder && !kept.contains(item.name) {
            try folder.remove(item.name)
        }
    }

    // MARK: Completing

    func complete(number: Int, w1: [Watermark], finishedAt: Instant, summary: SnapshotSummary) throws
        -> FullLoadEntry
    {
        try sealChunk()
        guard pages.count == summary.pages, (0..<pages.count).allSatisfy({ pages[$0] != nil }) else {
            throw ArchiveError.pagesMissing(entity: entity, pages: summary.pages, kept: pages.count)
        }
        let target = LoadFolder(root: root, entity: entity, number: number)
        let path = try target.path()
        let parent = try root.makeFolder(try escapedName("entity=", entity))
        guard !parent.exists(LoadFolder.name(number)) else { throw ArchiveError.alreadySealed(path: path) }
        try folder.removeFolder(DraftFiles.completeName)
        let complete = try folder.makeFolder(DraftFiles.completeName)
        let files = try LoadAssembly(draft: self, into: complete, path: path, level: level).write()
        let entry = FullLoadEntry(
            entity: entity, number: number, startedAt: startedAt, finishedAt: finishedAt, w0: plan.w0, w1: w1,
            files: files, pages: pages.count, rows: summary.rows, total: summary.total, drift: summary.drift)
        try complete.writeFile(LoadFolder.entryName, LoadFolder.text(entry))
        try Intent(entity: entity, number: number, begunAt: begunAt).write(to: root)
        Failpoint.draftCompleted.pass()
        try folder.rename(DraftFiles.completeName, to: parent, as: LoadFolder.name(number))
        Failpoint.draftRenamed.pass()
        try parent.synchronize()
        try folder.synchronize()
        return entry
    }
}

/// Takes a page's body in pieces of any size and hands it to the draft in parts of a line each.
final class LocalPageWriter: PageWriter {
    private let draft: LocalDraft
    private let attempt: Int64
    private let index: Int
    private let head: PageHead
    private let pending = JSONText()
    private var part = 0
    private var isOpen = true

    init(draft: LocalDraft, attempt: Int64, index: Int, head: PageHead) {
        self.draft = draft
        self.attempt = attempt
        self.index = index
        self.head = head
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(isOpen, "a finished page takes no more bytes")
        pending.append(bytes)
        // One byte more than fits shows whether a character ends there.
        while pending.count > PageLine.bodyBytesMax {
            let count = PageLine.cut(pending.bytes)
            try add(UnsafeRawBufferPointer(rebasing: pending.bytes[..<count]), note: nil)
            pending.removeFirst(count)
        }
    }

    func finish(_ note: PageNote) throws {
        precondition(isOpen, "a page is finished once")
        try add(pending.bytes, note: note)
        isOpen = false
    }

    func discard() {
        guard isOpen else { return }
        isOpen = false
        draft.forget(attempt: attempt)
    }

    private func add(_ body: UnsafeRawBufferPointer, note: PageNote?) throws {
        try draft.add(attempt: attempt, page: index, part: part, head: head, body: body, note: note)
        part += 1
    }
}
