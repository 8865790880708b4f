import ELTCore
import HTTP

/// What one look at a service's listing told.
package struct RESTProbe: Sendable, Equatable {
    /// Without credentials.
    package var url: String
    package var status: Int
    /// The service's clock, to the second; nil where it doesn't tell.
    package var date: Instant?
    package var milliseconds: Int64
}

extension RESTSnapshotSource {
    /// Asks for the first page with its credentials, and goes no further than the response's head: a
    /// listing in one body may have gigabytes.
    package func probe(deadline: ContinuousClock.Instant) throws -> RESTProbe {
        let began = ContinuousClock.now
        let url = try listing.url(of: RESTOrder(index: 0, token: nil))
        let credentials: [HTTPHeader]
        do {
            credentials = try authorizer.headers(deadline: deadline)
        } catch {
            throw Self.meaning(error)
        }
        let receiver = HeadReceiver()
        let request = HTTPRequest(
            url: authorizer.authorized(url), headers: headers + credentials, limits: limits,
            deadline: deadline)
        do {
            try client.start(request, receiver: receiver)
            while receiver.result == nil {
                try Interruption.check()
                try client.run(atMost: .milliseconds(100))
            }
            let head = try receiver.head ?? receiver.result?.get()
            guard let head else { throw HTTPError.truncated(url: url.description, reason: "it has no head") }
            let now = clock.now()
            return RESTProbe(
                url: url.description, status: head.status,
                date: head["Date"].flatMap { Instant(httpDate: $0, now: now) },
                milliseconds: (ContinuousClock.now - began).wholeMilliseconds)
        } catch {
            client.abandon()
            throw Self.meaning(error)
        }
    }

    private static func meaning(_ error: any Error) -> any Error {
        switch error {
        case let error as HTTPError:
            if case .notTrusted = error { return RESTError.notTrusted(reason: error.problem) }
            return RESTError.unavailable(page: 0, attempts: 1, reason: error.problem)
        case RESTFailure.status(let answer):
            return RESTError.unavailable(
                page: 0, attempts: 1, reason: "\(answer.url) answered with status \(answer.status).")
        case RESTFailure.malformed(let found):
            return RESTError.unavailable(page: 0, attempts: 1, reason: found)
        case RESTFailure.fatal(let error): return error
        default: return error
        }
    }

    /// Ends a transfer as soon as its head is there.
    private final class HeadReceiver: HTTPReceiver {
        private struct Enough: Error {}
        var head: HTTPHead?
        var result: Result<HTTPHead, any Error>?
        func begins(_ head: HTTPHead) throws {
            self.head = head
            throw Enough()
        }
        func receives(_ piece: UnsafeRawBufferPointer) throws { throw Enough() }
        func ends(_ result: Result<HTTPHead, any Error>) { self.result = result }
    }
}
