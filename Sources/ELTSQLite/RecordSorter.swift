import SQLite

/// Records that come in a few runs, each in the order of keys, and are read in the order of all.
///
/// Rows of a source come in the order of keys from each table that holds some. Letting SQLite put them in order would
/// have it pack, sort and unpack every row.
package final class SortedRuns {
    private let path: String
    private let keyColumn: Int
    private var spools: [RecordSpool] = []
    private var used = 0
    private let last = KeptKey()
    /// Next records of the runs, while they're read.
    private var heads: [UnsafeRawBufferPointer?] = []
    private var taken: Int?

    /// With more it would take longer to put them together than to sort them.
    package static let runsMax = 4

    /// - Parameter path: The runs' files begin with this, and lose their names at once.
    package init(path: String, keyColumn: Int) {
        self.path = path
        self.keyColumn = keyColumn
    }

    private func key(of record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        SortedRecord.text(record, column: keyColumn) ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// False if that would make one run too many; then only `restart` is of use.
    package func append(_ record: UnsafeRawBufferPointer) throws -> Bool {
        if used == 0 || !last.take(key(of: record)) {
            guard used < Self.runsMax else { return false }
            if used == spools.count { spools.append(try RecordSpool(path: "\(path)-\(used)")) }
            used += 1
            last.forget()
            _ = last.take(key(of: record))
        }
        try spools[used - 1].append(record)
        return true
    }

    /// Forgets what it holds; from now on it's written.
    package func restart() throws {
        for spool in spools { try spool.restart() }
        used = 0
        last.forget()
    }

    /// From now on it's read, from its begin.
    package func rewind() throws {
        heads = []
        taken = nil
        for spool in spools.prefix(used) {
            try spool.rewind()
            heads.append(try spool.next())
        }
    }

    /// The next record, valid until the one after it is asked for; nil at the end.
    package func next() throws -> UnsafeRawBufferPointer? {
        if let taken { heads[taken] = try spools[taken].next() }
        taken = heads.indices.first { heads[$0] != nil }
        guard var least = taken, var found = heads[least] else { return nil }
        for run in heads.indices.dropFirst(least + 1) {
            guard let other = heads[run], compare(key(of: other), key(of: found)) < 0 else { continue }
            (least, found) = (run, other)
        }
        taken = least
        return found
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
