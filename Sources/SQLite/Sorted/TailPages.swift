import CSQLite

/// Pages of a database file behind those that SQLite has, while it writes to it.
///
/// Only for a file without a log that nobody else opens. SQLite doesn't know of them until its file's first page says that they're there; what it
/// writes itself ends before them, with room for what it adds meanwhile. They're written through a descriptor of their own: closing that takes SQLite's locks away, for which
/// nobody else is there. Whichever thread appends has the pages for itself.
final class TailPages: PageBuffer {
    /// The last page that's SQLite's.
    let ceiling: UInt32
    private let database: Database
    private let pages: PageFile

    /// - Parameter room: How many pages SQLite may add to the file.
    /// - Returns: nil where the file's layer can't do this, or where each page keeps bytes for somebody else.
    init?(_ database: Database, room: Int) throws {
        self.database = database
        guard let size = try database.value("PRAGMA page_size").integer, let count = try database.value("PRAGMA page_count").integer,
            let ceiling = UInt32(exactly: count + Int64(room)), ceiling < UInt32((1 << 30) / size) || count > (1 << 30) / size,
            (try? database.limitPages(to: ceiling, size: Int(size))) != nil
        else { return nil }
        self.ceiling = ceiling
        pages = try PageFile(path: database.path, pageSize: Int(size), after: ceiling)
        guard try read(1)[20] == 0 else {
            _ = try end()
            return nil
        }
    }

    var size: Int { pages.size }
    var count: UInt32 { pages.count }

    func append(_ page: UnsafeRawBufferPointer) throws -> UInt32 { try pages.append(page) }

    func flush() throws { try pages.flush() }

    func read(_ number: UInt32, into page: UnsafeMutableRawBufferPointer) throws { try pages.read(number, into: page) }

    /// Writes a page that's in the file.
    func write(_ page: [UInt8], at number: UInt32) throws { try page.withUnsafeBytes { try pages.file.put($0, at: Int(number - 1) * size) } }

    func read(_ number: UInt32) throws -> [UInt8] {
        try flush()
        var page = [UInt8](repeating: 0, count: size)
        try page.withUnsafeMutableBytes { try read(number, into: $0) }
        return page
    }

    /// Makes the file SQLite's alone again. True if it had tried to write farther than it may.
    func end() throws -> Bool { try database.limitPages(to: 0, size: size) }

    /// Ends it while a transaction goes on, and takes the pages away.
    func abandon() throws {
        _ = try end()
        try pages.file.cut(to: Int(ceiling) * size)
    }

    /// Ends it outside of a transaction, and takes the pages away. True as with `end`.
    func discard() -> Bool {
        let wasRefused = (try? end()) ?? false
        if let count = try? database.value("PRAGMA page_count").integer { try? pages.file.cut(to: Int(count) * size) }
        return wasRefused
    }
}
