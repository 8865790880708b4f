import ELTCore
import ELTSources
import Foundation
import Testing

/// Services that keep to their word, of every kind.
struct RESTPagingTests {
    private let draft = FakeDraft()

    @Test func `a listing in one body goes into the draft piece by piece`() throws {
        let body = envelope(0..<50_000)
        let server = try LoopbackServer { $1.reply(200, [("ETag", "\"7\"")], body) }
        let summary = try RESTFixture(server).load(into: draft)
        #expect(summary == SnapshotSummary(pages: 1, rows: 50_000, total: nil, drift: nil, retries: 0))
        let page = try #require(draft.pages[0])
        #expect(page.text == body)
        #expect(page.pieces > 10)
        #expect(page.note == PageNote(rows: 50_000, total: nil, next: nil, isLast: true))
        #expect(page.head.status == 200 && page.head.etag == "\"7\"" && page.head.url == server.url + "/rows")
        #expect(page.head.fetchedAt.milliseconds > 1_700_000_000_000)
    }

    @Test func `a listing in one body has no limit of a page`() throws {
        let body = envelope(0..<1000)
        let server = try LoopbackServer { $1.reply(200, [], body) }
        var fixture = RESTFixture(server)
        fixture.settings.maxPageBytes = 1000
        #expect(try fixture.load(into: draft).rows == 1000)
    }

    @Test(arguments: ["[\(rows(0..<3))]", rows(0..<3).replacing("},{", with: "}\n{")])
    func `the body itself may be the list, or lines`(body: String) throws {
        let server = try LoopbackServer { $1.reply(200, [], body) }
        var fixture = RESTFixture(server)
        fixture.settings.records = []
        #expect(try fixture.load(into: draft).rows == 3)
        #expect(draft.bodies == [body])
    }

    @Test(arguments: [1, 4])
    func `numbered pages are read up to the total`(parallel: Int) throws {
        let server = try LoopbackServer(answer: honest(95))
        var fixture = RESTFixture(server, RESTFixture.page, path: "/rows?filter=a%2Cb&page=77")
        fixture.settings.parallel = parallel
        let summary = try fixture.load(into: draft)
        #expect(summary == SnapshotSummary(pages: 10, rows: 95, total: 95, drift: nil, retries: 0))
        #expect(draft.ids == Array(0..<95))
        let targets = (0..<10).map { "/rows?filter=a%2Cb&page=\($0)&size=10" }
        #expect(server.requests.map(\.target).sorted() == targets.sorted())
        #expect(server.requests[0].target == targets[0])
        #expect(draft.pages[9]?.note == PageNote(rows: 5, total: 95, next: nil, isLast: true))
        #expect(draft.pages[3]?.head.url == server.url + targets[3])
    }

    @Test func `pages are asked for side by side, but no more than allowed, and the first alone`() throws {
        let counter = Counter()
        let server = try LoopbackServer { request, connection in
            counter.next()
            // Every fourth page waits until three more are asked for.
            let end = ContinuousClock.now + .seconds(5)
            if let page = request["page"].flatMap({ Int($0) }), page > 0 {
                while counter.now < min(41, (page - 1) / 4 * 4 + 5), ContinuousClock.now < end { usleep(500) }
            }
            honest(401)(request, connection)
        }
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.parallel = 4
        try fixture.load(into: draft)
        #expect(draft.ids == Array(0..<401))
        #expect(server.mostAtOnce == 4)
    }

    @Test func `the first page's number is the service's`() throws {
        let server = try LoopbackServer { request, connection in
            let range = slice((request["p"].flatMap { Int($0) } ?? 0) - 1, size: 10, of: 15)
            connection.reply(200, [], envelope(range))
        }
        let paging = Pagination.page(pageParam: "p", sizeParam: nil, size: 10, first: 1, total: nil)
        try RESTFixture(server, paging).load(into: draft)
        #expect(draft.ids == Array(0..<15))
        #expect(server.requests.map(\.target) == ["/rows?p=1", "/rows?p=2", "/rows?p=3"])
    }

    @Test func `offsets are read up to the total`() throws {
        let server = try LoopbackServer { request, connection in
            let offset = request["offset"].flatMap { Int($0) } ?? 0
            #expect(request["limit"] == "10")
            connection.reply(200, [], envelope(min(offset, 30)..<min(offset + 10, 30), ",\"total\":\"30\""))
        }
        let summary = try RESTFixture(server, RESTFixture.offset).load(into: draft)
        #expect(summary.pages == 3 && summary.total == 30 && summary.drift == nil)
        #expect(draft.ids == Array(0..<30))
        // The last page is full: one more question, because a total may be too small.
        #expect(server.requests.compactMap { $0["offset"] } == ["0", "10", "20", "30"])
    }

    /// As many as there are numbers are promised, and there are three pages: the listing isn't complete.
    @Test(arguments: [Int64.max, 9_223_372_036_854_775_798, 4_611_686_018_427_387_904])
    func `a total that no listing can have is an error and no crash`(total: Int64) throws {
        let server = try LoopbackServer { request, connection in
            let range = slice(request["page"].flatMap { Int($0) } ?? 0, size: 10, of: 25)
            if range.isEmpty { return connection.reply(404) }
            connection.reply(200, [], envelope(range, ",\"total\":\(total)"))
        }
        #expect {
            try RESTFixture(server, RESTFixture.page).load(into: draft)
        } throws: { "\($0)".contains("page 3") && "\($0)".contains("404") }
        #expect(draft.ids.count == 25)
    }

    @Test func `a total that's not in the body may be in the header`() throws {
        let server = try LoopbackServer { request, connection in
            let range = slice(request["page"].flatMap { Int($0) } ?? 0, size: 10, of: 25)
            connection.reply(200, [("X-Total-Count", "25")], "[\(rows(range))]")
        }
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.records = []
        let summary = try fixture.load(into: draft)
        #expect(summary.pages == 3 && summary.total == 25)
    }

    @Test(arguments: [(0, 1), (7, 2), (10, 2), (25, 4), (30, 4)])
    func `without a total the end is an empty page`(count: Int, pages: Int) throws {
        let server = try LoopbackServer(answer: honest(count))
        let summary = try RESTFixture(server, RESTFixture.pageWithoutTotal).load(into: draft)
        #expect(summary.rows == Int64(count) && summary.pages == pages && summary.total == nil)
        #expect(server.requests.count == pages)
        #expect(draft.ids == Array(0..<count))
    }

    @Test func `without a total pages are asked for one after another`() throws {
        let server = try LoopbackServer(answer: honest(95))
        var fixture = RESTFixture(server, RESTFixture.pageWithoutTotal)
        fixture.settings.parallel = 4
        try fixture.load(into: draft)
        #expect(server.mostAtOnce == 1)
        #expect(draft.finished == Array(0..<11))
    }

    @Test(arguments: ["null", "\"\"", nil])
    func `a cursor is followed until there's none`(end: String?) throws {
        let server = try LoopbackServer { request, connection in
            let from = request["after"].flatMap { Int($0.dropFirst(2)) } ?? 0
            let next = from < 20 ? "\"c/\(from + 10)\"" : end
            connection.reply(200, [], envelope(from..<from + 10, next.map { ",\"next\":\($0)" } ?? ""))
        }
        let summary = try RESTFixture(server, RESTFixture.cursor).load(into: draft)
        #expect(summary.pages == 3 && summary.rows == 30)
        #expect(draft.ids == Array(0..<30))
        #expect(
            server.requests.map(\.target) == [
                "/rows?size=10", "/rows?size=10&after=c%2F10", "/rows?size=10&after=c%2F20",
            ])
        #expect((0..<3).map { draft.pages[$0]?.note.next } == ["c/10", "c/20", nil])
    }

    @Test func `an empty page with a cursor isn't the end`() throws {
        let server = try LoopbackServer { request, connection in
            let at = request["after"].flatMap { Int($0) } ?? 0
            let range = at == 1 || at == 2 ? 0..<0 : at * 10..<at * 10 + 10
            connection.reply(200, [], envelope(range, at < 3 ? ",\"next\":\(at + 1)" : ""))
        }
        #expect(try RESTFixture(server, RESTFixture.cursor).load(into: draft).pages == 4)
        #expect(draft.ids == Array(0..<10) + Array(30..<40))
    }

    @Test func `the last row's key leads on until a page is empty`() throws {
        let server = try LoopbackServer { request, connection in
            let from = (request["after"].flatMap { Int($0) } ?? -1) + 1
            connection.reply(200, [], envelope(from..<min(from + 7, 20)))
        }
        let summary = try RESTFixture(server, RESTFixture.keyset).load(into: draft)
        #expect(summary.pages == 4 && summary.rows == 20)
        #expect(draft.ids == Array(0..<20))
        #expect(server.requests.map { $0["after"] } == [nil, "6", "13", "19"])
    }

    @Test(arguments: [true, false])
    func `a next link is followed, from the header or the body`(inBody: Bool) throws {
        let server = try LoopbackServer { request, connection in
            let at = request["at"].flatMap { Int($0) } ?? 0
            let range = at * 10..<at * 10 + 10
            let host = request[header: "Host"] ?? ""
            // Relative and absolute; among others in the header.
            let next = at == 0 ? "?at=1" : at == 1 ? "http://\(host)/rows/more?at=2" : nil
            if inBody {
                connection.reply(200, [], envelope(range, next.map { ",\"next\":\"\($0)\"" } ?? ""))
            } else {
                let links =
                    next.map { "</x,y>; rel=\"prev\", <\($0)>; title=\"a, b; c\"; REL=\"last Next\"" }
                    ?? "</>; rel=first"
                connection.reply(200, [("Link", links)], envelope(range))
            }
        }
        let summary = try RESTFixture(server, inBody ? RESTFixture.linkInBody : RESTFixture.link).load(
            into: draft)
        #expect(summary.pages == 3)
        #expect(draft.ids == Array(0..<30))
        #expect(server.requests.map(\.target) == ["/rows?size=10", "/rows?at=1", "/rows/more?at=2"])
    }

    @Test func `the first response's date is written down once`() throws {
        let counter = Counter()
        let server = try LoopbackServer { request, connection in
            let second = 10 + counter.next()
            let page = request["page"].flatMap { Int($0) } ?? 0
            connection.reply(
                200, [("Date", "Fri, 20 Nov 2026 09:30:\(second) GMT")],
                envelope(slice(page, size: 10, of: 30), ",\"total\":30"))
        }
        try RESTFixture(server, RESTFixture.page).load(into: draft)
        #expect(draft.dates.map { $0?.description } == ["2026-11-20T09:30:10.000Z"])
        #expect(draft.pages[2]?.head.date == "Fri, 20 Nov 2026 09:30:12 GMT")
    }

    @Test func `progress tells the rows and the total`() throws {
        let log = ProgressLog()
        let server = try LoopbackServer(answer: honest(30))
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.progress = log
        try fixture.load(into: draft)
        let last = try #require(log.reports.last)
        #expect(last.step == "full-load" && last.done == 30 && last.total == 30)
    }
}

/// Resuming: what's kept isn't asked for again.
struct RESTResumeTests {
    private let draft = FakeDraft()

    @Test func `numbered pages that are kept aren't asked for again`() throws {
        let server = try LoopbackServer(answer: honest(45))
        for index in [0, 1, 3] {
            let range = slice(index, size: 10, of: 45)
            draft.keep(index, envelope(range), note: PageNote(rows: 10, total: 45, next: nil, isLast: false))
        }
        let summary = try RESTFixture(server, RESTFixture.page).load(into: draft)
        #expect(server.requests.compactMap { $0["page"] } == ["2", "4"])
        #expect(summary == SnapshotSummary(pages: 5, rows: 45, total: 45, drift: nil, retries: 0))
        #expect(draft.ids == Array(0..<45))
        #expect(draft.dates.isEmpty, "the date of a resumed download isn't its beginning")
    }

    @Test func `a cursor goes on where the last kept page said`() throws {
        let server = try LoopbackServer { request, connection in
            let from = request["after"].flatMap { Int($0) } ?? 0
            connection.reply(200, [], envelope(from..<from + 10, from < 30 ? ",\"next\":\(from + 10)" : ""))
        }
        draft.keep(0, note: PageNote(rows: 10, total: nil, next: "10", isLast: false))
        draft.keep(1, note: PageNote(rows: 10, total: nil, next: "20", isLast: false))
        let summary = try RESTFixture(server, RESTFixture.cursor).load(into: draft)
        #expect(server.requests.compactMap { $0["after"] } == ["20", "30"])
        #expect(summary.pages == 4 && summary.rows == 40)
    }

    @Test func `a cursor that was used before the crash is a loop after it`() throws {
        let server = try LoopbackServer { $1.reply(200, [], envelope(0..<1, ",\"next\":\"a\"")) }
        draft.keep(0, note: PageNote(rows: 1, total: nil, next: "a", isLast: false))
        #expect(RESTFixture(server, RESTFixture.cursor).failure(into: draft)?.code == "rest.loop")
    }

    @Test func `a download whose last page is kept asks for nothing`() throws {
        let server = try LoopbackServer { $1.reply(500) }
        draft.keep(0, note: PageNote(rows: 3, total: nil, next: nil, isLast: true))
        for paging in [Pagination.none, RESTFixture.cursor, RESTFixture.keyset, RESTFixture.link] {
            #expect(try RESTFixture(server, paging).load(into: draft).rows == 3)
        }
        draft.keep(1, note: PageNote(rows: 0, total: nil, next: nil, isLast: true))
        #expect(try RESTFixture(server, RESTFixture.pageWithoutTotal).load(into: draft).rows == 3)
        #expect(server.requests.isEmpty)
    }

    @Test func `a page whose note leads nowhere is an error`() throws {
        let server = try LoopbackServer { $1.reply(500) }
        draft.keep(0, note: PageNote(rows: 3, total: nil, next: nil, isLast: false))
        #expect(RESTFixture(server, RESTFixture.cursor).failure(into: draft) == .brokenDraft(page: 0))
    }

    @Test(arguments: [RESTFixture.page, RESTFixture.pageWithoutTotal, RESTFixture.offset])
    func `a download that broke off and its resume equal one that didn't`(paging: Pagination) throws {
        // The service caps the size at 7, and fails for good after some requests.
        let counter = Counter()
        let server = try LoopbackServer { request, connection in
            let asked = counter.next()
            guard asked < 4 || asked >= 5 else { return connection.reply(400) }
            let from = request["offset"].flatMap { Int($0) } ?? (request["page"].flatMap { Int($0) } ?? 0) * 7
            connection.reply(200, [], envelope(min(from, 60)..<min(from + 7, 60), ",\"total\":60"))
        }
        let fixture = RESTFixture(server, paging)
        #expect(fixture.failure(into: draft)?.code == "rest.refused")
        #expect(draft.pages.count == 4)
        #expect(try fixture.load(into: draft).rows == 60)
        #expect(draft.ids == Array(0..<60))
    }
}
