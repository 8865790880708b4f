import HTTP
import Testing

struct HTTPRedirectTests {
    private let secret = HTTPHeader("Authorization", "Bearer SECRET")

    private func follow(_ server: LoopbackServer, _ path: String = "/", body: [UInt8]? = nil) throws
        -> HTTPHead
    {
        let url = try HTTPURL(server.url + path)
        return try HTTPClient(userAgent: "test").perform(HTTPRequest(url: url, headers: [secret], body: body))
            .head
    }

    private func refusal(_ server: LoopbackServer, body: [UInt8]? = nil) -> HTTPError? {
        do {
            _ = try follow(server, body: body)
            return nil
        } catch { return error as? HTTPError }
    }

    @Test func `a redirect within the origin is followed with credentials`() throws {
        let server = try LoopbackServer { request, connection in
            if request.path == "/to/here" { return connection.reply(200, [], "ok") }
            connection.reply(302, [("Location", "to/here?a=b")], "moved")
        }
        let head = try follow(server)
        #expect(head.status == 200)
        #expect(head.url.text == server.url + "/to/here?a=b")
        #expect(server.requests.map { $0[header: "Authorization"] } == ["Bearer SECRET", "Bearer SECRET"])
    }

    @Test func `a redirect to another host is refused and that host hears nothing`() throws {
        let other = try LoopbackServer(host: "127.0.0.2") { $1.reply(200, [], "stolen") }
        let target = other.url
        let server = try LoopbackServer { $1.reply(302, [("Location", target + "/ok?token=x")]) }
        #expect(
            refusal(server)
                == .redirectRefused(url: server.url + "/", to: other.url, reason: "it's another origin"))
        #expect(other.requests.isEmpty)
    }

    @Test func `a redirect to another port is refused`() throws {
        let other = try LoopbackServer { $1.reply(200, [], "stolen") }
        let target = other.url
        let server = try LoopbackServer { $1.reply(307, [("Location", target)]) }
        guard case .redirectRefused = refusal(server) else { return #expect(Bool(false), "it was followed") }
        #expect(other.requests.isEmpty)
    }

    @Test(arguments: [
        "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "//127.0.0.2/x",
        "http://user@127.0.0.1/",
        "http://169.254.169.254/latest", "http://[::1]/", "http://2130706434/", "javascript:alert(1)",
        "https://127.0.0.2/",
    ])
    func `a redirect to anywhere else is refused`(target: String) throws {
        let server = try LoopbackServer { $1.reply(301, [("Location", target)]) }
        guard case .redirectRefused = refusal(server) else { return #expect(Bool(false), "it was followed") }
        #expect(server.requests.count == 1)
    }

    @Test func `a redirect in circles ends after five hops`() throws {
        let server = try LoopbackServer { $1.reply(302, [("Location", "/")]) }
        #expect(refusal(server) == .tooManyRedirects(url: server.url + "/", limit: 5))
        #expect(server.requests.count == 6)
    }

    @Test func `what's posted isn't redirected`() throws {
        let server = try LoopbackServer { $1.reply(307, [("Location", "/other")]) }
        guard case .redirectRefused = refusal(server, body: [1]) else {
            return #expect(Bool(false), "it was followed")
        }
        #expect(server.requests.map(\.method) == ["POST"])
    }

    @Test func `a redirect without a target is an answer like any other`() throws {
        let server = try LoopbackServer { $1.reply(304) }
        #expect(try follow(server).status == 304)
    }
}

struct HTTPURLTests {
    @Test func `credentials go to the same origin, or up to TLS on the same host`() throws {
        func may(_ from: String, _ to: String) throws -> Bool {
            try HTTPURL(from).maySendCredentials(to: HTTPURL(to))
        }
        #expect(try may("http://a.example/x", "http://A.example:80/y?z"))
        #expect(try may("http://a.example", "https://a.example"))
        #expect(try may("http://a.example:8080", "https://a.example:8080"))
        #expect(try !may("https://a.example", "http://a.example"))
        #expect(try !may("http://a.example", "https://a.example:8443"))
        #expect(try !may("http://a.example", "http://a.example:8080"))
        #expect(try !may("http://a.example", "http://b.a.example"))
        #expect(try !may("http://a.example", "http://a.example."))
        #expect(try !may("http://127.0.0.1", "http://localhost"))
    }

    @Test(arguments: [
        "ftp://a", "file:///etc/passwd", "a/b", "", "http://", "http://u@a", "http://u:p@a/",
        "http://a:99999/",
        "http://a/\u{1}", "mailto:a@b",
    ])
    func `what isn't a plain address of http is refused`(text: String) {
        #expect(throws: HTTPError.self) { try HTTPURL(text) }
    }

    @Test func `parameters are escaped, replaced, and others left as they are`() throws {
        let url = try HTTPURL("https://h.example/p%20q?filter=a%2Cb&size=5&flag")
        #expect(url.setting("size", to: "10").text == "https://h.example/p%20q?filter=a%2Cb&flag&size=10")
        #expect(url.setting("é &", to: "1+1=2/ü").text.hasSuffix("&flag&%C3%A9%20%26=1%2B1%3D2%2F%C3%BC"))
        #expect(url.removing("flag").removing("size").removing("filter").text == "https://h.example/p%20q")
        #expect(try HTTPURL("http://h/?si%7Ae=1").setting("size", to: "2").text == "http://h/?size=2")
    }

    @Test func `a description shows no value of the query`() throws {
        #expect(try HTTPURL("https://h.example:444/p?key=SECRET").description == "https://h.example:444/p?…")
    }

    @Test func `references are resolved as a browser does`() throws {
        let base = try HTTPURL("http://h.example/a/b?x=1")
        #expect(try base.resolving("?x=2").text == "http://h.example/a/b?x=2")
        #expect(try base.resolving("c").text == "http://h.example/a/c")
        #expect(try base.resolving("/c#f").text == "http://h.example/c")
        #expect(try base.resolving("//other.example/c").host == "other.example")
        #expect(try base.resolving("http://2130706433/").host == "127.0.0.1")
    }
}
