import ELTCore
import ELTSources
import Foundation
import Synchronization
import Testing

/// What most tests of the listing need: settings, a quick retry policy and a deadline.
struct RESTFixture {
    var settings: FullLoadSettings
    var deadline: Duration = .seconds(20)
    var requestTimeout: Duration = .seconds(5)
    var clock: RESTClock = .system
    var progress: any ELTCore.Progress = SilentProgress()

    init(_ server: LoopbackServer, _ pagination: Pagination = .none, path: String = "/rows") {
        settings = FullLoadSettings(url: server.url + path)
        settings.records = ["items"]
        settings.pagination = pagination
    }

    @discardableResult
    func load(into draft: FakeDraft) throws -> SnapshotSummary {
        var policy = RESTRetryPolicy()
        policy.firstDelay = .milliseconds(2)
        let source = try RESTSnapshotSource(
            settings, requestTimeout: requestTimeout, policy: policy, clock: clock)
        let zone = try #require(Zone("UTC"))
        let context = RunContext(
            now: Instant(milliseconds: 0), zone: zone, deadline: .now + deadline, progress: progress)
        defer { #expect(draft.isClosed, "a page was left open") }
        return try source.download(into: draft, context: context)
    }

    /// Expects the load to fail and gives the error.
    func failure(into draft: FakeDraft = FakeDraft()) -> RESTError? {
        do {
            try load(into: draft)
            Issue.record("the load succeeded")
            return nil
        } catch let error as RESTError {
            #expect(!error.description.contains("SECRET"), "a secret is shown")
            return error
        } catch {
            Issue.record("another error: \(error)")
            return nil
        }
    }

    static let page = Pagination.page(
        pageParam: "page", sizeParam: "size", size: 10, first: 0, total: ["total"])
    static let pageWithoutTotal = Pagination.page(
        pageParam: "page", sizeParam: "size", size: 10, first: 0, total: nil)
    static let offset = Pagination.offset(
        offsetParam: "offset", limitParam: "limit", limit: 10, total: ["total"])
    static let cursor = Pagination.cursor(cursor: ["next"], cursorParam: "after", sizeParam: "size", size: 10)
    static let keyset = Pagination.keyset(key: ["id"], param: "after", sizeParam: "size", size: 10)
    static let link = Pagination.link(next: nil, sizeParam: "size", size: 10)
    static let linkInBody = Pagination.link(next: ["next"], sizeParam: "size", size: 10)
}

/// Rows `from..<to` as the services here write them.
func rows(_ range: Range<Int>) -> String {
    range.map { "{\"id\":\($0),\"name\":\"Müller \($0)\"}" }.joined(separator: ",")
}

func envelope(_ range: Range<Int>, _ more: String = "") -> String { "{\"items\":[\(rows(range))]\(more)}" }

/// The rows of numbered pages that an honest service with `count` rows gives.
func slice(_ index: Int, size: Int, of count: Int) -> Range<Int> {
    min(index * size, count)..<min((index + 1) * size, count)
}

/// A number that a test and its server share.
final class Counter: Sendable {
    private let value = Mutex(0)
    /// Adds one and gives the number before.
    @discardableResult
    func next() -> Int {
        value.withLock {
            $0 += 1
            return $0 - 1
        }
    }
    var now: Int { value.withLock { $0 } }
}

extension FakeDraft {
    /// The ids of all rows, in the order of the pages.
    var ids: [Int] {
        bodies.flatMap { body in
            body.components(separatedBy: "\"id\":").dropFirst().compactMap { Int($0.prefix { $0.isNumber }) }
        }
    }
}

/// Answers with numbered pages of `count` rows, as an honest service does.
func honest(_ count: Int, size limit: Int = .max) -> LoopbackServer.Answer {
    { request, connection in
        let size = min(Int(request["size"] ?? "10") ?? 10, limit)
        let range = slice(Int(request["page"] ?? "0") ?? 0, size: size, of: count)
        connection.reply(200, [], envelope(range, ",\"total\":\(count)"))
    }
}
