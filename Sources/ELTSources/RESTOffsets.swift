import ELTCore

/// A listing whose pages are asked for by the number of rows before them.
///
/// A page may bring fewer rows than it's asked for anywhere, and no row may be passed over because of that: what
/// follows a page begins behind the rows that came. With a total pages are asked for side by side, each where the
/// one before should end; where that one brought fewer, the part between them is asked for by itself.
///
/// The end is that of numbered pages: see `RESTJump`.
struct RESTOffsets: RESTPlan {
    private let limit: Int64
    private let hasTotal: Bool

    private var kept: Set<Int>
    /// Pages that were asked for and haven't come.
    private var inFlight: Set<Int> = []
    /// All page numbers before it are taken.
    private var free = 0
    private(set) var rows: Int64
    private(set) var total: Int64?
    private(set) var firstTotal: Int64?
    private var firstRows: Int64?
    private var firstFingerprint: Int?
    private var previous: Int?
    /// Where the foremost page that was asked for ends.
    private var front: Int64 = 0
    private var frontFingerprint: Int?
    /// The page before the front wasn't full: most services have nothing behind it.
    private var isBehindShortPage = false
    /// Rows before the front that didn't come.
    private var gaps: [Range<Int64>] = []
    private var hasEnded = false

    init(limit: Int, hasTotal: Bool, draft: any SnapshotDraft) throws(RESTError) {
        self.limit = Int64(limit)
        self.hasTotal = hasTotal
        kept = draft.keptPages
        rows = draft.keptRows
        var covered: [Range<Int64>] = []
        for index in kept.sorted() {
            guard let note = draft.note(ofPage: index) else { throw .brokenDraft(page: index) }
            if index == 0 {
                firstRows = Int64(note.rows)
                firstTotal = note.total
            }
            total = note.total ?? total
            if !hasTotal, note.rows == 0 { hasEnded = true }
            // Drafts of before have no offsets: all pages began a step apart.
            let offset = note.offset ?? Int64(index) * step
            covered.append(offset..<offset + Int64(note.rows))
        }
        for range in covered.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            for start in stride(from: front, to: range.lowerBound, by: Int(step)) {
                gaps.append(start..<min(start + step, range.lowerBound))
            }
            front = max(front, range.upperBound)
            isBehindShortPage = isShort(rows: Int64(range.count), isFirst: range.lowerBound == 0)
        }
    }

    var pages: Int { kept.count }
    var hole: Int? { kept.firstHole }

    /// Rows that a page has: those that are asked for, or what the service gives at most.
    private var step: Int64 {
        guard let firstRows, firstRows > 0, firstRows < limit else { return limit }
        return hasTotal && firstTotal == firstRows ? limit : firstRows
    }

    /// Without a total the first page's size may be the listing's end or the service's own.
    private func isShort(rows: Int64, isFirst: Bool) -> Bool { rows < (isFirst && !hasTotal ? limit : step) }

    mutating func next(outstanding: Int) -> RESTOrder? {
        if let gap = gaps.popLast() { return order(gap) }
        guard !hasEnded else { return nil }
        let isBehindTotal = front >= total ?? 0
        if hasTotal, firstRows != nil, !isBehindTotal, !isBehindShortPage { return ahead(step) }
        guard outstanding == 0, !(hasTotal && isBehindTotal && isBehindShortPage) else { return nil }
        return ahead(hasTotal ? step : limit, isProbe: firstRows != nil && (hasTotal || isBehindShortPage))
    }

    private mutating func ahead(_ count: Int64, isProbe: Bool = false) -> RESTOrder {
        defer { front += count }
        return order(front..<front + count, isProbe: isProbe)
    }

    private mutating func order(_ range: Range<Int64>, isProbe: Bool = false) -> RESTOrder {
        while kept.contains(free) || inFlight.contains(free) { free += 1 }
        inFlight.insert(free)
        return RESTOrder(index: free, offset: range.lowerBound, limit: range.count, isProbe: isProbe)
    }

    mutating func arrived(_ order: RESTOrder, _ facts: RESTFacts) throws -> RESTVerdict {
        let asked = order.offset + Int64(order.limit ?? 0), came = order.offset + Int64(facts.rows)
        // A part of a page is short enough to be like another.
        let isRepeated =
            facts.rows > 0 && order.offset > 0 && asked - order.offset >= step
            && [firstFingerprint, previous, frontFingerprint].contains(facts.fingerprint)
        if order.isProbe, isRepeated || hasTotal && facts.rows == 0 {
            end(before: order)
            return .drop
        }
        if isRepeated {
            throw RESTFailure.fatal(
                .loop(page: order.index, reason: "it has the same rows as a page before"))
        }
        if firstRows == nil {
            try facts.begin(hasTotal: hasTotal)
            firstRows = Int64(facts.rows)
            firstTotal = facts.total
            firstFingerprint = facts.fingerprint
        }
        inFlight.remove(order.index)
        kept.insert(order.index)
        total = facts.total ?? total
        rows += Int64(facts.rows)
        previous = facts.fingerprint
        if asked == front {
            // An empty page tells nothing of where the next row is: it's passed.
            if facts.rows > 0 { front = came }
            frontFingerprint = facts.fingerprint
            isBehindShortPage = isShort(rows: Int64(facts.rows), isFirst: order.offset == 0)
        } else if facts.rows > 0, came < asked {
            gaps.append(came..<asked)
        }
        if !hasTotal, facts.rows == 0 { hasEnded = true }
        let isLast = hasTotal ? came >= total ?? 0 && facts.rows < step : facts.rows == 0
        return .keep(
            PageNote(rows: facts.rows, total: facts.total, next: nil, isLast: isLast, offset: order.offset))
    }

    private mutating func end(before order: RESTOrder) {
        inFlight.remove(order.index)
        free = min(free, order.index)
        hasEnded = true
    }

    mutating func isBehindEnd(_ order: RESTOrder) -> Bool {
        guard order.offset > 0, !hasTotal || order.isProbe || order.offset >= total ?? 0 else { return false }
        end(before: order)
        return true
    }
}
