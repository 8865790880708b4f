import ELTCore
import SQLite

/// The newest living winner of each key, noted while timelines are written, for models that are built in full (`Heads`).
///
/// As long as each key has one winner, the timelines are their own heads and nothing is noted. From the first key with more on, heads are filed by the table
/// that holds their rows.
final class HeadsFile {
    private let heads: Heads
    private let path: String
    private var record = SortedRecord()
    private var spools: [Int32: RecordSpool] = [:]
    /// The first key that's noted; nil if none is.
    private var first: [UInt8]?
    /// The tables that hold the winners' rows.
    private var origins: Set<Int32> = []
    private var lastOrigin: Int32?

    /// - Parameter warehouse: Its path; files lie beside it for a while.
    init(_ heads: Heads, beside warehouse: String) {
        self.heads = heads
        path = Self.path(beside: warehouse)
    }

    static func path(beside warehouse: String) -> String { warehouse + "-heads" }

    deinit { record.deallocate() }

    /// - Parameters:
    ///   - key: Greater than all before it.
    ///   - winners: In the order of their days.
    func note(_ key: UnsafeRawBufferPointer, _ winners: UnsafeBufferPointer<Winner>) throws {
        guard let newest = winners.last else { return }
        for winner in winners where winner.origin != lastOrigin {
            origins.insert(winner.origin)
            lastOrigin = winner.origin
        }
        if first == nil {
            if winners.count == 1, origins.count <= Self.originsMax { return }
            first = Array(key)
        }
        if newest.removed { return }
        try note(origin: newest.origin, key, day: newest.day, place: newest.place, in: "noted", &spools)
    }

    /// Timelines are read once for each table that holds rows.
    private static let originsMax = 2

    private func note(
        origin: Int32, _ key: UnsafeRawBufferPointer, day: Int32, place: Int64, in name: String, _ spools: inout [Int32: RecordSpool]
    ) throws {
        record.begin()
        record.add(Int64(origin))
        record.add(key, isText: true)
        record.add(Int64(day))
        record.add(place)
        record.end()
        if let spool = spools[origin] { return try spool.append(record.bytes) }
        let spool = try RecordSpool(path: "\(path)-\(name)-\(origin)")
        try spool.append(record.bytes)
        spools[origin] = spool
    }

    /// Lays them ready, once all timelines are in their table.
    func finish() throws {
        guard let first else { return try heads.useTimelines(origins: origins) }
        var before: [Int32: RecordSpool] = [:]
        try heads.each(before: first) { origin, key, day, place in try note(origin: origin, key, day: day, place: place, in: "before", &before) }
        let filed = Set(before.keys).union(spools.keys)
        try heads.use(path: path, origins: filed) { table in
            for origin in filed.sorted() {
                for spool in [before[origin], spools[origin]].compactMap({ $0 }) {
                    try spool.rewind()
                    while let record = try spool.next() { try table.append(record) }
                }
            }
        }
    }
}
