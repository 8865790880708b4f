import ELTCore

/// A listing in memory, page by page, that can break off anywhere.
///
/// It keeps the promises of `SnapshotSource`: it begins at the first page that the draft lacks, and
/// every page that reaches the draft is whole.
package final class ScriptedSnapshotSource: SnapshotSource {
    /// JSON texts, one a row, by page. A test may change it between downloads, and between pages.
    package var pages: [[String]]
    /// The first response's `Date`, already read; nil: the service sends none.
    package var date: Instant?
    /// Where the list stands in a page's body; nil: the body is the list.
    package var recordsName: String? = "items"
    /// What the service says the number of rows is; nil: what it is.
    package var total: Int64?
    /// Called before each page with its index, also for pages that the draft has already, and after the last
    /// with their number.
    package var between: ((_ page: Int) throws -> Void)?
    /// The bytes of each piece; the pieces' ends fall within characters and numbers.
    package var pieceBytes = 7

    private var breakAt: (page: Int, isHalfWay: Bool)?
    /// The pages that were sent, for tests of resuming.
    package private(set) var served: [Int] = []

    package init(pages: [[String]] = []) { self.pages = pages }

    /// The next download breaks off at this page: before its first byte, or halfway through it.
    package func breakOff(atPage index: Int, halfway: Bool = false) { breakAt = (index, halfway) }

    package func download(into draft: any SnapshotDraft, context: RunContext) throws -> SnapshotSummary {
        let breakAt = breakAt
        self.breakAt = nil
        var rows = draft.keptRows
        var index = 0
        // Between pages the listing may grow, and a listing without rows still has a first page.
        while index < max(1, pages.count) {
            try between?(index)
            if !draft.keptPages.contains(index) {
                guard ContinuousClock.now < context.deadline else {
                    throw ScriptedSourceError.tooLate("page \(index)")
                }
                let fault = breakAt?.page == index ? breakAt : nil
                if let fault, !fault.isHalfWay { throw ScriptedSourceError.brokenOff("page \(index)") }
                try draft.began(date: date)
                try send(index, to: draft, now: context.now, isCut: fault != nil)
                rows += Int64(pages.indices.contains(index) ? pages[index].count : 0)
                served.append(index)
            }
            index += 1
        }
        try between?(index)
        return SnapshotSummary(pages: index, rows: rows, total: total ?? count, drift: nil, retries: 0)
    }

    private var count: Int64 { Int64(pages.reduce(0) { $0 + $1.count }) }

    private func send(_ index: Int, to draft: any SnapshotDraft, now: Instant, isCut: Bool) throws {
        let rows = pages.indices.contains(index) ? pages[index] : []
        let head = PageHead(
            url: "https://scripted.example/api/customers?page=\(index)", status: 200,
            date: date.map(\.description), etag: nil, fetchedAt: now)
        let writer = try draft.page(index, head: head)
        let body = body(index, rows)
        do {
            for start in stride(from: 0, to: isCut ? body.count / 2 : body.count, by: pieceBytes) {
                try body[start..<min(start + pieceBytes, body.count)].withUnsafeBytes { try writer.write($0) }
            }
            if isCut { throw ScriptedSourceError.brokenOff("page \(index)") }
        } catch {
            writer.discard()
            throw error
        }
        let isLast = index + 1 >= pages.count
        try writer.finish(
            PageNote(
                rows: rows.count, total: total ?? count, next: isLast ? nil : String(index + 1),
                isLast: isLast))
    }

    private func body(_ index: Int, _ rows: [String]) -> [UInt8] {
        let list = "[" + rows.joined(separator: ",") + "]"
        guard let recordsName else { return Array(list.utf8) }
        let numbers = "\"page\":\(index),\"size\":\(rows.count),\"total\":\(total ?? count)"
        return Array("{\"\(recordsName)\":\(list),\(numbers)}".utf8)
    }
}
