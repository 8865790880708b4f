import ELTCore
import ELTSources
import Testing

/// Listings that change while they're read, and services with limits of their own.
struct RESTDriftTests {
    private let draft = FakeDraft()

    /// A listing whose total is `totals[n]` at the n-th request, then the last of them.
    private func server(totals: [Int]) throws -> LoopbackServer {
        let counter = Counter()
        return try LoopbackServer { request, connection in
            let total = totals[min(counter.next(), totals.count - 1)]
            let page = request["page"].flatMap { Int($0) } ?? 0
            let range = slice(page, size: 10, of: total)
            if range.isEmpty, page > 0 { return connection.reply(404) }
            connection.reply(200, [], envelope(range, ",\"total\":\(total)"))
        }
    }

    @Test func `a total that grows extends the listing`() throws {
        let summary = try RESTFixture(try server(totals: [20, 31]), RESTFixture.page).load(into: draft)
        #expect(draft.ids == Array(0..<31))
        #expect(summary.pages == 4 && summary.total == 31)
        #expect(summary.drift == "the total went from 20 to 31 during the download")
    }

    @Test func `a total that shrinks shortens it`() throws {
        let summary = try RESTFixture(try server(totals: [50, 50, 25]), RESTFixture.page).load(into: draft)
        #expect(summary.pages == 3 && summary.rows == 25 && summary.total == 25)
        #expect(summary.drift == "the total went from 50 to 25 during the download")
    }

    @Test func `pages that were asked for side by side when the total shrank aren't missed`() throws {
        let server = try LoopbackServer { request, connection in
            // Pages 1 to 4 are in flight together; 3 and 4 are gone by then.
            let page = request["page"].flatMap { Int($0) } ?? 0
            if page >= 3 { return connection.reply(404) }
            let total = page == 0 ? 50 : 25
            connection.reply(200, [], envelope(slice(page, size: 10, of: total), ",\"total\":\(total)"))
        }
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.parallel = 2
        #expect(try fixture.load(into: draft).rows == 25)
    }

    @Test func `a page that's missing before the end is an error`() throws {
        let server = try LoopbackServer { request, connection in
            if request["page"] == "2" { return connection.reply(404) }
            honest(50)(request, connection)
        }
        #expect(RESTFixture(server, RESTFixture.page).failure()?.code == "rest.not-found")
    }

    @Test func `rows that differ from the total are told, not refused`() throws {
        let server = try LoopbackServer { request, connection in
            let page = request["page"].flatMap { Int($0) } ?? 0
            let range = page == 1 ? 10..<18 : slice(page, size: 10, of: 30)
            connection.reply(200, [], envelope(range, ",\"total\":30"))
        }
        let summary = try RESTFixture(server, RESTFixture.page).load(into: draft)
        #expect(summary.drift == "28 rows came of a total of 30")
    }

    @Test(arguments: [1, 4], [RESTFixture.page, RESTFixture.offset])
    func `a total that's too small doesn't end the listing`(parallel: Int, paging: Pagination) throws {
        let server = try LoopbackServer { request, connection in
            let from = request["offset"].flatMap { Int($0) } ?? (request["page"].flatMap { Int($0) } ?? 0) * 10
            connection.reply(200, [], envelope(min(from, 95)..<min(from + 10, 95), ",\"total\":30"))
        }
        var fixture = RESTFixture(server, paging)
        fixture.settings.parallel = parallel
        let summary = try fixture.load(into: draft)
        #expect(draft.ids == Array(0..<95))
        #expect(summary.pages == 10 && summary.drift == "95 rows came of a total of 30")
        #expect(server.requests.count == 10)
    }

    @Test func `a total that counts the page alone doesn't end the listing`() throws {
        let server = try LoopbackServer { request, connection in
            let range = slice(request["page"].flatMap { Int($0) } ?? 0, size: 10, of: 30)
            connection.reply(200, [], envelope(range, ",\"total\":\(range.count)"))
        }
        #expect(try RESTFixture(server, RESTFixture.page).load(into: draft).pages == 3)
        #expect(draft.ids == Array(0..<30))
    }

    @Test func `a total below the rows of a page that isn't full isn't believed`() throws {
        let server = try LoopbackServer { request, connection in
            let range = slice(request["page"].flatMap { Int($0) } ?? 0, size: 4, of: 9)
            connection.reply(200, [], envelope(range, ",\"total\":3"))
        }
        try RESTFixture(server, RESTFixture.page).load(into: draft)
        #expect(draft.ids == Array(0..<9))
    }

    @Test(arguments: [200, 404, 400, 416, 422, 1, 2])
    func `a full last page is followed by one question, whatever the answer`(answer: Int) throws {
        let server = try LoopbackServer { request, connection in
            var page = request["page"].flatMap { Int($0) } ?? 0
            if page >= 4, answer >= 400 { return connection.reply(answer) }
            // Services that take the nearest page there is, or the first.
            if page >= 4, answer < 200 { page = answer == 1 ? 3 : 0 }
            connection.reply(200, [], envelope(slice(page, size: 10, of: 40), ",\"total\":40"))
        }
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.parallel = 4
        fixture.settings.maxPages = 4
        let summary = try fixture.load(into: draft)
        #expect(summary == SnapshotSummary(pages: 4, rows: 40, total: 40, drift: nil, retries: 0))
        #expect(draft.ids == Array(0..<40))
        #expect(server.requests.count == 5)
    }

    @Test func `a resumed listing whose pages are all there is asked whether there's more`() throws {
        let server = try LoopbackServer(answer: honest(40))
        for index in 0..<3 {
            let range = slice(index, size: 10, of: 40)
            draft.keep(index, envelope(range), note: PageNote(rows: 10, total: 30, next: nil, isLast: false))
        }
        try RESTFixture(server, RESTFixture.page).load(into: draft)
        #expect(draft.ids == Array(0..<40))
        #expect(server.requests.compactMap { $0["page"] } == ["3", "4"])
    }

    @Test(arguments: [1, 4])
    func `a service that caps the size is read to its end`(parallel: Int) throws {
        let server = try LoopbackServer(answer: honest(95, size: 4))
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.parallel = parallel
        let summary = try fixture.load(into: draft)
        #expect(draft.ids == Array(0..<95))
        #expect(summary.pages == 24 && summary.drift == nil)
    }

    @Test func `a service that caps the size is read to its end also without a total`() throws {
        let server = try LoopbackServer(answer: honest(95, size: 4))
        try RESTFixture(server, RESTFixture.pageWithoutTotal).load(into: draft)
        #expect(draft.ids == Array(0..<95))
    }

    @Test func `offsets go on by what the service gives`() throws {
        let server = try LoopbackServer { request, connection in
            let offset = request["offset"].flatMap { Int($0) } ?? 0
            connection.reply(200, [], envelope(min(offset, 30)..<min(offset + 4, 30), ",\"total\":30"))
        }
        try RESTFixture(server, RESTFixture.offset).load(into: draft)
        #expect(draft.ids == Array(0..<30))
    }

    @Test func `pages of the service's own sizes are read until the rows are there`() throws {
        let starts = [0, 8, 11, 13, 16, 21, 30]
        let server = try LoopbackServer { request, connection in
            let page = request["page"].flatMap { Int($0) } ?? 0
            let range = page < 6 ? starts[page]..<starts[page + 1] : 30..<30
            connection.reply(200, [], envelope(range, ",\"total\":30"))
        }
        try RESTFixture(server, RESTFixture.page).load(into: draft)
        #expect(draft.ids == Array(0..<30))
    }

    @Test func `a service that leaves rows out of its pages ends where it has no more`() throws {
        let server = try LoopbackServer { request, connection in
            let page = request["page"].flatMap { Int($0) } ?? 0
            if page >= 4 { return connection.reply(404) }
            connection.reply(200, [], envelope(page * 10..<page * 10 + 7, ",\"total\":40"))
        }
        let summary = try RESTFixture(server, RESTFixture.page).load(into: draft)
        #expect(summary.pages == 4 && summary.rows == 28)
        #expect(summary.drift == "28 rows came of a total of 40")
    }

    @Test(arguments: [200, 404])
    func `without a total a page that isn't full is no end, wherever it is`(end: Int) throws {
        let starts = [0, 10, 18, 28, 28 + 3, 41]
        let server = try LoopbackServer { request, connection in
            let page = request["page"].flatMap { Int($0) } ?? 0
            if page >= 5, end == 404 { return connection.reply(404) }
            connection.reply(200, [], envelope(page < 5 ? starts[page]..<starts[page + 1] : 41..<41))
        }
        try RESTFixture(server, RESTFixture.pageWithoutTotal).load(into: draft)
        #expect(draft.ids == Array(0..<41))
        #expect(server.requests.count == 6)
    }

    @Test(arguments: [400, 410, 416, 422, 0, 1])
    func `behind a page that isn't full a refusal or the same rows end a listing without a total`(end: Int) throws {
        let server = try LoopbackServer { request, connection in
            var page = request["page"].flatMap { Int($0) } ?? 0
            if page > 1, end >= 400 { return connection.reply(end) }
            // Services that give the nearest page that there is, or the first.
            if page > 1 { page = end }
            connection.reply(200, [], envelope(slice(page, size: 10, of: 15)))
        }
        let summary = try RESTFixture(server, RESTFixture.pageWithoutTotal).load(into: draft)
        #expect(summary.pages == 2 && draft.ids == Array(0..<15))
    }

    @Test(arguments: [400, 416, 422, 0, 1])
    func `behind a full page they don't`(answer: Int) throws {
        let server = try LoopbackServer { request, connection in
            var page = request["page"].flatMap { Int($0) } ?? 0
            if page > 1, answer >= 400 { return connection.reply(answer) }
            if page > 1 { page = answer }
            connection.reply(200, [], envelope(slice(page, size: 10, of: 20)))
        }
        let error = RESTFixture(server, RESTFixture.pageWithoutTotal).failure(into: draft)
        #expect(error?.code == (answer >= 400 ? "rest.refused" : "rest.loop"))
    }

    @Test(arguments: [404, 200])
    func `a small listing without a total may have no second page`(status: Int) throws {
        // 404, or the first page again from a service that doesn't look at the number.
        let server = try LoopbackServer { request, connection in
            if request["page"] != "0", status != 200 { return connection.reply(status) }
            connection.reply(200, [], envelope(0..<3))
        }
        let summary = try RESTFixture(server, RESTFixture.pageWithoutTotal).load(into: draft)
        #expect(summary.pages == 1 && summary.rows == 3)
    }

    @Test func `no total where one is promised is an error`() throws {
        let server = try LoopbackServer { $1.reply(200, [], envelope(0..<3)) }
        #expect(RESTFixture(server, RESTFixture.page).failure()?.code == "rest.malformed")
        let wrong = try LoopbackServer { $1.reply(200, [], envelope(0..<3, ",\"total\":-1")) }
        #expect(RESTFixture(wrong, RESTFixture.page).failure()?.code == "rest.malformed")
        let empty = try LoopbackServer { $1.reply(200, [], envelope(0..<0, ",\"total\":9")) }
        #expect(RESTFixture(empty, RESTFixture.page).failure()?.code == "rest.malformed")
    }

    @Test func `an empty listing has one empty page`() throws {
        let server = try LoopbackServer { $1.reply(200, [], envelope(0..<0, ",\"total\":0")) }
        for paging in [
            Pagination.none, RESTFixture.page, RESTFixture.offset, RESTFixture.cursor, RESTFixture.link,
            RESTFixture.keyset, RESTFixture.pageWithoutTotal,
        ] {
            let draft = FakeDraft()
            let summary = try RESTFixture(server, paging).load(into: draft)
            #expect(summary.pages == 1 && summary.rows == 0 && summary.drift == nil)
            #expect(draft.pages[0]?.note.isLast == true)
        }
    }
}

/// Listings that never end, and pages that lead astray.
struct RESTGuardTests {
    private let draft = FakeDraft()

    @Test func `a cursor that comes again is a loop`() throws {
        let counter = Counter()
        let server = try LoopbackServer { _, connection in
            let at = counter.next()
            connection.reply(200, [], envelope(at..<at + 1, ",\"next\":\"\(["a", "b", "a"][at % 3])\""))
        }
        let error = RESTFixture(server, RESTFixture.cursor).failure(into: draft)
        #expect(error == .loop(page: 2, reason: "it leads to a page that was read before"))
        #expect(server.requests.count == 3 && draft.pages.count == 2)
    }

    @Test func `a cursor that changes while the rows don't is a loop`() throws {
        let counter = Counter()
        let server = try LoopbackServer {
            $1.reply(200, [], envelope(0..<3, ",\"next\":\"\(counter.next())\""))
        }
        #expect(
            RESTFixture(server, RESTFixture.cursor).failure()
                == .loop(page: 1, reason: "it has the same rows as the page before"))
    }

    @Test func `a link back to the beginning is a loop`() throws {
        let server = try LoopbackServer { request, connection in
            let at = request["at"].flatMap { Int($0) } ?? 0
            connection.reply(200, [("Link", "</rows?at=\((at + 1) % 3)>; rel=next")], envelope(at..<at + 1))
        }
        #expect(RESTFixture(server, RESTFixture.link).failure(into: draft)?.code == "rest.loop")
        #expect(server.requests.count <= 5)
    }

    @Test func `a key that doesn't move is a loop`() throws {
        let server = try LoopbackServer { $1.reply(200, [], envelope(0..<3)) }
        #expect(RESTFixture(server, RESTFixture.keyset).failure()?.code == "rest.loop")
        #expect(server.requests.count == 2)
    }

    @Test(arguments: [RESTFixture.page, RESTFixture.pageWithoutTotal, RESTFixture.offset])
    func `a page number that the service doesn't look at is a loop`(paging: Pagination) throws {
        let server = try LoopbackServer { $1.reply(200, [], envelope(0..<10, ",\"total\":1000")) }
        #expect(RESTFixture(server, paging).failure()?.code == "rest.loop")
    }

    @Test func `endless pages end at the cap`() throws {
        let server = try LoopbackServer { request, connection in
            let at = request["after"].flatMap { Int($0) } ?? 0
            connection.reply(200, [], envelope(at..<at + 1, ",\"next\":\(at + 1)"))
        }
        var fixture = RESTFixture(server, RESTFixture.cursor)
        fixture.settings.maxPages = 20
        #expect(fixture.failure(into: draft) == .tooManyPages(limit: 20))
        #expect(server.requests.count == 20)
    }

    @Test(arguments: [
        "http://127.0.0.2:PORT/rows", "//127.0.0.2:PORT/", "http://127.0.0.1/rows",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:PORT/", "http://2130706433:1/", "http://user:pw@127.0.0.1:PORT/", "file:///etc/passwd",
        "gopher://127.0.0.1:PORT/",
        "http://127.0.0.1:PORT@127.0.0.2/", "http://localhost:PORT/", "http://127.0.0.1.example:PORT/",
        "ftp://127.0.0.1:PORT/",
    ])
    func `a next link to anywhere else is refused`(link: String) throws {
        let server = try LoopbackServer { request, connection in
            let port = request[header: "Host"]?.split(separator: ":").last.map(String.init) ?? ""
            connection.reply(200, [], envelope(0..<1, ",\"next\":\"\(link.replacing("PORT", with: port))\""))
        }
        var fixture = RESTFixture(server, RESTFixture.linkInBody)
        fixture.settings.auth = .bearer(token: Secret("SECRET"))
        #expect(fixture.failure(into: draft)?.code == "rest.other-origin")
        #expect(server.requests.count == 1 && draft.pages.isEmpty)
    }

    @Test func `a redirect to another host is refused, and credentials stay`() throws {
        let other = try LoopbackServer(host: "127.0.0.2") { $1.reply(200, [], envelope(0..<1)) }
        let target = other.url
        let server = try LoopbackServer { $1.reply(302, [("Location", target)]) }
        var fixture = RESTFixture(server)
        fixture.settings.auth = .bearer(token: Secret("SECRET"))
        #expect(fixture.failure()?.code == "rest.other-origin")
        #expect(other.requests.isEmpty && server.requests.count == 1)
    }

    @Test func `a redirect within the service is followed, and links are meant from there`() throws {
        let server = try LoopbackServer { request, connection in
            switch request.target {
            case "/rows?size=10": connection.reply(302, [("Location", "/v2/rows")])
            case "/v2/rows": connection.reply(200, [("Link", "<more>; rel=next")], envelope(0..<1))
            default: connection.reply(200, [], envelope(1..<2))
            }
        }
        #expect(try RESTFixture(server, RESTFixture.link).load(into: draft).rows == 2)
        #expect(server.requests.last?.target == "/v2/more")
    }

    @Test func `a page that's too large isn't asked again`() throws {
        for encoding in [[], [("Content-Encoding", "gzip")]] {
            let body = encoding.isEmpty ? [UInt8](repeating: 32, count: 200_000) : Gzip.bomb(100_000_000)
            let server = try LoopbackServer { $1.reply(200, encoding, body) }
            var fixture = RESTFixture(server, RESTFixture.page)
            fixture.settings.maxPageBytes = 100_000
            #expect(fixture.failure()?.code == "rest.too-large")
            #expect(server.requests.count == 1)
        }
    }

    @Test func `a huge row in an endless body ends at the limit of a row`() throws {
        let server = try LoopbackServer {
            $1.reply(200, [("Content-Encoding", "gzip")], Gzip.bomb(100_000_000))
        }
        #expect(throws: RESTError.self) { try RESTFixture(server, RESTFixture.cursor).load(into: draft) }
    }

    /// A listing of one more row than a page of several may have.
    private static let long = "{\"items\":[" + String(repeating: "{\"id\":1},", count: 1 << 20) + "{\"id\":2}]"

    @Test(arguments: [RESTFixture.cursor, RESTFixture.keyset, RESTFixture.page, RESTFixture.pageWithoutTotal])
    func `a page with more rows than can be numbered is refused before it's kept`(paging: Pagination) throws {
        let server = try LoopbackServer { $1.reply(200, [], Self.long + ",\"next\":\"a\",\"total\":9999999}") }
        let error = RESTFixture(server, paging).failure(into: draft)
        #expect(error == .tooLarge(page: 0, reason: "It has 1048577 rows; a page of several may have 1048576."))
        #expect(server.requests.count == 1 && draft.pages.isEmpty)
        // One that was kept before there was this limit isn't gone on with.
        draft.keep(0, note: PageNote(rows: 1_048_577, total: 9_999_999, next: "a", isLast: false))
        #expect(RESTFixture(server, paging).failure(into: draft) == error)
        #expect(server.requests.count == 1)
    }

    @Test func `a page that's the whole listing may have any number of rows`() throws {
        let server = try LoopbackServer { $1.reply(200, [], Self.long + "}") }
        #expect(try RESTFixture(server, RESTFixture.cursor).load(into: draft).rows == 1_048_577)
    }

    @Test func `a key that isn't in the row is an error`() throws {
        let server = try LoopbackServer { $1.reply(200, [], "{\"items\":[{\"name\":\"x\"}]}") }
        guard case .malformed(_, _, _, let found) = RESTFixture(server, RESTFixture.keyset).failure() else {
            return
        }
        #expect(found.hasPrefix("its last row has no 'id'"))
    }
}
