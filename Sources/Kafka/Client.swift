import CRdKafka
import Dispatch
import Foundation

/// The one owner of an `rd_kafka_t`.
///
/// It's freed when the last reference goes. Freeing never blocks for long: librdkafka 2.0.2 can hang in
/// it (a topic deleted while it was assigned), so it's done on a thread of its own and left behind if
/// it takes more than `closeTimeout`.
final class Client {
    enum Kind { case consumer, producer }

    static let closeTimeout = DispatchTimeInterval.seconds(2)

    let handle: OpaquePointer
    let events: ClientEvents
    private var topics: [String: OpaquePointer] = [:]

    init(_ kind: Kind, _ settings: ClientSettings, log: LogSink?) throws(KafkaError) {
        let events = ClientEvents(sink: log, secrets: settings.secrets)
        let configuration = try settings.makeConfiguration()
        events.register(on: configuration)
        if settings.usesTokens { rd_kafka_conf_enable_sasl_queue(configuration, 1) }
        if kind == .producer { events.registerDeliveries(on: configuration) }
        var text = [CChar](repeating: 0, count: 512)
        let type = kind == .consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER
        guard let handle = rd_kafka_new(type, configuration, &text, text.count) else {
            // Only on success does librdkafka take over the configuration.
            rd_kafka_conf_destroy(configuration)
            throw KafkaError(
                .invalidArgument,
                String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
        self.handle = handle
        self.events = events
        if settings.usesTokens,
            let error = KafkaError(consuming: rd_kafka_sasl_background_callbacks_enable(handle))
        {
            events.logged(level: 4, facility: "OAUTH", text: error.reason)
        }
    }

    deinit {
        for topic in topics.values { rd_kafka_topic_destroy(topic) }
        let done = DispatchSemaphore(value: 0)
        let address = UInt(bitPattern: handle)
        let events = events
        Thread.detachNewThread {
            // No group to leave: partitions are assigned, so nothing is said to a coordinator.
            rd_kafka_destroy_flags(OpaquePointer(bitPattern: address), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
            withExtendedLifetime(events) { _ = done.signal() }
        }
        if done.wait(timeout: .now() + Self.closeTimeout) == .timedOut {
            events.logged(
                level: 4, facility: "CLOSE", text: "The Kafka client didn't close in time; left behind.")
        }
    }

    /// The handle of a topic, made once.
    func topic(_ name: String) throws(KafkaError) -> OpaquePointer {
        if let topic = topics[name] { return topic }
        guard let topic = rd_kafka_topic_new(handle, name, nil) else {
            throw KafkaError(KafkaError.Code(rd_kafka_last_error()), topic: name)
        }
        topics[name] = topic
        return topic
    }
}

extension Duration {
    /// For C calls that take whole milliseconds; never negative, which would mean "for ever".
    var pollMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        return Int32(clamping: max(0, seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000))
    }
}
