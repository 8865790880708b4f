import ELTCore
import HTTP
import JSON

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Gives requests their credentials, and fetches a token where those are needed first.
final class RESTAuthorizer {
    private let auth: Auth
    private let clock: RESTClock
    private let limits: HTTPLimits
    // Of its own, so that waiting for a token hears of nothing else.
    private let client: HTTPClient
    private let tokenURL: HTTPURL?

    private var token: String?
    private var renewsAt: ContinuousClock.Instant?
    /// Tells tokens apart, so that many refusals of one token renew it once.
    private(set) var generation = 0

    init(_ auth: Auth, clock: RESTClock, limits: HTTPLimits) throws {
        self.auth = auth
        self.clock = clock
        self.limits = limits
        client = try HTTPClient(userAgent: RESTSnapshotSource.userAgent)
        guard case .oauth2(let url, _, _, _, _, _) = auth else {
            tokenURL = nil
            return
        }
        do {
            tokenURL = try HTTPURL(url)
        } catch {
            throw RESTError.configuration("full_load.auth.token_url can't be used. \(error.problem)")
        }
    }

    var renews: Bool { tokenURL != nil }

    /// Forgets a token that was refused, if it's still the one in use.
    func forget(generation refused: Int) {
        if refused == generation { token = nil }
    }

    /// The request's address with what belongs into its query.
    func authorized(_ url: HTTPURL) -> HTTPURL {
        guard case .apiKey(let name, let value, true) = auth else { return url }
        return url.setting(name, to: value.value)
    }

    /// The headers that carry credentials.
    func headers(deadline: ContinuousClock.Instant) throws -> [HTTPHeader] {
        switch auth {
        case .none, .apiKey(_, _, true): []
        case .basic(let username, let password):
            [HTTPHeader("Authorization", "Basic " + Self.base64("\(username.value):\(password.value)"))]
        case .bearer(let token): [HTTPHeader("Authorization", "Bearer " + token.value)]
        case .apiKey(let name, let value, false): [HTTPHeader(name, value.value)]
        case .oauth2: [HTTPHeader("Authorization", "Bearer " + (try currentToken(deadline: deadline)))]
        }
    }

    private func currentToken(deadline: ContinuousClock.Instant) throws -> String {
        if let token, let renewsAt, ContinuousClock.now < renewsAt { return token }
        let fetched = try fetch(deadline: deadline)
        token = fetched.token
        generation += 1
        // A minute early, so that no request carries a token that ends on the way.
        let life = fetched.life
        renewsAt = ContinuousClock.now + (life > .seconds(120) ? life - .seconds(60) : life / 2)
        return fetched.token
    }

    private func fetch(deadline: ContinuousClock.Instant) throws -> (token: String, life: Duration) {
        guard let tokenURL, let form = tokenForm() else {
            throw RESTError.configuration("full_load.auth has no token_url.")
        }
        var limits = limits
        limits.bodyBytesMax = 1 << 20
        let request = HTTPRequest(
            url: tokenURL, headers: form.headers, body: form.body, limits: limits, deadline: deadline)
        let (head, body) = try client.perform(request) { try Interruption.check() }
        let document = Self.document(body)
        guard (200...299).contains(head.status) else {
            throw refusal(head, word: document.flatMap(Self.errorWord))
        }
        guard let document, case .string(let token) = Self.value("access_token", in: document), !token.isEmpty
        else { throw RESTFailure.malformed(found: "the answer to the token request has no access_token") }
        return (token, Self.life(in: document))
    }

    private func tokenForm() -> (headers: [HTTPHeader], body: [UInt8])? {
        guard case .oauth2(_, let id, let secret, let scope, let audience, let secretInBody) = auth else {
            return nil
        }
        var fields = [("grant_type", "client_credentials")]
        if let scope { fields.append(("scope", scope)) }
        if let audience { fields.append(("audience", audience)) }
        var headers = [
            HTTPHeader("Content-Type", "application/x-www-form-urlencoded"),
            HTTPHeader("Accept", "application/json"),
        ]
        if secretInBody {
            fields += [("client_id", id.value), ("client_secret", secret.value)]
        } else {
            let pair = "\(HTTPURL.escaped(id.value)):\(HTTPURL.escaped(secret.value))"
            headers.append(HTTPHeader("Authorization", "Basic " + Self.base64(pair)))
        }
        let body = fields.map { HTTPURL.escaped($0.0) + "=" + HTTPURL.escaped($0.1) }.joined(separator: "&")
        return (headers, Array(body.utf8))
    }

    private func refusal(_ head: HTTPHead, word: String?) -> any Error {
        let waits = RESTWaits(head: head, clock: clock)
        let answer = HTTPAnswer(
            url: head.url.description, status: head.status, wait: waits.retryAfter ?? waits.untilReset)
        if RESTStatus(head.status).isPassing { return RESTFailure.status(answer) }
        return RESTError.tokenRefused(url: answer.url, status: head.status, word: word)
    }

    // MARK: The answer

    /// The body if it's one JSON object.
    private static func document(_ body: [UInt8]) -> [UInt8]? {
        let splitter = ListSplitter(path: [], maxElementBytes: body.count)
        var document: [UInt8]?
        guard (try? body.withUnsafeBytes { try splitter.feed($0) { document = Array($0) } }) != nil,
            let skeleton = try? splitter.finish(), skeleton.shape == .lines, skeleton.rows == 1
        else { return nil }
        return document
    }

    private static func value(_ name: String, in document: [UInt8]) -> JSONScalar {
        document.withUnsafeBytes { JSONScalar(in: $0, at: [name]) }
    }

    /// RFC 6749 §5.2 has a few words for what's wrong; anything else isn't repeated.
    private static func errorWord(in document: [UInt8]) -> String? {
        guard case .string(let word) = value("error", in: document), word.utf8.count <= 40,
            word.utf8.allSatisfy({ (97...122).contains($0) || $0 == 95 })
        else { return nil }
        return word
    }

    private static func life(in document: [UInt8]) -> Duration {
        let text: String
        switch value("expires_in", in: document) {
        case .number(let number): text = number
        case .string(let string): text = string
        default: text = ""
        }
        guard let seconds = Double(text), seconds >= 0 else { return .seconds(3600) }
        return .seconds(min(seconds, 10_000_000))
    }

    private static func base64(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = Array(text.utf8)
        var encoded: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let bits = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
            for digit in 0..<4 {
                encoded.append(
                    digit <= part.count ? alphabet[bits >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
