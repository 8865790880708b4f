#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import CCurl

/// Sends requests side by side on the caller's thread, over connections that are kept open.
///
/// It does what must never be left to a server: only http and https, certificates always verified,
/// limits on headers, body and time, redirects only within the origin. It's not for more than one
/// thread; whatever it calls, it calls within `run`.
package final class HTTPClient {
    private let multi: UnsafeMutableRawPointer
    private var transfers: [UnsafeMutableRawPointer: HTTPTransfer] = [:]
    private let userAgent: String
    private let trustedCertificates: String?

    /// - Parameter trustedCertificates: a PEM file instead of the system's; default: `CURL_CA_BUNDLE`.
    package init(
        userAgent: String, trustedCertificates: String? = HTTPClient.environmentCertificates
    ) throws(HTTPError) {
        guard Self.libraryIsReady, let multi = curl_multi_init() else {
            throw .library(reason: "it can't be started")
        }
        self.multi = multi
        self.userAgent = userAgent
        self.trustedCertificates = trustedCertificates
    }

    deinit {
        for transfer in transfers.values { curl_multi_remove_handle(multi, transfer.easy) }
        curl_multi_cleanup(multi)
    }

    private static let libraryIsReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    package static var environmentCertificates: String? {
        guard let value = getenv("CURL_CA_BUNDLE"), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// Requests that haven't ended.
    package var inFlight: Int { transfers.count }

    /// Sends a request; the receiver hears of it within `run`.
    package func start(_ request: HTTPRequest, receiver: any HTTPReceiver) throws(HTTPError) {
        let transfer = try HTTPTransfer(request, receiver: receiver)
        try start(transfer)
    }

    private func start(_ transfer: HTTPTransfer) throws(HTTPError) {
        try transfer.prepare(userAgent: userAgent, trustedCertificates: trustedCertificates)
        let result = curl_multi_add_handle(multi, transfer.easy)
        guard result == CURLM_OK else { throw .library(reason: String(cString: curl_multi_strerror(result))) }
        transfers[transfer.easy] = transfer
    }

    /// Moves all transfers on, and returns when one has ended or the time is over.
    package func run(atMost time: Duration) throws(HTTPError) {
        let end = ContinuousClock.now + time
        while true {
            var running: Int32 = 0
            try check(curl_multi_perform(multi, &running))
            if settle() { return }
            let left = ContinuousClock.now.duration(to: end).milliseconds
            guard left > 0 else { return }
            try check(curl_multi_poll(multi, nil, 0, Int32(clamping: left), nil))
        }
    }

    private func check(_ result: CURLMcode) throws(HTTPError) {
        guard result == CURLM_OK else { throw .library(reason: String(cString: curl_multi_strerror(result))) }
    }

    /// Follows redirects and tells receivers of transfers that have ended. Gives whether there was one.
    private func settle() -> Bool {
        var hasEnded = false
        var easy: UnsafeMutableRawPointer?
        var code = CURLE_OK
        while elt_curl_next_ended(multi, &easy, &code), let ended = easy {
            curl_multi_remove_handle(multi, ended)
            guard let transfer = transfers.removeValue(forKey: ended) else { continue }
            do {
                guard code == CURLE_OK else { throw transfer.error(of: code) }
                if let target = try transfer.redirection() {
                    transfer.redirect(to: target)
                    try start(transfer)
                    continue
                }
                guard let head = transfer.head else {
                    throw HTTPError.truncated(url: transfer.url.description, reason: "it has no head")
                }
                try transfer.checkEnd()
                hasEnded = true
                transfer.receiver.ends(.success(head))
            } catch {
                hasEnded = true
                transfer.receiver.ends(.failure(error))
            }
        }
        return hasEnded
    }

    /// Gives up all requests; their receivers hear no more.
    package func abandon() {
        for transfer in transfers.values { curl_multi_remove_handle(multi, transfer.easy) }
        transfers = [:]
    }

    /// Sends one request and waits for the whole response. `check` is called now and then; an error
    /// of it gives up.
    package func perform(
        _ request: HTTPRequest, check: () throws -> Void = {}
    ) throws -> (head: HTTPHead, body: [UInt8]) {
        let collector = Collector()
        try start(request, receiver: collector)
        while true {
            if let result = collector.result { return (try result.get(), collector.body) }
            do {
                try check()
                try run(atMost: .milliseconds(100))
            } catch {
                abandon()
                throw error
            }
        }
    }

    private final class Collector: HTTPReceiver {
        var body: [UInt8] = []
        var result: Result<HTTPHead, any Error>?
        func begins(_ head: HTTPHead) {}
        func receives(_ piece: UnsafeRawBufferPointer) { body.append(contentsOf: piece) }
        func ends(_ result: Result<HTTPHead, any Error>) { self.result = result }
    }
}
