import ELTCore
import SQLite

/// Keys of new records, in order, with the records of each and with what of its timeline they're laid into.
struct PendingKeys {
    private let cursor: EventCursor
    private let select: Statement

    /// - Parameter timelines: A connection that sees the timelines as they are before anything is laid in.
    init(_ cursor: EventCursor, of entity: String, timelines: Database) throws {
        self.cursor = cursor
        select = try timelines.prepare(
            """
            SELECT key, from_day, ord, removed, origin, place FROM \(Names.quoted(Names.winners(entity)))
            WHERE key=?1 ORDER BY from_day DESC
            """)
    }

    /// Finds the next keys; false if there are no more.
    func fill(_ batch: PendingBatch) throws -> Bool {
        while !batch.isFull, let key = cursor.key {
            try batch.add(key: key, records: cursor.drain) { key, earliest, stored in
                select.bindBorrowed(1, text: key)
                while try select.step() {
                    let winner = StoredCursor.winner(select)
                    stored.append(winner)
                    if winner.day <= earliest { break }
                }
                select.reset()
            }
        }
        return !batch.isEmpty
    }
}

/// Some pending keys, on their way from the thread that looks them up.
final class PendingBatch {
    private var keys: [UInt8] = []
    private var records: [Winner] = []
    private var stored: [Winner] = []
    private var ends: [(key: Int, records: Int, stored: Int, earliest: Int32)] = []

    /// Few enough to stay in the cache.
    private static let recordsMax = 512
    private static let keyBytesMax = 1 << 16

    var isFull: Bool { records.count + stored.count >= Self.recordsMax || keys.count >= Self.keyBytesMax }
    var isEmpty: Bool { ends.isEmpty }

    /// - Parameters:
    ///   - drain: Appends the records of the key.
    ///   - look: Appends what holds on their earliest day, and all after it, the newest first.
    fileprivate func add(
        key: UnsafeRawBufferPointer, records drain: (inout [Winner]) throws -> Void,
        look: (UnsafeRawBufferPointer, Int32, inout [Winner]) throws -> Void
    ) throws {
        let (firstByte, firstRecord, firstStored) = (keys.count, records.count, stored.count)
        keys.append(contentsOf: key)
        try drain(&records)
        guard let earliest = records[firstRecord...].lazy.map(\.day).min() else {
            keys.removeSubrange(firstByte...)
            return
        }
        try keys.withUnsafeBytes { try look(UnsafeRawBufferPointer(rebasing: $0[firstByte...]), earliest, &stored) }
        stored[firstStored...].reverse()
        ends.append((keys.count, records.count, stored.count, earliest))
    }

    /// Calls `body` with each key, its records, what's stored of its timeline in the order of days, and the records' earliest day.
    func each(_ body: (ArraySlice<UInt8>, ArraySlice<Winner>, ArraySlice<Winner>, Int32) throws -> Void) rethrows {
        var begin = (key: 0, records: 0, stored: 0)
        for end in ends {
            try body(
                keys[begin.key..<end.key], records[begin.records..<end.records], stored[begin.stored..<end.stored], end.earliest)
            begin = (end.key, end.records, end.stored)
        }
    }

    func empty() {
        // A key may be long, and may have had millions of records.
        keys.removeAll(keepingCapacity: keys.count <= 2 * Self.keyBytesMax)
        records.removeAll(keepingCapacity: records.count <= 2 * Self.recordsMax)
        stored.removeAll(keepingCapacity: stored.count <= 2 * Self.recordsMax)
        ends.removeAll(keepingCapacity: true)
    }
}
