import CSQLite
import CWalBuffer

/// Pages of a database file behind those that SQLite has, while it writes to it.
///
/// Only for a file without a log that nobody else opens. SQLite doesn't know of them until its file's first page says that they're there; what it
/// writes itself ends before them, with room for what it adds meanwhile.
final class TailPages: PageSink {
    let size: Int
    /// The last page that's SQLite's.
    let ceiling: UInt32
    private(set) var count: UInt32
    private let database: Database
    private let file: UnsafeMutablePointer<sqlite3_file>

    /// - Parameter room: How many pages SQLite may add to the file.
    /// - Returns: nil where the file's layer can't do this, or where each page keeps bytes for somebody else.
    init?(_ database: Database, room: Int) throws {
        self.database = database
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard let size = try database.value("PRAGMA page_size").integer, let pages = try database.value("PRAGMA page_count").integer,
            let ceiling = UInt32(exactly: pages + Int64(room)), ceiling < UInt32((1 << 30) / size),
            sqlite3_file_control(database.handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file, file.pointee.pMethods != nil
        else { return nil }
        self.size = Int(size)
        self.ceiling = ceiling
        self.file = file
        count = ceiling
        guard (try? limit(to: ceiling)) != nil else { return nil }
    }

    func append(_ page: UnsafeRawBufferPointer) throws -> UInt32 {
        let number = next(after: count)
        try write(page, at: number)
        count = number
        return number
    }

    func write(_ page: UnsafeRawBufferPointer, at number: UInt32) throws {
        var bytes = elt_walbuffer_bytes(bytes: page.baseAddress, count: CInt(page.count), offset: Int64(number - 1) * Int64(size))
        try check(sqlite3_file_control(database.handle, "main", ELT_WALBUFFER_WRITES_BEHIND, &bytes))
    }

    /// A page as it's in the file.
    func read(_ number: UInt32) throws -> [UInt8] {
        var page = [UInt8](repeating: 0, count: size)
        guard let read = file.pointee.pMethods.pointee.xRead else { throw failure(SQLITE_IOERR) }
        try check(read(file, &page, CInt(size), Int64(number - 1) * Int64(size)))
        return page
    }

    /// Has all that was written in the file.
    func flush() throws { try database.writeLater(true) }

    /// Makes the file SQLite's alone again. True if it had tried to write farther than it may.
    func end() throws -> Bool { try limit(to: 0) }

    /// Ends it, and takes the pages away. Outside of a transaction.
    func discard() -> Bool {
        guard let wasRefused = try? end() else { return false }
        if let pages = try? database.value("PRAGMA page_count").integer { _ = file.pointee.pMethods.pointee.xTruncate?(file, pages * Int64(size)) }
        return wasRefused
    }

    @discardableResult private func limit(to page: UInt32) throws -> Bool {
        var blocks = CInt(clamping: Int(page) * (size / 512))
        try check(sqlite3_file_control(database.handle, "main", ELT_WALBUFFER_CEILING, &blocks))
        return blocks != 0
    }

    private func check(_ code: Int32) throws { if code != SQLITE_OK { throw failure(code) } }

    private func failure(_ code: Int32) -> SQLiteError {
        SQLiteError(code: code, message: String(cString: sqlite3_errstr(code)), sql: nil, path: database.path)
    }
}
