import CSQLite
import Foundation

/// The rows of a table WITHOUT ROWID as they stand in the database's file: records in the order of the key, as
/// `SortedRecord` makes them, read from its pages without taking them apart.
///
/// The file has to hold all that was committed, with nothing left in a log, and nobody may write it meanwhile. It has a connection of its
/// own, because a file that SQLite has locked is opened and closed by SQLite alone (https://sqlite.org/howtocorrupt.html,
/// "POSIX advisory locks"). Whichever thread reads has it for itself.
package final class StandingTable {
    /// The pages aren't those of such a table.
    package struct Malformed: Error {
        package init() {}
    }

    private let connection: Database
    private let file: UnsafeMutablePointer<sqlite3_file>
    private let size: Int
    private let root: UInt32
    private let localMax: Int
    /// From the root down; kept for the next page of the same depth.
    private var levels: [Level] = []
    /// How many of them are in use.
    private var depth = 0
    private var isBegun = false
    /// Records that don't lie in one page, the last two of them.
    private var long = [Long(), Long()]

    private final class Long {
        private(set) var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 14, alignment: 8)

        deinit { bytes.deallocate() }

        func reserve(_ count: Int) {
            if count <= bytes.count { return }
            bytes.deallocate()
            bytes = .allocate(byteCount: count, alignment: 8)
        }
    }

    private final class Level {
        let page: UnsafeMutableRawBufferPointer
        var isLeaf = false
        var cells = 0
        /// Where cells begin.
        var content = 0
        /// Bytes that are known to be somebody's: of the header, free or of a cell.
        var known = 0
        /// What comes next: of a leaf a cell; of others a child, the cell after it, the next child.
        var step = 0
        /// Whether all of it is read, from the first cell on.
        var isWhole = true

        init(size: Int) {
            // A number of variable length may be looked for at the end.
            page = .allocate(byteCount: size + 16, alignment: 8)
            page.initializeMemory(as: UInt8.self, repeating: 0)
        }

        deinit { page.deallocate() }

        func number(at place: Int) -> UInt32 { UInt32(bigEndian: page.loadUnaligned(fromByteOffset: place, as: UInt32.self)) }
        func short(at place: Int) -> Int { Int(UInt16(bigEndian: page.loadUnaligned(fromByteOffset: place, as: UInt16.self))) }
        var headerBytes: Int { isLeaf ? 8 : 12 }
    }

    /// As deep as SQLite lets a tree be.
    private static let depthMax = 20

    /// - Parameter sql: How the table has to be defined, to the letter.
    /// - Returns: nil if there's no such table, or if more hangs on it, such as an index.
    package init?(path: String, table: String, sql: String) throws {
        connection = try Database(path: path, mode: .readOnly, tellsTime: false)
        // Reading, it keeps what it sees from being written over.
        try connection.execute("PRAGMA busy_timeout=10000; BEGIN")
        let found = try connection.query(
            "SELECT sql, rootpage FROM sqlite_schema WHERE tbl_name=?1 COLLATE NOCASE", [.text(table)])
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard found.count == 1, found[0][0] == .text(sql), let root = found[0][1].integer, root > 1,
            let size = try connection.value("PRAGMA page_size").integer,
            sqlite3_file_control(connection.handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file,
            file.pointee.pMethods != nil
        else { return nil }
        self.file = file
        self.size = Int(size)
        self.root = UInt32(truncatingIfNeeded: root)
        localMax = SortedTree.localMax(pageSize: self.size)
        // Bytes that each page keeps for somebody else.
        let first = Level(size: self.size)
        try read(1, into: first)
        guard first.page[20] == 0 else { return nil }
    }

    /// The next record, valid until the second after it is asked for; nil at the end. Between records of two pages there's always one of a page above
    /// them, which stays.
    package func next() throws -> UnsafeRawBufferPointer? {
        if !isBegun {
            isBegun = true
            try enter(root)
        }
        while depth > 0 {
            let level = levels[depth - 1]
            let step = level.step
            level.step += 1
            if step > (level.isLeaf ? level.cells - 1 : 2 * level.cells) {
                // Cells that lie over each other, or room that's nobody's.
                guard level.known == size || !level.isWhole else { throw Malformed() }
                depth -= 1
            } else if level.isLeaf {
                return try record(of: level, cell: step)
            } else if step & 1 == 1 {
                return try record(of: level, cell: step / 2)
            } else {
                try enter(step / 2 < level.cells ? level.number(at: try place(of: step / 2, level)) : level.number(at: 8))
            }
        }
        return nil
    }

    /// Begins with the first record whose first column is a text that isn't less than this one.
    package func begin(at text: [UInt8]) throws {
        isBegun = true
        try text.withUnsafeBytes { text in
            try enter(root)
            while true {
                let level = levels[depth - 1]
                level.isWhole = false
                // Of the cells before `low` all are less, of those from `high` on none is.
                var (low, high) = (0, level.cells)
                while low < high {
                    let middle = (low + high) / 2
                    guard let first = SortedRecord.checkedText(try record(of: level, cell: middle), column: 0) else { throw Malformed() }
                    if SQLKey.text(first).compared(to: .text(text)) ?? 0 < 0 { low = middle + 1 } else { high = middle }
                }
                level.step = level.isLeaf ? low : 2 * low
                if level.isLeaf { return }
                // The child before that cell may hold some as well.
                level.step += 1
                try enter(low < level.cells ? level.number(at: try place(of: low, level)) : level.number(at: 8))
            }
        }
    }

    private func enter(_ page: UInt32) throws {
        guard depth < Self.depthMax else { throw Malformed() }
        if depth == levels.count { levels.append(Level(size: size)) }
        let level = levels[depth]
        try read(page, into: level)
        guard level.page[0] == 0x0A || level.page[0] == 0x02 else { throw Malformed() }
        level.isLeaf = level.page[0] == 0x0A
        level.cells = level.short(at: 3)
        level.step = 0
        level.isWhole = true
        guard level.headerBytes + 2 * level.cells <= size, level.cells > 0 || level.isLeaf && depth == 0 else { throw Malformed() }
        try addFree(to: level)
        depth += 1
    }

    /// What of a page is its header, the room between its pointers and its content, blocks that are free, and pieces too small to be one
    /// (https://sqlite.org/fileformat2.html#b_tree_pages).
    private func addFree(to level: Level) throws {
        let begin = level.headerBytes + 2 * level.cells
        // The largest page's end is noted as zero.
        level.content = level.short(at: 5) == 0 ? 65536 : level.short(at: 5)
        guard level.content >= begin, level.content <= size else { throw Malformed() }
        level.known = level.content + Int(level.page[7])
        var last = level.content - 1
        var block = level.short(at: 1)
        while block != 0 {
            guard block > last, block + 4 <= size else { throw Malformed() }
            let bytes = level.short(at: block + 2)
            guard bytes >= 4, block + bytes <= size else { throw Malformed() }
            level.known += bytes
            last = block + bytes - 1
            block = level.short(at: block)
        }
    }

    private func read(_ page: UInt32, into level: Level) throws {
        guard page > 0, let read = file.pointee.pMethods.pointee.xRead else { throw Malformed() }
        let code = read(file, level.page.baseAddress, Int32(size), sqlite3_int64(page - 1) * sqlite3_int64(size))
        if code == SQLITE_OK { return }
        // SQLITE_IOERR_SHORT_READ: the file ends before the page.
        if code == SQLITE_IOERR | (2 << 8) { throw Malformed() }
        throw SQLiteError(code: code, message: String(cString: sqlite3_errstr(code)), sql: nil, path: connection.path)
    }

    private func place(of cell: Int, _ level: Level) throws -> Int {
        let place = level.short(at: level.headerBytes + 2 * cell)
        guard place >= level.content, place + 4 <= size else { throw Malformed() }
        return place
    }

    private func record(of level: Level, cell: Int) throws -> UnsafeRawBufferPointer {
        let place = try place(of: cell, level)
        let bytes = UnsafeRawBufferPointer(level.page)
        // SQLite takes no record longer than this.
        guard let (length, start) = Varint.checked(bytes, place + (level.isLeaf ? 0 : 4)), length <= 1 << 30 else { throw Malformed() }
        let local = length <= localMax ? length : SortedTree.local(of: length, pageSize: size)
        let end = start + local + (local < length ? 4 : 0)
        guard end <= size else { throw Malformed() }
        level.known += max(4, end - place)
        if local == length { return UnsafeRawBufferPointer(rebasing: bytes[start..<end]) }
        long.swapAt(0, 1)
        long[0].reserve(length)
        let target = long[0].bytes
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + local)]))
        var count = local
        var page = level.number(at: start + local)
        let overflow = Level(size: size)
        while count < length {
            try read(page, into: overflow)
            let part = min(size - 4, length - count)
            memcpy(target.baseAddress! + count, overflow.page.baseAddress! + 4, part)
            count += part
            page = overflow.number(at: 0)
        }
        return UnsafeRawBufferPointer(rebasing: target[..<length])
    }
}
