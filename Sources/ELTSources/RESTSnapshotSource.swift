import ELTCore
import HTTP
import JSON

/// Full loads from a service's REST listing.
///
/// Requests run side by side on the caller's thread; nothing is shared with another. One page body at
/// a time goes into the draft. Where pages are fetched side by side (`parallel` > 1 and a known total)
/// up to `parallel` bodies of at most `maxPageBytes` are held in memory; everywhere else none is.
package final class RESTSnapshotSource: SnapshotSource {
    static let userAgent = "elt"

    let listing: RESTListing
    private let policy: RESTRetryPolicy
    let clock: RESTClock
    let limits: HTTPLimits
    let authorizer: RESTAuthorizer
    let client: HTTPClient
    let headers: [HTTPHeader]

    /// Throws where the settings can't work, without asking the service.
    package init(
        _ settings: FullLoadSettings, requestTimeout: Duration = .seconds(60),
        policy: RESTRetryPolicy = RESTRetryPolicy(), clock: RESTClock = .system
    ) throws {
        listing = try RESTListing(settings)
        self.policy = policy
        self.clock = clock
        var limits = HTTPLimits()
        limits.idleTimeout = requestTimeout
        limits.connectTimeout = min(requestTimeout, limits.connectTimeout)
        if case .none = settings.pagination {} else { limits.bodyBytesMax = settings.maxPageBytes }
        self.limits = limits
        authorizer = try RESTAuthorizer(settings.auth, clock: clock, limits: limits)
        client = try HTTPClient(userAgent: Self.userAgent)
        let given = settings.headers.sorted { $0.key < $1.key }.map { HTTPHeader($0.key, $0.value.value) }
        let hasAccept = given.contains { $0.name.lowercased() == "accept" }
        headers =
            hasAccept ? given : given + [HTTPHeader("Accept", "application/json, application/x-ndjson;q=0.9")]
    }

    package func download(into draft: any SnapshotDraft, context: RunContext) throws -> SnapshotSummary {
        let download = RESTDownload(
            listing: listing, policy: policy, clock: clock, limits: limits, authorizer: authorizer,
            client: client,
            headers: headers, draft: draft, context: context)
        return try download.run(plan: try listing.plan(draft: draft))
    }
}
