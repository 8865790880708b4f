import ELTCore
import FlyingFox
import FlyingSocks
import Foundation
import Synchronization

/// The customer service over HTTP, on loopback only.
final class CustomerService: Sendable {
    static let sizeMax = 10_000
    static let sizeDefault = 1000

    private let wantedPort: UInt16
    private let running = Mutex<(task: Task<Void, Never>?, port: UInt16, failure: String?)>((nil, 0, nil))
    /// Advances run here and not in the pool that answers requests.
    private let advances = DispatchQueue(label: "elt.sandbox.advance")

    init(port: UInt16) { wantedPort = port }

    /// The port it listens on once it has started.
    var port: UInt16 { running.withLock { $0.port == 0 ? wantedPort : $0.port } }

    /// Begins to serve in Swift's pool; `isListening` tells when requests are answered.
    func begin(for sandbox: Sandbox) {
        let port = wantedPort
        let task = Task.detached { [self] in
            do {
                let address = try sockaddr_in.inet(ip4: "127.0.0.1", port: port)
                let server = HTTPServer(address: address, timeout: 60, logger: .disabled, handler: nil)
                await addRoutes(to: server, sandbox)
                let listening = Task {
                    try await server.waitUntilListening(timeout: 3600)
                    guard case .ip4(_, let bound) = await server.listeningAddress else { return }
                    running.withLock { $0.port = bound }
                }
                defer { listening.cancel() }
                try await server.run()
            } catch is CancellationError {
            } catch {
                running.withLock { $0.failure = "\(error)" }
            }
        }
        running.withLock { $0.task = task }
    }

    /// Throws if the port can't be had.
    func isListening() throws -> Bool {
        let (bound, failure) = running.withLock { ($0.port, $0.failure) }
        if failure != nil { throw SandboxError.portTaken(port: wantedPort, service: "customer service") }
        return bound != 0
    }

    func stop() { running.withLock { $0.task?.cancel() } }

    private func addRoutes(to server: HTTPServer, _ sandbox: Sandbox) async {
        await server.appendRoute("GET /health") { request in
            Self.answer(request, Array(#"{"status":"UP"}"#.utf8), date: sandbox.now)
        }
        await server.appendRoute("GET /api/customers") { request in Self.listing(request, sandbox) }
        await server.appendRoute("GET /api/customers/:id") { request in
            let id = request.path.split(separator: "/").last ?? ""
            guard let number = Customer.number(ofID: id) else {
                return Self.refuse(request, .notFound, "there is no such customer", sandbox)
            }
            let (body, date) = sandbox.customer(number: number)
            guard let body else {
                return Self.refuse(request, .notFound, "there is no such customer", sandbox)
            }
            return Self.answer(request, body, date: date)
        }
        await server.appendRoute("GET /sandbox/status") { request in
            try Self.answer(request, Array(JSONEncoder.sorted.encode(sandbox.status)), date: sandbox.now)
        }
        await server.appendRoute("POST /sandbox/advance") { [advances] request in
            await withCheckedContinuation { continuation in
                advances.async { continuation.resume(returning: Self.advance(request, sandbox)) }
            }
        }
        await server.appendRoute("*") { request in
            Self.refuse(
                request, .notFound, "there is nothing at \(request.method.rawValue) \(request.path)", sandbox)
        }
    }

    // MARK: Answers

    private static func listing(_ request: HTTPRequest, _ sandbox: Sandbox) -> HTTPResponse {
        guard let page = number("page", request, default: 0), page >= 0 else {
            return refuse(request, .badRequest, "page is a number from 0", sandbox)
        }
        guard let size = number("size", request, default: sizeDefault), (1...sizeMax).contains(size) else {
            return refuse(request, .badRequest, "size is a number from 1 to \(sizeMax)", sandbox)
        }
        let (body, date) = sandbox.page(page, size: size)
        return answer(request, body, date: date)
    }

    private static func advance(_ request: HTTPRequest, _ sandbox: Sandbox) -> HTTPResponse {
        let units: [(name: String, seconds: Int)] = [("minutes", 60), ("hours", 3600), ("days", 86_400)]
        var target: Instant?
        if let text = request.query["to"] {
            target = sandbox.options.zone.instant(text)
        } else if let unit = units.first(where: { request.query[$0.name] != nil }),
            let count = request.query[unit.name].flatMap(Int.init), (0...100_000).contains(count)
        {
            target = sandbox.now + .seconds(count * unit.seconds)
        }
        guard let target else {
            let words = "say to=2026-11-20T10:00:00Z, or minutes=, hours= or days= and a number"
            return refuse(request, .badRequest, words, sandbox)
        }
        do {
            let added = try sandbox.advance(to: target)
            let answered = Advanced(now: sandbox.now.description, added: added, status: sandbox.status)
            return answer(request, Array(try JSONEncoder.sorted.encode(answered)), date: sandbox.now)
        } catch let error as any ELTError {
            return refuse(
                request, error.kind == .usage ? .badRequest : .internalServerError, error.problem, sandbox)
        } catch {
            return refuse(request, .internalServerError, "\(error)", sandbox)
        }
    }

    private struct Advanced: Encodable {
        let now: String
        let added: Sandbox.Counts
        let status: Sandbox.Status
    }

    private static func number(_ name: String, _ request: HTTPRequest, default value: Int) -> Int? {
        guard let text = request.query[name] else { return value }
        // Only digits: "+1" or " 1" is nonsense too.
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    private static func answer(
        _ request: HTTPRequest, _ body: [UInt8], status: HTTPStatusCode = .ok, date: Instant
    ) -> HTTPResponse {
        var headers: HTTPHeaders = [.contentType: "application/json; charset=utf-8", .date: date.httpDate]
        // HTTP/1.1 keeps connections without being asked to.
        if request.headers[.connection]?.lowercased() != "close" { headers[.connection] = "keep-alive" }
        // In one piece: by default it would be written in pieces of 4 KB.
        let sequence = HTTPBodySequence(data: Data(body), suggestedBufferSize: max(body.count, 1))
        return HTTPResponse(statusCode: status, headers: headers, body: sequence)
    }

    private static func refuse(
        _ request: HTTPRequest, _ status: HTTPStatusCode, _ words: String, _ sandbox: Sandbox
    ) -> HTTPResponse {
        let body = (try? JSONEncoder.sorted.encode(["error": words])) ?? Data()
        return answer(request, Array(body), status: status, date: sandbox.now)
    }
}

extension JSONEncoder {
    static var sorted: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension Instant {
    /// As HTTP writes dates (RFC 9110 §5.6.7): `Fri, 20 Nov 2026 09:30:00 GMT`.
    var httpDate: String {
        let number = milliseconds.floorDivided(by: 86_400_000)
        let day = Day(daysSinceEpoch: Int32(clamping: number))
        let second = (milliseconds - number * 86_400_000) / 1000
        let civil = day.civil
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int((number % 7 + 7) % 7)]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        var text: [UInt8] = []
        text.appendDigits(Int64(civil.day), width: 2)
        text += Array(" \(months[civil.month - 1]) ".utf8)
        text.appendDigits(Int64(civil.year), width: 4)
        for part in [second / 3600, second / 60 % 60, second % 60] {
            text.append(UInt8(ascii: text.count == 11 ? " " : ":"))
            text.appendDigits(part, width: 2)
        }
        return "\(weekday), \(String(decoding: text, as: UTF8.self)) GMT"
    }
}
