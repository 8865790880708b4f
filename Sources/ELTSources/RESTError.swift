import ELTCore
import HTTP

/// Why a full load couldn't be downloaded. Addresses are without their query's values, bodies are
/// never quoted.
package enum RESTError: ELTError, Equatable {
    case configuration(String)
    /// The service or the way to it failed again and again.
    case unavailable(page: Int, attempts: Int, reason: String)
    /// The service says when it will answer again, and that's after the run's deadline.
    case busy(page: Int, status: Int, until: Instant)
    /// The run's deadline came before the listing's end.
    case deadline(page: Int, reason: String?)
    /// The service answered, and the answer is no.
    case refused(url: String, page: Int, status: Int)
    /// 2xx, but not a whole page. `found` says what it was instead.
    case malformed(url: String, page: Int, attempts: Int, found: String)
    /// A key on the way to the list stands twice in its object, and nothing says which list counts.
    case twoLists(url: String, page: Int, found: String)
    case tooLarge(page: Int, reason: String)
    /// The listing goes round in circles.
    case loop(page: Int, reason: String)
    case tooManyPages(limit: Int)
    /// A redirect or a next link leads to where credentials must not go.
    case otherOrigin(page: Int, reason: String)
    case notTrusted(reason: String)
    case tokenRefused(url: String, status: Int, word: String?)
    /// A kept page of the unfinished download doesn't say how to go on.
    case brokenDraft(page: Int)

    package var code: String {
        switch self {
        case .configuration: "rest.configuration"
        case .unavailable: "rest.unavailable"
        case .busy: "rest.busy"
        case .deadline: "rest.deadline"
        case .refused(_, _, let status):
            switch status {
            case 401: "rest.unauthorized"
            case 403: "rest.forbidden"
            case 404: "rest.not-found"
            default: "rest.refused"
            }
        case .malformed: "rest.malformed"
        case .twoLists: "rest.two-lists"
        case .tooLarge: "rest.too-large"
        case .loop: "rest.loop"
        case .tooManyPages: "rest.too-many-pages"
        case .otherOrigin: "rest.other-origin"
        case .notTrusted: "rest.not-trusted"
        case .tokenRefused: "rest.token-refused"
        case .brokenDraft: "rest.broken-draft"
        }
    }

    package var kind: ErrorKind {
        switch self {
        // What the service does, or doesn't do for us, also where a setting may be the reason: it may be
        // mended on either side, and a broker's refusals are told the same way.
        case .unavailable, .busy, .deadline, .malformed, .twoLists, .tokenRefused, .notTrusted, .loop,
            .tooManyPages, .otherOrigin:
            .unavailable
        case .refused(_, _, let status): [401, 403, 404, 410, 451].contains(status) ? .unavailable : .configuration
        case .configuration, .tooLarge: .configuration
        case .brokenDraft: .storage
        }
    }

    /// Whether waiting may be enough.
    package var isRetryable: Bool {
        switch self {
        case .unavailable, .busy, .deadline, .malformed: true
        case .configuration, .refused, .twoLists, .tooLarge, .loop, .tooManyPages, .otherOrigin, .notTrusted,
            .tokenRefused, .brokenDraft:
            false
        }
    }

    package var problem: String {
        switch self {
        case .configuration(let problem): problem
        case .unavailable(let page, let attempts, let reason):
            "Page \(page) of the listing didn't come in \(attempts) attempts. \(reason)"
        case .busy(let page, let status, let until):
            "Page \(page): the service answered \(status) and asks to wait until \(until), "
                + "which is after this run's deadline."
        case .deadline(let page, let reason):
            "The run's deadline came before page \(page) of the listing."
                + (reason.map { " Last: \($0)" } ?? "")
        case .refused(let url, let page, let status):
            "\(url) answered page \(page) with status \(status)."
        case .malformed(let url, let page, let attempts, let found):
            "\(url) gave no whole page \(page) in \(attempts) attempts: \(found)."
        case .twoLists(let url, let page, let found): "\(url) gave a page \(page) that can't be read: \(found)."
        case .tooLarge(let page, let reason): "Page \(page) of the listing is too large. \(reason)"
        case .loop(let page, let reason): "The listing goes round in circles at page \(page): \(reason)."
        case .tooManyPages(let limit): "The listing has more than \(limit) pages."
        case .otherOrigin(let page, let reason): "Page \(page) leads to another address. \(reason)"
        case .notTrusted(let reason): reason
        case .tokenRefused(let url, let status, let word):
            "\(url) gave no token: status \(status)\(word.map { ", \($0)" } ?? "")."
        case .brokenDraft(let page): "The unfinished full load doesn't say what follows its page \(page)."
        }
    }

    package var remedy: String {
        switch self {
        case .configuration: "Correct full_load in elt.yml."
        case .unavailable, .deadline:
            "Run 'elt full-load' again when the service is well: it goes on at the first missing page."
        case .busy(_, _, let until):
            "Run 'elt full-load' again after \(until): it goes on at the first missing page."
        case .refused(_, _, let status):
            switch status {
            case 401: "Check full_load.auth in elt.yml: the service doesn't accept these credentials."
            case 403: "Ask the service's owner for the right to read the listing."
            case 404: "Check full_load.url and full_load.pagination.first in elt.yml."
            default: "Check full_load in elt.yml against the service's documentation."
            }
        case .malformed:
            "Check full_load.records and full_load.pagination in elt.yml; if they're right, tell the "
                + "service's owner. 'elt full-load' goes on at the first missing page."
        case .twoLists: "Tell the service's owner: a key may stand once in an object. Then run 'elt full-load' again."
        case .tooLarge:
            "Lower full_load.pagination's size (or limit) in elt.yml, or have the service give shorter pages."
        case .loop: "Check full_load.pagination in elt.yml: kind and parameter names."
        case .tooManyPages: "Check full_load.pagination in elt.yml, or raise full_load.max_pages."
        case .otherOrigin: "Put the service's final address into full_load.url in elt.yml."
        case .notTrusted: "Set CURL_CA_BUNDLE to a file with the service's certificate authority."
        case .tokenRefused: "Check full_load.auth in elt.yml: token_url, client_id, client_secret, scope."
        case .brokenDraft:
            "Remove the unfinished full load from the archive's folder and run 'elt full-load' again."
        }
    }
}

extension RESTError {
    /// What a failure that no later attempt can heal means to the reader.
    init(lasting error: HTTPError, page: Int) {
        self =
            switch error {
            case .notTrusted: .notTrusted(reason: error.problem)
            case .tooLarge: .tooLarge(page: page, reason: error.problem)
            case .redirectRefused: .otherOrigin(page: page, reason: error.problem)
            case .tooManyRedirects: .loop(page: page, reason: error.problem)
            case .invalidURL, .invalidRequest, .library, .transport, .truncated, .timeout, .badEncoding:
                .configuration("Page \(page) can't be asked for. \(error.problem)")
            }
    }
}

/// Why one attempt brought no page. Whether there's another attempt is decided where it's caught.
enum RESTFailure: Error {
    /// A complete answer with a status that isn't success.
    case status(HTTPAnswer)
    /// Success, but what came isn't a page.
    case malformed(found: String)
    /// The page is in order and says that something is badly wrong.
    case fatal(RESTError)
}

/// What's needed of a refusal to decide what to do.
struct HTTPAnswer: Equatable {
    var url: String
    var status: Int
    /// How long the service asks to be left alone.
    var wait: Duration?
}
