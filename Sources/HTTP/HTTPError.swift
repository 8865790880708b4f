/// Why a request brought no whole response. Addresses in it are without their query's values.
package enum HTTPError: Error, Equatable {
    package enum Wait: String, Sendable {
        case connect = "the connection"
        case bytes = "the next bytes"
        case whole = "the whole response"
    }

    package enum Part: String, Sendable { case headers, body }

    case invalidURL(reason: String)
    case invalidRequest(reason: String)
    /// The connection failed or broke. `reason` is libcurl's.
    case transport(url: String, reason: String)
    /// The connection ended before the response did.
    case truncated(url: String, reason: String)
    case timeout(url: String, waitingFor: Wait)
    /// The certificate isn't one that's trusted, or the file of trusted ones can't be read.
    case notTrusted(url: String, reason: String)
    case tooLarge(url: String, part: Part, limit: Int64)
    /// The body isn't encoded as the header says.
    case badEncoding(url: String)
    case redirectRefused(url: String, to: String, reason: String)
    case tooManyRedirects(url: String, limit: Int)
    /// libcurl itself failed; no request was made.
    case library(reason: String)

    /// Whether the same request may succeed a little later.
    package var isRetryable: Bool {
        switch self {
        case .transport, .truncated, .timeout, .badEncoding: true
        case .invalidURL, .invalidRequest, .notTrusted, .tooLarge, .redirectRefused, .tooManyRedirects,
            .library:
            false
        }
    }

    /// What happened, as a sentence.
    package var problem: String {
        switch self {
        case .invalidURL(let reason): "The URL can't be used: \(reason)."
        case .invalidRequest(let reason): "The request can't be sent: \(reason)."
        case .transport(let url, let reason): "\(url) can't be read: \(reason)."
        case .truncated(let url, let reason): "The response of \(url) broke off: \(reason)."
        case .timeout(let url, let wait): "\(url) took too long: the wait for \(wait.rawValue) was given up."
        case .notTrusted(let url, let reason): "The certificate of \(url) isn't trusted: \(reason)."
        case .tooLarge(let url, let part, let limit):
            "The response of \(url) has more than \(limit) bytes of \(part.rawValue)."
        case .badEncoding(let url): "The body of \(url) isn't encoded as its header says."
        case .redirectRefused(let url, let target, let reason):
            "\(url) redirects to \(target), which isn't followed: \(reason)."
        case .tooManyRedirects(let url, let limit): "\(url) redirects more than \(limit) times."
        case .library(let reason): "libcurl failed: \(reason)."
        }
    }
}
