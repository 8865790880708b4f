import ELTCore
import ELTSources
import Foundation
import Testing

/// Credentials: where they go, and where they never show.
struct RESTAuthTests {
    private let draft = FakeDraft()

    private func requests(
        _ auth: Auth, _ change: (inout FullLoadSettings) -> Void = { _ in }
    ) throws -> [LoopbackServer.Request] {
        let server = try LoopbackServer(answer: honest(15))
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.auth = auth
        change(&fixture.settings)
        try fixture.load(into: draft)
        return server.requests
    }

    @Test func `basic, bearer and a key in a header`() throws {
        let basic = try requests(.basic(username: Secret("Aladdin"), password: Secret("open sesame")))
        #expect(
            basic.map { $0[header: "Authorization"] }
                == Array(repeating: "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", count: 2))
    }

    @Test func `a bearer token`() throws {
        #expect(try requests(.bearer(token: Secret("t"))).last?[header: "Authorization"] == "Bearer t")
    }

    @Test func `a key in a header, and other headers`() throws {
        let asked = try requests(.apiKey(name: "X-Key", value: Secret("k"), inQuery: false)) {
            $0.headers = ["X-Tenant": Secret("7"), "accept": Secret("application/hal+json")]
        }
        #expect(asked[0][header: "X-Key"] == "k" && asked[0][header: "X-Tenant"] == "7")
        #expect(
            asked[0].headers.filter { $0.name.lowercased() == "accept" }.map(\.value) == [
                "application/hal+json"
            ])
        #expect(asked[0][header: "Authorization"] == nil)
    }

    @Test func `a key in the query is in no address that's kept`() throws {
        let asked = try requests(.apiKey(name: "api key", value: Secret("k&1"), inQuery: true))
        #expect(
            asked.map(\.target) == [
                "/rows?page=0&size=10&api%20key=k%261", "/rows?page=1&size=10&api%20key=k%261",
            ])
        #expect(
            draft.pages.values.allSatisfy { !$0.head.url.contains("k%261") && !$0.head.url.contains("api") })
    }

    @Test func `a key that the service repeats in its links isn't kept either`() throws {
        let server = try LoopbackServer { request, connection in
            let isFirst = request["at"] == nil
            connection.reply(
                200, isFirst ? [("Link", "</rows?at=1&key=SECRET>; rel=next")] : [],
                envelope(isFirst ? 0..<1 : 1..<2))
        }
        var fixture = RESTFixture(server, RESTFixture.link)
        fixture.settings.auth = .apiKey(name: "key", value: Secret("SECRET"), inQuery: true)
        try fixture.load(into: draft)
        #expect(server.requests.last?.target == "/rows?at=1&key=SECRET")
        #expect(draft.pages[0]?.note.next == server.url + "/rows?at=1")
        #expect(draft.pages[1]?.head.url == server.url + "/rows?at=1")
    }

    // MARK: Tokens

    /// A service whose tokens are t0, t1, …; `accepts` decides about a page's token.
    private func service(
        answer: String = "{\"access_token\":\"tN\",\"expires_in\":3600}",
        accepts: @escaping @Sendable (String?) -> Bool = { _ in true }
    ) throws -> LoopbackServer {
        let counter = Counter()
        return try LoopbackServer { request, connection in
            if request.path == "/token" {
                return connection.reply(200, [], answer.replacing("tN", with: "t\(counter.next())"))
            }
            guard accepts(request[header: "Authorization"]) else { return connection.reply(401) }
            honest(35)(request, connection)
        }
    }

    private func fixture(_ server: LoopbackServer, secretInBody: Bool = false) -> RESTFixture {
        var fixture = RESTFixture(server, RESTFixture.page)
        fixture.settings.auth = .oauth2(
            tokenURL: server.url + "/token", clientID: Secret("id:1"), clientSecret: Secret("SECRET&"),
            scope: "read all",
            audience: "a", secretInBody: secretInBody)
        return fixture
    }

    @Test func `a token is fetched once and used for all pages`() throws {
        let server = try service()
        try fixture(server).load(into: draft)
        let tokens = server.requests.filter { $0.path == "/token" }
        #expect(tokens.count == 1 && tokens[0].method == "POST")
        #expect(tokens[0].body == "grant_type=client_credentials&scope=read%20all&audience=a")
        #expect(
            tokens[0][header: "Authorization"] == "Basic "
                + Data("id%3A1:SECRET%26".utf8).base64EncodedString())
        #expect(tokens[0][header: "Content-Type"] == "application/x-www-form-urlencoded")
        #expect(server.requests.dropFirst().allSatisfy { $0[header: "Authorization"] == "Bearer t0" })
    }

    @Test func `the client's secret may be in the body`() throws {
        let server = try service()
        try fixture(server, secretInBody: true).load(into: draft)
        #expect(server.requests[0].body.hasSuffix("&client_id=id%3A1&client_secret=SECRET%26"))
        #expect(server.requests[0][header: "Authorization"] == nil)
    }

    @Test func `a token that's about to end is renewed before it's used`() throws {
        let server = try service(answer: "{\"access_token\":\"tN\",\"expires_in\":\"0\"}")
        try fixture(server).load(into: draft)
        #expect(server.requests.filter { $0.path == "/token" }.count == 4)
    }

    @Test(arguments: [1, 4])
    func `a token that's refused is renewed once, however many pages it was for`(parallel: Int) throws {
        let counter = Counter()
        let server = try service { token in
            token == "Bearer t1" || (token == "Bearer t0" && counter.next() == 0)
        }
        var fixture = fixture(server)
        fixture.settings.parallel = parallel
        #expect(try fixture.load(into: draft).rows == 35)
        #expect(server.requests.filter { $0.path == "/token" }.count == 2)
    }

    @Test func `two tokens refused for one page are a no`() throws {
        let server = try service { _ in false }
        #expect(fixture(server).failure()?.code == "rest.unauthorized")
        #expect(server.requests.filter { $0.path == "/token" }.count == 2)
    }

    @Test func `a refusal of the token is told in the service's word, and nothing else of it`() throws {
        let server = try LoopbackServer {
            $1.reply(400, [], "{\"error\":\"invalid_client\",\"error_description\":\"SECRET\"}")
        }
        #expect(
            fixture(server).failure()
                == .tokenRefused(url: server.url + "/token", status: 400, word: "invalid_client"))
        let odd = try LoopbackServer { $1.reply(401, [], "{\"error\":\"SECRET is wrong\"}") }
        #expect(fixture(odd).failure() == .tokenRefused(url: odd.url + "/token", status: 401, word: nil))
    }

    @Test func `a token service that fails for a while is asked again`() throws {
        let counter = Counter()
        let server = try LoopbackServer { request, connection in
            guard request.path == "/token" else { return honest(5)(request, connection) }
            switch counter.next() {
            case 0: connection.reply(503)
            case 1: connection.reply(200, [], "<html>")
            case 2:
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
                connection.end()
            default: connection.reply(200, [], "{\"access_token\":\"t\"}")
            }
        }
        #expect(try fixture(server).load(into: draft).retries == 3)
    }

    @Test func `a token request isn't redirected`() throws {
        let server = try LoopbackServer { $1.reply(307, [("Location", "/elsewhere")]) }
        #expect(fixture(server).failure()?.code == "rest.other-origin")
        #expect(server.requests.count == 1)
    }
}

/// What's decided without a service.
struct RESTWordingTests {
    private let settings = FullLoadSettings(url: "https://h.example/rows")

    private func problem(_ change: (inout FullLoadSettings) -> Void) -> String? {
        var settings = settings
        change(&settings)
        do {
            _ = try RESTSnapshotSource(settings)
            return nil
        } catch { return (error as? RESTError)?.problem }
    }

    @Test func `settings that can't work are refused before anything is asked`() {
        #expect(problem { _ in } == nil)
        #expect(
            problem { $0.url = "ftp://h/x" }
                == "full_load.url can't be used. The URL can't be used: only http and https are asked.")
        #expect(problem { $0.url = "https://u:SECRET@h/x" }?.contains("SECRET") == false)
        #expect(problem { $0.parallel = 0 } == "full_load.parallel is less than 1.")
        #expect(problem { $0.rateLimit = 0 } == "full_load.rate_limit isn't positive.")
        #expect(problem { $0.pagination = .keyset(key: [], param: "a", sizeParam: nil, size: nil) } != nil)
        #expect(
            problem { $0.pagination = RESTFixture.cursor }?.contains("full_load.records isn't set") == true)
        #expect(
            problem { $0.pagination = .page(pageParam: "p", sizeParam: nil, size: 0, first: 0, total: nil) }
                != nil)
        #expect(
            problem {
                $0.auth = .oauth2(
                    tokenURL: "x", clientID: Secret(""), clientSecret: Secret(""), scope: nil, audience: nil,
                    secretInBody: true)
            }?.hasPrefix("full_load.auth.token_url") == true)
    }

    @Test func `an error says what to do next`() {
        let until = Instant(milliseconds: 1_800_000_000_000)
        #expect(
            RESTError.busy(page: 17, status: 429, until: until).description
                == "Page 17: the service answered 429 and asks to wait until 2027-01-15T08:00:00.000Z, "
                + "which is after this run's deadline.\n"
                + "Run 'elt full-load' again after 2027-01-15T08:00:00.000Z: it goes on at the first missing page.")
        #expect(
            RESTError.refused(url: "https://h/rows?…", page: 0, status: 401).description
                == "https://h/rows?… answered page 0 with status 401.\n"
                + "Check full_load.auth in elt.yml: the service doesn't accept these credentials.")
    }

    @Test func `dates of HTTP are read in all three forms`() {
        let now = Instant(milliseconds: 1_795_000_000_000)
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ] {
            #expect(Instant(httpDate: text, now: now)?.description == "1994-11-06T08:49:37.000Z")
        }
        #expect(
            Instant(httpDate: "Monday, 29-Feb-32 23:59:60 GMT", now: now)?.description
                == "2032-02-29T23:59:59.000Z")
        for text in [
            "", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nvo 1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:4٩:37 GMT", "Wed, 31 Dec 1969 23:59:59 GMT",
        ] { #expect(Instant(httpDate: text, now: now) == nil, "\(text)") }
    }
}
