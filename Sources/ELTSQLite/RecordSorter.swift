import ELTCore
import Foundation
import SQLite

/// Where in a record its key lies.
protocol RecordKeys: Sendable {
    func key(of record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer
}

/// The text in a column of a row as SQLite keeps it.
struct TextKeys: RecordKeys {
    let column: Int

    @inline(__always) func key(of record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        SortedRecord.text(record, column: column) ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }
}

/// What's behind a winner.
struct WinnerKeys: RecordKeys {
    static let winnerBytes = MemoryLayout<Winner>.size

    @inline(__always) func key(of record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: record[Self.winnerBytes...])
    }

    static func winner(of record: UnsafeRawBufferPointer) -> Winner { record.loadUnaligned(as: Winner.self) }
}

/// Puts records in the order of their keys.
///
/// They come in runs of bounded memory: a full run is sorted and written to a file on a thread of its own, while the next
/// one is filled by a thread that has only to read the database. SQLite's sorter packs, compares and unpacks every row on
/// the thread that reads it. Runs that come in order, one after the other, are one.
final class RecordSorter<Keys: RecordKeys> {
    private let keys: Keys
    private let path: String
    /// A run ends with the record that brings it to so many bytes.
    private let runBytes: Int
    private var filling: SortedRun<Keys>
    /// The run that's being filed, or was and can be filled again.
    private var filed: SortedRun<Keys>?
    private var files = 0
    private var spools: [RecordSpool] = []
    /// How many of them hold records, and how many of these several runs.
    private var used = 0
    private var merged = 0
    /// The last key of the file that was written last, if a run of greater ones may follow there.
    private let lastFiled = KeptKey()
    private let side = SideWork()
    private(set) var records: Int64 = 0
    /// The next record of each file, and of what's left in memory, while they're read.
    private var heads: [(record: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer)?] = []
    private var taken: Int?

    /// - Parameter path: Files of runs begin with this, and lose their names at once.
    init(path: String, _ keys: Keys, runBytes: Int = 16 << 20) {
        self.keys = keys
        self.path = path
        self.runBytes = runBytes
        filling = SortedRun(keys, capacity: runBytes)
    }

    /// Adds a record whose bytes lie in one or two pieces.
    @inline(__always) func add(_ record: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer = .init(start: nil, count: 0)) throws {
        filling.add(record, rest)
        records += 1
        if filling.bytes >= runBytes { try putAway() }
    }

    /// Has the full run sorted and written to a file, while the one that was filed before is filled.
    private func putAway() throws {
        let run = filling
        if !follows(run) { try nextSpool() }
        let spool = spools[used - 1]
        try side.start {
            run.sort()
            while let record = run.read() { try spool.append(record) }
            run.removeAll()
        }
        filling = filed ?? SortedRun(keys, capacity: runBytes)
        filed = run
        // Each file that's read has its own memory.
        if used - merged >= Self.filesMax { try mergeFiles() }
    }

    /// Whether a run has its place behind the one before it.
    private func follows(_ run: SortedRun<Keys>) -> Bool {
        guard run.isInOrder, let (first, last) = run.bounds else {
            lastFiled.forget()
            return false
        }
        let follows = used > 0 && lastFiled.precedes(first)
        lastFiled.forget()
        _ = lastFiled.take(last)
        return follows
    }

    private func nextSpool() throws {
        if used == spools.count {
            files += 1
            spools.append(try RecordSpool(path: "\(path)-\(files)"))
        }
        used += 1
    }

    static var filesMax: Int { 32 }

    /// Makes one file of those that hold a run each.
    private func mergeFiles() throws {
        try side.settle()
        lastFiled.forget()
        files += 1
        let spool = try RecordSpool(path: "\(path)-\(files)")
        try beginReading(merged..<used)
        while let record = try next() { try spool.append(record) }
        spools = spools[..<merged] + [spool]
        merged += 1
        (used, heads) = (merged, [])
    }

    /// Forgets what it holds; from now on records are added.
    func restart() throws {
        try side.settle()
        for spool in spools.prefix(used) { try spool.restart() }
        filling.removeAll()
        lastFiled.forget()
        (used, merged, records, heads, taken) = (0, 0, 0, [], nil)
    }

    /// From now on they're read, from the first.
    func rewind() throws {
        try side.settle()
        filed = nil
        filling.sort()
        try beginReading(0..<(used + 1))
    }

    private func beginReading(_ sources: Range<Int>) throws {
        for spool in spools.prefix(used) { try spool.rewind() }
        heads = try (0..<sources.upperBound).map { $0 < sources.lowerBound ? nil : try read($0) }
        taken = nil
    }

    private func read(_ source: Int) throws -> (UnsafeRawBufferPointer, UnsafeRawBufferPointer)? {
        let record = source < used ? try spools[source].next() : filling.read()
        return record.map { ($0, keys.key(of: $0)) }
    }

    /// The next record, valid until the one after it is asked for; nil at the end.
    func next() throws -> UnsafeRawBufferPointer? {
        if let taken { heads[taken] = try read(taken) }
        taken = heads.indices.first { heads[$0] != nil }
        guard var least = taken, var found = heads[least] else { return nil }
        for source in (least + 1)..<heads.count {
            guard let other = heads[source], other.key.precedes(found.key) else { continue }
            (least, found) = (source, other)
        }
        taken = least
        return found.record
    }
}

/// Records in memory, and the order that they're to be in.
final class SortedRun<Keys: RecordKeys> {
    private struct Entry {
        /// Bytes of the key behind those that all keys begin with.
        var prefix: UInt64
        var place: Int
    }

    private let keys: Keys
    private var memory: UnsafeMutableRawBufferPointer
    private(set) var bytes = 0
    private var entries: [Entry] = []
    private var next = 0
    /// Whether no record has a lower key than the one before it.
    private(set) var isInOrder = true
    /// Where the last record's key lies, as long as they're in order.
    private var last = 0..<0

    init(_ keys: Keys, capacity: Int) {
        self.keys = keys
        // Most have far less to sort; pages that aren't touched cost nothing.
        memory = .allocate(byteCount: capacity + 4096, alignment: 8)
    }

    deinit { memory.deallocate() }

    /// The first key and the last, where they're in order.
    var bounds: (first: UnsafeRawBufferPointer, last: UnsafeRawBufferPointer)? {
        entries.first.map { (keys.key(of: record(at: $0.place)), UnsafeRawBufferPointer(rebasing: memory[last])) }
    }

    @inline(__always) func add(_ record: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer) {
        let count = record.count + rest.count
        if bytes + 8 + count > memory.count { enlarge(by: 8 + count) }
        memory.storeBytes(of: count, toByteOffset: bytes, as: Int.self)
        let base = memory.baseAddress! + bytes + 8
        if let from = record.baseAddress { memcpy(base, from, record.count) }
        if let from = rest.baseAddress { memcpy(base + record.count, from, rest.count) }
        if isInOrder {
            let key = keys.key(of: UnsafeRawBufferPointer(start: base, count: count))
            isInOrder = entries.isEmpty || !key.precedes(UnsafeRawBufferPointer(rebasing: memory[last]))
            let begin = key.baseAddress.map { $0 - UnsafeRawPointer(memory.baseAddress!) } ?? 0
            last = begin..<(begin + key.count)
        }
        entries.append(Entry(prefix: 0, place: bytes))
        bytes += (8 + count + 7) & ~7
    }

    private func enlarge(by count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: (bytes + count) * 2, alignment: 8)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<bytes]))
        memory.deallocate()
        memory = larger
    }

    func removeAll() {
        (bytes, next, isInOrder) = (0, 0, true)
        entries.removeAll(keepingCapacity: true)
    }

    private func record(at place: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory.baseAddress! + place + 8, count: memory.load(fromByteOffset: place, as: Int.self))
    }

    func sort() {
        next = 0
        guard !isInOrder, let first = entries.first else { return }
        let head = keys.key(of: record(at: first.place))
        var common = head.count
        for entry in entries {
            let key = keys.key(of: record(at: entry.place))
            var same = 0
            while same < min(common, key.count), key[same] == head[same] { same += 1 }
            common = same
        }
        entries.withUnsafeMutableBufferPointer { entries in
            for index in entries.indices {
                let key = keys.key(of: record(at: entries[index].place))
                var prefix: UInt64 = 0
                withUnsafeMutableBytes(of: &prefix) {
                    $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: key.dropFirst(common).prefix(8)))
                }
                entries[index].prefix = UInt64(bigEndian: prefix)
            }
            entries.sort { one, other in
                if one.prefix != other.prefix { return one.prefix < other.prefix }
                return keys.key(of: record(at: one.place)).precedes(keys.key(of: record(at: other.place)))
            }
        }
        isInOrder = true
    }

    /// The next record in order; nil at the end.
    func read() -> UnsafeRawBufferPointer? {
        guard next < entries.count else { return nil }
        defer { next += 1 }
        return record(at: entries[next].place)
    }
}

/// Less than 0, 0 or more than 0, in the order of SQLite's BINARY collation.
@inline(__always) func compare(_ one: UnsafeRawBufferPointer, _ two: UnsafeRawBufferPointer) -> Int {
    SQLKey.text(one).compared(to: .text(two)) ?? 0
}

/// A copy of a key, which outlives the row that it came with.
final class KeptKey {
    private var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 1)
    private var count: Int?

    deinit { bytes.deallocate() }

    func forget() { count = nil }

    func equals(_ key: UnsafeRawBufferPointer) -> Bool { kept.map { compare($0, key) == 0 } ?? false }

    /// False if there's none.
    func precedes(_ key: UnsafeRawBufferPointer) -> Bool { kept.map { compare($0, key) < 0 } ?? false }

    /// False if the key isn't greater than the one that's kept.
    func take(_ key: UnsafeRawBufferPointer) -> Bool {
        if let kept, compare(kept, key) >= 0 { return false }
        if key.count > bytes.count {
            bytes.deallocate()
            bytes = .allocate(byteCount: key.count * 2, alignment: 1)
        }
        bytes.copyMemory(from: key)
        count = key.count
        return true
    }

    private var kept: UnsafeRawBufferPointer? { count.map { UnsafeRawBufferPointer(rebasing: bytes[..<$0]) } }
}
