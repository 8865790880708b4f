import ELTCore

package enum ExtractError: ELTError {
    /// Offsets that the broker forgot before they were archived.
    case gap([Gap])
    case shrunk(entity: String, rows: Int64, before: Int64, ratio: Double)
    case empty(entity: String)
    case noFullLoad(entity: String)

    package struct Gap: Sendable, Equatable {
        package var partition: TopicPartition
        package var incarnation: Int
        package var entity: String
        package var lost: OffsetRange
        /// When the last archived record and the first that's still there were written.
        package var after: Int64?
        package var before: Int64?
        package init(
            partition: TopicPartition, incarnation: Int, entity: String, lost: OffsetRange, after: Int64?, before: Int64?
        ) {
            self.partition = partition
            self.incarnation = incarnation
            self.entity = entity
            self.lost = lost
            self.after = after
            self.before = before
        }
    }

    package var code: String {
        switch self {
        case .gap: "extract.retention-gap"
        case .shrunk: "full-load.shrunk"
        case .empty: "full-load.empty"
        case .noFullLoad: "full-load.not-configured"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .gap: .gap
        case .shrunk, .empty: .data
        case .noFullLoad: .configuration
        }
    }

    package var problem: String {
        switch self {
        case .gap(let gaps):
            "The broker has forgotten offsets that were never archived: "
                + gaps.map { gap in
                    let from = gap.after.map { " from \(Instant(milliseconds: $0))" } ?? ""
                    let to = gap.before.map { " to \(Instant(milliseconds: $0))" } ?? ""
                    let hours = gap.after.flatMap { after in
                        gap.before.map { " (\(max(0, ($0 - after) / 3_600_000)) hours)" }
                    }
                    return "\(gap.partition) \(gap.lost), \(gap.lost.count) offsets\(from)\(to)\(hours ?? "")"
                }.joined(separator: "; ") + ". Nothing was read or changed."
        case .shrunk(let entity, let rows, let before, let ratio):
            "The full load of \(entity) has \(rows) rows; the last one had \(before), and less than \(ratio) of that is refused. Nothing was changed."
        case .empty(let entity): "The full load of \(entity) has no rows. Nothing was changed."
        case .noFullLoad(let entity): "\(entity) has no full_load in elt.yml."
        }
    }

    package var remedy: String {
        switch self {
        case .gap:
            "Run 'elt full-load' to start from a new snapshot, or 'elt run --accept-gap' to go on without the lost events; the gap stays in the ledger."
        case .shrunk, .empty:
            "Check the service. If the listing is right, run 'elt full-load --accept-shrink'."
        case .noFullLoad: "Add full_load with the listing's url to the entity, see README."
        }
    }
}
