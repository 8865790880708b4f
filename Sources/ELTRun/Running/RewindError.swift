import ELTCore

package enum RewindError: ELTError, Equatable {
    case unknownTopic(String, known: [String])
    case neverRead(topic: String, partition: Int32?)
    case offsetNeedsTopic
    case offsetNeedsPartition(topic: String, partitions: Int)
    case ahead(partition: TopicPartition, offset: Int64, next: Int64)
    case forgotten([Forgotten])

    /// A partition whose beginning the broker no longer has.
    package struct Forgotten: Sendable, Equatable {
        package var partition: TopicPartition
        /// Where reading would have to begin.
        package var needed: Int64
        package var low: Int64
        /// The earliest offset that can be gone back to; nil where there's none.
        package var earliest: Int64?
        package init(partition: TopicPartition, needed: Int64, low: Int64, earliest: Int64?) {
            self.partition = partition
            self.needed = needed
            self.low = low
            self.earliest = earliest
        }
    }

    package var code: String {
        switch self {
        case .unknownTopic: "rewind.unknown-topic"
        case .neverRead: "rewind.never-read"
        case .offsetNeedsTopic, .offsetNeedsPartition: "rewind.which-partition"
        case .ahead: "rewind.ahead"
        case .forgotten: "rewind.forgotten"
        }
    }

    package var kind: ErrorKind {
        if case .forgotten = self { .failed } else { .usage }
    }

    package var problem: String {
        switch self {
        case .unknownTopic(let topic, let known):
            "There's no topic \(topic) in elt.yml; there is: \(known.joined(separator: ", "))."
        case .neverRead(let topic, let partition):
            "\(topic)\(partition.map { "/\($0)" } ?? "") was never read, so there's nothing to go back to."
        case .offsetNeedsTopic: "An offset means something in one partition only."
        case .offsetNeedsPartition(let topic, let partitions):
            "An offset means something in one partition only, and \(topic) has \(partitions)."
        case .ahead(let partition, let offset, let next):
            "The next run begins with offset \(next) of \(partition): \(offset) isn't before it."
        case .forgotten(let partitions):
            "The broker has already forgotten what should be read again: "
                + partitions.map {
                    "\($0.partition) would have to be read from offset \($0.needed), and the broker has it from \($0.low)"
                }.joined(separator: "; ") + ". Nothing was moved."
        }
    }

    package var remedy: String {
        switch self {
        case .unknownTopic: "Use one of these names."
        case .neverRead: "'elt lag' shows what was read."
        case .offsetNeedsTopic, .offsetNeedsPartition: "Name it with --topic and --partition, or go back to a time."
        case .ahead: "A rewind only goes back; 'elt lag' shows where partitions are."
        case .forgotten(let partitions):
            "It's in the archive: 'elt rebuild --from-archive' makes the tables from it. "
                + partitions.map { forgotten in
                    guard let earliest = forgotten.earliest else {
                        return "Nothing that was read of \(forgotten.partition) is left at the broker."
                    }
                    return "The earliest for \(forgotten.partition) is offset \(earliest)."
                }.joined(separator: " ")
        }
    }
}
