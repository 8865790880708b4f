/// What's asked, and how much of an answer is taken.
package struct HTTPRequest: Sendable {
    package var url: HTTPURL
    package var headers: [HTTPHeader]
    /// nil is a GET; else a POST with this body, which is never redirected.
    package var body: [UInt8]?
    package var limits: HTTPLimits
    /// When the whole of it is given up, redirects included.
    package var deadline: ContinuousClock.Instant?

    package init(
        url: HTTPURL, headers: [HTTPHeader] = [], body: [UInt8]? = nil, limits: HTTPLimits = HTTPLimits(),
        deadline: ContinuousClock.Instant? = nil
    ) {
        self.url = url
        self.headers = headers
        self.body = body
        self.limits = limits
        self.deadline = deadline
    }
}

package struct HTTPHeader: Sendable, Equatable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

package struct HTTPLimits: Sendable, Equatable {
    /// All headers of one response, in bytes.
    package var headerBytesMax: Int64 = 256 << 10
    /// The body after decompression, in bytes.
    package var bodyBytesMax: Int64 = .max
    package var connectTimeout: Duration = .seconds(30)
    /// A response that brings fewer bytes a second than `bytesPerSecondMin` for so long is given up.
    /// Whole seconds.
    package var idleTimeout: Duration = .seconds(60)
    package var bytesPerSecondMin: Int = 16
    package var redirectsMax: Int = 5
    package init() {}
}

/// Status and headers of a response.
package struct HTTPHead: Sendable, Equatable {
    package var status: Int
    /// Where the response came from, after redirects.
    package var url: HTTPURL
    package var headers: [HTTPHeader]

    package init(status: Int, url: HTTPURL, headers: [HTTPHeader]) {
        self.status = status
        self.url = url
        self.headers = headers
    }

    /// The first header of that name, whatever its case.
    package subscript(name: String) -> String? { all(name).first }

    package func all(_ name: String) -> [String] {
        let name = name.lowercased()
        return headers.filter { $0.name.lowercased() == name }.map(\.value)
    }
}

/// Takes one response. Its methods are called on the thread that runs the client; while one of them
/// works, nothing more is read.
package protocol HTTPReceiver: AnyObject {
    /// Status and headers, after redirects. An error ends the transfer.
    func begins(_ head: HTTPHead) throws
    /// The next piece of the body, decompressed. An error ends the transfer.
    func receives(_ piece: UnsafeRawBufferPointer) throws
    /// The last call, exactly once: every byte has come, or why not.
    func ends(_ result: Result<HTTPHead, any Error>)
}
