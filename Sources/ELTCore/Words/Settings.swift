/// What `elt.yml` says, checked and with its defaults filled in. A value: nothing in it changes later.
package struct ProjectSettings: Sendable {
    package var name: String
    package var zone: Zone
    /// Absolute path of the folder that holds `elt.yml`.
    package var folder: String
    /// Absolute path of the SQLite file.
    package var warehousePath: String
    /// Absolute path of the archive's folder.
    package var archivePath: String
    package var compression: Compression = Compression()
    /// Absolute path of the models' folder.
    package var modelsPath: String
    /// librdkafka's properties as they stand in the file, without those that would break a promise.
    package var kafka: [String: String]
    package var entities: [EntitySettings]
    /// `vars:` for the models, as text.
    package var variables: [String: String] = [:]
    package var limits: Limits = Limits()

    package init(
        name: String, zone: Zone, folder: String, warehousePath: String, archivePath: String,
        modelsPath: String, kafka: [String: String], entities: [EntitySettings]
    ) {
        self.name = name
        self.zone = zone
        self.folder = folder
        self.warehousePath = warehousePath
        self.archivePath = archivePath
        self.modelsPath = modelsPath
        self.kafka = kafka
        self.entities = entities
    }
}

package struct Compression: Sendable, Equatable {
    /// zstd's level; 1 is nearly as small as 3 here and much faster.
    package var level: Int32 = 1
    package init() {}
}

package struct Limits: Sendable, Equatable {
    package var maxClockSkew: Duration = .seconds(300)
    /// A longer message is archived and goes to quarantine. Bytes.
    package var maxMessageBytes: Int64 = 16 << 20
    /// More quarantined messages than this in one run fail it before it publishes.
    package var maxQuarantined: QuarantineLimit = QuarantineLimit()
    /// How long a run may wait for the broker or the service in all.
    package var deadline: Duration = .seconds(3000)
    /// No progress from the broker for this long ends the run.
    package var stall: Duration = .seconds(60)
    /// The longest one REST request may take without a byte arriving.
    package var requestTimeout: Duration = .seconds(60)
    package init() {}
}

package struct QuarantineLimit: Sendable, Equatable {
    /// Messages in one run; nil is no limit.
    package var count: Int? = nil
    /// Share of the run's messages, 0 to 1; nil is no limit.
    package var share: Double? = nil
    package init() {}
}

package struct EntitySettings: Sendable {
    package var name: String
    /// Dotted path of the key in the record.
    package var key: [String]
    /// Dotted path of the record in the message; empty: the whole value.
    package var record: [String] = []
    /// Dotted path of the effective time in the message; nil: the Kafka timestamp.
    package var eventTime: [String]? = nil
    /// How a number in `eventTime` is read; nil: only texts are times.
    package var eventTimeUnit: TimeUnit? = nil
    /// In the order of the file, which is the order that breaks ties.
    package var topics: [TopicSettings] = []
    /// Declared columns, in the file's order. Undeclared ones follow as they are discovered.
    package var columns: [ColumnSettings] = []
    package var columnPolicy: ColumnPolicy = .evolve
    package var fullLoad: FullLoadSettings? = nil

    package init(name: String, key: [String]) {
        self.name = name
        self.key = key
    }

    /// The last component of the key's path: the column that holds it.
    package var keyColumn: String { key.joined(separator: "_") }
}

package enum TimeUnit: String, Sendable, CaseIterable {
    case seconds = "s", milliseconds = "ms", microseconds = "us", nanoseconds = "ns"
}

package enum ColumnPolicy: String, Sendable, CaseIterable {
    /// Unknown fields become columns.
    case evolve
    /// Unknown fields stay in the payload only.
    case ignore
    /// An unknown field fails the run before it publishes.
    case fail
}

/// What a topic's messages do. The raw value is the rank in the order of records.
package enum Operation: Int, Sendable, CaseIterable, Comparable {
    case create = 0, update = 1, delete = 2
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    package var word: String { ["create", "update", "delete"][rawValue] }
}

package struct TopicSettings: Sendable, Equatable {
    package enum Mode: String, Sendable, CaseIterable { case deactivate, remove }
    package var name: String
    package var operation: Operation
    package var mode: Mode = .deactivate
    package init(name: String, operation: Operation) {
        self.name = name
        self.operation = operation
    }
}

package enum ColumnType: String, Sendable, CaseIterable {
    case text, integer, decimal, boolean, timestamp, date, json
}

package struct ColumnSettings: Sendable, Equatable {
    package var name: String
    /// nil: discovered.
    package var type: ColumnType?
    /// Tests of the column, as `schema.yml` writes them; run with the models' tests on both tables.
    package var tests: [String] = []
    /// The same tests as values.
    package var checks: [ColumnTest] = []
    package init(name: String, type: ColumnType? = nil) {
        self.name = name
        self.type = type
    }
}

package struct FullLoadSettings: Sendable {
    package var url: String
    /// Dotted path of the list in the body; empty: the body is the list, or NDJSON.
    package var records: [String] = []
    package var pagination: Pagination = .none
    package var auth: Auth = .none
    package var headers: [String: Secret] = [:]
    package var parallel: Int = 1
    /// Requests a second; nil is no limit.
    package var rateLimit: Double? = nil
    package var absent: Absent = .keep
    package var minRowsRatio: Double = 0.5
    package var maxPages: Int = 10_000_000
    /// The longest body of one page in bytes, after decompression; a single-body listing has none.
    package var maxPageBytes: Int64 = 256 << 20

    package init(url: String) { self.url = url }

    package enum Absent: String, Sendable, CaseIterable { case keep, remove }
}

package enum Pagination: Sendable, Equatable {
    case none
    /// `total` is the path of the number of rows, which tells where the end is and lets pages be
    /// fetched side by side; without it the end is the first page with fewer than `size` rows.
    case page(pageParam: String, sizeParam: String?, size: Int, first: Int, total: [String]?)
    case offset(offsetParam: String, limitParam: String?, limit: Int, total: [String]?)
    /// The body's `cursor` goes into `cursorParam` of the next request; null or absent ends.
    case cursor(cursor: [String], cursorParam: String, sizeParam: String?, size: Int?)
    /// `Link: <…>; rel="next"` (RFC 8288), or the URL at `next` in the body.
    case link(next: [String]?, sizeParam: String?, size: Int?)
    /// The last row's `key` goes into `param` (`?after=…`); an empty page ends.
    case keyset(key: [String], param: String, sizeParam: String?, size: Int?)

    /// Whether rows can slip between pages while the service is written to.
    package var canDrift: Bool {
        switch self {
        case .page, .offset: true
        case .none, .cursor, .link, .keyset: false
        }
    }
}

/// A text that never appears in a description, a log or an error.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    package let value: String
    package init(_ value: String) { self.value = value }
    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

package enum Auth: Sendable, Equatable {
    case none
    case basic(username: Secret, password: Secret)
    case bearer(token: Secret)
    case apiKey(name: String, value: Secret, inQuery: Bool)
    /// Client credentials. `secretInBody` false sends them as HTTP Basic (RFC 6749 §2.3.1).
    case oauth2(
        tokenURL: String, clientID: Secret, clientSecret: Secret, scope: String?, audience: String?,
        secretInBody: Bool)
}
