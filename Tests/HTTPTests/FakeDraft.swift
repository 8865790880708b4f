import ELTCore

/// A draft in memory that holds its source to the port's rules.
final class FakeDraft: SnapshotDraft {
    struct Page: Equatable {
        var head: PageHead
        var body: [UInt8]
        var note: PageNote
        var pieces: Int
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    private(set) var pages: [Int: Page] = [:]
    private(set) var dates: [Instant?] = []
    private(set) var discarded = 0
    /// Indices in the order in which pages were finished.
    private(set) var finished: [Int] = []
    private var writer: Writer?
    /// What writing a page throws, to play a full disk.
    var writeError: (any Error)?

    var keptPages: Set<Int> { Set(pages.keys) }
    func note(ofPage index: Int) -> PageNote? { pages[index]?.note }
    var keptRows: Int64 { pages.values.reduce(0) { $0 + Int64($1.note.rows) } }
    func began(date: Instant?) { dates.append(date) }

    func page(_ index: Int, head: PageHead) throws -> any PageWriter {
        precondition(writer == nil, "one page at a time")
        precondition(pages[index] == nil, "page \(index) is kept already")
        let writer = Writer(self, index, head)
        self.writer = writer
        return writer
    }

    /// The page as if an earlier run had kept it.
    func keep(_ index: Int, _ body: String = "", note: PageNote) {
        let head = PageHead(url: "", status: 200, date: nil, etag: nil, fetchedAt: Instant(milliseconds: 0))
        pages[index] = Page(head: head, body: Array(body.utf8), note: note, pieces: 1)
    }

    var bodies: [String] { pages.sorted { $0.key < $1.key }.map(\.value.text) }
    /// Whether every page that was begun was finished or discarded.
    var isClosed: Bool { writer == nil }

    private final class Writer: PageWriter {
        private let draft: FakeDraft
        private let index: Int
        private let head: PageHead
        private var body: [UInt8] = []
        private var pieces = 0

        init(_ draft: FakeDraft, _ index: Int, _ head: PageHead) {
            self.draft = draft
            self.index = index
            self.head = head
        }

        func write(_ bytes: UnsafeRawBufferPointer) throws {
            if let error = draft.writeError { throw error }
            body.append(contentsOf: bytes)
            pieces += 1
        }

        func finish(_ note: PageNote) {
            draft.pages[index] = Page(head: head, body: body, note: note, pieces: pieces)
            draft.finished.append(index)
            draft.writer = nil
        }

        func discard() {
            draft.discarded += 1
            draft.writer = nil
        }
    }
}
