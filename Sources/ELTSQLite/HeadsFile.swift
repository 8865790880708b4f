import ELTCore
import SQLite

/// The newest living winner of each key, noted while timelines are written, for models that are built in full (`Heads`).
///
/// As long as each key has one winner, the timelines are their own heads and nothing is noted. From the first key with more on, heads are filed by the table
/// that holds their rows.
final class HeadsFile {
    private let heads: Heads
    private let path: String
    private var piles: WinnerPiles?
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
            piles = try WinnerPiles(path: path, keepsKeys: false)
        }
        if newest.removed { return }
        try piles?.add(key, newest, to: newest.origin)
    }

    /// Timelines are read once for each table that holds rows.
    private static let originsMax = 2

    /// Lays them ready, once all timelines are in their table.
    func finish() throws {
        guard let first, let piles else { return try heads.useTimelines(origins: origins) }
        try heads.each(before: first) { try piles.add($0, $1, to: $1.origin) }
        try piles.settle()
        let filed = piles.piles
        try heads.use(path: path, origins: filed) { table in
            var record = SortedRecord()
            defer { record.deallocate() }
            var number: Int64 = 0
            for origin in filed {
                try piles.each(in: origin) { key, winner in
                    number += 1
                    record.begin()
                    record.add(Int64(origin))
                    record.add(number)
                    record.add(key, isText: true)
                    record.add(Int64(winner.day))
                    record.add(winner.place)
                    record.end()
                    try table.append(record.bytes)
                }
            }
        }
    }
}
