import CRdKafka

/// Has librdkafka fetch on as soon as its queue has room.
///
/// Where more lies ready than `queued.min.messages` and `queued.max.messages.kbytes` allow, librdkafka fetches nothing and looks
/// again when something happens to the connection, or after a second. Nothing does while the queue is being emptied, which takes a
/// tenth of that. From 2.2 on `fetch.queue.backoff.ms` says how long it waits; before, its threads have to be woken.
struct FetchWaking {
    /// How soon a queue that was full is looked at again.
    static let interval = Duration.milliseconds(10)

    private let handle: OpaquePointer
    private let user: String
    private let password: String
    private var last = ContinuousClock.now

    /// nil where this librdkafka needs no waking, or where it would do harm.
    init?(_ handle: OpaquePointer, _ settings: ClientSettings) {
        guard !ClientSettings.knowsFetchBackoff, !Self.isHarmful(settings.properties) else { return nil }
        self.handle = handle
        // As the client has them: it doesn't take a value as it was written.
        user = Self.value(of: "sasl.username", handle)
        password = Self.value(of: "sasl.password", handle)
    }

    /// With Kerberos a thread holds the lock on the credentials for as long as its servers take to answer. And to `debug` each waking is an event.
    static func isHarmful(_ properties: [String: String]) -> Bool {
        let known = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
        let mechanism = (properties["sasl.mechanisms"] ?? properties["sasl.mechanism"] ?? "GSSAPI").uppercased()
        let usesSASL = properties["security.protocol"]?.lowercased().hasPrefix("sasl") == true
        return usesSASL && !known.contains(mechanism)
            || ["broker", "queue", "all"].contains { properties["debug"]?.contains($0) == true }
    }

    /// What the client holds, empty where it has nothing.
    static func value(of property: String, _ handle: OpaquePointer) -> String {
        var size = 0
        guard rd_kafka_conf_get(rd_kafka_conf(handle), property, nil, &size) == RD_KAFKA_CONF_OK, size > 0 else { return "" }
        var bytes = [CChar](repeating: 0, count: size)
        guard rd_kafka_conf_get(rd_kafka_conf(handle), property, &bytes, &size) == RD_KAFKA_CONF_OK else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Wakes the brokers' threads, if the last time is long enough ago; tells whether it did. Asks no broker for anything.
    @discardableResult
    mutating func wake() -> Bool {
        let now = ContinuousClock.now
        guard now - last >= Self.interval else { return false }
        last = now
        // The one call of 2.0 that wakes all of them, and changes nothing, as the credentials are what they were.
        if let error = rd_kafka_sasl_set_credentials(handle, user, password) { rd_kafka_error_destroy(error) }
        return true
    }
}
