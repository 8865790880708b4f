import ELTCore
import HTTP
import JSON

/// One download of a listing: keeps as many requests in flight as it may, and decides about failures.
final class RESTDownload {
    private let listing: RESTListing
    private let policy: RESTRetryPolicy
    private let clock: RESTClock
    private let limits: HTTPLimits
    private let authorizer: RESTAuthorizer
    private let client: HTTPClient
    private let headers: [HTTPHeader]
    private let draft: any SnapshotDraft
    private let context: RunContext

    /// A page that's to be asked for, for the first time or again.
    private struct Attempt {
        var order: RESTOrder
        var dueAt: ContinuousClock.Instant
        /// Attempts that failed and count.
        var failures = 0
        var hasRenewedToken = false
        var lastReason: String?
    }

    private var waiting: [Attempt] = []
    private var inFlight: [(attempt: Attempt, page: RESTPage)] = []
    private var retries = 0
    private var hasResponse: Bool
    /// No request before this: the rate limit's next turn, and what the service asks for.
    private var nextTurn = ContinuousClock.now
    private var pausedUntil: (at: ContinuousClock.Instant, status: Int)?
    private var reportedAt: ContinuousClock.Instant?

    init(
        listing: RESTListing, policy: RESTRetryPolicy, clock: RESTClock, limits: HTTPLimits,
        authorizer: RESTAuthorizer, client: HTTPClient, headers: [HTTPHeader], draft: any SnapshotDraft,
        context: RunContext
    ) {
        self.listing = listing
        self.policy = policy
        self.clock = clock
        self.limits = limits
        self.authorizer = authorizer
        self.client = client
        self.headers = headers
        self.draft = draft
        self.context = context
        hasResponse = !draft.keptPages.isEmpty
    }

    func run(plan: any RESTPlan) throws -> SnapshotSummary {
        var plan = plan
        for index in draft.keptPages { try draft.note(ofPage: index).map { try checkRows($0, page: index) } }
        do {
            while try startWhatMay(&plan) {
                try Interruption.check()
                try client.run(atMost: .milliseconds(waitMilliseconds()))
                try settle(&plan)
                report(plan)
            }
        } catch {
            client.abandon()
            for (_, page) in inFlight { page.discard() }
            throw error
        }
        if let hole = plan.hole {
            throw RESTError.refused(url: listing.base.description, page: hole, status: 404)
        }
        report(plan, isLast: true)
        return SnapshotSummary(
            pages: plan.pages, rows: plan.rows, total: plan.total, drift: drift(plan), retries: retries)
    }

    private func drift(_ plan: any RESTPlan) -> String? {
        guard let total = plan.total else { return nil }
        var parts: [String] = []
        if let first = plan.firstTotal, first != total {
            parts.append("the total went from \(first) to \(total) during the download")
        }
        if plan.rows != total { parts.append("\(plan.rows) rows came of a total of \(total)") }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    private func report(_ plan: any RESTPlan, isLast: Bool = false) {
        let now = ContinuousClock.now
        if !isLast, let reportedAt, reportedAt + .milliseconds(200) > now { return }
        reportedAt = now
        let rows = inFlight.reduce(plan.rows) { $0 + $1.page.rows }
        context.progress.report(step: "full-load", done: rows, total: plan.total)
    }

    // MARK: Starting

    /// Starts what may start now. Gives whether anything is left to wait for.
    private func startWhatMay(_ plan: inout any RESTPlan) throws -> Bool {
        let width = listing.jumps ? listing.settings.parallel : 1
        while inFlight.count < width {
            let now = ContinuousClock.now
            let attempt: Attempt
            if let index = waiting.firstIndex(where: { $0.dueAt <= now }) {
                guard mayStart(now) else { return true }
                attempt = waiting.remove(at: index)
            } else {
                // A page that waits for another attempt holds its place.
                let outstanding = inFlight.count + waiting.count
                guard outstanding < width, mayStart(now) else { return true }
                guard let order = plan.next(outstanding: outstanding) else { return outstanding > 0 }
                // The page behind the last one that's allowed may be asked for, only to see that it isn't there.
                guard order.index < listing.settings.maxPages + (order.isProbe ? 1 : 0) else {
                    throw RESTError.tooManyPages(limit: listing.settings.maxPages)
                }
                attempt = Attempt(order: order, dueAt: now)
            }
            guard now < context.deadline else {
                throw RESTError.deadline(page: attempt.order.index, reason: attempt.lastReason)
            }
            try checkPause(page: attempt.order.index)
            try start(attempt)
        }
        return true
    }

    private func mayStart(_ now: ContinuousClock.Instant) -> Bool {
        if let pausedUntil, now < pausedUntil.at, pausedUntil.at <= context.deadline { return false }
        return now >= nextTurn
    }

    /// A pause that ends behind the deadline isn't waited for.
    private func checkPause(page: Int) throws {
        guard let pausedUntil, pausedUntil.at > context.deadline else { return }
        throw busy(page: page, status: pausedUntil.status, until: pausedUntil.at)
    }

    private func busy(page: Int, status: Int, until: ContinuousClock.Instant) -> RESTError {
        .busy(page: page, status: status, until: clock.now() + ContinuousClock.now.duration(to: until))
    }

    private func start(_ attempt: Attempt) throws {
        if let rate = listing.settings.rateLimit {
            nextTurn = max(nextTurn, ContinuousClock.now - .seconds(1 / rate)) + .seconds(1 / rate)
        }
        let url = try listing.url(of: attempt.order)
        let credentials: [HTTPHeader]
        do {
            credentials = try authorizer.headers(deadline: context.deadline)
        } catch {
            return try failed(attempt, error)
        }
        let page = RESTPage(
            attempt.order, url: url, tokenGeneration: authorizer.generation, listing: listing, draft: draft,
            streams: !listing.jumps || listing.settings.parallel == 1, clock: clock,
            responded: { [unowned self] head in try responded(head) })
        let request = HTTPRequest(
            url: authorizer.authorized(url), headers: headers + credentials, limits: limits,
            deadline: context.deadline)
        do {
            try client.start(request, receiver: page)
        } catch {
            throw RESTError.configuration("A request can't be made of full_load's settings. \(error.problem)")
        }
        inFlight.append((attempt, page))
    }

    /// The first response of all dates the full load.
    private func responded(_ head: HTTPHead) throws {
        if !hasResponse {
            hasResponse = true
            let now = clock.now()
            try draft.began(date: head["Date"].flatMap { Instant(httpDate: $0, now: now) })
        }
        let waits = RESTWaits(head: head, clock: clock)
        if let reset = waits.untilReset { pause(for: reset, status: head.status) }
    }

    private func pause(for wait: Duration, status: Int) {
        let until = ContinuousClock.now + wait
        if pausedUntil.map({ $0.at < until }) ?? true { pausedUntil = (until, status) }
    }

    /// How long to wait for the network before there's something else to do.
    private func waitMilliseconds() -> Int64 {
        let now = ContinuousClock.now
        var wait: Duration = .milliseconds(100)
        if inFlight.isEmpty || !waiting.isEmpty {
            var start = waiting.map(\.dueAt).min() ?? now
            start = max(start, nextTurn, pausedUntil?.at ?? now)
            wait = min(wait, now.duration(to: start))
        }
        // Signals are looked for ten times a second, and nothing is ever done sooner than in a millisecond.
        return max(1, wait.wholeMilliseconds)
    }

    // MARK: Ending

    private func settle(_ plan: inout any RESTPlan) throws {
        while let index = inFlight.firstIndex(where: { $0.page.result != nil }) {
            let (attempt, page) = inFlight.remove(at: index)
            do {
                guard let head = try page.result?.get() else { continue }
                let facts = try page.facts(by: listing, head: head)
                switch try plan.arrived(attempt.order, facts) {
                case .keep(let note):
                    try checkRows(note, page: attempt.order.index)
                    try page.keep(note)
                case .drop: page.discard()
                }
            } catch {
                page.discard()
                if case RESTFailure.status(let answer) = error,
                    RESTStatus(answer.status).isNoPage(forProbe: attempt.order.isProbe),
                    plan.isBehindEnd(attempt.order)
                {
                    continue
                }
                if try renewsToken(attempt, page: page, error) { continue }
                try failed(attempt, error, page: page)
            }
        }
    }

    /// A full load with such a page couldn't be loaded, so the page is refused before it's kept.
    private func checkRows(_ note: PageNote, page: Int) throws(RESTError) {
        guard note.rows > PageNote.rowsMax, page > 0 || !note.isLast else { return }
        throw .tooLarge(
            page: page,
            reason: "It has \(note.rows) rows; a page of several may have \(PageNote.rowsMax).")
    }

    /// A token may end before its time: once for each page it's fetched anew.
    private func renewsToken(_ attempt: Attempt, page: RESTPage, _ error: any Error) throws -> Bool {
        guard case RESTFailure.status(let answer) = error, answer.status == 401, authorizer.renews,
            !attempt.hasRenewedToken
        else { return false }
        authorizer.forget(generation: page.tokenGeneration)
        var attempt = attempt
        attempt.hasRenewedToken = true
        attempt.dueAt = .now
        retries += 1
        waiting.append(attempt)
        return true
    }

    /// Puts a page off until its next attempt, or gives up.
    private func failed(_ attempt: Attempt, _ error: any Error, page: RESTPage? = nil) throws {
        let index = attempt.order.index
        let attempts = attempt.failures + 1
        switch error {
        case let error as HTTPError:
            guard error.isRetryable else { throw RESTError(lasting: error, page: index) }
            let final = RESTError.unavailable(page: index, attempts: attempts, reason: error.problem)
            try putOff(attempt, reason: error.problem, final: final)
        case RESTFailure.status(let answer):
            let isPassing =
                RESTStatus(answer.status).isPassing || (answer.status == 403 && answer.wait != nil)
            guard isPassing else {
                throw RESTError.refused(url: answer.url, page: index, status: answer.status)
            }
            let reason = "\(answer.url) answered with status \(answer.status)."
            let final = RESTError.unavailable(page: index, attempts: attempts, reason: reason)
            try putOff(attempt, wait: answer.wait, status: answer.status, reason: reason, final: final)
        case RESTFailure.malformed(let found):
            try putOffMalformed(attempt, page, found: found)
        case ListSplitterError.elementTooLong(let row, _):
            throw RESTError.tooLarge(
                page: index, reason: "Its row \(row + 1) has more than \(RESTPage.rowBytesMax) bytes.")
        case let error as ListSplitterError:
            let found = "the body " + error.problem
            if case .twoLists = error {
                // What breaks on the way doesn't look like this: it would come again.
                throw RESTError.twoLists(url: (page?.url ?? listing.base).description, page: index, found: found)
            }
            try putOffMalformed(attempt, page, found: found)
        case RESTFailure.fatal(let error):
            throw error
        default:
            // The draft's own errors, and the signal to end.
            throw error
        }
    }

    private func putOffMalformed(_ attempt: Attempt, _ page: RESTPage?, found: String) throws {
        let found = page?.contentType.map { "\(found) (content type \($0.prefix(80)))" } ?? found
        let url = (page?.url ?? listing.base).description
        let final = RESTError.malformed(
            url: url, page: attempt.order.index, attempts: attempt.failures + 1, found: found)
        try putOff(attempt, reason: final.problem, final: final)
    }

    /// `wait` is what the service asks for; an attempt that it puts off itself isn't counted.
    private func putOff(
        _ attempt: Attempt, wait: Duration? = nil, status: Int = 0, reason: String, final: RESTError
    ) throws {
        var attempt = attempt
        attempt.lastReason = reason
        if wait == nil { attempt.failures += 1 }
        guard attempt.failures < policy.attemptsMax else { throw final }
        let delay =
            wait.map { max($0, policy.firstDelay) }
            ?? policy.delay(after: attempt.failures, random: Double.random(in: 0...1))
        attempt.dueAt = .now + delay
        if wait != nil {
            guard attempt.dueAt <= context.deadline else {
                throw busy(page: attempt.order.index, status: status, until: attempt.dueAt)
            }
            pause(for: delay, status: status)
        }
        guard attempt.dueAt <= context.deadline else {
            throw RESTError.deadline(page: attempt.order.index, reason: attempt.lastReason)
        }
        retries += 1
        waiting.append(attempt)
    }
}
