import ELTCore

/// What a run did, for people, schedulers and `elt_runs`.
package struct RunReport: Sendable, Codable, Equatable {
    package struct Extract: Sendable, Codable, Equatable {
        package var events: Int64 = 0
        package var bytes: Int64 = 0
        package var textBytes: Int64 = 0
        package var segments = 0
        /// What was read of each partition.
        package var ranges: [Range] = []
    }
    /// Offsets of one partition from `from` up to but not including `to`.
    package struct Range: Sendable, Codable, Equatable {
        package var topic: String
        package var partition: Int32
        package var incarnation: Int
        package var from: Int64
        package var to: Int64
        package init(topic: String, partition: Int32, incarnation: Int, from: Int64, to: Int64) {
            self.topic = topic
            self.partition = partition
            self.incarnation = incarnation
            self.from = from
            self.to = to
        }
    }
    package struct FullLoad: Sendable, Codable, Equatable {
        package var entity: String
        package var number: Int
        package var startedAt: String
        package var pages: Int
        package var rows: Int64
        package var total: Int64?
        package var drift: String?
        package var retries: Int
        package var seconds: Double
    }
    package struct Load: Sendable, Codable, Equatable {
        package var segments = 0
        package var events: Int64 = 0
        package var fullRows: Int64 = 0
        package var inserted: Int64 = 0
        package var quarantined: Int64 = 0
        package var clockCorrected: Int64 = 0
    }
    package struct Model: Sendable, Codable, Equatable {
        package var name: String
        package var inserted: Int64
        package var updated: Int64
        package var removed: Int64
        package var days: [String]
        package var full: Bool
        package init(
            name: String, inserted: Int64, updated: Int64, removed: Int64, days: [String], full: Bool
        ) {
            self.name = name
            self.inserted = inserted
            self.updated = updated
            self.removed = removed
            self.days = days
            self.full = full
        }
    }
    package struct Lag: Sendable, Codable, Equatable {
        package var topic: String
        package var partition: Int32
        package var next: Int64
        package var end: Int64
        package var messages: Int64
        /// Until retention may take what the next run begins with, from this run's start on; nil where the broker doesn't
        /// tell, or where time takes nothing.
        package var hoursLeft: Double?
    }

    package var command: String
    package var run: Int64 = 0
    package var status = "published"
    package var dryRun = false
    package var now: String
    package var extract = Extract()
    package var fullLoads: [FullLoad] = []
    /// Offsets that are lost and were passed over, as a person or a full load allowed.
    package var gaps: [String] = []
    package var load = Load()
    package var models: [Model] = []
    package var tests: [TestResult] = []
    package var ties: Int64 = 0
    package var lag: [Lag] = []
    package var warnings: [String] = []
    /// Seconds of each step, and of the whole.
    package var seconds: [String: Double] = [:]

    package init(command: String, now: Instant) {
        self.command = command
        self.now = now.description
    }

    package var changes: TableChanges {
        models.reduce(TableChanges()) {
            $0 + TableChanges(inserted: $1.inserted, updated: $1.updated, removed: $1.removed)
        }
    }

    mutating func add(_ load: LoadSummaryValues) {
        self.load.segments += load.segments
        self.load.events += load.events
        self.load.fullRows += load.fullRows
        self.load.inserted += load.inserted
        self.load.quarantined += load.quarantined
        self.load.clockCorrected += load.clockCorrected
    }
}

/// The numbers of a load.
struct LoadSummaryValues {
    var segments: Int
    var events: Int64
    var fullRows: Int64
    var inserted: Int64
    var quarantined: Int64
    var clockCorrected: Int64
}

/// Measures steps on the machine's monotonic clock.
struct Stopwatch {
    private(set) var seconds: [String: Double] = [:]
    private let start = ContinuousClock.now

    mutating func measure<T>(_ step: String, _ body: () throws -> T) rethrows -> T {
        let begin = ContinuousClock.now
        defer { seconds[step, default: 0] += Self.seconds(ContinuousClock.now - begin) }
        return try body()
    }

    var total: Double { Self.seconds(ContinuousClock.now - start) }

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.wholeMilliseconds) / 1000
    }
}
