import Foundation
import HTTP
import Testing

/// Certificates, against OpenSSL's own test server where that's installed.
struct HTTPTrustTests {
    static let openssl = ["/usr/bin/openssl", "/opt/homebrew/bin/openssl", "/usr/local/bin/openssl"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    /// A TLS server with a certificate of its own making for `name`, in a folder of its own.
    private final class TLSServer {
        let folder: URL
        let process = Process()
        private(set) var port = 0
        var certificate: String { folder.appending(path: "cert.pem").path }

        init(_ openssl: String, name: String) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "elt-tls-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let maker = Process()
            maker.executableURL = URL(filePath: openssl)
            maker.currentDirectoryURL = folder
            maker.arguments = [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                "-days", "2",
                "-subj", "/CN=test", "-addext", "subjectAltName=\(name)",
            ]
            maker.standardError = FileHandle.nullDevice
            try maker.run()
            maker.waitUntilExit()

            process.executableURL = URL(filePath: openssl)
            process.currentDirectoryURL = folder
            process.arguments = [
                "s_server", "-accept", "127.0.0.1:0", "-key", "key.pem", "-cert", "cert.pem", "-www",
            ]
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            var said = ""
            // It says "ACCEPT 127.0.0.1:<port>" as soon as it listens.
            while port == 0 {
                let data = output.fileHandleForReading.availableData
                guard !data.isEmpty else { break }
                said += String(decoding: data, as: UTF8.self)
                guard let line = said.split(separator: "\n").first(where: { $0.hasPrefix("ACCEPT ") }),
                    said.hasSuffix("\n")
                else { continue }
                port = line.split(separator: ":").last.flatMap { Int($0) } ?? 0
            }
        }

        deinit {
            // A thread of the test library may have SIGTERM blocked, and so has what it starts.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try? FileManager.default.removeItem(at: folder)
        }
    }

    private func get(_ server: TLSServer, trusting file: String?) throws -> Int {
        let client = try HTTPClient(userAgent: "test", trustedCertificates: file)
        let url = try HTTPURL("https://127.0.0.1:\(server.port)/")
        return try client.perform(HTTPRequest(url: url, deadline: .now + .seconds(20))).head.status
    }

    private func isNotTrusted(_ error: (any Error)?) -> Bool {
        if case HTTPError.notTrusted? = error { true } else { false }
    }

    @Test(.enabled(if: openssl != nil, "openssl isn't installed"))
    func `only a certificate that's trusted and names the host is taken`() throws {
        let openssl = try #require(Self.openssl)
        let good = try TLSServer(openssl, name: "IP:127.0.0.1")
        #expect(try get(good, trusting: good.certificate) == 200)
        #expect(isNotTrusted(#expect(throws: HTTPError.self) { try get(good, trusting: nil) }))
        #expect(isNotTrusted(#expect(throws: HTTPError.self) { try get(good, trusting: "/nowhere.pem") }))
        let other = try TLSServer(openssl, name: "DNS:other.example")
        #expect(isNotTrusted(#expect(throws: HTTPError.self) { try get(other, trusting: other.certificate) }))
    }
}
