import CSQLite

/// Finds the leaves of a table WITHOUT ROWID in which keys have their place, one after the other, as the table stands in its file.
///
/// What's in a log isn't seen. Pages are read through the file of a connection that's reading; whichever thread that has, has this.
final class LeafFinder {
    enum Place {
        /// In the leaf of this number.
        case leaf(UInt32)
        /// Between two pages: the row stands in the page above them, which leads to leaves or isn't known to lead farther.
        case above
        /// Between two pages that lead to others.
        case farAbove
    }

    private let connection: Database
    private let file: UnsafeMutablePointer<sqlite3_file>
    private let layout: TableLayout
    /// The pages above the leaf that was found last, from the root on.
    private var path: [Inner] = []
    /// How many of them lead to the next.
    private var depth = 0
    /// How many there are above each leaf; known once one was found.
    private var height: Int?

    private final class Inner {
        let page: UnsafeMutableRawBufferPointer
        var cells = 0
        /// Which of its children was gone into.
        var child = 0

        init(size: Int) { page = .allocate(byteCount: size, alignment: 8) }

        deinit { page.deallocate() }

        var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(page) }
    }

    /// As deep as SQLite lets a tree be.
    private static let depthMax = 20

    /// - Returns: nil if the connection's file can't be read by itself, or keeps bytes of each page for somebody else.
    init?(_ connection: Database, _ layout: TableLayout) throws {
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard sqlite3_file_control(connection.handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file,
            file.pointee.pMethods != nil
        else { return nil }
        self.connection = connection
        self.file = file
        self.layout = layout
        let first = UnsafeMutableRawBufferPointer.allocate(byteCount: layout.pageSize, alignment: 8)
        defer { first.deallocate() }
        try read(1, into: first)
        guard first[20] == 0 else { return nil }
    }

    /// Where a key has its place. Keys come in their order.
    /// - Throws: `StandingTable.Malformed` where the file's pages aren't those of such a table.
    func find(_ key: RowKey) throws -> Place {
        // What of the last way leads on.
        for level in 0..<depth where try !leads(path[level], to: key) {
            depth = level + 1
            break
        }
        while true {
            if depth > 0 {
                let inner = path[depth - 1]
                // Of the cells before `low` all are less, of those from `high` on none is.
                var (low, high) = (0, inner.cells)
                while low < high {
                    let middle = (low + high) / 2
                    let order = try order(of: inner, cell: middle, key)
                    if order < 0 { low = middle + 1 } else { high = middle }
                    if order == 0 {
                        inner.child = middle
                        return height.map { depth < $0 } ?? false ? .farAbove : .above
                    }
                }
                inner.child = low
            }
            let number = try depth == 0 ? layout.root : child(path[depth - 1])
            if depth == height { return .leaf(number) }
            guard depth < Self.depthMax else { throw StandingTable.Malformed() }
            if depth == path.count { path.append(Inner(size: layout.pageSize)) }
            let inner = path[depth]
            try read(number, into: inner.page)
            if inner.page[0] == 0x0A, height == nil {
                height = depth
                return .leaf(number)
            }
            inner.cells = inner.bytes.short(at: 3)
            guard inner.page[0] == 0x02, inner.cells > 0, 12 + 2 * inner.cells <= layout.pageSize else { throw StandingTable.Malformed() }
            depth += 1
        }
    }

    /// Whether a key has its place in the leaf that was found last, or above it and after that.
    func isInSameLeaf(_ key: RowKey) throws -> Bool {
        for level in (0..<depth).reversed() where path[level].child < path[level].cells {
            return try order(of: path[level], cell: path[level].child, key) > 0
        }
        return true
    }

    func read(_ number: UInt32, into page: UnsafeMutableRawBufferPointer) throws {
        guard number > 0, let read = file.pointee.pMethods.pointee.xRead else { throw StandingTable.Malformed() }
        let code = read(file, page.baseAddress, Int32(layout.pageSize), sqlite3_int64(number - 1) * sqlite3_int64(layout.pageSize))
        if code == SQLITE_OK { return }
        // SQLITE_IOERR_SHORT_READ: the file ends before the page.
        if code == SQLITE_IOERR | (2 << 8) { throw StandingTable.Malformed() }
        throw SQLiteError(code: code, message: String(cString: sqlite3_errstr(code)), sql: nil, path: connection.path)
    }

    /// Whether a key lies before the end of the child that was gone into.
    private func leads(_ inner: Inner, to key: RowKey) throws -> Bool {
        try inner.child == inner.cells || order(of: inner, cell: inner.child, key) > 0
    }

    /// Less than 0, 0 or more than 0, as the cell's key is less than, equal to or more than this one.
    private func order(of inner: Inner, cell: Int, _ key: RowKey) throws -> Int {
        let bytes = inner.bytes
        let place = bytes.short(at: 12 + 2 * cell) + 4
        guard place < bytes.count, let length = Varint.checked(bytes, place) else { throw StandingTable.Malformed() }
        let local = length.value <= SortedTree.localMax(pageSize: layout.pageSize)
            ? length.value : SortedTree.local(of: length.value, pageSize: layout.pageSize)
        guard length.next + local <= bytes.count else { throw StandingTable.Malformed() }
        // A key may be so long that it doesn't lie in its page.
        guard let held = UnsafeRawBufferPointer(rebasing: bytes[length.next..<length.next + local]).rowKey(columns: layout.keyColumns),
            let order = held.compared(to: key)
        else { throw StandingTable.Malformed() }
        return order
    }

    private func child(_ inner: Inner) throws -> UInt32 {
        let bytes = inner.bytes
        if inner.child == inner.cells { return bytes.number(at: 8) }
        let place = bytes.short(at: 12 + 2 * inner.child)
        guard place + 4 <= bytes.count else { throw StandingTable.Malformed() }
        return bytes.number(at: place)
    }
}
