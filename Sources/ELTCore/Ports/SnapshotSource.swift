/// Where full loads come from: the service's listing.
package protocol SnapshotSource: AnyObject {
    /// Downloads the whole listing into `draft`, beginning at the first page that the draft lacks.
    /// Returns when the service itself said that there's no more. Pages may arrive in any order.
    ///
    /// Every page that reaches the draft is whole and valid: status 2xx, every byte received, valid
    /// UTF-8 and JSON, the list where it should be.
    func download(into draft: any SnapshotDraft, context: RunContext) throws -> SnapshotSummary
}

/// Pages of an unfinished full load, durable as they come. `ELTArchive` implements it.
package protocol SnapshotDraft: AnyObject {
    /// The pages kept already, by index from 0. For kinds that walk (cursor, link, keyset) this is a
    /// prefix 0..<n; for kinds that jump (page, offset) there may be holes.
    var keptPages: Set<Int> { get }
    /// What the kept page `index` told about the next: where to go on. nil if the page isn't kept.
    func note(ofPage index: Int) -> PageNote?
    /// Rows that the kept pages hold.
    var keptRows: Int64 { get }
    /// The first `Date` header, written down once, at the first response; a resume doesn't move it.
    func began(date: Instant?) throws
    /// Starts page `index`; the body follows in pieces, then `finish` or `discard`.
    func page(_ index: Int, head: PageHead) throws -> any PageWriter
}

/// What was asked and what came before the body.
package struct PageHead: Sendable, Equatable {
    /// Without credentials.
    package var url: String
    package var status: Int
    package var date: String?
    package var etag: String?
    package var fetchedAt: Instant
    package init(url: String, status: Int, date: String?, etag: String?, fetchedAt: Instant) {
        self.url = url
        self.status = status
        self.date = date
        self.etag = etag
        self.fetchedAt = fetchedAt
    }
}

/// What a page's reader learned from it: enough to go on after a crash without the body.
package struct PageNote: Sendable, Equatable, Codable {
    package var rows: Int
    package var total: Int64?
    /// The next cursor, link or key; nil where this page was the last or pages are numbered.
    package var next: String?
    /// Whether the service said that this is the last page.
    package var isLast: Bool
    /// The rows before it, where pages are asked for by that.
    package var offset: Int64?
    /// A row's number among those of its full load has so much room for its place in the page; only the page of a
    /// listing that has no other may have more rows.
    package static let rowsMax = 1 << 20

    package init(rows: Int, total: Int64?, next: String?, isLast: Bool, offset: Int64? = nil) {
        self.rows = rows
        self.total = total
        self.next = next
        self.isLast = isLast
        self.offset = offset
    }
}

package protocol PageWriter: AnyObject {
    /// The next piece of the body. Pieces may end anywhere, also within a character.
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// The page is whole. It's durable no later than when the draft is completed.
    func finish(_ note: PageNote) throws
    /// The page broke off or is malformed: nothing of it is kept.
    func discard()
}

package struct SnapshotSummary: Sendable, Equatable {
    package var pages: Int
    package var rows: Int64
    /// What the service said the number of rows is, if it did.
    package var total: Int64?
    /// `total` at the first and the last page differ, or differ from `rows`.
    package var drift: String?
    /// Requests that were sent again.
    package var retries: Int
    package init(pages: Int, rows: Int64, total: Int64?, drift: String?, retries: Int) {
        self.pages = pages
        self.rows = rows
        self.total = total
        self.drift = drift
        self.retries = retries
    }
}
