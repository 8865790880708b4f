import CRdKafka
import Synchronization

/// A line of librdkafka's log. It never holds a payload, and values of secret properties are masked.
package struct LogLine: Sendable {
    /// As syslog counts: 3 error, 4 warning, 5 notice, 6 information, 7 debug.
    package let level: Int
    /// What it's about, in one word of librdkafka's: `FAIL`, `CONFWARN`, …
    package let facility: String
    package let text: String
}

package typealias LogSink = @Sendable (LogLine) -> Void

/// What librdkafka tells from its own threads: log lines, errors of the whole client, deliveries.
///
/// Retained by the client's opaque pointer until `rd_kafka_destroy` has returned, so a callback
/// always finds it.
final class ClientEvents: Sendable {
    private struct State {
        var lastTrouble: KafkaError?
        var refusals = 0
        var statistics: String?
    }

    private let sink: LogSink?
    private let secrets: [String]
    private let state = Mutex(State())
    let delivered = Atomic<Int>(0)
    let undelivered = Atomic<Int>(0)

    init(sink: LogSink?, secrets: [String]) {
        self.sink = sink
        // Longest first, so that a secret that contains another is masked whole.
        self.secrets = secrets.filter { $0.utf8.count >= 4 }.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// The last thing that went wrong between client and cluster, in words.
    var lastTrouble: KafkaError? { state.withLock { $0.lastTrouble } }
    /// How often the cluster refused us for who we are: wrong password, unknown certificate.
    var refusals: Int { state.withLock { $0.refusals } }
    func forgetTrouble() { state.withLock { ($0.lastTrouble, $0.refusals) = (nil, 0) } }
    /// The latest statistics document, where they're switched on.
    var statistics: String? { state.withLock { $0.statistics } }

    func logged(level: Int32, facility: String, text: String) {
        guard let sink else { return }
        sink(LogLine(level: Int(level), facility: facility, text: masked(text)))
    }

    func failed(_ code: KafkaError.Code, _ text: String) {
        let error = KafkaError(code, masked(text))
        state.withLock {
            // "All brokers are down" follows from the trouble before it and says less.
            if code != .allBrokersDown || $0.lastTrouble == nil { $0.lastTrouble = error }
            switch code {
            case .authentication, .saslAuthenticationFailed: $0.refusals += 2
            case .ssl: $0.refusals += 1
            default: break
            }
        }
    }

    func measured(_ json: String) { state.withLock { $0.statistics = json } }

    private func masked(_ text: String) -> String {
        var text = text
        for secret in secrets { text.replace(secret, with: "***") }
        return text
    }

    static func of(_ opaque: UnsafeMutableRawPointer?) -> ClientEvents? {
        opaque.map { Unmanaged<ClientEvents>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Registers the callbacks. `rd_kafka_conf_set_opaque` hands this object to all of them.
    func register(on configuration: OpaquePointer) {
        rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(self).toOpaque())
        rd_kafka_conf_set_log_cb(configuration) { client, level, facility, text in
            guard let client, let text, let events = ClientEvents.of(rd_kafka_opaque(client)) else { return }
            events.logged(
                level: level, facility: facility.map { String(cString: $0) } ?? "",
                text: String(cString: text))
        }
        rd_kafka_conf_set_error_cb(configuration) { client, code, reason, opaque in
            ClientEvents.of(opaque)?.failed(
                KafkaError.Code(rawValue: code), reason.map { String(cString: $0) } ?? "")
        }
        rd_kafka_conf_set_stats_cb(configuration) { _, json, length, opaque in
            if let json {
                let bytes = UnsafeRawBufferPointer(start: json, count: length)
                ClientEvents.of(opaque)?.measured(String(decoding: bytes, as: UTF8.self))
            }
            // 0: librdkafka frees the text.
            return 0
        }
    }

    /// Counts what the broker acknowledged and what it didn't.
    func registerDeliveries(on configuration: OpaquePointer) {
        rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
            guard let message, let events = ClientEvents.of(opaque) else { return }
            if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                events.delivered.add(1, ordering: .relaxed)
            } else {
                events.undelivered.add(1, ordering: .relaxed)
                let code = KafkaError.Code(message.pointee.err)
                events.failed(code, "A message wasn't delivered: \(code.text)")
            }
        }
    }
}
