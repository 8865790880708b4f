import ELTCore
import Foundation
import SQLite

/// Winners by the days that they begin on, put aside while timelines are written, for a connection that doesn't see those.
///
/// They come in the order of their keys. A batch of them is put in the order of days and written on a thread of its own, while the next is
/// filled; a day's winners are then its pieces of all batches, one after the other. None is longer than a batch.
final class DailyWinners {
    private let entity: String
    private let path: String
    private let file: OwnFile
    private let side = SideWork()
    private let batchBytes: Int
    private var filling: Batch
    /// The batch that's being written, or was and can be filled again.
    private var written: Batch?
    /// Where each day's pieces lie; the thread's until it's settled.
    private let pieces = Pieces()
    private var record = SortedRecord()
    /// Whether all winners were added, and lie there.
    private(set) var isComplete = false
    private var isLost = false

    private final class Pieces {
        var ofDay: [Int32: [Range<Int>]] = [:]
        var end = 0
    }

    /// - Parameter path: Files begin with this, and lose their names at once.
    init(_ entity: String, path: String, batchBytes: Int = 8 << 20) throws {
        self.entity = entity
        self.path = path
        self.batchBytes = batchBytes
        file = try OwnFile(path: path + "-winners")
        file.remove()
        filling = Batch(capacity: batchBytes)
    }

    deinit { record.deallocate() }

    /// Where there's no room for them they aren't complete, which is no reason to end.
    /// - Parameter key: Not less than any before it. Winners of one key come in the order of their days.
    func add(_ key: UnsafeRawBufferPointer, _ winner: Winner) {
        if isLost { return }
        filling.add(key, winner)
        if filling.bytes >= batchBytes { putAway() }
    }

    private func putAway() {
        let (batch, file, pieces, batchBytes) = (filling, file, pieces, batchBytes)
        let isStarted: Void? = try? side.start {
            try batch.inOrderOfDays { day, record in
                let begin = pieces.end
                try file.write(record)
                pieces.end += record.count
                if let last = pieces.ofDay[day]?.last, last.upperBound == begin, last.count < batchBytes {
                    pieces.ofDay[day]![pieces.ofDay[day]!.count - 1] = last.lowerBound..<pieces.end
                } else {
                    pieces.ofDay[day, default: []].append(begin..<pieces.end)
                }
            }
            batch.removeAll()
        }
        guard isStarted != nil else {
            isLost = true
            (filling, written) = (Batch(capacity: 0), nil)
            try? file.restart()
            return
        }
        filling = written ?? Batch(capacity: batchBytes)
        written = batch
    }

    /// All winners were added.
    func finish() {
        if !isLost { putAway() }
        isComplete = !isLost
    }

    /// Gives the winners as a table of the same name as their timelines, in the order of days and keys, that a connection which has no other reads
    /// from now on; nil if SQLite takes no further file, or if it's over. What it was put aside in is empty then.
    func attach(to database: Database, unless isOver: () -> Bool = { false }) throws -> String? {
        try side.settle()
        try file.flush()
        (filling, written) = (Batch(capacity: 0), nil)
        let name = Names.winners(entity)
        let definition = """
            CREATE TABLE \(Names.quoted(name)) (
                from_day INTEGER NOT NULL, key TEXT NOT NULL, removed INTEGER NOT NULL, origin INTEGER NOT NULL,
                place INTEGER NOT NULL, PRIMARY KEY (from_day, key)) WITHOUT ROWID
            """
        guard let table = try SortedTable(database, table: name, definedBy: definition, path: path) else { return nil }
        let longest = pieces.ofDay.values.joined().map(\.count).max() ?? 0
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: longest, alignment: 8)
        defer { piece.deallocate() }
        var count = 0
        for (day, ranges) in pieces.ofDay.sorted(by: { $0.key < $1.key }) {
            for range in ranges {
                let got = try file.read(UnsafeMutableRawBufferPointer(rebasing: piece[..<range.count]), at: range.lowerBound)
                guard got == range.count else { throw SQLiteError(code: 10, message: "\(path)-winners has lost its end", sql: nil) }
                var rest = UnsafeRawBufferPointer(rebasing: piece[..<got])
                while let (winner, key) = Batch.next(&rest) {
                    record.begin()
                    record.add(Int64(day))
                    record.add(key, isText: true)
                    record.add(winner.removed ? 1 : 0)
                    record.add(Int64(winner.origin))
                    record.add(winner.place)
                    record.end()
                    try table.append(record.bytes)
                    count += 1
                    if count & 0xFFFF == 0, isOver() || Interruption.isRequested {
                        table.discard()
                        return nil
                    }
                }
            }
        }
        try? file.restart()
        return try table.attach()
    }

    /// Some winners in memory: each with its key behind it.
    private final class Batch {
        struct Place {
            var key: Int32
            var origin: Int32
            var place: Int64
            var removed: Bool
        }

        private static let placeBytes = MemoryLayout<Place>.size

        private var memory: UnsafeMutableRawBufferPointer
        private(set) var bytes = 0
        /// The day, and behind it where the winner lies: in the order of these, winners are in that of days and then of keys.
        private var order: [UInt64] = []

        init(capacity: Int) { memory = .allocate(byteCount: capacity + 4096, alignment: 8) }

        deinit { memory.deallocate() }

        func add(_ key: UnsafeRawBufferPointer, _ winner: Winner) {
            let count = Self.placeBytes + key.count
            if bytes + count > memory.count {
                let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: (bytes + count) * 2, alignment: 8)
                larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<bytes]))
                memory.deallocate()
                memory = larger
            }
            order.append(UInt64(UInt32(bitPattern: winner.day ^ .min)) << 32 | UInt64(bytes))
            let place = Place(key: Int32(key.count), origin: winner.origin, place: winner.place, removed: winner.removed)
            memory.storeBytes(of: place, toByteOffset: bytes, as: Place.self)
            UnsafeMutableRawBufferPointer(rebasing: memory[(bytes + Self.placeBytes)...]).copyMemory(from: key)
            bytes += count
        }

        func removeAll() {
            bytes = 0
            order.removeAll(keepingCapacity: true)
        }

        func inOrderOfDays(_ body: (Int32, UnsafeRawBufferPointer) throws -> Void) throws {
            order.sort()
            for entry in order {
                let place = Int(UInt32(truncatingIfNeeded: entry))
                let key = Int(memory.loadUnaligned(fromByteOffset: place, as: Place.self).key)
                try body(
                    Int32(bitPattern: UInt32(entry >> 32)) ^ .min,
                    UnsafeRawBufferPointer(rebasing: memory[place..<(place + Self.placeBytes + key)]))
            }
        }

        /// Takes the first record off.
        static func next(_ rest: inout UnsafeRawBufferPointer) -> (Place, UnsafeRawBufferPointer)? {
            guard rest.count >= placeBytes else { return nil }
            let place = rest.loadUnaligned(as: Place.self)
            let end = placeBytes + Int(place.key)
            defer { rest = UnsafeRawBufferPointer(rebasing: rest[end...]) }
            return (place, UnsafeRawBufferPointer(rebasing: rest[placeBytes..<end]))
        }
    }
}
