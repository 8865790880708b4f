import ELTCore
import Foundation
import SQLite

/// Puts records in the order of their keys.
///
/// They come in runs of bounded memory: a full run is sorted and written to a file on a thread of its own, while the next
/// one is filled by a thread that has only to read the database. SQLite's sorter packs, compares and unpacks every row on
/// the thread that reads it.
final class WinnerSorter {
    /// A run ends with the record that brings it to so many bytes.
    private let runBytes: Int
    private let path: String
    private var filling: WinnerRun
    /// The run that's being filed, or was and can be filled again.
    private var filed: WinnerRun?
    private var files = 0
    private var spools: [RecordSpool] = []
    private let side = SideWork()
    private(set) var records: Int64 = 0

    /// - Parameter path: Files of runs begin with this, and lose their names at once.
    init(path: String, runBytes: Int = 16 << 20) {
        self.path = path
        self.runBytes = runBytes
        filling = WinnerRun(capacity: runBytes)
    }

    func add(_ key: UnsafeRawBufferPointer, _ winner: Winner) throws {
        filling.add(key, winner)
        records += 1
        if filling.bytes >= runBytes { try putAway() }
    }

    /// Has the full run sorted and written to a file, while the one that was filed before is filled.
    private func putAway() throws {
        let (run, spool) = (filling, try newSpool())
        try side.start {
            run.sort()
            while let record = run.read() { try spool.append(record) }
            try spool.rewind()
            run.removeAll()
        }
        filling = filed ?? WinnerRun(capacity: runBytes)
        filed = run
        spools.append(spool)
        // Each file that's read has its own memory.
        if spools.count >= Self.filesMax { try mergeFiles() }
    }

    private func newSpool() throws -> RecordSpool {
        files += 1
        return try RecordSpool(path: "\(path)-\(files)")
    }

    static let filesMax = 32

    /// Makes one file of all.
    private func mergeFiles() throws {
        try side.settle()
        let spool = try newSpool()
        var sources = try spools.map(WinnerSource.init(file:))
        while let index = WinnerSource.least(sources), let record = sources[index].record {
            try spool.append(record)
            try sources[index].advance()
        }
        try spool.rewind()
        spools = [spool]
    }

    /// What was added, in order.
    func sorted() throws -> [WinnerSource] {
        try side.settle()
        filed = nil
        filling.sort()
        return try spools.map(WinnerSource.init(file:)) + [WinnerSource(run: filling)]
    }
}

/// Records in memory: a winner and its key, each behind the other, and the order that they're to be in.
final class WinnerRun {
    private struct Entry {
        /// Bytes of the key behind those that all keys begin with.
        var prefix: UInt64
        var place: Int
    }

    static let winnerBytes = MemoryLayout<Winner>.size

    private var memory: UnsafeMutableRawBufferPointer
    private(set) var bytes = 0
    private var entries: [Entry] = []
    private var next = 0

    init(capacity: Int) {
        // Most have far less to sort; pages that aren't touched cost nothing.
        memory = .allocate(byteCount: capacity + 4096, alignment: 8)
    }

    deinit { memory.deallocate() }

    func add(_ key: UnsafeRawBufferPointer, _ winner: Winner) {
        let count = 8 + Self.winnerBytes + key.count
        if bytes + count > memory.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: (bytes + count) * 2, alignment: 8)
            larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<bytes]))
            memory.deallocate()
            memory = larger
        }
        entries.append(Entry(prefix: 0, place: bytes))
        memory.storeBytes(of: Self.winnerBytes + key.count, toByteOffset: bytes, as: Int.self)
        memory.storeBytes(of: winner, toByteOffset: bytes + 8, as: Winner.self)
        UnsafeMutableRawBufferPointer(rebasing: memory[(bytes + 8 + Self.winnerBytes)...]).copyMemory(from: key)
        bytes += (count + 7) & ~7
    }

    func removeAll() {
        bytes = 0
        next = 0
        entries.removeAll(keepingCapacity: true)
    }

    private func record(at place: Int) -> UnsafeRawBufferPointer {
        let count = memory.load(fromByteOffset: place, as: Int.self)
        return UnsafeRawBufferPointer(rebasing: memory[(place + 8)..<(place + 8 + count)])
    }

    func sort() {
        next = 0
        guard let first = entries.first else { return }
        let head = WinnerSource.key(of: record(at: first.place))
        var common = head.count
        for entry in entries {
            let key = WinnerSource.key(of: record(at: entry.place))
            var same = 0
            while same < min(common, key.count), key[same] == head[same] { same += 1 }
            common = same
        }
        entries.withUnsafeMutableBufferPointer { entries in
            for index in entries.indices {
                let key = WinnerSource.key(of: record(at: entries[index].place))
                var prefix: UInt64 = 0
                withUnsafeMutableBytes(of: &prefix) {
                    $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: key.dropFirst(common).prefix(8)))
                }
                entries[index].prefix = UInt64(bigEndian: prefix)
            }
            entries.sort { one, other in
                if one.prefix != other.prefix { return one.prefix < other.prefix }
                return WinnerSource.key(of: record(at: one.place)).precedes(WinnerSource.key(of: record(at: other.place)))
            }
        }
    }

    /// The next record in order; nil at the end.
    func read() -> UnsafeRawBufferPointer? {
        guard next < entries.count else { return nil }
        defer { next += 1 }
        return record(at: entries[next].place)
    }
}

/// Sorted records, one after the other.
struct WinnerSource {
    private let run: WinnerRun?
    private let file: RecordSpool?
    /// The next record, valid until `advance`; nil at the end.
    private(set) var record: UnsafeRawBufferPointer?

    init(run: WinnerRun) throws {
        self.run = run
        file = nil
        try advance()
    }

    init(file: RecordSpool) throws {
        self.file = file
        run = nil
        try advance()
    }

    mutating func advance() throws { record = try run.map { $0.read() } ?? file?.next() }

    static func key(of record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: record[WinnerRun.winnerBytes...])
    }

    static func winner(of record: UnsafeRawBufferPointer) -> Winner { record.loadUnaligned(as: Winner.self) }

    /// The source whose next record has the least key.
    static func least(_ sources: [WinnerSource]) -> Int? {
        var least: Int?
        for index in sources.indices {
            guard let record = sources[index].record else { continue }
            if let known = least, let other = sources[known].record, !key(of: record).precedes(key(of: other)) { continue }
            least = index
        }
        return least
    }
}
