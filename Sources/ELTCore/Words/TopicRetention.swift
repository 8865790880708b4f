/// How long a broker keeps a topic's records, as far as time decides it.
package enum TopicRetention: Sendable, Equatable {
    /// Time alone removes nothing.
    case unlimited
    case time(Duration)
}
