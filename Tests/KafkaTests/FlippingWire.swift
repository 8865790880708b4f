import Foundation
import Synchronization

/// A connection to a broker on which bits of messages flip.
///
/// It also tells clients its own port in place of the broker's, so that all their connections lead
/// through it.
final class FlippingWire: Sendable {
    let address: String
    private let port: UInt16
    private let brokerPort: UInt16
    private let listener: Int32
    private let left: Mutex<Int>
    private let count = Mutex<Int>(0)

    /// How many bits have flipped.
    var flipped: Int { count.withLock { $0 } }

    /// - Parameters:
    ///   - broker: `127.0.0.1:port`
    ///   - flips: How many messages are hit.
    init(to broker: String, flips: Int) throws {
        brokerPort = UInt16(broker.split(separator: ":").last ?? "") ?? 0
        port = try freePort()
        address = "127.0.0.1:\(port)"
        left = Mutex(flips)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listener = descriptor
        guard Self.with(port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 else {
            throw TestFailure("the wire has no port")
        }
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(descriptor, nil, nil)
                guard client >= 0, let self else { return }
                connect(client)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func with(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private func connect(_ client: Int32) {
        let broker = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard Self.with(brokerPort, { Glibc.connect(broker, $0, $1) }) == 0 else {
            close(client)
            close(broker)
            return
        }
        Thread.detachNewThread { Self.pump(from: client, to: broker) { $0 } }
        Thread.detachNewThread { [self] in Self.pump(from: broker, to: client, spoil) }
    }

    private static func pump(from: Int32, to: Int32, _ change: ([UInt8]) -> [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(from, &buffer, buffer.count)
            guard count > 0 else { break }
            let bytes = change(Array(buffer[..<count]))
            var sent = 0
            while sent < bytes.count {
                let written = bytes[sent...].withUnsafeBytes {
                    send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                sent += written
            }
        }
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
    }

    private func spoil(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        // A broker is told as a length, the host, and the port in four bytes.
        let host = [0, 9] + Array("127.0.0.1".utf8)
        let (high, low) = (UInt8(brokerPort >> 8), UInt8(brokerPort & 255))
        for place in Self.places(of: host + [0, 0, high, low], in: bytes) {
            bytes[place + host.count + 2] = UInt8(port >> 8)
            bytes[place + host.count + 3] = UInt8(port & 255)
        }
        // Once in a piece is enough: the checksum is over a whole batch.
        if let place = Self.places(of: Array(#"{"n":"#.utf8), in: bytes).first,
            left.withLock({ left in
                defer { left = max(0, left - 1) }
                return left > 0
            })
        {
            bytes[place + 2] ^= 1
            count.withLock { $0 += 1 }
        }
        return bytes
    }

    private static func places(of pattern: [UInt8], in bytes: [UInt8]) -> [Int] {
        guard bytes.count >= pattern.count else { return [] }
        return (0...(bytes.count - pattern.count)).filter {
            bytes[$0] == pattern[0] && bytes[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
    }
}
