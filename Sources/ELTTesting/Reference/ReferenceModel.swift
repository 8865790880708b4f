import ELTCore

/// What decides a row besides the records themselves.
package struct ReferenceSettings: Sendable {
    package var zone: String
    /// In the order of the configuration.
    package var topics: [TopicSettings]
    package var absent: FullLoadSettings.Absent = .keep
    package var key = ["id"]
    package var record = ["customer"]
    /// nil: the Kafka timestamp.
    package var eventTime: [String]? = ["event_time"]
    /// Declared columns.
    package var declared: [String: ColumnType] = [:]
    package var maxClockSkew: Duration = .seconds(300)

    package init(zone: String, topics: [TopicSettings]) {
        self.zone = zone
        self.topics = topics
    }
}

/// One archived message.
package struct ReferenceEvent: Hashable, Sendable {
    package var topic: String
    package var incarnation: Int
    package var partition: Int32
    package var offset: Int64
    package var timestamp: Instant
    package var key: [UInt8]?
    package var value: [UInt8]?

    package init(
        topic: String, incarnation: Int, partition: Int32, offset: Int64, timestamp: Instant, key: [UInt8]?,
        value: [UInt8]?
    ) {
        self.topic = topic
        self.incarnation = incarnation
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
    }
}

/// A complete full load.
package struct ReferenceFullLoad: Sendable {
    /// T0.
    package var startedAt: Instant
    package var w0: [TopicPartition: (incarnation: Int, offset: Int64)]
    /// JSON texts, in the order of pages and of rows in them.
    package var rows: [String]

    package init(
        startedAt: Instant, w0: [TopicPartition: (incarnation: Int, offset: Int64)], rows: [String]
    ) {
        self.startedAt = startedAt
        self.w0 = w0
        self.rows = rows
    }
}

/// What the tables must hold: semantics §3 to §5, row by row from all records, with no short cut.
///
/// It's slow and small on purpose. Where the page is silent it chooses as `Tests/life/oracle.py` does,
/// which says the same in another language.
package struct ReferenceModel {
    package typealias Row = [String: Value]

    package let settings: ReferenceSettings
    private let time: ReferenceTime

    package init(_ settings: ReferenceSettings) {
        self.settings = settings
        time = ReferenceTime(zone: settings.zone)
    }

    /// `events` are all that were ever archived, in the order of the runs; `nows` the `run.now` of every run.
    package func tables(
        events: [ReferenceEvent], loads: [ReferenceFullLoad], nows: [Instant]
    ) -> (current: [Row], history: [Row], quarantined: Int) {
        let (records, quarantined) = records(events, loads)
        let keys = Dictionary(grouping: records, by: \.key).sorted { $0.key < $1.key }
        let loadDays = loads.map { time.day(of: $0.startedAt) }

        // The current table knows no clock.
        let current = keys.compactMap { _, records in
            winner(of: records, newestLoad: loads.count)?.columns
        }

        var history: [Row] = []
        guard var day = records.map(\.day).min(), let last = nows.map({ time.day(of: $0) }).max()
        else { return (current, [], quarantined) }
        while day <= last {
            let newest = loadDays.lastIndex { $0 <= day }.map { $0 + 1 } ?? 0
            for (_, records) in keys {
                let until = records.filter { $0.day <= day }
                guard let winner = winner(of: until, newestLoad: newest) else { continue }
                var row = winner.columns
                row["day"] = .text(day)
                row["changed"] = .integer(winner.day == day ? 1 : 0)
                history.append(row)
            }
            day = ReferenceTime.next(day)
        }
        return (current, history, quarantined)
    }

    /// The greatest record, or nil if the key doesn't live where `newestLoad` is the newest full load.
    private func winner(of records: [Record], newestLoad: Int) -> Record? {
        guard let winner = records.max(by: { $0.order.lexicographicallyPrecedes($1.order) }), !winner.removes
        else { return nil }
        let isAbsent = settings.absent == .remove && winner.order[0] < newestLoad
        return isAbsent ? nil : winner
    }

    private struct Record {
        var key: String
        /// Compared part by part; the first is the epoch.
        var order: [Int64]
        var day: String
        var removes: Bool
        var columns: Row
    }

    private func records(
        _ events: [ReferenceEvent], _ loads: [ReferenceFullLoad]
    ) -> (records: [Record], quarantined: Int) {
        let decoder = ReferenceDecoder(settings: settings, time: time)
        var records: [Record] = []
        var kinds: [String: ReferenceDecoder.ColumnKind] = [:]
        var quarantined = 0
        for event in events {
            guard let message = decoder.message(of: event), decoder.widen(&kinds, by: message.kinds) else {
                quarantined += 1
                continue
            }
            let place = settings.topics.firstIndex { $0.name == event.topic } ?? 0
            let topic = settings.topics[place]
            let order = [
                epoch(of: event, at: message.time, loads), 1, message.time.milliseconds,
                Int64(topic.operation.rawValue), Int64(place), Int64(event.incarnation),
                Int64(event.partition),
                event.offset,
            ]
            records.append(
                Record(
                    key: message.key, order: order, day: time.day(of: message.time),
                    removes: event.value == nil || topic.mode == .remove, columns: message.columns))
        }
        for (index, load) in loads.enumerated() {
            let day = time.day(of: load.startedAt)
            for (position, row) in load.rows.enumerated() {
                guard let row = decoder.row(ReferenceJSON(Array(row.utf8))) else { continue }
                records.append(
                    Record(
                        key: row.key, order: [Int64(index + 1), 0, Int64(position)], day: day, removes: false,
                        columns: row.columns))
            }
        }
        return (records, quarantined)
    }

    /// The greatest full load that the event follows by its offset and by its time; 0 if there's none.
    private func epoch(of event: ReferenceEvent, at time: Instant, _ loads: [ReferenceFullLoad]) -> Int64 {
        let last = loads.lastIndex { load in
            let w0 = load.w0[TopicPartition(event.topic, event.partition)] ?? (incarnation: 0, offset: 0)
            return (event.incarnation, event.offset) >= (w0.incarnation, w0.offset)
                && time >= load.startedAt - settings.maxClockSkew
        }
        return last.map { Int64($0 + 1) } ?? 0
    }
}
