import Foundation

/// How many runs hold a page.
final class OpenRuns {
    var count = 0
}

/// Builds the tree of a table with a rowid, of runs of rising rowids (https://sqlite.org/fileformat2.html#b_tree_pages).
///
/// In such a tree all records stand in leaves, so a leaf needs no place among the others until all are there: runs are filled side by side, each its own
/// leaf after leaf, and their leaves are put in order at the end.
final class RowidTree {
    private struct Leaf {
        var first: Int64
        var last: Int64
        var page: UInt32
        /// Bytes of its cells and pointers.
        var used: Int
    }

    /// What becomes the page of the table's root.
    enum Root {
        /// No row came.
        case empty
        /// That of a page which then lies elsewhere in vain.
        case copy(UInt32)
        case page([UInt8])
    }

    fileprivate let pages: any PageBuffer
    fileprivate let localMax: Int
    fileprivate let open: OpenRuns
    private var leaves: [Leaf] = []
    /// Pages that were written in vain.
    private(set) var free: [UInt32] = []

    init(_ pages: any PageBuffer, _ open: OpenRuns) {
        self.pages = pages
        self.open = open
        localMax = pages.size - 35
    }

    func makeRun() -> RowidRun { RowidRun(self) }

    /// Takes a run's leaf.
    fileprivate func add(_ page: UnsafeRawBufferPointer, first: Int64, last: Int64, used: Int) throws {
        leaves.append(Leaf(first: first, last: last, page: try pages.append(page), used: used))
    }

    /// Writes the pages above the leaves. All runs are closed. nil if rowids of one run are among those of another.
    func finish() throws -> Root? {
        leaves.sort { $0.first < $1.first }
        for (one, next) in zip(leaves, leaves.dropFirst()) where one.last >= next.first { return nil }
        try joinLeaves()
        guard leaves.count > 1 else { return leaves.first.map { .copy($0.page) } ?? .empty }
        var children = leaves.map { (page: $0.page, last: $0.last) }
        // As many as always find room.
        let childrenMax = (pages.size - 12) / (2 + 4 + 9)
        while children.count > childrenMax {
            let parents = (children.count + childrenMax - 1) / childrenMax
            var above: [(page: UInt32, last: Int64)] = []
            for parent in 0..<parents {
                // Evenly: each has two at least.
                let part = children[(children.count * parent / parents)..<(children.count * (parent + 1) / parents)]
                above.append((try interior(part).withUnsafeBytes { try pages.append($0) }, part.last?.last ?? 0))
            }
            children = above
        }
        return .page(interior(children[...]))
    }

    /// Puts leaves that follow each other into one where there's room: of many short runs each has one that's nearly empty.
    private func joinLeaves() throws {
        var joined: [Leaf] = []
        var rest = leaves[...]
        while let first = rest.first {
            var used = 0
            let fitting = rest.prefix {
                used += $0.used
                return used <= pages.size - 8
            }
            let part = fitting.isEmpty ? rest.prefix(1) : fitting
            rest = rest.dropFirst(part.count)
            joined.append(part.count == 1 ? first : try join(part))
        }
        leaves = joined
    }

    private func join(_ part: ArraySlice<Leaf>) throws -> Leaf {
        guard var leaf = part.first, let last = part.last else { preconditionFailure("there are some") }
        var page = [UInt8](repeating: 0, count: pages.size)
        var (content, cells) = (pages.size, 0)
        leaf.used = 0
        for one in part {
            try pages.read(one.page).withUnsafeBytes { one in
                func short(_ place: Int) -> Int { Int(UInt16(bigEndian: one.loadUnaligned(fromByteOffset: place, as: UInt16.self))) }
                // Of the largest page an end is noted as zero, which a leaf with cells doesn't have.
                let (count, begin) = (short(3), short(5))
                content -= one.count - begin
                page.withUnsafeMutableBytes { page in
                    page[content..<(content + one.count - begin)].copyBytes(from: one[begin...])
                    for cell in 0..<count {
                        let place = short(8 + 2 * cell) - begin + content
                        page.storeBytes(of: UInt16(place).bigEndian, toByteOffset: 8 + 2 * (cells + cell), as: UInt16.self)
                    }
                }
                cells += count
            }
            leaf.used += one.used
        }
        page.withUnsafeMutableBytes { page in
            page[0] = 0x0D
            page.storeBytes(of: UInt16(cells).bigEndian, toByteOffset: 3, as: UInt16.self)
            page.storeBytes(of: UInt16(content).bigEndian, toByteOffset: 5, as: UInt16.self)
        }
        try pages.write(page, at: leaf.page)
        free += part.dropFirst().map(\.page)
        leaf.last = last.last
        return leaf
    }

    /// A page of children, each but the last with its greatest rowid.
    private func interior(_ children: ArraySlice<(page: UInt32, last: Int64)>) -> [UInt8] {
        var page = [UInt8](repeating: 0, count: pages.size)
        page.withUnsafeMutableBytes { page in
            var content = page.count
            var pointer = 12
            for child in children.dropLast() {
                content -= 4 + Varint.length(rowid: child.last)
                page.storeBytes(of: child.page.bigEndian, toByteOffset: content, as: UInt32.self)
                Varint.write(rowid: child.last, to: page.baseAddress! + content + 4)
                page.storeBytes(of: UInt16(content).bigEndian, toByteOffset: pointer, as: UInt16.self)
                pointer += 2
            }
            page[0] = 0x05
            page.storeBytes(of: UInt16(children.count - 1).bigEndian, toByteOffset: 3, as: UInt16.self)
            page.storeBytes(of: UInt16(content).bigEndian, toByteOffset: 5, as: UInt16.self)
            page.storeBytes(of: (children.last?.page ?? 0).bigEndian, toByteOffset: 8, as: UInt32.self)
        }
        return page
    }
}

/// Rows whose rowids rise, on their way into leaves of their own.
package final class RowidRun {
    private let tree: RowidTree
    private let size: Int
    private var page: UnsafeMutableRawPointer?
    private var cells = 0
    /// Where the content begins, which grows down from the page's end.
    private var content = 0
    private var first: Int64 = 0
    private var last: Int64 = .min

    fileprivate init(_ tree: RowidTree) {
        self.tree = tree
        size = tree.pages.size
    }

    deinit { page?.deallocate() }

    /// Adds a row: a positive rowid that's greater than the last, and the record, whose column for the rowid is null.
    package func append(_ rowid: Int64, _ record: UnsafeRawBufferPointer) throws {
        guard rowid > last, rowid > 0, let base = record.baseAddress else { throw GraftedTables.Unfit() }
        let count = record.count
        let local = count <= tree.localMax ? count : SortedTree.local(of: count, pageSize: size, max: tree.localMax)
        // SQLite keeps no cell shorter than four bytes, which none is: one for the length, one for the rowid, two for a record.
        let length = Varint.length(count) + Varint.length(rowid: rowid) + local + (local < count ? 4 : 0)
        if page == nil || content - (8 + 2 * cells) < length + 2 {
            try close()
            page = .allocate(byteCount: size, alignment: 8)
            tree.open.count += 1
            content = size
        }
        // The pages of what has no room come before the leaf.
        let overflow = local < count ? try tree.pages.appendChain(UnsafeRawBufferPointer(rebasing: record[local...])) : 0
        guard let page else { return }
        content -= length
        var cell = page + content
        cell += Varint.write(count, to: cell)
        cell += Varint.write(rowid: rowid, to: cell)
        memcpy(cell, base, local)
        if local < count { (cell + local).storeBytes(of: overflow.bigEndian, as: UInt32.self) }
        page.storeBytes(of: UInt16(truncatingIfNeeded: content).bigEndian, toByteOffset: 8 + 2 * cells, as: UInt16.self)
        if cells == 0 { first = rowid }
        cells += 1
        last = rowid
    }

    /// Writes the leaf there is; the next row begins another.
    func close() throws {
        guard let page else { return }
        self.page = nil
        tree.open.count -= 1
        defer { page.deallocate() }
        page.storeBytes(of: 0x0D, as: UInt8.self)
        page.storeBytes(of: 0, toByteOffset: 1, as: UInt16.self)
        page.storeBytes(of: UInt16(cells).bigEndian, toByteOffset: 3, as: UInt16.self)
        page.storeBytes(of: UInt16(truncatingIfNeeded: content).bigEndian, toByteOffset: 5, as: UInt16.self)
        page.storeBytes(of: 0, toByteOffset: 7, as: UInt8.self)
        // What was in the memory before stays out of the file.
        let gap = 8 + 2 * cells
        memset(page + gap, 0, content - gap)
        let used = size - content + 2 * cells
        cells = 0
        try tree.add(UnsafeRawBufferPointer(start: page, count: size), first: first, last: last, used: used)
    }
}

extension Varint {
    /// A positive rowid may take nine bytes, the last of which has eight bits of it.
    @inline(__always) static func length(rowid: Int64) -> Int { rowid >> 56 == 0 ? length(Int(rowid)) : 9 }

    @discardableResult @inline(__always) static func write(rowid: Int64, to target: UnsafeMutableRawPointer) -> Int {
        if rowid >> 56 == 0 { return write(Int(rowid), to: target) }
        var rest = rowid >> 8
        for index in stride(from: 7, through: 0, by: -1) {
            target.storeBytes(of: UInt8(rest & 0x7F) | 0x80, toByteOffset: index, as: UInt8.self)
            rest >>= 7
        }
        target.storeBytes(of: UInt8(truncatingIfNeeded: rowid), toByteOffset: 8, as: UInt8.self)
        return 9
    }
}
