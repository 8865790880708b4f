import ELTCore

/// The rule by which one record beats another (semantics, section 3): the first in which they differ.
package enum DecidingRule: Equatable, Sendable {
    case olderFullLoad(epoch: Int, winning: Int)
    case beforeFullLoad(epoch: Int, winning: Int)
    case olderEpoch(epoch: Int, winning: Int)
    case absentFromFullLoad(Int)
    case listedByFullLoad(Int)
    case fullLoadBeforeEvent(Int)
    case earlierTime
    case operation(loser: Operation, winner: Operation)
    case topicOrder
    case tie
    case earlierInListing
    /// Its day comes after the one that's asked for.
    case laterDay(Day)
    case notConfigured

    /// Why `loser`, which is the smaller one, loses to `winner`.
    package init(_ loser: RecordOrder, losesTo winner: RecordOrder) {
        if loser.epoch != winner.epoch {
            self =
                switch (loser.kind, winner.kind) {
                case (_, .absence): .absentFromFullLoad(winner.epoch)
                case (.event, .fullLoad): .beforeFullLoad(epoch: loser.epoch, winning: winner.epoch)
                case (.fullLoad, _): .olderFullLoad(epoch: loser.epoch, winning: winner.epoch)
                default: .olderEpoch(epoch: loser.epoch, winning: winner.epoch)
                }
        } else if loser.kind != winner.kind {
            self =
                loser.kind == .absence ? .listedByFullLoad(winner.epoch) : .fullLoadBeforeEvent(winner.epoch)
        } else if winner.kind == .fullLoad {
            self = .earlierInListing
        } else if loser.time != winner.time {
            self = .earlierTime
        } else if loser.operationRank != winner.operationRank {
            self = .operation(
                loser: Operation(rawValue: loser.operationRank) ?? .create,
                winner: Operation(rawValue: winner.operationRank) ?? .delete)
        } else {
            self = loser.topicRank != winner.topicRank ? .topicOrder : .tie
        }
    }

    package var text: String {
        switch self {
        case .olderFullLoad(let epoch, let winning): "older full load (epoch \(epoch) < \(winning))"
        case .beforeFullLoad(let epoch, let winning):
            "event before full load \(winning) (epoch \(epoch) < \(winning))"
        case .olderEpoch(let epoch, let winning):
            "event before full load \(winning), the winner after it (epoch \(epoch) < \(winning))"
        case .absentFromFullLoad(let number): "full load \(number), which came later, doesn't list the key"
        case .listedByFullLoad(let number):
            "absence from full load \(number) is beaten by a record of its epoch"
        case .fullLoadBeforeEvent(let number): "row of full load \(number); the winner is an event after it"
        case .earlierTime: "earlier effective time"
        case .operation(let loser, let winner): "same time, operation rank (\(loser.word) < \(winner.word))"
        case .topicOrder: "same time and operation, topic order in elt.yml"
        case .tie: "a tie: only partition and offset tell them apart"
        case .earlierInListing: "earlier in the same full load"
        case .laterDay(let day): "of \(day), later than the day asked for: doesn't count"
        case .notConfigured: "its topic isn't in elt.yml any more: doesn't count"
        }
    }
}

extension RecordOrder {
    /// Whether this record loses to `other`.
    package func isLess(than other: RecordOrder) -> Bool {
        let mine = (epoch, kind.rawValue, time, operationRank, topicRank, Int64(partition))
        let theirs = (
            other.epoch, other.kind.rawValue, other.time, other.operationRank, other.topicRank,
            Int64(other.partition)
        )
        if mine != theirs { return mine < theirs }
        return (incarnation, offset) < (other.incarnation, other.offset)
    }

    /// The order as the winners' table keeps it.
    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            if let base = buffer.baseAddress { write(to: base) }
            count = Self.byteCount
        }
    }
}
