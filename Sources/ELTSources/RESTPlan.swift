import ELTCore

/// One page to ask for.
struct RESTOrder: Equatable {
    var index: Int
    /// The cursor, link or key that leads to it; nil for the first page and for numbered ones.
    var token: String?
    /// Rows before it, for listings that are asked by offset.
    var offset: Int64 = 0
    /// How many rows are asked for, where that isn't the same for all pages.
    var limit: Int?
    /// Asked only to see whether there's more.
    var isProbe = false
}

/// What a page that arrived whole says.
struct RESTFacts: Equatable {
    var rows: Int
    var total: Int64?
    var next: String?
    /// Tells pages apart by their rows.
    var fingerprint: Int

    /// Whether the first page of a listing can be right.
    func begin(hasTotal: Bool) throws(RESTFailure) {
        guard hasTotal else { return }
        guard let total else {
            throw .malformed(found: "neither the body nor X-Total-Count tells the total")
        }
        guard rows > 0 || total == 0 else {
            throw .malformed(found: "the first page is empty, and the total is \(total)")
        }
    }
}

/// Whether a page belongs to the listing.
enum RESTVerdict: Equatable {
    case keep(PageNote)
    case drop
}

/// Which pages are to be asked for, and when the listing has ended. No I/O, no clock.
protocol RESTPlan {
    /// The next page to ask for, while `outstanding` others are; nil if there's none now. If there's
    /// none and nothing is outstanding the listing has ended.
    mutating func next(outstanding: Int) -> RESTOrder?
    /// Throws `RESTFailure` for a page that can't be right, and then hasn't changed.
    mutating func arrived(_ order: RESTOrder, _ facts: RESTFacts) throws -> RESTVerdict
    /// The service has no such page. Gives whether that only means that the listing ended before it.
    mutating func isBehindEnd(_ order: RESTOrder) -> Bool

    var rows: Int64 { get }
    var pages: Int { get }
    var firstTotal: Int64? { get }
    var total: Int64? { get }
    /// A page that's missing though later ones came; nil if there's none.
    var hole: Int? { get }
}

/// Page after page, each telling where the next is: cursor, link, keyset, and the listing in one body.
struct RESTWalk: RESTPlan {
    enum Kind { case single, toldNext, untilEmpty }

    private let kind: Kind
    private(set) var rows: Int64
    private(set) var pages: Int
    private(set) var total: Int64?
    private(set) var firstTotal: Int64?
    private var token: String?
    private var hasEnded = false
    private var tokensSeen: Set<Int> = []
    private var previous: Int?

    /// Goes on behind the pages that the draft has.
    init(_ kind: Kind, draft: any SnapshotDraft) throws(RESTError) {
        self.kind = kind
        rows = draft.keptRows
        pages = 0
        while draft.keptPages.contains(pages) {
            guard let note = draft.note(ofPage: pages), note.isLast || note.next != nil else {
                throw .brokenDraft(page: pages)
            }
            token = note.next
            if let token { tokensSeen.insert(token.hashValue) }
            hasEnded = note.isLast
            pages += 1
        }
    }

    func next(outstanding: Int) -> RESTOrder? {
        hasEnded || outstanding > 0 ? nil : RESTOrder(index: pages, token: token)
    }

    mutating func arrived(_ order: RESTOrder, _ facts: RESTFacts) throws -> RESTVerdict {
        let isLast =
            switch kind {
            case .single: true
            case .toldNext: facts.next == nil
            case .untilEmpty: facts.rows == 0
            }
        if facts.rows > 0, facts.fingerprint == previous {
            throw RESTFailure.fatal(
                .loop(page: order.index, reason: "it has the same rows as the page before"))
        }
        if !isLast, let next = facts.next, tokensSeen.contains(next.hashValue) {
            throw RESTFailure.fatal(
                .loop(page: order.index, reason: "it leads to a page that was read before"))
        }
        hasEnded = isLast
        token = isLast ? nil : facts.next
        if let token { tokensSeen.insert(token.hashValue) }
        previous = facts.fingerprint
        rows += Int64(facts.rows)
        pages += 1
        return .keep(PageNote(rows: facts.rows, total: nil, next: token, isLast: isLast))
    }

    func isBehindEnd(_ order: RESTOrder) -> Bool { false }

    var hole: Int? { nil }
}

/// Numbered pages. With a total they are asked for side by side, else one after another.
///
/// The end is where the service says: behind `total` rows by its newest word, or else at the first page that's
/// empty or isn't there. A page that isn't full is no end: a service may leave rows out of it. A total may be too
/// small, so where the page that it makes the last one is full, one more is asked for, and so on until a page isn't
/// full or isn't there.
///
/// A first page with fewer rows than were asked for though the total is another shows a service that caps
/// the size: then what it gave is the size to count with. Pages that the service cuts by itself may differ
/// in size, so such a listing is followed until its rows are all there or a page is empty.
struct RESTJump: RESTPlan {
    private let size: Int
    private let hasTotal: Bool

    private var kept: Set<Int>
    private var ordered = 0
    private(set) var rows: Int64
    private(set) var total: Int64?
    private(set) var firstTotal: Int64?
    private var firstRows: Int?
    private var firstFingerprint: Int?
    private var previous: Int?
    /// Without a total: the page that ends the listing.
    private var last: Int?
    /// The first page that the service has no rows for, as far as it was asked.
    private var firstEmpty: Int?
    /// The page with the greatest index. A resume doesn't know its fingerprint.
    private var newest: (index: Int, rows: Int, fingerprint: Int?)?

    init(size: Int, hasTotal: Bool, draft: any SnapshotDraft) throws(RESTError) {
        self.size = size
        self.hasTotal = hasTotal
        kept = draft.keptPages
        rows = draft.keptRows
        for index in kept.sorted() {
            guard let note = draft.note(ofPage: index) else { throw .brokenDraft(page: index) }
            if index == 0 {
                firstRows = note.rows
                firstTotal = note.total
            }
            total = note.total ?? total
            if !hasTotal, note.rows == 0 { last = min(last ?? index, index) }
            if note.rows == 0 { firstEmpty = min(firstEmpty ?? index, index) }
            newest = (index, note.rows, nil)
        }
    }

    var pages: Int { kept.count }

    /// The service gives fewer rows than it's asked for.
    private var isCapped: Bool {
        guard let firstRows, firstRows > 0, firstRows < size else { return false }
        return !hasTotal || firstTotal != Int64(firstRows)
    }

    private var step: Int { isCapped ? firstRows ?? size : size }

    /// Pages that the total makes.
    private var count: Int {
        let total = total ?? 0
        let pages = total / Int64(step) + (total % Int64(step) > 0 ? 1 : 0)
        return max(1, Int(clamping: pages))
    }

    mutating func next(outstanding: Int) -> RESTOrder? {
        while kept.contains(ordered) { ordered += 1 }
        guard firstRows != nil, hasTotal else {
            guard outstanding == 0, last == nil else { return nil }
            return order(ordered, isProbe: isBehindShortPage)
        }
        if let firstEmpty, isCapped, ordered > firstEmpty { return nil }
        if ordered < count { return order(ordered) }
        guard outstanding == 0 else { return nil }
        let isShort = isCapped && firstEmpty == nil && rows < total ?? 0
        if isShort { return order(ordered) }
        return pageBehindTotal.map { order($0, isProbe: true) }
    }

    /// Behind a page that isn't full most services have nothing. The first one's size may be the service's own.
    private var isBehindShortPage: Bool {
        guard let newest else { return false }
        return newest.rows < (newest.index == 0 ? size : step)
    }

    /// The page to ask for where the total says that there's none, because the last one is full.
    private var pageBehindTotal: Int? {
        guard let newest, newest.rows >= step else { return nil }
        let index = newest.index + 1
        return firstEmpty.map { $0 > index } ?? true ? index : nil
    }

    private mutating func order(_ index: Int, isProbe: Bool = false) -> RESTOrder {
        ordered = index + 1
        return RESTOrder(index: index, isProbe: isProbe)
    }

    mutating func arrived(_ order: RESTOrder, _ facts: RESTFacts) throws -> RESTVerdict {
        let isRepeated =
            facts.rows > 0 && order.index > 0
            && [firstFingerprint, previous, newest?.fingerprint].contains(facts.fingerprint)
        if order.isProbe, isRepeated || hasTotal && facts.rows == 0 {
            // A service that gives the nearest page that it has, or doesn't look at the number.
            end(before: order)
            return .drop
        }
        if isRepeated {
            throw RESTFailure.fatal(
                .loop(page: order.index, reason: "it has the same rows as a page before"))
        }
        if order.index == 0 {
            try facts.begin(hasTotal: hasTotal)
            firstRows = facts.rows
            firstTotal = facts.total
            firstFingerprint = facts.fingerprint
        }
        total = facts.total ?? total
        kept.insert(order.index)
        rows += Int64(facts.rows)
        previous = facts.fingerprint
        if order.index >= newest?.index ?? 0 { newest = (order.index, facts.rows, facts.fingerprint) }
        if facts.rows == 0 { firstEmpty = min(firstEmpty ?? order.index, order.index) }
        if !hasTotal, facts.rows == 0 { last = order.index }
        let isLast = hasTotal ? order.index + 1 >= count && facts.rows < step : last == order.index
        return .keep(PageNote(rows: facts.rows, total: facts.total, next: nil, isLast: isLast))
    }

    /// There's no such page as was asked for only to find that out.
    private mutating func end(before order: RESTOrder) {
        if !hasTotal { last = 0 }
        firstEmpty = min(firstEmpty ?? order.index, order.index)
    }

    mutating func isBehindEnd(_ order: RESTOrder) -> Bool {
        guard order.index > 0 else { return false }
        // Not a probe: the total shrank after this page was asked for.
        guard !hasTotal || order.isProbe || isCapped || order.index >= count else { return false }
        end(before: order)
        return true
    }

    var hole: Int? { kept.firstHole }
}

extension Set<Int> {
    /// The first index that's missing though greater ones are there; nil if there's none.
    var firstHole: Int? {
        var index = 0
        while contains(index) { index += 1 }
        return index < count ? index : nil
    }
}
