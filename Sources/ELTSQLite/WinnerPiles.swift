import ELTCore
import Foundation
import SQLite

/// Winners that are put aside in piles, each in the order in which its rows lie in their tables.
///
/// A batch of them is put in order and written on a thread of its own, while the next is filled; a pile is then its pieces of all batches, read
/// together. Who looks up rows in that order finds each on the page that it's at, or on one that it left a moment ago; in the order of keys each
/// would be on another page.
final class WinnerPiles {
    struct Place {
        fileprivate var keyBytes: Int32
        var day: Int32
        var place: Int64
        var origin: Int32
        var removed: Bool

        fileprivate func precedes(_ other: Place) -> Bool { origin == other.origin ? place < other.place : origin < other.origin }
    }

    private let rows: Pieces
    private let keys: Pieces?
    private let side = SideWork()
    private let batchBytes: Int
    private var filling: Batch?
    /// The batch that's being written, or was and can be filled again.
    private var written: Batch?

    /// - Parameters:
    ///   - path: Files begin with this, and lose their names at once.
    ///   - keepsKeys: Whether the keys of each pile are kept in their order besides.
    init(path: String, keepsKeys: Bool, batchBytes: Int = 2 << 20) throws {
        self.batchBytes = batchBytes
        rows = try Pieces(path: path + "-winners")
        keys = keepsKeys ? try Pieces(path: path + "-keys") : nil
    }

    /// - Parameter key: Not less than any before it.
    func add(_ key: UnsafeRawBufferPointer, _ winner: Winner, to pile: Int32) throws {
        let batch = filling ?? Batch(capacity: batchBytes)
        filling = batch
        batch.add(key, winner, to: pile)
        if batch.bytes >= batchBytes { try putAway() }
    }

    /// Has what was added written, while others go on.
    func putAway() throws {
        guard let batch = filling else { return }
        let (rows, keys) = (rows, keys)
        (filling, written) = (written, batch)
        try side.start {
            try batch.each { pile, entries in
                if let keys { try keys.write(to: pile) { try batch.writeKeys(of: entries, $0) } }
                try rows.write(to: pile) { try batch.writeWinners(of: entries, $0) }
            }
            batch.removeAll()
        }
    }

    /// All winners were added: from now on they're read.
    func settle() throws {
        try putAway()
        try side.settle()
        try rows.file.flush()
        try keys?.file.flush()
        forget()
    }

    /// Gives the memory of batches back.
    private func forget() { (filling, written) = (nil, nil) }

    /// Gives the winners' room back, and that of their keys if these aren't asked for either.
    func empty(keepingKeys: Bool) throws {
        forget()
        try rows.restart()
        if !keepingKeys { try keys?.restart() }
    }

    var piles: [Int32] { rows.ofPile.keys.sorted() }

    /// The winners of a pile.
    func each(in pile: Int32, _ body: (UnsafeRawBufferPointer, Place) throws -> Void) throws {
        let readers = try rows.readers(of: pile)
        for begin in stride(from: 0, to: readers.count, by: Self.piecesMax) {
            try Self.each(in: readers[begin..<min(begin + Self.piecesMax, readers.count)], body)
        }
    }

    /// How many pieces are read together. The next ones begin where the first did.
    private static let piecesMax = 32

    private static func each(in readers: ArraySlice<PieceReader>, _ body: (UnsafeRawBufferPointer, Place) throws -> Void) throws {
        func next(_ reader: PieceReader) throws -> Place? {
            try reader.isAtEnd ? nil : reader.bytes(Batch.placeBytes, taken: false).loadUnaligned(as: Place.self)
        }
        var heads = try readers.map { ($0, try next($0)) }
        while true {
            var least: (index: Int, place: Place)?
            for index in heads.indices {
                guard let place = heads[index].1 else { continue }
                if let known = least?.place, !place.precedes(known) { continue }
                least = (index, place)
            }
            guard let (index, place) = least else { return }
            let reader = heads[index].0
            let record = try reader.bytes(Batch.placeBytes + Int(place.keyBytes))
            try body(UnsafeRawBufferPointer(rebasing: record[Batch.placeBytes...]), place)
            heads[index].1 = try next(reader)
        }
    }

    /// The keys of a pile's winners, in their order.
    func eachKey(in pile: Int32, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        for reader in try keys?.readers(of: pile) ?? [] {
            while !reader.isAtEnd {
                let count = Int(try reader.bytes(4).loadUnaligned(as: UInt32.self))
                try body(reader.bytes(count))
            }
        }
    }

    /// Bytes of piles in a file; the writing thread's until that's settled.
    private final class Pieces {
        let file: OwnFile
        private(set) var ofPile: [Int32: [Range<Int>]] = [:]
        private let path: String
        private var end = 0

        init(path: String) throws {
            file = try OwnFile(path: path)
            file.remove()
            self.path = path
        }

        /// Writes a piece of a pile.
        func write(to pile: Int32, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
            let begin = end
            try body {
                try file.write($0)
                end += $0.count
            }
            ofPile[pile, default: []].append(begin..<end)
        }

        func restart() throws {
            try file.restart()
            (ofPile, end) = ([:], 0)
        }

        func readers(of pile: Int32) throws -> [PieceReader] { try (ofPile[pile] ?? []).map { try PieceReader(file, path, $0) } }
    }

    /// Reads a piece from its begin to its end.
    private final class PieceReader {
        private let file: OwnFile
        private let path: String
        private var left: Range<Int>
        private var chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 15, alignment: 8)
        private var filled = 0..<0

        init(_ file: OwnFile, _ path: String, _ range: Range<Int>) throws {
            (self.file, self.path, left) = (file, path, range)
        }

        deinit { chunk.deallocate() }

        var isAtEnd: Bool { filled.isEmpty && left.isEmpty }

        /// The next bytes, valid until the next call, and whether they're taken.
        func bytes(_ count: Int, taken: Bool = true) throws -> UnsafeRawBufferPointer {
            if filled.count < count { try fill(count) }
            let bytes = UnsafeRawBufferPointer(rebasing: chunk[filled.lowerBound..<(filled.lowerBound + count)])
            if taken { filled = (filled.lowerBound + count)..<filled.upperBound }
            return bytes
        }

        private func fill(_ count: Int) throws {
            let target = count <= chunk.count ? chunk : .allocate(byteCount: count * 2, alignment: 8)
            memmove(target.baseAddress!, chunk.baseAddress! + filled.lowerBound, filled.count)
            if target.baseAddress != chunk.baseAddress {
                chunk.deallocate()
                chunk = target
            }
            filled = 0..<filled.count
            let wanted = min(chunk.count - filled.count, left.count)
            let got = try file.read(UnsafeMutableRawBufferPointer(rebasing: chunk[filled.count..<(filled.count + wanted)]), at: left.lowerBound)
            guard got == wanted, filled.count + got >= count else { throw SQLiteError(code: 10, message: "\(path) has lost its end", sql: nil) }
            left = (left.lowerBound + got)..<left.upperBound
            filled = 0..<(filled.count + got)
        }
    }

    /// Some winners in memory: each with its key behind it.
    private final class Batch {
        struct Entry {
            var pile: Int32
            var origin: Int32
            var place: Int64
            var offset: Int
        }

        static let placeBytes = MemoryLayout<Place>.stride

        private var memory: UnsafeMutableRawBufferPointer
        private(set) var bytes = 0
        private var entries: [Entry] = []
        /// The entries of each pile together.
        private var grouped: [Entry] = []

        init(capacity: Int) { memory = .allocate(byteCount: capacity + 4096, alignment: 8) }

        deinit { memory.deallocate() }

        func add(_ key: UnsafeRawBufferPointer, _ winner: Winner, to pile: Int32) {
            let count = Self.placeBytes + key.count
            if bytes + count > memory.count {
                let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: (bytes + count) * 2, alignment: 8)
                larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<bytes]))
                memory.deallocate()
                memory = larger
            }
            entries.append(Entry(pile: pile, origin: winner.origin, place: winner.place, offset: bytes))
            let place = Place(keyBytes: Int32(key.count), day: winner.day, place: winner.place, origin: winner.origin, removed: winner.removed)
            memory.storeBytes(of: place, toByteOffset: bytes, as: Place.self)
            UnsafeMutableRawBufferPointer(rebasing: memory[(bytes + Self.placeBytes)...]).copyMemory(from: key)
            bytes += count
        }

        func removeAll() {
            bytes = 0
            entries.removeAll(keepingCapacity: true)
        }

        /// The entries of each pile, in the order in which they were added.
        func each(_ body: (_ pile: Int32, _ entries: Range<Int>) throws -> Void) throws {
            var counts: [Int32: Int] = [:]
            var last: (pile: Int32, count: Int) = (0, 0)
            for entry in entries {
                if entry.pile != last.pile {
                    counts[last.pile, default: 0] += last.count
                    last = (entry.pile, 0)
                }
                last.count += 1
            }
            counts[last.pile, default: 0] += last.count
            let piles = counts.filter { $0.value > 0 }.keys.sorted()
            var places: [Int32: Int] = [:]
            var begins: [Int] = []
            var begin = 0
            for (place, pile) in piles.enumerated() {
                places[pile] = place
                begins.append(begin)
                begin += counts[pile] ?? 0
            }
            let bounds = begins + [begin]
            if grouped.count < entries.count { grouped = entries }
            for entry in entries {
                guard let pile = places[entry.pile] else { continue }
                grouped[begins[pile]] = entry
                begins[pile] += 1
            }
            for (place, pile) in piles.enumerated() { try body(pile, bounds[place]..<bounds[place + 1]) }
        }

        /// Their keys, each with its length before it.
        func writeKeys(of entries: Range<Int>, _ write: (UnsafeRawBufferPointer) throws -> Void) throws {
            for entry in grouped[entries] {
                let begin = entry.offset + Self.placeBytes
                let count = keyBytes(entry)
                try withUnsafeBytes(of: UInt32(count)) { try write($0) }
                try write(UnsafeRawBufferPointer(rebasing: memory[begin..<(begin + count)]))
            }
        }

        /// The winners in the order of tables and places.
        func writeWinners(of entries: Range<Int>, _ write: (UnsafeRawBufferPointer) throws -> Void) throws {
            grouped[entries].sort { $0.origin == $1.origin ? $0.place < $1.place : $0.origin < $1.origin }
            for entry in grouped[entries] {
                try write(UnsafeRawBufferPointer(rebasing: memory[entry.offset..<(entry.offset + Self.placeBytes + keyBytes(entry))]))
            }
        }

        private func keyBytes(_ entry: Entry) -> Int { Int(memory.loadUnaligned(fromByteOffset: entry.offset, as: Int32.self)) }
    }
}
