import ELTCore
import HTTP
import JSON

/// One attempt at one page: takes the response, cuts out the rows as they come, and passes the body on.
///
/// The body goes into the draft piece by piece where pages come one after another. Where they come
/// side by side it's held back until it's whole: a draft takes one page at a time.
final class RESTPage: HTTPReceiver {
    let order: RESTOrder
    /// Without credentials.
    let url: HTTPURL
    let tokenGeneration: Int
    private let draft: any SnapshotDraft
    private let streams: Bool
    private let clock: RESTClock
    private let responded: (HTTPHead) throws -> Void

    private let splitter: ListSplitter
    private var firstRow: Int?
    private(set) var lastRow: [UInt8] = []
    private var writer: (any PageWriter)?
    private var body: [UInt8] = []
    private var pageHead: PageHead?
    private(set) var contentType: String?
    private var refusal: HTTPHead?
    private var refusalBytes = 0
    private(set) var bytes: Int64 = 0
    private(set) var result: Result<HTTPHead, any Error>?

    init(
        _ order: RESTOrder, url: HTTPURL, tokenGeneration: Int, listing: RESTListing,
        draft: any SnapshotDraft,
        streams: Bool, clock: RESTClock, responded: @escaping (HTTPHead) throws -> Void
    ) {
        self.order = order
        self.url = url
        self.tokenGeneration = tokenGeneration
        self.draft = draft
        self.streams = streams
        self.clock = clock
        self.responded = responded
        let elementBytesMax = min(listing.settings.maxPageBytes, Self.rowBytesMax)
        splitter = ListSplitter(path: listing.settings.records, maxElementBytes: Int(elementBytesMax))
    }

    /// A row is a record with a key, not a file.
    static let rowBytesMax: Int64 = 64 << 20

    var rows: Int64 { splitter.rows }

    // MARK: HTTPReceiver

    func begins(_ head: HTTPHead) throws {
        try responded(head)
        contentType = head["Content-Type"]
        guard RESTStatus(head.status).isPage else {
            refusal = head
            return
        }
        let pageHead = PageHead(
            url: url.text, status: head.status, date: head["Date"], etag: head["ETag"], fetchedAt: clock.now()
        )
        self.pageHead = pageHead
        if streams {
            writer = try draft.page(order.index, head: pageHead)
        } else if let length = head["Content-Length"].flatMap({ Int($0) }), length < 16 << 20 {
            body.reserveCapacity(length)
        }
    }

    func receives(_ piece: UnsafeRawBufferPointer) throws {
        if let refusal {
            // A short explanation is read and thrown away so that the connection can be used again.
            refusalBytes += piece.count
            if refusalBytes > 64 << 10 { throw answer(refusal) }
            return
        }
        bytes += Int64(piece.count)
        try splitter.feed(piece) { row in
            if firstRow == nil { firstRow = Self.digest(row) }
            lastRow.removeAll(keepingCapacity: true)
            lastRow.append(contentsOf: row)
        }
        if let writer { try writer.write(piece) } else { body.append(contentsOf: piece) }
    }

    func ends(_ result: Result<HTTPHead, any Error>) {
        if case .success = result, let refusal {
            self.result = .failure(answer(refusal))
        } else {
            self.result = result
        }
    }

    private func answer(_ head: HTTPHead) -> RESTFailure {
        if (200...299).contains(head.status) {
            return .malformed(found: "status \(head.status) without a page")
        }
        let waits = RESTWaits(head: head, clock: clock)
        return .status(
            HTTPAnswer(
                url: head.url.description, status: head.status, wait: waits.retryAfter ?? waits.untilReset))
    }

    // MARK: The end

    /// What the page says, if it's whole and valid.
    func facts(by listing: RESTListing, head: HTTPHead) throws -> RESTFacts {
        let skeleton = try splitter.finish()
        var hasher = Hasher()
        hasher.combine(skeleton.rows)
        hasher.combine(firstRow)
        hasher.combine(lastRow)
        return try listing.facts(
            of: order, head: head, skeleton: skeleton, lastRow: lastRow, fingerprint: hasher.finalize())
    }

    func keep(_ note: PageNote) throws {
        if let writer {
            self.writer = nil
            try writer.finish(note)
        } else if let pageHead {
            let writer = try draft.page(order.index, head: pageHead)
            do {
                try body.withUnsafeBytes { try writer.write($0) }
            } catch {
                writer.discard()
                throw error
            }
            try writer.finish(note)
        }
        body = []
    }

    func discard() {
        writer?.discard()
        writer = nil
        body = []
    }

    private static func digest(_ row: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: row)
        return hasher.finalize()
    }
}

/// What a status means for a page.
struct RESTStatus {
    let code: Int
    init(_ code: Int) { self.code = code }

    /// The body is the page. Not so 204 to 206, which have none or a part of it.
    var isPage: Bool { (200...203).contains(code) }
    /// There's no such page. A number behind the end is to some services a wrong request.
    func isNoPage(forProbe isProbe: Bool) -> Bool {
        code == 404 || isProbe && [400, 410, 416, 422].contains(code)
    }
    /// The same request may get another answer a little later.
    var isPassing: Bool { [408, 425, 429].contains(code) || (500...599).contains(code) }
}
