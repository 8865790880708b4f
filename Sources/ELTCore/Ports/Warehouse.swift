/// The tables: raw rows, models and the ledger, in one place that changes by transactions.
///
/// Promises, which the suites of faults and lives test:
///
/// - What a transaction does is durable when it returns, all or nothing, whenever the process dies. A new warehouse
///   is durable, and seen by readers, from `install` on, and isn't there at all before.
/// - Readers see the state of the last transaction, and never wait.
/// - Loading an entry again changes nothing.
package protocol Warehouse: QuarantineLedger {
    /// The sequence of the newest manifest entry that is loaded, and of the newest that is published.
    var loadedSequence: Int64 { get throws }
    var publishedSequence: Int64 { get throws }
    /// The sequence of the newest entry whose faults a publication let pass. Forgetting raw rows doesn't
    /// move it back.
    var acceptedSequence: Int64 { get throws }
    /// Entries after `sequence` that were loaded, with what can keep them from being published.
    func faults(after sequence: Int64) throws -> [EntryFaults]
    /// Lets pass what's loaded up to a sequence. `publish` lets pass all of it.
    func acceptLoaded(upTo sequence: Int64) throws
    /// The latest instant that any run has had.
    var latestNow: Instant? { get throws }
    /// Digest of the settings that the raw rows were made with; nil for an empty warehouse.
    var settingsDigest: String? { get throws }
    /// Whether types changed since the last publication, so that models must be built in full.
    var typesChanged: Bool { get throws }

    /// Whether it's new, and no other was being made before it: the first one, or one that was lost.
    var isFirst: Bool { get }
    /// Whether it's new and wasn't installed: nobody sees what's committed to it.
    var isUnseen: Bool { get }
    /// Says that a warehouse was lost when this one was made. What the archive had up to a sequence was let pass then.
    func noteLost(after sequence: Int64) throws
    /// Makes a new warehouse durable and shows it to readers; sessions from before end with this. Nothing else
    /// may be done with it once this has failed. Of one that isn't new, nothing.
    func install() throws

    /// Runs `body`, a second time, after the first was undone, where rows must be written in another way. `warnings` say so then.
    func transaction<T>(_ body: () throws -> T) throws -> T
    /// Runs `body` in a transaction that loads raw rows and reads none; a second time, after the first was undone, where they must be written in another way.
    func loading<T>(_ body: () throws -> T) throws -> T
    /// What the report is to say of how transactions went.
    var warnings: [String] { get }
    /// Valid inside a transaction.
    func loadSession(settings: ProjectSettings) -> any LoadSession
    func transformSession() -> any TransformSession
    /// Empties what can be built again from the archive. Inside a transaction.
    func forgetRaw() throws
    func setSettingsDigest(_ digest: String) throws
    /// What `Archive.check` gave for the newest entry that is loaded; nil if an older program loaded it.
    var loadedCheck: String? { get throws }
    func setLoadedCheck(_ check: String) throws

    /// How far each partition is loaded: topic, partition, incarnation, next offset, anchor, last timestamp.
    func offsets() throws -> [LedgerOffset]
    func incarnations() throws -> [String: Int]
    func fullLoads(of entity: String) throws -> [FullLoadMark]
    /// Rows of the newest complete full load.
    func lastFullLoadRows(of entity: String) throws -> Int64?

    /// The number of the next run.
    func nextRun() throws -> Int64
    func record(_ run: RunRecord) throws
    /// Marks everything loaded as published. Inside the transaction that built the models.
    func publish(run: Int64, tests: [TestResult]) throws
    /// Keeps what tests of some models found. What's loaded and unpublished stays so.
    func record(run: Int64, tests: [TestResult]) throws
    /// Runs `body` as if nothing had been loaded since the last publication. Inside a transaction.
    func hidingUnpublished<T>(_ body: () throws -> T) throws -> T
    /// Moves the log into the file; false if a reader holds it up.
    @discardableResult
    func checkpoint() throws -> Bool
    var logBytes: Int64 { get }
}

/// What's at fault in the records of one manifest entry.
package struct EntryFaults: Sendable, Equatable {
    package var sequence: Int64
    package var rows: Int64
    package var quarantined: Int64
    /// By entity, fields that its `column_policy` forbids.
    package var forbidden: [String: [String]]
    package init(sequence: Int64, rows: Int64, quarantined: Int64, forbidden: [String: [String]] = [:]) {
        self.sequence = sequence
        self.rows = rows
        self.quarantined = quarantined
        self.forbidden = forbidden
    }
}

package struct LedgerOffset: Sendable, Equatable {
    package var entity: String
    package var partition: TopicPartition
    package var incarnation: Int
    package var next: Int64
    /// After a rewind: how far the partition had been read.
    package var againUntil: Int64?
    package var anchorOffset: Int64?
    package var anchorDigest: String?
    package var lastTimestamp: Instant?
    package init(
        entity: String, partition: TopicPartition, incarnation: Int, next: Int64, againUntil: Int64? = nil,
        anchorOffset: Int64?, anchorDigest: String?, lastTimestamp: Instant?
    ) {
        self.entity = entity
        self.partition = partition
        self.incarnation = incarnation
        self.next = next
        self.againUntil = againUntil
        self.anchorOffset = anchorOffset
        self.anchorDigest = anchorDigest
        self.lastTimestamp = lastTimestamp
    }
}

package struct TestResult: Sendable, Equatable, Codable {
    package var name: String
    package var model: String
    package var severity: String
    package var failures: Int64
    /// What identifies the first few failing rows.
    package var samples: [String]
    package init(name: String, model: String, severity: String, failures: Int64, samples: [String] = []) {
        self.name = name
        self.model = model
        self.severity = severity
        self.failures = failures
        self.samples = samples
    }
}

/// One line of `elt_runs`.
package struct RunRecord: Sendable, Equatable {
    package var run: Int64
    package var command: String
    package var now: Instant
    package var startedAt: Instant
    package var finishedAt: Instant?
    /// `published`, `failed` or `interrupted`.
    package var status: String
    package var sequence: Int64
    package var events: Int64 = 0
    package var fullRows: Int64 = 0
    package var quarantined: Int64 = 0
    package var changes = TableChanges()
    package var ties: Int64 = 0
    package var daysRewritten: Int = 0
    package var seconds: Double = 0
    package var warnings: Int = 0
    package var error: String? = nil
    /// The whole report as JSON.
    package var report: String? = nil
    package init(
        run: Int64, command: String, now: Instant, startedAt: Instant, finishedAt: Instant?, status: String,
        sequence: Int64
    ) {
        self.run = run
        self.command = command
        self.now = now
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.status = status
        self.sequence = sequence
    }
}
