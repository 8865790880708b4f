import CRdKafka

/// Has librdkafka fetch on as soon as its queue has room.
///
/// Where more lies ready than `queued.min.messages` and `queued.max.messages.kbytes` allow, librdkafka fetches nothing and looks
/// again when something happens to the connection, or after a second. Nothing does while the queue is being emptied, which takes a
/// tenth of that. From 2.2 on `fetch.queue.backoff.ms` says how long it waits; before, its threads have to be woken.
struct FetchWaking {
    static let interval = Duration.milliseconds(10)

    private let handle: OpaquePointer
    private let user: String
    private let password: String
    private var last = ContinuousClock.now

    /// nil where this librdkafka needs no waking.
    init?(_ handle: OpaquePointer, _ settings: ClientSettings) {
        guard !ClientSettings.knowsFetchBackoff else { return nil }
        self.handle = handle
        let properties = settings.properties
        user = properties["sasl.username"] ?? ""
        password = properties["sasl.password"] ?? ""
    }

    /// Wakes the brokers' threads, if the last time is long enough ago. Asks no broker for anything.
    mutating func wake() {
        let now = ContinuousClock.now
        guard now - last >= Self.interval else { return }
        last = now
        // The one call of 2.0 that wakes all of them and changes nothing else, as the credentials are what they were.
        if let error = rd_kafka_sasl_set_credentials(handle, user, password) { rd_kafka_error_destroy(error) }
    }
}
