import ELTCore
import JSON

/// An unfinished full load: a folder of chunks that grow with the download and survive a crash.
final class LocalDraft: DraftLoad {
    let root: Folder
    let folder: Folder
    let entity: String
    private let files: DraftFiles.Plan
    private let sealer: DraftSealer
    /// nil until the first response.
    private var began: Instant??
    private(set) var pages: [Int: Page]
    private(set) var keptRows: Int64

    /// A whole page: its note, and where its parts are.
    struct Page: Equatable {
        var note: PageNote
        var parts: [Place]
    }

    struct Place: Equatable {
        var chunk: Int
        var start: Int
        var length: Int
    }

    // The chunk that's being filled, in memory.
    private var text: JSONText
    private var parts: [DraftChunk.Part] = []
    /// Pages that became whole with it.
    private var fresh: [Int: Page] = [:]
    /// When the last chunk was handed over to be sealed; nil before the first.
    private var sealedAt: ContinuousClock.Instant?
    private var chunkNumber: Int
    private var nextAttempt: Int64
    private var attempts: [Int64: [Place]] = [:]

    /// A chunk is sealed when it has this much text, or when the last one was this long ago: where pages come
    /// slowly each is durable at once, where they come fast a crash loses what so much time brought.
    static let chunkTextBytes = 8 << 20
    static let chunkAge: Duration = .seconds(2)

    /// - Parameter level: What the finished full load is compressed with.
    init(root: Folder, folder: Folder, entity: String, plan: DraftFiles.Plan, level: Int32) throws {
        self.root = root
        self.folder = folder
        self.entity = entity
        files = plan
        began = try DraftFiles.began(in: folder)
        let left = try DraftLeft(in: folder)
        (pages, chunkNumber, nextAttempt) = (left.pages, left.nextChunk, left.nextAttempt)
        keptRows = left.pages.values.reduce(0) { $0 + Int64($1.note.rows) }
        sealer = DraftSealer(
            folder: folder,
            assembly: LoadAssembly(folder: folder, level: level, pages: left.pages, chunks: left.chunks))
        text = sealer.spare()
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

    deinit { sealer.abandon() }

    func page(_ index: Int, head: PageHead) throws -> any PageWriter {
        precondition(index >= 0, "pages are counted from 0")
        defer { nextAttempt += 1 }
        attempts[nextAttempt] = []
        return LocalPageWriter(draft: self, attempt: nextAttempt, index: index, head: head)
    }

    func flush() throws { try sealChunk() }

    func discard() throws {
        // Whatever became of it.
        try? sealer.settle()
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
        if isOld { try sealChunk() } else if text.count >= Self.chunkTextBytes { try handOver() }
    }

    /// A page that broke off: what's sealed of it already stays behind when the draft is completed.
    func forget(attempt: Int64) { attempts[attempt] = nil }

    private func keep(_ page: Int, _ note: PageNote, _ places: [Place]) {
        if let before = pages[page] { keptRows -= Int64(before.note.rows) }
        pages[page] = Page(note: note, parts: places)
        fresh[page] = pages[page]
        keptRows += Int64(note.rows)
    }

    /// Seals what's in memory, and waits for it.
    func sealChunk() throws {
        try handOver()
        try sealer.settle()
    }

    private func handOver() throws {
        guard !parts.isEmpty else { return }
        try sealer.seal(.init(number: chunkNumber, text: text, parts: parts, pages: fresh))
        chunkNumber += 1
        text = sealer.spare()
        parts = []
        fresh = [:]
        sealedAt = .now
    }

    // MARK: Completing

    func complete(
        number: Int, records: [String], w1: [Watermark], finishedAt: Instant, summary: SnapshotSummary
    ) throws -> FullLoadEntry {
        try sealChunk()
        guard pages.count == summary.pages, (0..<pages.count).allSatisfy({ pages[$0] != nil }) else {
            throw ArchiveError.pagesMissing(entity: entity, pages: summary.pages, kept: pages.count)
        }
        let target = LoadFolder(root: root, entity: entity, number: number)
        let path = try target.path()
        let parent = try root.makeFolder(try escapedName("entity=", entity))
        guard !parent.exists(LoadFolder.name(number)) else { throw ArchiveError.alreadySealed(path: path) }
        text = JSONText()
        let files = try sealer.finish().map {
            FullLoadEntry.PageFile(path: path + "/" + $0.name, bytes: $0.bytes, textBytes: $0.textBytes, sha256: $0.sha256)
        }
        let complete = try folder.makeFolder(DraftFiles.completeName)
        let entry = FullLoadEntry(
            entity: entity, number: number, startedAt: startedAt, finishedAt: finishedAt, w0: plan.w0, w1: w1,
            files: files, pages: pages.count, rows: summary.rows, total: summary.total, drift: summary.drift,
            records: records)
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
