import Foundation
import HTTP
import Testing

struct HTTPClientTests {
    private func get(
        _ server: LoopbackServer, _ path: String = "/", headers: [HTTPHeader] = [],
        deadline: Duration = .seconds(20),
        limits: (inout HTTPLimits) -> Void = { _ in }
    ) throws -> (head: HTTPHead, body: [UInt8]) {
        var all = HTTPLimits()
        limits(&all)
        let url = try HTTPURL(server.url + path)
        let request = HTTPRequest(url: url, headers: headers, limits: all, deadline: .now + deadline)
        return try HTTPClient(userAgent: "test").perform(request)
    }

    private func error(_ body: () throws -> Void) -> HTTPError? {
        do {
            try body()
            return nil
        } catch { return error as? HTTPError }
    }

    private func isTruncated(_ error: HTTPError?) -> Bool {
        if case .truncated = error { true } else { false }
    }

    @Test func `a response comes whole, with its headers`() throws {
        let body = [UInt8](repeating: 65, count: 3_000_000)
        let server = try LoopbackServer {
            $1.reply(200, [("X-Two", "a"), ("x-two", "b"), ("ETag", "\"1\"")], body)
        }
        let answer = try get(server, "/a?b=c")
        #expect(answer.head.status == 200)
        #expect(answer.body == body)
        #expect(answer.head.all("X-TWO") == ["a", "b"])
        #expect(answer.head["etag"] == "\"1\"")
        #expect(server.requests.first?.target == "/a?b=c")
    }

    @Test func `an interim response isn't taken for the response`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            connection.reply(200, [], "ok")
        }
        let answer = try get(server)
        #expect(answer.head.status == 200)
        #expect(answer.head["Link"] == nil)
        #expect(answer.body == Array("ok".utf8))
    }

    @Test func `a body shorter than its length is an error`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"items\":[")
            connection.end()
        }
        #expect(isTruncated(error { _ = try get(server) }))
    }

    @Test func `a body cut within a chunk is an error`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"items\":[")
            connection.end()
        }
        #expect(isTruncated(error { _ = try get(server) }))
    }

    @Test func `a body without its last chunk is an error`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n")
            connection.end()
        }
        #expect(isTruncated(error { _ = try get(server) }))
    }

    @Test func `a reset connection is an error that may pass`() throws {
        let server = try LoopbackServer { $1.reset() }
        let error = error { _ = try get(server) }
        #expect(error?.isRetryable == true)
    }

    @Test func `a refused connection is an error that may pass`() throws {
        let server = try LoopbackServer { $1.reply() }
        let url = server.url
        server.stop()
        let error = error { _ = try HTTPClient(userAgent: "t").perform(HTTPRequest(url: HTTPURL(url))) }
        guard case .transport(let place, _) = error else { return #expect(error == nil, "another error") }
        #expect(place == url + "/")
    }

    @Test func `a server that says nothing is given up after the idle time`() throws {
        let server = try LoopbackServer { $1.hang() }
        let start = ContinuousClock.now
        let error = error { _ = try get(server) { $0.idleTimeout = .seconds(1) } }
        #expect(error == .timeout(url: server.url + "/", waitingFor: .bytes))
        #expect(ContinuousClock.now - start < .seconds(8))
    }

    @Test func `a server that drips is given up at the deadline`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            connection.drip("{", every: .milliseconds(20))
        }
        let start = ContinuousClock.now
        let error = error { _ = try get(server, deadline: .milliseconds(1500)) }
        #expect(error == .timeout(url: server.url + "/", waitingFor: .whole))
        let took = ContinuousClock.now - start
        #expect(took > .milliseconds(1350) && took < .seconds(4))
    }

    @Test func `a server that drips fewer bytes than the least is given up before the deadline`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nX: ")
            connection.drip("a", every: .milliseconds(200))
        }
        let error = error {
            _ = try get(server) {
                $0.idleTimeout = .seconds(1)
                $0.bytesPerSecondMin = 1000
            }
        }
        #expect(error == .timeout(url: server.url + "/", waitingFor: .bytes))
    }

    @Test func `one header of five megabytes is refused`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send(
                "HTTP/1.1 200 OK\r\nX-A: " + String(repeating: "a", count: 5_000_000) + "\r\n\r\n")
            connection.end()
        }
        guard case .tooLarge(_, .headers, _) = error({ _ = try get(server) }) else {
            return #expect(Bool(false), "the header was taken")
        }
    }

    @Test func `endless headers are refused`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\n")
            while connection.send("X-A: \(String(repeating: "a", count: 1000))\r\n") {}
            connection.end()
        }
        let error = error { _ = try get(server) { $0.headerBytesMax = 50_000 } }
        #expect(error == .tooLarge(url: server.url + "/", part: .headers, limit: 50_000))
    }

    @Test func `a compressed body is unpacked`() throws {
        let text = Array(#"{"items":[]}"#.utf8)
        let server = try LoopbackServer { $1.reply(200, [("Content-Encoding", "gzip")], Gzip.stored(text)) }
        #expect(try get(server).body == text)
        #expect(server.requests[0][header: "Accept-Encoding"]?.contains("gzip") == true)
    }

    private static let text = Array(#"{"items":[1,2,3]}"#.utf8)
    private static let packed = [
        ("gzip", Gzip.stored(text)), ("X-GZIP, identity", Gzip.stored(text)),
        ("deflate", Gzip.deflated(text, hasHeader: true)), ("deflate", Gzip.deflated(text, hasHeader: false)),
    ]

    @Test(arguments: packed)
    func `a compressed body is whole or an error, in pieces of any size`(encoding: String, bytes: [UInt8]) throws {
        for count in 0...bytes.count {
            let server = try LoopbackServer { request, connection in
                connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: \(encoding)\r\nContent-Length: \(count)\r\n\r\n")
                let isSlow = count == bytes.count
                for piece in isSlow ? bytes.map({ [$0] }) : [Array(bytes[..<count])] {
                    connection.send(piece)
                    if isSlow { usleep(1000) }
                }
            }
            defer { server.stop() }
            if count == bytes.count {
                #expect(try get(server).body == Self.text)
            } else {
                #expect(
                    error { _ = try get(server) }
                        == .truncated(url: server.url + "/", reason: "its compressed body has no end"),
                    "\(count) bytes")
            }
        }
    }

    @Test func `a gzip body may have several members`() throws {
        let bytes = Gzip.stored(Array("ab".utf8)) + Gzip.stored([]) + Gzip.stored(Array("cd".utf8))
        let server = try LoopbackServer { $1.reply(200, [("Content-Encoding", "gzip")], bytes) }
        #expect(try get(server).body == Array("abcd".utf8))
        let cut = try LoopbackServer { $1.reply(200, [("Content-Encoding", "gzip")], bytes.dropLast(3)) }
        #expect(error { _ = try get(cut) } == .truncated(url: cut.url + "/", reason: "its compressed body has no end"))
    }

    @Test func `a body that isn't compressed as it says is an error`() throws {
        let flipped = Gzip.stored(Self.text).enumerated().map { $0 == 20 ? $1 ^ 1 : $1 }
        let bodies: [(String, [UInt8])] = [
            ("gzip", Array("not gzip at all, really".utf8)), ("gzip", flipped), ("br", Self.text),
            ("gzip, gzip", Gzip.stored(Gzip.stored(Self.text))), ("gzip", Gzip.stored(Self.text) + [1, 2, 3]),
            ("deflate", Gzip.deflated(Self.text, hasHeader: true) + [0]),
        ]
        for (encoding, body) in bodies {
            let server = try LoopbackServer { $1.reply(200, [("Content-Encoding", encoding)], body) }
            #expect(error { _ = try get(server) } == .badEncoding(url: server.url + "/"), "\(encoding)")
        }
    }

    @Test(arguments: [304, 500])
    func `no body is no error where none is to be expected`(status: Int) throws {
        let server = try LoopbackServer { $1.reply(status, [("Content-Encoding", "gzip")]) }
        #expect(try get(server).head.status == status)
    }

    @Test func `a small body that unpacks to a huge one is refused at the limit`() throws {
        let bomb = Gzip.bomb(300_000_000)
        #expect(bomb.count < 2_000_000)
        let server = try LoopbackServer { $1.reply(200, [("Content-Encoding", "gzip")], bomb) }
        let error = error { _ = try get(server) { $0.bodyBytesMax = 1_000_000 } }
        #expect(error == .tooLarge(url: server.url + "/", part: .body, limit: 1_000_000))
    }

    @Test func `bytes behind the body aren't part of it`() throws {
        let server = try LoopbackServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]GARBAGE")
            connection.end()
        }
        #expect(try get(server).body == Array("[]".utf8))
    }

    @Test func `connections are used again`() throws {
        let server = try LoopbackServer { $1.reply(200, [], "ok") }
        let client = try HTTPClient(userAgent: "test")
        for _ in 0..<3 { _ = try client.perform(HTTPRequest(url: HTTPURL(server.url))) }
        #expect(server.requests.map(\.connection) == [1, 1, 1])
    }

    @Test func `a line break in a header is refused`() throws {
        let server = try LoopbackServer { $1.reply() }
        for value in ["a\r\nX-Evil: 1", "a\nb", "a\0b"] {
            let error = error { _ = try get(server, headers: [HTTPHeader("X-A", value)]) }
            guard case .invalidRequest = error else { return #expect(Bool(false), "the header was sent") }
        }
        #expect(server.requests.isEmpty)
    }

    @Test func `what a receiver throws comes out as it is`() throws {
        struct Full: Error {}
        final class Receiver: HTTPReceiver {
            var result: Result<HTTPHead, any Error>?
            func begins(_ head: HTTPHead) {}
            func receives(_ piece: UnsafeRawBufferPointer) throws { throw Full() }
            func ends(_ result: Result<HTTPHead, any Error>) { self.result = result }
        }
        let server = try LoopbackServer { $1.reply(200, [], "body") }
        let client = try HTTPClient(userAgent: "test")
        let receiver = Receiver()
        try client.start(HTTPRequest(url: HTTPURL(server.url)), receiver: receiver)
        let end = ContinuousClock.now + .seconds(20)
        while receiver.result == nil, ContinuousClock.now < end { try client.run(atMost: .milliseconds(50)) }
        #expect(throws: Full.self) { try receiver.result?.get() }
    }
}
