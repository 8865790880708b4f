import ELTCore

/// One thing that happens in the life of a project.
package enum LifeStep: Sendable, Equatable {
    /// Events arrive at the broker.
    case produce([ProducedEvent])
    /// The hourly run; it archives, loads and publishes everything produced so far.
    case run(at: Instant)
    case fullLoad(LifeFullLoad)
    /// Everything anew from the archive, and the proof that nothing changed.
    case rebuild
    /// Days go by without a run. Says why the next one comes so late; nothing happens.
    case outage(days: Int)
    /// The topic is deleted and made again, empty.
    case recreate(topic: String)
    case expect(LifeExpectation)
}

/// An event on its way to the broker.
package struct ProducedEvent: Hashable, Sendable {
    package var topic: String
    package var partition: Int32
    /// nil: the partition's next. A greater one leaves a hole.
    package var offset: Int64?
    package var timestamp: Instant
    package var key: [UInt8]?
    package var value: [UInt8]?

    package init(
        topic: String, partition: Int32, offset: Int64? = nil, timestamp: Instant, key: [UInt8]?,
        value: [UInt8]?
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
    }
}

/// A full load: its pages and what happens between them, in order.
package struct LifeFullLoad: Sendable, Equatable {
    package enum Part: Sendable, Equatable {
        /// JSON texts, one a row.
        case page([String])
        /// A step while the download goes on: `produce`, `run` or `expect`.
        case during(LifeStep)
    }
    package var at: Instant
    /// The `Date` header of the first response.
    package var date: Instant?
    package var parts: [Part]

    package init(at: Instant, date: Instant? = nil, parts: [Part]) {
        self.at = at
        self.date = date
        self.parts = parts
    }

    package var pages: [[String]] {
        parts.compactMap { if case .page(let rows) = $0 { rows } else { nil } }
    }

    /// What happens before page `index` is served; with the number of pages as index, after the last.
    package func steps(beforePage index: Int) -> [LifeStep] {
        var page = 0
        return parts.compactMap { part in
            switch part {
            case .page:
                page += 1
                return nil
            case .during(let step): return page == index ? step : nil
            }
        }
    }
}

/// What a table must hold. Only the named columns are compared; rows in any order.
package struct LifeExpectation: Sendable, Equatable {
    package enum Subject: Sendable, Equatable {
        case current
        /// The partitions of these days, `YYYY-MM-DD`; nil is all.
        case history(days: ClosedRange<String>?)
        case quarantine(Int)
    }
    package var subject: Subject
    package var columns: [String]
    package var rows: [[String]]
    /// Where it stands in its file.
    package var line: Int

    package init(_ subject: Subject, columns: [String] = [], rows: [[String]] = [], line: Int = 0) {
        self.subject = subject
        self.columns = columns
        self.rows = rows
        self.line = line
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.subject == b.subject && a.columns == b.columns && a.rows == b.rows
    }
}
