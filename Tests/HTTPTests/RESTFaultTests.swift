import ELTCore
import ELTSources
import Foundation
import Testing

/// Services that fail for a while.
struct RESTRetryTests {
    private let draft = FakeDraft()

    /// A server whose first `failures` answers are `bad`.
    private func server(
        failures: Int = 2, _ bad: @escaping @Sendable (LoopbackServer.Connection) -> Void
    ) throws -> LoopbackServer {
        let counter = Counter()
        return try LoopbackServer { _, connection in
            if counter.next() < failures {
                bad(connection)
            } else {
                connection.reply(200, [], envelope(0..<3))
            }
        }
    }

    private func recovers(_ server: LoopbackServer, failures: Int = 2) throws {
        let summary = try RESTFixture(server).load(into: draft)
        #expect(summary == SnapshotSummary(pages: 1, rows: 3, total: nil, drift: nil, retries: failures))
        #expect(draft.bodies == [envelope(0..<3)])
        #expect(server.requests.count == failures + 1)
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 599])
    func `a status that may pass is asked again`(status: Int) throws {
        try recovers(server { $0.reply(status, [], "<html>SECRET</html>") })
    }

    @Test(arguments: [204, 206, 205])
    func `success without a page is asked again`(status: Int) throws {
        try recovers(
            server { connection in
                connection.send("HTTP/1.1 \(status) X\r\n\(status == 206 ? "Content-Length: 0\r\n" : "")\r\n")
                connection.end()
            })
    }

    @Test func `a long explanation of a failure isn't read to its end`() throws {
        try recovers(server { $0.reply(503, [], [UInt8](repeating: 65, count: 5_000_000)) })
    }

    @Test(arguments: [
        "<html><body>SECRET</body></html>", "", "{\"error\":\"SECRET\"}", "{\"items\":null}",
        "{\"items\":[{\"id\":1}", "{\"items\":[{\"id\":1}]}GARBAGE", "\u{FEFF}{\"items\":[]}", "[]",
        "{\"items\":[{\"id\":1,}]}",
    ])
    func `a body that isn't a whole page is asked again, and nothing of it is kept`(body: String) throws {
        try recovers(server { $0.reply(200, [], body) })
        #expect(draft.discarded == 2)
    }

    @Test func `a body in UTF-16 is asked again`() throws {
        try recovers(
            server {
                $0.reply(
                    200, [],
                    [0xFF, 0xFE] + Array(envelope(0..<1).utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }))
            })
    }

    @Test func `a short body is asked again`() throws {
        try recovers(
            server {
                $0.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n\(envelope(0..<9))")
                $0.end()
            })
        #expect(draft.discarded == 2)
    }

    @Test func `a body that breaks off without having told its length is asked again`() throws {
        try recovers(
            server {
                $0.send("HTTP/1.1 200 OK\r\n\r\n\(envelope(0..<9).dropLast(2))")
                $0.end()
            })
    }

    @Test func `a cut chunk, a reset and a body that isn't compressed as it says are asked again`() throws {
        let counter = Counter()
        try recovers(
            server(failures: 3) { connection in
                switch counter.next() {
                case 0:
                    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"items\":[")
                    connection.end()
                case 1: connection.reset()
                default: connection.reply(200, [("Content-Encoding", "gzip")], envelope(0..<3))
                }
            }, failures: 3)
    }

    /// Each line that came is JSON: only the compressed stream tells that there are more.
    @Test func `compressed lines that break off are asked again`() throws {
        let whole = Gzip.stored(Array("{\"id\":1}\n{\"id\":2}\n".utf8))
        let counter = Counter()
        let server = try LoopbackServer { _, connection in
            let body = counter.next() < 2 ? whole.dropLast(8 + 9) : whole[...]
            connection.reply(200, [("Content-Encoding", "gzip")], Array(body), type: "application/x-ndjson")
        }
        var fixture = RESTFixture(server)
        fixture.settings.records = []
        let summary = try fixture.load(into: draft)
        #expect(summary.rows == 2 && summary.retries == 2 && draft.discarded == 2)
        let broken = try LoopbackServer {
            $1.reply(200, [("Content-Encoding", "gzip")], Array(whole.dropLast(8)), type: "application/x-ndjson")
        }
        fixture.settings.url = broken.url + "/rows"
        #expect(
            fixture.failure()
                == .unavailable(
                    page: 0, attempts: 6,
                    reason: "The response of \(broken.url)/rows broke off: its compressed body has no end."))
    }

    @Test func `a hanging request is asked again`() throws {
        let server = try server(failures: 1) { $0.hang() }
        var fixture = RESTFixture(server)
        fixture.requestTimeout = .seconds(1)
        #expect(try fixture.load(into: draft).retries == 1)
    }

    @Test func `one page's failure doesn't lose the others`() throws {
        let counter = Counter()
        let server = try LoopbackServer { request, connection in
            if request["page"] == "3", counter.next() < 3 { return connection.reply(500) }
            honest(95)(request, connection)
        }
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.parallel = 3
        let summary = try fixture.load(into: draft)
        #expect(summary.retries == 3 && summary.rows == 95)
        #expect(draft.ids == Array(0..<95))
        #expect(server.requests.count == 13)
    }

    @Test func `after six attempts it's given up`() throws {
        let server = try LoopbackServer { $1.reply(502, [], "SECRET") }
        let error = RESTFixture(server, path: "/rows?key=SECRET").failure(into: draft)
        #expect(
            error
                == .unavailable(
                    page: 0, attempts: 6, reason: "\(server.url)/rows?… answered with status 502."))
        #expect(error?.kind == .unavailable && error?.isRetryable == true)
        #expect(server.requests.count == 6)
    }

    @Test func `a page that's never right is given up, and the error says what it was`() throws {
        let server = try LoopbackServer {
            $1.reply(200, [], "<html>SECRET</html>", type: "text/html; charset=x")
        }
        let error = RESTFixture(server).failure(into: draft)
        #expect(
            error
                == .malformed(
                    url: server.url + "/rows", page: 0, attempts: 6,
                    found: "the body isn't JSON near byte 0 (content type text/html; charset=x)"))
        #expect(draft.pages.isEmpty && draft.discarded == 6)
    }

    @Test func `two lists in a page aren't asked for again`() throws {
        let server = try LoopbackServer { $1.reply(200, [], "{\"items\":[{\"id\":1}],\"items\":[]}") }
        let error = RESTFixture(server).failure(into: draft)
        #expect(
            error
                == .twoLists(
                    url: server.url + "/rows", page: 0, found: "the body has a key of 'items' twice (byte 27)"))
        #expect(server.requests.count == 1 && draft.pages.isEmpty && draft.discarded == 1)
    }

    @Test func `the list at another place is named`() throws {
        let server = try LoopbackServer { $1.reply(200, [], "{\"data\":[]}") }
        guard case .malformed(_, _, _, let found) = RESTFixture(server).failure() else { return }
        #expect(found == "the body has no list at 'items' (content type application/json)")
    }

    @Test func `a lone object isn't a list`() throws {
        let server = try LoopbackServer { $1.reply(200, [], "{\"message\":\"SECRET\"}") }
        var fixture = RESTFixture(server)
        fixture.settings.records = []
        #expect(fixture.failure()?.code == "rest.malformed")
        let lines = try LoopbackServer { $1.reply(200, [], "{\"id\":1}\n", type: "application/x-ndjson") }
        var taken = RESTFixture(lines)
        taken.settings.records = []
        #expect(try taken.load(into: draft).rows == 1)
    }

    @Test func `a sequence of JSON texts is lines`() throws {
        let body = "\u{1E}{\"id\":1}\n\u{1E}{\"id\":2}\n"
        let server = try LoopbackServer { $1.reply(200, [], body, type: "application/json-seq") }
        var fixture = RESTFixture(server)
        fixture.settings.records = []
        #expect(try fixture.load(into: draft).rows == 2)
        #expect(draft.bodies == [body])
    }

    @Test(arguments: [
        (401, "rest.unauthorized"), (403, "rest.forbidden"), (404, "rest.not-found"), (400, "rest.refused"),
        (304, "rest.refused"),
    ])
    func `a clear no is taken at once`(status: Int, code: String) throws {
        let server = try LoopbackServer { $1.reply(status, [], "SECRET") }
        let error = RESTFixture(server).failure()
        #expect(error == .refused(url: server.url + "/rows", page: 0, status: status))
        #expect(error?.code == code && error?.isRetryable == false)
        #expect(server.requests.count == 1)
    }

    @Test func `an error of the draft ends the download as it is`() throws {
        struct Full: Error {}
        let server = try LoopbackServer(answer: honest(95))
        draft.writeError = Full()
        for parallel in [1, 4] {
            var fixture = RESTFixture(server, RESTFixture.page)
            fixture.settings.parallel = parallel
            #expect(throws: Full.self) { try fixture.load(into: draft) }
        }
        #expect(server.requests.count == 2)
    }
}

/// Services that ask for patience, and the run's deadline.
struct RESTPatienceTests {
    private let draft = FakeDraft()

    @Test(arguments: [429, 503, 500])
    func `Retry-After in seconds is waited for in full, also by the other pages`(status: Int) throws {
        let counter = Counter()
        let server = try LoopbackServer { request, connection in
            if request["page"] == "1", counter.next() == 0 {
                return connection.reply(status, [("Retry-After", "1")])
            }
            honest(30)(request, connection)
        }
        let start = ContinuousClock.now
        let summary = try RESTFixture(server, RESTFixture.page).load(into: draft)
        #expect(ContinuousClock.now - start >= .seconds(1))
        #expect(summary.rows == 30 && summary.retries == 1)
    }

    @Test func `Retry-After as a date is meant by the service's own clock`() throws {
        let counter = Counter()
        let server = try LoopbackServer { _, connection in
            guard counter.next() == 0 else { return connection.reply(200, [], envelope(0..<1)) }
            let date = "Sun, 06 Nov 1994 08:49:37 GMT", later = "Sun, 06 Nov 1994 08:49:38 GMT"
            connection.reply(429, [("Date", date), ("Retry-After", later)])
        }
        let start = ContinuousClock.now
        try RESTFixture(server).load(into: draft)
        #expect(ContinuousClock.now - start >= .seconds(1))
    }

    @Test func `the service may put a page off more often than it may fail`() throws {
        let counter = Counter()
        let server = try LoopbackServer { _, connection in
            guard counter.next() < 20 else { return connection.reply(200, [], envelope(0..<1)) }
            connection.reply(429, [("Retry-After", "0")])
        }
        #expect(try RESTFixture(server).load(into: draft).retries == 20)
    }

    @Test(arguments: ["315360000", "900", "Fri, 20 Nov 2026 10:30:00 GMT"])
    func `a wait beyond the deadline fails at once and names the time`(retryAfter: String) throws {
        let server = try LoopbackServer {
            $1.reply(429, [("Date", "Fri, 20 Nov 2026 09:30:00 GMT"), ("Retry-After", retryAfter)])
        }
        var fixture = RESTFixture(server)
        fixture.clock = RESTClock { Instant(milliseconds: 1_800_000_000_000) }
        let start = ContinuousClock.now
        guard case .busy(0, 429, let until) = fixture.failure(into: draft) else {
            return #expect(Bool(false), "another error")
        }
        let seconds = Int64(retryAfter) ?? 3600
        #expect((until.milliseconds - 1_800_000_000_000 - seconds * 1000).magnitude < 1000)
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(server.requests.count == 1)
    }

    @Test func `a time slice that's used up is waited for`() throws {
        let server = try LoopbackServer { request, connection in
            let left = request["page"] == "0" ? "0" : "9"
            let range = slice(request["page"].flatMap { Int($0) } ?? 0, size: 10, of: 20)
            connection.reply(
                200, [("X-RateLimit-Remaining", left), ("X-RateLimit-Reset", "1")],
                envelope(range, ",\"total\":20"))
        }
        let start = ContinuousClock.now
        #expect(try RESTFixture(server, RESTFixture.page).load(into: draft).rows == 20)
        #expect(ContinuousClock.now - start >= .seconds(1))
    }

    @Test func `a time slice that ends behind the deadline stops the download, but not behind its last page`()
        throws
    {
        let server = try LoopbackServer { request, connection in
            let range = slice(request["page"].flatMap { Int($0) } ?? 0, size: 10, of: 15)
            connection.reply(
                200, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "3600")],
                envelope(range, ",\"total\":15"))
        }
        let fixture = RESTFixture(server, RESTFixture.page)
        #expect(fixture.failure(into: draft)?.code == "rest.busy")
        #expect(draft.pages.count == 1)
        #expect(try fixture.load(into: draft).rows == 15)
    }

    @Test func `a hanging service ends at the run's deadline`() throws {
        let server = try LoopbackServer { $1.hang() }
        var fixture = RESTFixture(server)
        fixture.deadline = .milliseconds(700)
        fixture.requestTimeout = .seconds(60)
        let start = ContinuousClock.now
        #expect(fixture.failure()?.code == "rest.deadline")
        let took = ContinuousClock.now - start
        #expect(took >= .milliseconds(650) && took < .seconds(5))
    }

    @Test func `no more requests are sent than the rate limit allows`() throws {
        let server = try LoopbackServer(answer: honest(100))
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.parallel = 5
        fixture.settings.rateLimit = 20
        let start = ContinuousClock.now
        try fixture.load(into: draft)
        // Ten requests have nine pauses of 50 ms between them.
        #expect(ContinuousClock.now - start >= .milliseconds(450))
    }

    @Test func `a signal ends the download within a moment, with nothing half written`() async {
        // In a process of its own: the signal is for the whole program.
        await #expect(processExitsWith: .success) {
            let server = try LoopbackServer { _, connection in
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"items\":[")
                Interruption.request(15)
                connection.hang()
            }
            let draft = FakeDraft()
            let start = ContinuousClock.now
            do {
                try RESTFixture(server).load(into: draft)
                exit(2)
            } catch let error as InterruptedError {
                let isQuick = ContinuousClock.now - start < .seconds(10)
                exit(error.signal == 15 && draft.isClosed && draft.pages.isEmpty && isQuick ? 0 : 3)
            }
        }
    }
}

@Test func `what the service does is unavailable, and what only the settings can mend is configuration`() {
    let unavailable: [RESTError] = [
        .unavailable(page: 0, attempts: 6, reason: ""), .deadline(page: 0, reason: nil),
        .malformed(url: "", page: 0, attempts: 6, found: ""), .loop(page: 1, reason: ""), .tooManyPages(limit: 1),
        .otherOrigin(page: 0, reason: ""), .notTrusted(reason: ""), .tokenRefused(url: "", status: 401, word: nil),
        .busy(page: 0, status: 429, until: Instant(milliseconds: 0)), .twoLists(url: "", page: 0, found: ""),
    ] + [401, 403, 404, 410].map { .refused(url: "", page: 0, status: $0) }
    for error in unavailable { #expect(error.kind == .unavailable, "\(error)") }
    let settings: [RESTError] = [.configuration(""), .tooLarge(page: 0, reason: "")]
        + [400, 405, 422].map { .refused(url: "", page: 0, status: $0) }
    for error in settings { #expect(error.kind == .configuration, "\(error)") }
    let waiting = unavailable.filter(\.isRetryable).map(\.code)
    #expect(Set(waiting) == ["rest.unavailable", "rest.deadline", "rest.malformed", "rest.busy"])
}
