import ELTCore

/// What the sandbox's life looks like. The same options give the same bytes.
package struct SandboxOptions: Sendable {
    package var seed: UInt64 = 1
    /// Customers that the service has when the life begins; of these no topic tells.
    package var customers: Int = 10_000
    /// Days of events that lie behind when the sandbox begins to serve.
    package var days: Int = 1
    /// Events on a day, spread over it as people's work is.
    package var eventsPerDay: Int = 5_000
    /// Events a second from then on, in step with the real clock; 0: time stands until it's advanced.
    package var rate: Double = 0
    package var kafkaPort: UInt16 = 39092
    package var httpPort: UInt16 = 38080
    /// When the life begins; nil: `days` before now, at a full hour.
    package var start: Instant?
    package var zone: Zone = Zone("Europe/Berlin") ?? .utc
    /// Partitions of each topic; nil: as many as the broker needs to keep a week of events.
    package var partitions: Int32?
    package var topics = Topics()

    package struct Topics: Sendable {
        package var create = "kundenservice-kunde-create"
        package var update = "kundenservice-kunde-update"
        package var delete = "kundenservice-kunde-delete"
        package init() {}

        package func name(of operation: ELTCore.Operation) -> String {
            switch operation {
            case .create: create
            case .update: update
            case .delete: delete
            }
        }
    }

    package init() {}

    /// Bytes that an event takes in the broker at worst: small batches compress badly.
    static let eventBytesMax = 160.0

    /// Enough that no partition comes near what librdkafka's broker keeps.
    var partitionCount: Int32 {
        if let partitions { return max(1, partitions) }
        let events = Double(max(days, 0) + 7) * Double(eventsPerDay) + rate * 86_400 * 2
        // Three of four events are updates; a partition is filled to half at most.
        let needed = events * 0.75 * Self.eventBytesMax / (2.5 * 1_048_576)
        return Int32(min(max(needed.rounded(.up), 4), 64))
    }
}
