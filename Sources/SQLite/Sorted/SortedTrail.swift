import CSQLite
import Foundation

/// Records that were added to a tree of sorted pages, to be read again in their order while others are added.
package final class SortedTrail {
    private let pages: any PageSink
    private let localMax: Int
    /// Full leaves.
    private var leaves: [UInt32] = []
    /// The cell that follows each in a page above it.
    private let dividers: RecordSpool
    /// How many cells the first leaf had before, and whether it was full then, with a cell behind it.
    private let before: (cells: Int, waits: Bool)
    /// The leaf that wasn't full yet, and a cell that waits behind it.
    private let last: UnsafeMutableRawBufferPointer
    private var lastCells = 0
    private var waiting: [UInt8] = []

    // While it's read.
    private var leaf = 0
    private var cell = 0
    private var cells = 0
    private var isBegun = false
    private let page: UnsafeMutableRawBufferPointer
    /// A record that doesn't lie in a leaf.
    private var apart = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 12, alignment: 8)

    init(_ pages: any PageSink, dividers: RecordSpool, after cells: Int, waits: Bool) {
        self.pages = pages
        self.dividers = dividers
        localMax = SortedTree.localMax(pageSize: pages.size)
        before = (cells, waits)
        page = .allocate(byteCount: pages.size, alignment: 8)
        last = .allocate(byteCount: pages.size, alignment: 8)
    }

    deinit {
        page.deallocate()
        last.deallocate()
        apart.deallocate()
    }

    func add(leaf: UInt32, divider: [UInt8]) throws {
        leaves.append(leaf)
        try divider.withUnsafeBytes { try dividers.append($0) }
    }

    /// Ends it with a leaf that isn't full, if there is one.
    func end(_ page: UnsafeRawBufferPointer, cells: Int, waiting: [UInt8]) throws {
        try dividers.rewind()
        last.copyMemory(from: page)
        lastCells = cells
        if !(leaves.isEmpty && before.waits) { self.waiting = waiting }
    }

    /// The next record, valid until the one after it is asked for; nil at the end.
    package func next() throws -> UnsafeRawBufferPointer? {
        if !isBegun {
            isBegun = true
            try enter(0)
        }
        while true {
            if cell < cells {
                defer { cell += 1 }
                let bytes = UnsafeRawBufferPointer(leaf < leaves.count ? page : last)
                let place = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 + 2 * cell, as: UInt16.self)))
                return try record(UnsafeRawBufferPointer(rebasing: bytes[place...]))
            }
            guard leaf < leaves.count else {
                defer { waiting = [] }
                return try waiting.isEmpty ? nil : record(copied: waiting)
            }
            guard let follows = try dividers.next() else { throw SQLiteError(code: SQLITE_CORRUPT, message: "a trail has lost its end", sql: nil) }
            let isOlder = leaf == 0 && before.waits
            try enter(leaf + 1)
            if !isOlder { return try record(follows) }
        }
    }

    private func enter(_ index: Int) throws {
        leaf = index
        cell = index == 0 ? before.cells : 0
        cells = lastCells
        guard index < leaves.count else { return }
        try pages.read(leaves[index], into: page)
        cells = Int(UInt16(bigEndian: page.loadUnaligned(fromByteOffset: 3, as: UInt16.self)))
    }

    private func record(copied cell: [UInt8]) throws -> UnsafeRawBufferPointer {
        reserve(cell.count)
        apart.copyBytes(from: cell)
        return try record(UnsafeRawBufferPointer(rebasing: apart[..<cell.count]))
    }

    private func reserve(_ count: Int) {
        if count <= apart.count { return }
        apart.deallocate()
        apart = .allocate(byteCount: count, alignment: 8)
    }

    /// The record of a cell, which may have pages of its own (https://sqlite.org/fileformat2.html#b_tree_pages).
    private func record(_ cell: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer {
        let (length, start) = Varint.read(cell, 0)
        if length <= localMax { return UnsafeRawBufferPointer(rebasing: cell[start..<(start + length)]) }
        let local = SortedTree.local(of: length, pageSize: pages.size)
        var bytes = Array(cell[start..<(start + local)])
        var next = UInt32(bigEndian: cell.loadUnaligned(fromByteOffset: start + local, as: UInt32.self))
        var overflow = [UInt8](repeating: 0, count: pages.size)
        while bytes.count < length {
            try overflow.withUnsafeMutableBytes { try pages.read(next, into: $0) }
            next = overflow.withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) }
            bytes += overflow[4...].prefix(length - bytes.count)
        }
        reserve(length)
        apart.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(rebasing: apart[..<length])
    }
}
