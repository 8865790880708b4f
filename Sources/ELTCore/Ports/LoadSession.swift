/// One transaction that loads raw rows: rows, ledger and offsets become durable together or not at all.
package protocol LoadSession: AnyObject {
    /// Says that so many entries and records of the archive are to come, none of them twice. Before any writer is asked for.
    func expect(entries: Int, records: Int64) throws
    func columns(of entity: String) throws -> [Column]
    /// Adds the columns that are new and takes over changed types. Integers of the columns in
    /// `integersToText` become the texts they were written as.
    func evolve(_ entity: String, to columns: [Column], integersToText: [String]) throws
    func fullLoads(of entity: String) throws -> [FullLoadMark]
    /// Where the rows of one partition's life go.
    func streamWriter(for place: SegmentPlace) throws -> any StreamWriter
    /// Where the rows of a full load go.
    func fullWriter(of entity: String, number: Int) throws -> any FullWriter
    func quarantine(_ item: QuarantineItem) throws
    /// Notes a field that no column takes, once for each reason. True the first time.
    func noteDrift(entity: String, field: String, what: String, at: String) throws -> Bool
    /// Notes that an entry is loaded, with all that follows for the ledger: offsets, epochs, the latest run.
    func note(_ entry: ManifestEntry, result: LoadedRows, day: Day?) throws
    /// What runs among the noted entries have read again: rows that had been lost there are to come back.
    var rewound: [RewoundRange] { get throws }
    /// Sees to it that the next publication lays a segment's events into the tables, whose rows had been lost.
    func noteRestored(_ segment: SegmentEntry) throws
}

/// Offsets of one partition's life that were read again after a rewind.
package struct RewoundRange: Sendable, Equatable {
    package var partition: TopicPartition
    package var incarnation: Int
    package var range: OffsetRange
    package init(partition: TopicPartition, incarnation: Int, range: OffsetRange) {
        self.partition = partition
        self.incarnation = incarnation
        self.range = range
    }

    package func holds(_ segment: SegmentEntry) -> Bool {
        let place = segment.place
        return place.topic == partition.topic && place.partition == partition.partition && place.incarnation == incarnation
            && segment.range.first >= range.first && segment.range.next <= range.next
    }
}

/// What became of the records of one manifest entry.
package struct LoadedRows: Sendable, Equatable {
    /// Rows written; a record that was there already isn't counted.
    package var inserted: Int64 = 0
    package var quarantined: Int64 = 0
    /// Events whose clock was ahead of the broker's.
    package var clockCorrected: Int64 = 0
    /// For a full load: whether its keys came in order.
    package var isSorted = true
    /// Effective times of the rows, in milliseconds.
    package var earliest: Int64? = nil
    package var latest: Int64? = nil
    /// Fields that the entity's `column_policy` forbids, sorted.
    package var forbidden: [String] = []
    package init() {}
}

/// One event as a raw row. Everything in it is borrowed for the call.
package struct StreamRow {
    package var offset: Int64
    package var key: UnsafeRawBufferPointer
    /// Effective time and the broker's, milliseconds; the broker's is -1 where it has none.
    package var time: Int64
    package var kafkaTime: Int64
    /// The payload's time was too far ahead, and the broker's is used.
    package var isClockCorrected: Bool
    package var day: Day
    package var epoch: Int
    package var removes: Bool
    /// In the order of the entity's columns. A removal may have none.
    package var cells: UnsafeBufferPointer<Cell>

    package init(
        offset: Int64, key: UnsafeRawBufferPointer, time: Int64, kafkaTime: Int64, isClockCorrected: Bool,
        day: Day, epoch: Int, removes: Bool, cells: UnsafeBufferPointer<Cell>
    ) {
        self.offset = offset
        self.key = key
        self.time = time
        self.kafkaTime = kafkaTime
        self.isClockCorrected = isClockCorrected
        self.day = day
        self.epoch = epoch
        self.removes = removes
        self.cells = cells
    }
}

/// One row of a full load. Everything in it is borrowed for the call.
package struct FullRow {
    /// Counts from 0 through all pages.
    package var number: Int64
    package var key: UnsafeRawBufferPointer
    /// In the order of the entity's columns.
    package var cells: UnsafeBufferPointer<Cell>

    package init(number: Int64, key: UnsafeRawBufferPointer, cells: UnsafeBufferPointer<Cell>) {
        self.number = number
        self.key = key
        self.cells = cells
    }
}

package protocol StreamWriter: AnyObject {
    /// Writes an event; one that's there already stays as it is.
    func insert(_ row: StreamRow) throws
    /// Writes several, in their order.
    func insert(all rows: [StreamRow]) throws
    /// Rows written so far, without those that were there already.
    func inserted() throws -> Int64
    /// The entity's columns have changed.
    func columnsChanged() throws
}

package protocol FullWriter: AnyObject {
    func insert(_ row: FullRow) throws
    /// Writes several, in their order.
    func insert(all rows: [FullRow]) throws
    /// Rows written so far, without those that were there already.
    func inserted() throws -> Int64
    func columnsChanged() throws
}

extension LoadSession {
    package func expect(entries: Int, records: Int64) throws {}
}

extension StreamWriter {
    package func insert(all rows: [StreamRow]) throws { for row in rows { try insert(row) } }
}

extension FullWriter {
    package func insert(all rows: [FullRow]) throws { for row in rows { try insert(row) } }
}

/// A record that can't be a row. The archive keeps its bytes; this says where and why.
package struct QuarantineItem: Sendable, Equatable {
    package var entity: String
    package var sequence: Int64
    package var topic: String?
    package var incarnation: Int?
    package var partition: Int32?
    package var offset: Int64?
    package var fullLoad: Int?
    package var page: Int?
    package var row: Int64?
    /// Archive file, and the line in it for an event.
    package var path: String
    package var line: Int64?
    /// A stable word: `not-json`, `not-utf8`, `no-key`, `bad-time`, `bad-value`, `too-large`, …
    package var reason: String
    /// Which field and what was expected; never the value.
    package var detail: String

    package init(
        entity: String, sequence: Int64, topic: String? = nil, incarnation: Int? = nil, partition: Int32? = nil,
        offset: Int64? = nil, fullLoad: Int? = nil, page: Int? = nil, row: Int64? = nil, path: String,
        line: Int64? = nil, reason: String, detail: String
    ) {
        self.entity = entity
        self.sequence = sequence
        self.topic = topic
        self.incarnation = incarnation
        self.partition = partition
        self.offset = offset
        self.fullLoad = fullLoad
        self.page = page
        self.row = row
        self.path = path
        self.line = line
        self.reason = reason
        self.detail = detail
    }
}
