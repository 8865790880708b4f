import CSQLite
import Foundation

/// A file that's written from its begin to its end, in large pieces, by its owner alone.
package final class OwnFile {
    let path: String
    private let descriptor: Int32
    private let buffer: UnsafeMutableRawPointer
    private var used = 0
    private var isNamed = true
    private static let bufferBytes = 1 << 18

    /// Makes the file, or makes it anew.
    package init(path: String) throws {
        self.path = path
        unlink(path)
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 8)
        if descriptor < 0 { throw failure("can't be made", SQLITE_CANTOPEN) }
    }

    /// Opens a file that's there, to write from a place on.
    init(writing path: String, from place: Int) throws {
        self.path = path
        isNamed = false
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 8)
        if descriptor < 0 || lseek(descriptor, off_t(place), SEEK_SET) < 0 { throw failure("can't be opened", SQLITE_CANTOPEN) }
    }

    deinit {
        buffer.deallocate()
        if descriptor >= 0 { close(descriptor) }
        remove()
    }

    /// Takes the file's name away; whoever has it open keeps what it holds. Another may have the name then.
    package func remove() {
        if isNamed { unlink(path) }
        isNamed = false
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard var from = bytes.baseAddress else { return }
        var left = bytes.count
        while left > 0 {
            if used == Self.bufferBytes { try flush() }
            let part = min(left, Self.bufferBytes - used)
            memcpy(buffer + used, from, part)
            used += part
            from += part
            left -= part
        }
    }

    package func flush() throws {
        try put(UnsafeRawBufferPointer(start: buffer, count: used), at: nil)
        used = 0
    }

    /// Writes at a place of the file, or where it has come to.
    func put(_ bytes: UnsafeRawBufferPointer, at place: Int?) throws {
        var done = 0
        while done < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = place.map { pwrite(descriptor, part.baseAddress, part.count, off_t($0 + done)) }
                ?? Foundation.write(descriptor, part.baseAddress, part.count)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure("can't be written", errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR) }
            done += written
        }
    }

    /// Reads from a place of the file; fewer bytes only at its end.
    package func read(_ target: UnsafeMutableRawBufferPointer, at place: Int) throws -> Int {
        var done = 0
        while done < target.count {
            let got = pread(descriptor, target.baseAddress! + done, target.count - done, off_t(place + done))
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw failure("can't be read", SQLITE_IOERR) }
            if got == 0 { break }
            done += got
        }
        return done
    }

    /// Empties the file.
    package func restart() throws { try cut(to: 0) }

    /// Takes away what lies behind a place, and goes on there.
    func cut(to place: Int) throws {
        used = 0
        guard ftruncate(descriptor, off_t(place)) == 0, lseek(descriptor, off_t(place), SEEK_SET) == off_t(place) else {
            throw failure("can't be cut", SQLITE_IOERR)
        }
    }

    private func failure(_ what: String, _ code: Int32) -> SQLiteError {
        SQLiteError(code: code, message: "\(path) \(what): \(String(cString: strerror(errno)))", sql: nil, path: path)
    }
}

/// The pages of a database file, numbered from 1 on in the order they're written; the first is written last.
final class PageFile: PageSink {
    let file: OwnFile
    let size: Int
    private(set) var count: UInt32

    init(path: String, pageSize: Int) throws {
        size = pageSize
        count = 1
        file = try OwnFile(path: path)
        let first = UnsafeMutableRawBufferPointer.allocate(byteCount: pageSize, alignment: 8)
        defer { first.deallocate() }
        first.initializeMemory(as: UInt8.self, repeating: 0)
        try file.write(UnsafeRawBufferPointer(first))
    }

    /// Pages behind those that a file has, up to a number.
    init(path: String, pageSize: Int, after last: UInt32) throws {
        size = pageSize
        count = last
        file = try OwnFile(writing: path, from: Int(last) * pageSize)
    }

    func flush() throws { try file.flush() }

    func read(_ number: UInt32, into page: UnsafeMutableRawBufferPointer) throws {
        guard try file.read(page, at: Int(number - 1) * size) == size else {
            throw SQLiteError(code: SQLITE_CORRUPT, message: "page \(number) isn't there", sql: nil, path: path)
        }
    }

    var path: String { file.path }
    func remove() { file.remove() }

    /// Takes the name away and gives the room back.
    func discard() {
        file.remove()
        try? file.restart()
    }

    func append(_ page: UnsafeRawBufferPointer) throws -> UInt32 {
        let number = next(after: count)
        // What lies there doesn't matter, so this page may.
        if number != count + 1 { try file.write(page) }
        try file.write(page)
        count = number
        return count
    }

    /// Ends the file with its first page: the header and a schema of one table (https://sqlite.org/fileformat2.html#the_database_header).
    func finish(table: String, sql: String, root: UInt32) throws {
        try file.flush()
        let page = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { page.deallocate() }
        page.initializeMemory(as: UInt8.self, repeating: 0)
        func put16(_ value: Int, _ place: Int) {
            page.storeBytes(of: UInt16(truncatingIfNeeded: value).bigEndian, toByteOffset: place, as: UInt16.self)
        }
        func put32(_ value: UInt32, _ place: Int) { page.storeBytes(of: value.bigEndian, toByteOffset: place, as: UInt32.self) }
        page.copyBytes(from: Array("SQLite format 3".utf8) + [0])
        put16(size == 65536 ? 1 : size, 16)
        page[18] = 1
        page[19] = 1
        page[21] = 64
        page[22] = 32
        page[23] = 32
        put32(1, 24)
        put32(count, 28)
        put32(1, 40)
        put32(4, 44)
        put32(1, 56)
        put32(1, 92)
        put32(3_040_001, 96)
        // type, name, tbl_name, rootpage, sql
        let texts = [Array("table".utf8), Array(table.utf8), Array(table.utf8), Array(sql.utf8)]
        var header: [UInt8] = []
        var scratch = [UInt8](repeating: 0, count: 9)
        func varint(_ value: Int) -> [UInt8] { Array(scratch[..<scratch.withUnsafeMutableBytes { Varint.write(value, to: $0.baseAddress!) }]) }
        for text in texts[..<3] { header += varint(13 + 2 * text.count) }
        header += varint(4) + varint(13 + 2 * texts[3].count)
        // The header's length, which is less than 128 for any name that fits.
        var record = varint(header.count + 1) + header + texts[0] + texts[1] + texts[2]
        withUnsafeBytes(of: root.bigEndian) { record += Array($0) }
        record += texts[3]
        let cell = varint(record.count) + varint(1) + record
        let content = size - cell.count
        page[100] = 0x0D
        put16(1, 103)
        put16(content, 105)
        put16(content, 108)
        page[content...].copyBytes(from: cell)
        try file.put(UnsafeRawBufferPointer(page), at: 0)
    }
}
