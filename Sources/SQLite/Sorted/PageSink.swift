import Foundation

/// Where pages of a database file are written to, one after the other.
protocol PageSink: AnyObject {
    /// Bytes of a page.
    var size: Int { get }
    /// The number of the last page that was written.
    var count: UInt32 { get }
    /// Writes a page, and gives its number.
    func append(_ page: UnsafeRawBufferPointer) throws -> UInt32
    /// Has all that was appended in the file, to be read.
    func flush() throws
    /// Reads a page that's in the file.
    func read(_ number: UInt32, into page: UnsafeMutableRawBufferPointer) throws
}

/// Pages that were written, and can be read and written again.
protocol PageBuffer: PageSink {
    func read(_ number: UInt32) throws -> [UInt8]
    func write(_ page: [UInt8], at number: UInt32) throws
}

enum PageNumber {
    /// The number that the page after a page gets. The one that SQLite locks bytes in is never used
    /// (https://sqlite.org/fileformat2.html#the_lock_byte_page).
    static func next(after page: UInt32, size: Int) -> UInt32 { page + 1 == UInt32((1 << 30) / size) + 1 ? page + 2 : page + 1 }
}

extension PageSink {
    func next(after page: UInt32) -> UInt32 { PageNumber.next(after: page, size: size) }

    /// Writes what of a record has no room in its cell, and gives the first of its pages.
    func appendChain(_ bytes: UnsafeRawBufferPointer) throws -> UInt32 {
        let first = next(after: count)
        let page = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { page.deallocate() }
        var done = 0
        while done < bytes.count {
            let part = min(size - 4, bytes.count - done)
            let following = done + part < bytes.count ? next(after: next(after: count)) : 0
            page.initializeMemory(as: UInt8.self, repeating: 0)
            page.storeBytes(of: following.bigEndian, as: UInt32.self)
            memcpy(page.baseAddress! + 4, bytes.baseAddress! + done, part)
            _ = try append(UnsafeRawBufferPointer(page))
            done += part
        }
        return first
    }
}
