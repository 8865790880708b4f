import ELTCore
import JSON

/// Turns the archived events of one entity into raw rows.
final class EventLoader {
    private let entity: EntitySettings
    var entityName: String { entity.name }
    private let topic: TopicSettings
    private let limits: Limits
    private let columns: RecordColumns
    private let decoder: RecordDecoder
    private let writer: any StreamWriter
    private let epochs: Epochs
    private let zone: Zone
    private var clock: DayClock
    private let skew: Int64
    private var counts = LoadedRows()

    init(
        entity: EntitySettings, topic: TopicSettings, limits: Limits, columns: RecordColumns,
        writer: any StreamWriter, epochs: Epochs, zone: Zone
    ) {
        self.entity = entity
        self.topic = topic
        self.limits = limits
        self.columns = columns
        decoder = RecordDecoder(record: entity.record, key: entity.key, eventTime: entity.eventTime)
        self.writer = writer
        self.epochs = epochs
        self.zone = zone
        clock = DayClock(zone)
        skew = limits.maxClockSkew.wholeMilliseconds
    }

    func load(_ change: ChangeView) throws {
        guard Int64((change.value?.count ?? 0) + (change.key?.count ?? 0)) <= limits.maxMessageBytes else {
            throw Poison(reason: "too-large", detail: "longer than max_message_bytes (\(limits.maxMessageBytes))")
        }
        guard let value = change.value else { return try remove(change) }
        let record: DecodedRecord
        do {
            record = try decoder.decode(value)
        } catch {
            throw Poison(reason: error.word, detail: "at byte \(error.offset) of the value")
        }
        if record.isNull { throw Poison(reason: "null-body", detail: "a JSON null is neither a record nor a tombstone") }
        let time = try eventTime(record.eventTime)
        let row = try columns.row(of: record)
        try insert(change, key: row.key, time: time, removes: topic.mode == .remove, cells: row.cells)
    }

    /// A tombstone: the message's key says which.
    private func remove(_ change: ChangeView) throws {
        guard let key = change.key, !key.isEmpty else {
            throw Poison(reason: "no-key", detail: "a tombstone without a key")
        }
        guard isValidUTF8(key) else { throw Poison(reason: "not-utf8", detail: "the message's key") }
        try insert(change, key: key, time: nil, removes: true, cells: UnsafeBufferPointer(start: nil, count: 0))
    }

    private func insert(
        _ change: ChangeView, key: UnsafeRawBufferPointer, time: Int64?, removes: Bool,
        cells: UnsafeBufferPointer<Cell>
    ) throws {
        var effective = time ?? change.timestamp
        guard effective >= 0, effective <= Instant.greatest.milliseconds else {
            throw Poison(reason: "bad-time", detail: "neither the payload nor the broker tells when it happened")
        }
        var isCorrected = false
        // One wrong clock must not win for ever.
        if time != nil, change.timestamp >= 0, effective > change.timestamp.addingClamped(skew) {
            effective = change.timestamp
            isCorrected = true
            counts.clockCorrected += 1
        }
        let row = StreamRow(
            offset: change.offset, key: key, time: effective, kafkaTime: change.timestamp,
            isClockCorrected: isCorrected, day: clock.day(of: effective),
            epoch: epochs.epoch(offset: change.offset, time: effective), removes: removes, cells: cells)
        try writer.insert(row)
        counts.earliest = min(counts.earliest ?? effective, effective)
        counts.latest = max(counts.latest ?? effective, effective)
    }

    private func eventTime(_ field: JSONField?) throws -> Int64? {
        guard let path = entity.eventTime, let field else { return nil }
        switch (field.kind, entity.eventTimeUnit) {
        case (.null, _): return nil
        case (.string, _):
            if let instant = zone.instant(field.text) { return instant.milliseconds }
        case (.integer, let unit?):
            let value = field.integer
            let milliseconds: Int64? =
                switch unit {
                case .seconds: value.multipliedReportingOverflow(by: 1000).overflow ? nil : value * 1000
                case .milliseconds: value
                case .microseconds: value.floorDivided(by: 1000)
                case .nanoseconds: value.floorDivided(by: 1_000_000)
                }
            if let milliseconds, milliseconds >= 0, milliseconds <= Instant.greatest.milliseconds { return milliseconds }
        default: break
        }
        throw Poison(reason: "bad-time", detail: "\(path.joined(separator: ".")) isn't a time between 1970 and 9999")
    }

    func noteQuarantined() { counts.quarantined += 1 }

    /// What became of the events so far.
    func result() throws -> LoadedRows {
        var result = counts
        result.inserted = try writer.inserted()
        return result
    }
}
