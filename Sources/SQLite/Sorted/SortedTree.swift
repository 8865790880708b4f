import Foundation

/// Builds the tree of a table WITHOUT ROWID, or of an index, from records in the order of their keys
/// (https://sqlite.org/fileformat2.html#b_tree_pages). Pages are written once, in the order they fill up.
///
/// In such a tree a record stands either in a leaf or, between two pages, in the page above them.
final class SortedTree {
    private let pages: any PageSink
    /// Leaves first; each holds the page of its level that's being filled.
    private var levels: [Level] = []
    private let localMax: Int
    private let cell: UnsafeMutableRawPointer
    /// Leaves since the last mark, and the cells that follow each.
    private var trail: SortedTrail?

    private final class Level {
        let isLeaf: Bool
        let page: UnsafeMutableRawPointer
        var cells = 0
        /// Where the content begins, which grows down from the page's end.
        var content: Int
        /// A cell that found the page full. It goes up as soon as another follows it: no page may stay empty.
        var waiting: [UInt8] = []

        init(isLeaf: Bool, size: Int) {
            self.isLeaf = isLeaf
            page = .allocate(byteCount: size, alignment: 8)
            content = size
        }

        deinit { page.deallocate() }

        var headerBytes: Int { isLeaf ? 8 : 12 }
        func pointer(_ index: Int) -> Int {
            Int(UInt16(bigEndian: page.loadUnaligned(fromByteOffset: headerBytes + 2 * index, as: UInt16.self)))
        }
    }

    init(_ pages: any PageSink) {
        self.pages = pages
        localMax = Self.localMax(pageSize: pages.size)
        cell = .allocate(byteCount: pages.size, alignment: 8)
    }

    deinit { cell.deallocate() }

    /// The most bytes of a record that stand in its cell, so that four find room in a page
    /// (https://sqlite.org/fileformat2.html#b_tree_pages).
    static func localMax(pageSize: Int) -> Int { (pageSize - 12) * 64 / 255 - 23 }

    /// How many bytes of a longer record stand in its cell; the rest has pages of its own.
    static func local(of length: Int, pageSize: Int) -> Int { local(of: length, pageSize: pageSize, max: localMax(pageSize: pageSize)) }

    /// The same, for a kind of page that has room for so many bytes of a record.
    static func local(of length: Int, pageSize: Int, max: Int) -> Int {
        let least = (pageSize - 12) * 32 / 255 - 23
        let rest = least + (length - least) % (pageSize - 4)
        return rest <= max ? rest : least
    }

    /// Adds a record that is greater than all before it.
    func append(_ record: UnsafeRawBufferPointer) throws {
        guard let base = record.baseAddress else { return }
        var length = Varint.write(record.count, to: cell)
        if record.count <= localMax {
            memcpy(cell + length, base, record.count)
            length += record.count
        } else {
            let local = Self.local(of: record.count, pageSize: pages.size)
            memcpy(cell + length, base, local)
            length += local
            let overflow = try pages.appendChain(UnsafeRawBufferPointer(rebasing: record[local...]))
            (cell + length).storeBytes(of: overflow.bigEndian, as: UInt32.self)
            length += 4
        }
        // SQLite keeps no cell shorter than this.
        while length < 4 {
            (cell + length).storeBytes(of: 0, as: UInt8.self)
            length += 1
        }
        try add(UnsafeRawBufferPointer(start: cell, count: length), to: 0)
    }

    /// Writes what's left, and gives the page of the root.
    func finish() throws -> UInt32 {
        if levels.isEmpty { levels.append(Level(isLeaf: true, size: pages.size)) }
        var child: UInt32 = 0
        var index = 0
        while index < levels.count {
            let level = levels[index]
            if !level.waiting.isEmpty {
                // The last cell of the full page goes up instead, so that the waiting one has a page for itself.
                let last = level.pointer(level.cells - 1)
                let lastCell = [UInt8](UnsafeRawBufferPointer(start: level.page + last, count: length(of: level.cells - 1, level)))
                level.cells -= 1
                level.content += lastCell.count
                try close(level, at: index, under: lastCell)
                let waiting = level.waiting
                level.waiting = []
                waiting.withUnsafeBytes { place($0, level) }
            }
            child = try write(level, right: child)
            index += 1
        }
        return child
    }

    // MARK: Reading again

    /// Gives the records that were added since the last call; nil where it's the first. From now on others are added.
    func mark(_ spool: RecordSpool) throws -> SortedTrail? {
        let rows = trail
        let leaf = levels.first
        if let rows {
            try pages.flush()
            try rows.end(UnsafeRawBufferPointer(start: leaf?.page, count: leaf == nil ? 0 : pages.size), cells: leaf?.cells ?? 0, waiting: leaf?.waiting ?? [])
        }
        // A cell that waits was added before.
        trail = SortedTrail(pages, dividers: spool, after: leaf?.cells ?? 0, waits: leaf.map { !$0.waiting.isEmpty } ?? false)
        return rows
    }

    // MARK: Cells

    private func add(_ cell: UnsafeRawBufferPointer, to index: Int) throws {
        if index == levels.count { levels.append(Level(isLeaf: index == 0, size: pages.size)) }
        let level = levels[index]
        if !level.waiting.isEmpty {
            let divider = level.waiting
            level.waiting = []
            try close(level, at: index, under: divider)
        } else if level.content - (level.headerBytes + 2 * level.cells) < cell.count + 2 {
            level.waiting = Array(cell)
            return
        }
        place(cell, level)
    }

    private func place(_ cell: UnsafeRawBufferPointer, _ level: Level) {
        level.content -= cell.count
        memcpy(level.page + level.content, cell.baseAddress!, cell.count)
        level.page.storeBytes(
            of: UInt16(truncatingIfNeeded: level.content).bigEndian, toByteOffset: level.headerBytes + 2 * level.cells,
            as: UInt16.self)
        level.cells += 1
    }

    /// Cells lie from the end of the page towards its begin, each up to the one before it.
    private func length(of index: Int, _ level: Level) -> Int {
        (index == 0 ? pages.size : level.pointer(index - 1)) - level.pointer(index)
    }

    /// Writes a full page, and lifts the cell that follows it into the level above.
    private func close(_ level: Level, at index: Int, under divider: [UInt8]) throws {
        let child = try level.isLeaf
            ? write(level, right: 0)
            : write(level, right: divider.withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) })
        if level.isLeaf { try trail?.add(leaf: child, divider: divider) }
        var lifted = withUnsafeBytes(of: child.bigEndian) { Array($0) }
        lifted += level.isLeaf ? divider[...] : divider[4...]
        try lifted.withUnsafeBytes { try add($0, to: index + 1) }
    }

    /// Writes the level's page and empties it.
    private func write(_ level: Level, right: UInt32) throws -> UInt32 {
        let page = level.page
        page.storeBytes(of: level.isLeaf ? 0x0A : 0x02, as: UInt8.self)
        page.storeBytes(of: 0, toByteOffset: 1, as: UInt16.self)
        page.storeBytes(of: UInt16(level.cells).bigEndian, toByteOffset: 3, as: UInt16.self)
        page.storeBytes(of: UInt16(truncatingIfNeeded: level.content).bigEndian, toByteOffset: 5, as: UInt16.self)
        page.storeBytes(of: 0, toByteOffset: 7, as: UInt8.self)
        if !level.isLeaf { page.storeBytes(of: right.bigEndian, toByteOffset: 8, as: UInt32.self) }
        // What an earlier page left in the gap stays out of the file.
        let gap = level.headerBytes + 2 * level.cells
        memset(page + gap, 0, level.content - gap)
        level.cells = 0
        level.content = pages.size
        return try pages.append(UnsafeRawBufferPointer(start: page, count: pages.size))
    }
}
