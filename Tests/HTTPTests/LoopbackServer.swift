import Foundation
import Synchronization

/// A server on loopback that does exactly what a test tells it, also what no honest server would.
///
/// Every connection has a thread of its own and is answered by `answer`, which writes raw bytes.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        var method = "", target = "", headers: [(name: String, value: String)] = [], body = ""
        var connection = 0

        var path: String { String(target.prefix { $0 != "?" }) }
        subscript(header name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
        /// A query parameter, without escapes.
        subscript(name: String) -> String? {
            let query = target.drop { $0 != "?" }.dropFirst()
            for pair in query.split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts[0] == name { return parts.count > 1 ? String(parts[1]).removingPercentEncoding : "" }
            }
            return nil
        }
    }

    typealias Answer = @Sendable (Request, Connection) -> Void

    let host: String
    let port: Int
    private let listener: Int32
    private let heard = Mutex<[Request]>([])
    private let open = Mutex<Set<Int32>>([])
    private let busy = Mutex<(now: Int, most: Int)>((0, 0))

    init(host: String = "127.0.0.1", answer: @escaping Answer) throws {
        self.host = host
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr(host)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 64) == 0
                    && getsockname(socket, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            var number = 0
            while case let client = accept(listener, nil, nil), client >= 0 {
                number += 1
                let connection = Connection(socket: client, number: number)
                open.withLock { _ = $0.insert(client) }
                Thread.detachNewThread { [self] in serve(connection, answer) }
            }
            // Only here: a number that's closed elsewhere could be another server's by the next accept.
            close(listener)
        }
    }

    /// Call it at most once. A server that isn't stopped lives as long as the program: its thread holds it.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { for socket in $0 { shutdown(socket, Int32(SHUT_RDWR)) } }
    }

    var url: String { "http://\(host):\(port)" }
    /// What was asked so far, in order.
    var requests: [Request] { heard.withLock { $0 } }
    /// The most requests that were being answered at one time.
    var mostAtOnce: Int { busy.withLock { $0.most } }

    private func serve(_ connection: Connection, _ answer: Answer) {
        while let request = connection.read() {
            heard.withLock { $0.append(request) }
            busy.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            answer(request, connection)
            busy.withLock { $0.now -= 1 }
            if connection.isDone { break }
        }
        _ = open.withLock { $0.remove(connection.socket) }
        close(connection.socket)
    }

    final class Connection: Sendable {
        let socket: Int32
        let number: Int
        private let done = Mutex(false)
        private let left = Mutex<[UInt8]>([])

        init(socket: Int32, number: Int) {
            self.socket = socket
            self.number = number
        }

        var isDone: Bool { done.withLock { $0 } }

        /// The next request; nil if the other side has gone.
        func read() -> Request? {
            var bytes = left.withLock { $0 }
            var chunk = [UInt8](repeating: 0, count: 16384)
            func more() -> Bool {
                let count = recv(socket, &chunk, chunk.count, 0)
                if count > 0 { bytes += chunk[..<count] }
                return count > 0
            }
            let mark = Array("\r\n\r\n".utf8)
            while bytes.firstRange(of: mark) == nil { if !more() { return nil } }
            guard let end = bytes.firstRange(of: mark) else { return nil }
            let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(
                separatedBy: "\r\n")
            var request = Request(connection: number)
            let words = lines[0].split(separator: " ").map(String.init)
            (request.method, request.target) = (words[0], words[1])
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                request.headers.append(
                    (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""))
            }
            let length = request[header: "Content-Length"].flatMap { Int($0) } ?? 0
            while bytes.count < end.upperBound + length { if !more() { return nil } }
            request.body = String(decoding: bytes[end.upperBound..<end.upperBound + length], as: UTF8.self)
            left.withLock { $0 = Array(bytes[(end.upperBound + length)...]) }
            return request
        }

        /// Writes bytes as they are. False if the other side has gone.
        @discardableResult
        func send(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Foundation.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }

        @discardableResult
        func send(_ text: String) -> Bool { send(Array(text.utf8)) }

        /// An ordinary answer.
        func reply(
            _ status: Int = 200, _ headers: [(String, String)] = [], _ body: [UInt8],
            type: String = "application/json"
        ) {
            var head =
                "HTTP/1.1 \(status) Status\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n"
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            send(Array((head + "\r\n").utf8) + body)
        }

        func reply(
            _ status: Int = 200, _ headers: [(String, String)] = [], _ body: String = "",
            type: String = "application/json"
        ) {
            reply(status, headers, Array(body.utf8), type: type)
        }

        /// The connection ends after this answer.
        func end() { done.withLock { $0 = true } }

        /// The connection ends with a reset instead of a close.
        func reset() {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            end()
        }

        /// Says nothing until the other side goes.
        func hang() {
            var byte: UInt8 = 0
            while recv(socket, &byte, 1, 0) > 0 {}
            end()
        }

        /// Writes `text` every `pause` until the other side goes.
        func drip(_ text: String, every pause: Duration) {
            let microseconds =
                pause.components.seconds * 1_000_000 + pause.components.attoseconds / 1_000_000_000_000
            while send(text) { usleep(UInt32(microseconds)) }
            end()
        }
    }
}

/// Bytes of gzip, made by hand.
enum Gzip {
    private static let head: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]

    /// A whole and honest file that isn't compressed at all.
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var out = head + block(bytes)
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        for word in [~crc, UInt32(bytes.count)] {
            for shift in [0, 8, 16, 24] { out.append(UInt8(word >> shift & 255)) }
        }
        return out
    }

    /// The same as `Content-Encoding: deflate` means it, and without zlib's header and sum as some servers write it.
    static func deflated(_ bytes: [UInt8], hasHeader: Bool) -> [UInt8] {
        guard hasHeader else { return block(bytes) }
        var a = 1, b = 0
        for byte in bytes {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        return [0x78, 1] + block(bytes) + [b >> 8, b & 255, a >> 8, a & 255].map { UInt8($0) }
    }

    private static func block(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count < 65536)
        let count = UInt16(bytes.count)
        return [1, UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8)] + bytes
    }

    /// A few bytes that become `count` spaces or more: one literal, then matches of 258 bytes each.
    static func bomb(_ count: Int) -> [UInt8] {
        var out = head
        var bits: UInt64 = 0
        var held = 0
        func put(_ value: UInt64, _ width: Int) {
            bits |= value << held
            held += width
            while held >= 8 {
                out.append(UInt8(bits & 255))
                bits >>= 8
                held -= 8
            }
        }
        put(0b011, 3)  // the last block, with the fixed codes
        put(0b0000_1010, 8)  // a space: 0x30 + 32, the highest bit first
        for _ in 0...(count / 258) {
            put(0b1010_0011, 8)  // 285: 258 bytes
            put(0, 5)  // from one byte back
        }
        put(0, 7)
        put(0, 8)
        return out
    }
}
