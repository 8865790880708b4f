import CSQLite
import CWalBuffer

/// Writes merged rows into their table: SQLite takes the pages in as it comes to them, and writes what they lack.
///
/// It reads a page from the file only if nothing has changed it since it was committed. So what was taken in lies where it belongs, and what
/// wasn't is written row by row. There's one exception, which has to be kept away with `keepFreedPages`: a page that the transaction itself
/// has given up may be read once more when it's used for something else.
package final class MergeInsert {
    private let database: Database
    private let insert: RowInsert
    /// What was merged into pages that SQLite took in: new rows and changed ones. Those that `RowInsert` wrote come besides.
    package private(set) var inserted: Int64 = 0
    package private(set) var updated: Int64 = 0
    /// How many pages were taken in.
    private(set) var pages = 0
    private var again: [Int] = []
    /// Rows of pages that lead to many others. Such a page is read all the time and goes to the log now and then; changed again after that,
    /// it'd be in there twice, and SQLite would sum up all of the log from there on.
    private var later: RowBuffer?

    /// With the row that's looked at again, as many as one statement has.
    private static let leavesAtOnce = 15
    private static let laterMax = 1024

    package init(_ database: Database, _ insert: RowInsert) {
        self.database = database
        self.insert = insert
    }

    package func write(_ piece: MergedRows) throws {
        guard let rows = piece.rows else { return }
        again.removeAll(keepingCapacity: true)
        var first = 0
        while first < piece.leaves.count {
            let leaves = first..<min(piece.leaves.count, first + Self.leavesAtOnce)
            try takeIn(rows, piece, leaves)
            first = leaves.upperBound
        }
        if let later = piece.later.isEmpty ? later : later ?? RowBuffer(like: rows) {
            for row in piece.later { later.append(row, of: rows) }
            self.later = later
            if piece.isUnordered || later.count > Self.laterMax || later.isFull { try finish() }
        }
        try write(rows, again)
        try write(rows, piece.rest)
    }

    /// Writes what was left for the end.
    package func finish() throws {
        if let later { try later.write(with: insert) }
        later = nil
    }

    private func write(_ rows: RowBuffer, _ places: [Int]) throws {
        try insert.write(0..<places.count) { place, statement, before in rows.bind(places[place], to: statement, after: before) }
    }

    /// Writes the row that each of some leaves lacks, while SQLite finds the others in it.
    private func takeIn(_ rows: RowBuffer, _ piece: MergedRows, _ leaves: Range<Int>) throws {
        let numbers = leaves.map { piece.leaves[$0].number }
        let images = leaves.map { Optional(piece.page($0)) }
        var wasRead = [UInt8](repeating: 0, count: leaves.count)
        let before = insert.changes
        do {
            try numbers.withUnsafeBufferPointer { numbers in
                try images.withUnsafeBufferPointer { images in
                    try wasRead.withUnsafeMutableBufferPointer { wasRead in
                        var pages = elt_walbuffer_pages(
                            count: Int32(leaves.count), size: Int32(piece.bytesOfPage), numbers: numbers.baseAddress, images: images.baseAddress,
                            wasRead: wasRead.baseAddress)
                        try withUnsafeMutablePointer(to: &pages) { pages in
                            // Where the layer can't do it nothing is read, and all rows are written.
                            _ = sqlite3_file_control(database.handle, "main", ELT_WALBUFFER_INSTEAD, pages)
                            defer { _ = sqlite3_file_control(database.handle, "main", ELT_WALBUFFER_INSTEAD, nil) }
                            // One that was merged comes last: it's there already, or isn't and is told below.
                            try insert.write(0..<leaves.count + 1) { place, statement, before in
                                let leaf = piece.leaves[min(leaves.lowerBound + place, leaves.upperBound - 1)]
                                rows.bind(place < leaves.count ? leaf.missing : leaf.merged, to: statement, after: before)
                            }
                        }
                    }
                }
            }
            // Where a page wasn't read nobody knows what it held.
            let taken = wasRead.reduce(0) { $0 + Int64($1) }
            let changes = insert.changes - before
            guard taken < leaves.count ? changes >= taken : changes == taken else { throw LostMergedRow() }
        } catch {
            // A page may have been read without being changed.
            database.forgetUnchangedPages()
            throw error
        }
        for (leaf, wasRead) in zip(leaves, wasRead) {
            let leaf = piece.leaves[leaf]
            if wasRead == 1 {
                pages += 1
                inserted += leaf.inserted
                updated += leaf.updated
            } else {
                again.append(contentsOf: leaf.rows.lazy.filter { $0 != leaf.missing })
            }
        }
    }
}

/// A page doesn't hold a row that was just merged into it, though SQLite read the copy with it. Nothing of the transaction is to be trusted.
package struct LostMergedRow: Error {
    package init() {}
}

extension Database {
    /// SQLite's own, as `3.40.1`.
    package static var libraryVersion: String { String(cString: sqlite3_libversion()) }

    /// Has pages that are given up written as empty ones, so that none is read again as it was. From before anything is given up in a transaction.
    package func keepFreedPages(_ on: Bool) throws { try execute("PRAGMA main.secure_delete=\(on ? "ON" : "OFF")") }

    /// Has all pages read again that the cache holds and that nothing has changed, but for those at which a statement stands.
    func forgetUnchangedPages() { sqlite3_db_release_memory(handle) }
}
