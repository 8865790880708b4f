/// A record in quarantine, with its number there.
package struct QuarantinedRecord: Sendable, Equatable {
    package var id: Int64
    package var item: QuarantineItem
    package init(id: Int64, item: QuarantineItem) {
        self.id = id
        self.item = item
    }
}

/// What became of records that were loaded again.
package struct Replay: Sendable, Equatable {
    /// They are rows now.
    package var released: [QuarantinedRecord] = []
    /// They still can't be rows, each with why not now.
    package var remaining: [QuarantinedRecord] = []
    /// What was written, by the sequence of the manifest entry that holds the records.
    package var results: [Int64: LoadedRows] = [:]
    package var drift: [String] = []
    package var forbidden: [String: [String]] = [:]
    package init() {}
}

/// What the warehouse keeps of records that couldn't be rows.
package protocol QuarantineLedger: AnyObject {
    /// The records with these numbers, or all; in the order of their numbers.
    func quarantined(_ ids: [Int64]?) throws -> [QuarantinedRecord]
    /// Takes released records out, and sees to it that the next publication lays them into the tables.
    /// Inside the transaction that wrote their rows.
    func settle(_ replay: Replay) throws
}
