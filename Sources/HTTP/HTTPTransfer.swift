import CCurl

/// One request on its way, and what has come of its response.
///
/// libcurl keeps an unretained pointer to it, so the client holds it until the transfer has ended.
final class HTTPTransfer {
    let easy: UnsafeMutableRawPointer
    let request: HTTPRequest
    let receiver: any HTTPReceiver
    private(set) var url: HTTPURL
    private(set) var redirects = 0
    private(set) var head: HTTPHead?
    /// What a callback threw; libcurl itself only knows that one failed.
    private(set) var failure: (any Error)?

    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var status = 0
    private var headers: [HTTPHeader] = []
    private var headerBytes: Int64 = 0
    private var bodyBytes: Int64 = 0
    /// nil for a body that isn't compressed.
    private var inflater: Inflater?
    private let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init(_ request: HTTPRequest, receiver: any HTTPReceiver) throws(HTTPError) {
        guard let easy = curl_easy_init() else { throw .library(reason: "there's no memory for a request") }
        self.easy = easy
        self.request = request
        self.receiver = receiver
        url = request.url
        message.pointee = 0
        for header in request.headers { try append(header) }
        try append(HTTPHeader("Accept-Encoding", Inflater.accepted))
        if request.body != nil { try append(HTTPHeader("Expect", "")) }
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
        message.deallocate()
    }

    private func append(_ header: HTTPHeader) throws(HTTPError) {
        let isToken =
            !header.name.isEmpty && header.name.utf8.allSatisfy { (33...126).contains($0) && $0 != 58 }
        let isOneLine = header.value.utf8.allSatisfy { ($0 >= 32 && $0 != 127) || $0 == 9 }
        guard isToken, isOneLine else {
            throw .invalidRequest(
                reason: "the header '\(isToken ? header.name : "?")' isn't one line of text")
        }
        // To libcurl "Name:" removes a header and "Name;" sends it empty.
        let line =
            header.value.isEmpty && header.name != "Expect"
            ? "\(header.name);" : "\(header.name): \(header.value)"
        guard let list = curl_slist_append(headerList, line) else {
            throw .library(reason: "there's no memory for a header")
        }
        headerList = list
    }

    /// Whether the response is a redirect that would be followed if its target may be.
    private var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }

    /// Where the response sends us; nil if it isn't a redirect. Throws if it's one to nowhere good.
    func redirection() throws(HTTPError) -> HTTPURL? {
        guard let head, isRedirect, let location = head["Location"] else { return nil }
        let from = url.description
        let target: HTTPURL
        do {
            target = try url.resolving(location)
        } catch {
            throw .redirectRefused(url: from, to: "another address", reason: error.reason)
        }
        guard request.body == nil else {
            throw .redirectRefused(
                url: from, to: target.origin, reason: "what's posted goes to one address only")
        }
        guard url.maySendCredentials(to: target) else {
            throw .redirectRefused(url: from, to: target.origin, reason: "it's another origin")
        }
        guard redirects < request.limits.redirectsMax else {
            throw .tooManyRedirects(url: request.url.description, limit: request.limits.redirectsMax)
        }
        return target
    }

    func redirect(to target: HTTPURL) {
        url = target
        redirects += 1
        status = 0
        head = nil
        headers = []
        headerBytes = 0
        bodyBytes = 0
        inflater = nil
    }

    /// Throws if the body isn't whole though the connection says so.
    func checkEnd() throws(HTTPError) {
        guard let inflater, !inflater.isWhole, (200...299).contains(status) else { return }
        throw .truncated(url: url.description, reason: "its compressed body has no end")
    }

    /// Tells libcurl all that it must know for this request.
    func prepare(userAgent: String, trustedCertificates: String?) throws(HTTPError) {
        var results: [CURLcode] = []
        func set(_ option: CURLoption, _ value: Int) {
            results.append(elt_curl_set_long(easy, option, value))
        }
        func set(_ option: CURLoption, _ value: String) {
            results.append(elt_curl_set_text(easy, option, value))
        }
        curl_easy_reset(easy)
        results.append(elt_curl_allow_http_only(easy))
        set(CURLOPT_URL, url.text)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_HTTP09_ALLOWED, 0)
        // What's said to a proxy is not what's said to the origin.
        set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_USERAGENT, userAgent)
        set(CURLOPT_BUFFERSIZE, 512 << 10)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, request.limits.connectTimeout.milliseconds))
        set(CURLOPT_LOW_SPEED_LIMIT, max(1, request.limits.bytesPerSecondMin))
        set(CURLOPT_LOW_SPEED_TIME, max(1, request.limits.idleTimeout.milliseconds / 1000))
        if let deadline = request.deadline {
            set(CURLOPT_TIMEOUT_MS, max(1, ContinuousClock.now.duration(to: deadline).milliseconds))
        }
        if let trustedCertificates { set(CURLOPT_CAINFO, trustedCertificates) }
        if let body = request.body {
            set(CURLOPT_POST, 1)
            results.append(elt_curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
            body.withUnsafeBytes { bytes in
                let copy = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                results.append(elt_curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, copy))
            }
        }
        results.append(elt_curl_set_headers(easy, headerList))
        results.append(elt_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, message))
        let context = Unmanaged.passUnretained(self).toOpaque()
        results.append(elt_curl_set_receivers(easy, receiveHeader, receiveBody, context))
        if let bad = results.first(where: { $0 != CURLE_OK }) {
            throw .library(reason: String(cString: curl_easy_strerror(bad)))
        }
    }
}

// What libcurl calls. Each gives the number of bytes it took; any other number ends the transfer.

private func receiveHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let bytes, let context else { return 0 }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer.take { try transfer.readHeader(line) } ? line.count : 0
}

private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let bytes, let context else { return 0 }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer.take { try transfer.readBody(piece) } ? piece.count : 0
}

extension HTTPTransfer {
    fileprivate func take(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return true
        } catch {
            if failure == nil { failure = error }
            return false
        }
    }

    /// One line of the head: the status, a header, or the empty line behind them.
    fileprivate func readHeader(_ line: UnsafeRawBufferPointer) throws {
        headerBytes += Int64(line.count)
        guard headerBytes <= request.limits.headerBytesMax else {
            throw HTTPError.tooLarge(
                url: url.description, part: .headers, limit: request.limits.headerBytesMax)
        }
        // Trailers behind a chunked body tell nothing that's used.
        guard head == nil else { return }
        let text = String(decoding: line, as: UTF8.self).trimmed
        if text.hasPrefix("HTTP/"), status == 0 {
            status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            headers = []
        } else if text.isEmpty {
            if (100..<200).contains(status) {
                status = 0
                return
            }
            let head = HTTPHead(status: status, url: url, headers: headers)
            self.head = head
            if isRedirect, head["Location"] != nil { return }
            try receiver.begins(head)
            inflater = try unpacking { try Inflater(encodings: head.all("Content-Encoding")) }
        } else if let colon = text.firstIndex(of: ":") {
            headers.append(
                HTTPHeader(String(text[..<colon]).trimmed, String(text[text.index(after: colon)...]).trimmed))
        }
    }

    fileprivate func readBody(_ piece: UnsafeRawBufferPointer) throws {
        guard let inflater else { return try receive(piece) }
        try unpacking { try inflater.unpack(piece, sink: receive) }
    }

    private func unpacking<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch is Inflater.BadStream { throw HTTPError.badEncoding(url: url.description) }
    }

    private func receive(_ piece: UnsafeRawBufferPointer) throws {
        bodyBytes += Int64(piece.count)
        guard bodyBytes <= request.limits.bodyBytesMax else {
            throw HTTPError.tooLarge(url: url.description, part: .body, limit: request.limits.bodyBytesMax)
        }
        if isRedirect, head?["Location"] != nil { return }
        try receiver.receives(piece)
    }

    /// What the result of a failed transfer means.
    func error(of code: CURLcode) -> any Error {
        if let failure { return failure }
        let text = String(cString: message).trimmed
        let reason = text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
        let place = url.description
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return HTTPError.timeout(url: place, waitingFor: waited)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_CRL_BADFILE:
            return HTTPError.notTrusted(url: place, reason: reason)
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_HTTP2_STREAM, CURLE_HTTP2:
            return HTTPError.truncated(url: place, reason: reason)
        case CURLE_OUT_OF_MEMORY where head == nil && headerBytes > 0:
            // libcurl's own limit for one header.
            return HTTPError.tooLarge(url: place, part: .headers, limit: 100 << 10)
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return HTTPError.invalidURL(reason: reason)
        default:
            return head == nil
                ? HTTPError.transport(url: place, reason: reason)
                : HTTPError.truncated(url: place, reason: reason)
        }
    }

    private var waited: HTTPError.Wait {
        if let deadline = request.deadline, ContinuousClock.now >= deadline - .milliseconds(20) {
            return .whole
        }
        var port = 0
        let isConnected = elt_curl_get_long(easy, CURLINFO_PRIMARY_PORT, &port) == CURLE_OK && port != 0
        return isConnected ? .bytes : .connect
    }
}

extension HTTPError {
    /// What's wrong, to be put into another sentence.
    fileprivate var reason: String {
        switch self {
        case .invalidURL(let reason): reason
        default: problem
        }
    }
}

extension Duration {
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        // A century is for ever.
        return Int(min(seconds, 3_155_760_000)) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}

extension String {
    /// Without space at its ends.
    var trimmed: String {
        let isSpace: (Character) -> Bool = {
            $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\r\n"
        }
        var part = self[...]
        while let first = part.first, isSpace(first) { part.removeFirst() }
        while let last = part.last, isSpace(last) { part.removeLast() }
        return String(part)
    }
}
