import Foundation

/// Records on their way from one pass to the next, in a file that has no name any more.
package final class RecordSpool {
    private let file: OwnFile
    private let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 8)
    private var large: UnsafeMutableRawBufferPointer?
    private var place = 0
    private var filled = 0
    private var position = 0

    package init(path: String) throws {
        file = try OwnFile(path: path)
        file.remove()
    }

    deinit {
        chunk.deallocate()
        large?.deallocate()
    }

    package func append(_ record: UnsafeRawBufferPointer) throws {
        try withUnsafeBytes(of: UInt32(record.count)) { try file.write($0) }
        try file.write(record)
    }

    /// From now on it's read, from its begin.
    package func rewind() throws {
        try file.flush()
        (place, filled, position) = (0, 0, 0)
    }

    /// Forgets what it holds; from now on it's written.
    package func restart() throws {
        try file.restart()
        (place, filled, position) = (0, 0, 0)
    }

    /// The next record, valid until the one after it is asked for; nil at the end.
    package func next() throws -> UnsafeRawBufferPointer? {
        guard let length = try take(4) else { return nil }
        return try take(Int(length.loadUnaligned(as: UInt32.self)))
    }

    private func take(_ count: Int) throws -> UnsafeRawBufferPointer? {
        if filled - position < count {
            // What's left moves to the begin of the chunk, or to one that's large enough.
            var target = chunk
            if count > chunk.count {
                if (large?.count ?? 0) < count {
                    large?.deallocate()
                    large = .allocate(byteCount: count, alignment: 8)
                }
                target = large!
                let got = try file.read(UnsafeMutableRawBufferPointer(rebasing: target[..<count]), at: place - (filled - position))
                place += count - (filled - position)
                (filled, position) = (0, 0)
                return got == count ? UnsafeRawBufferPointer(rebasing: target[..<count]) : nil
            }
            let left = filled - position
            memmove(chunk.baseAddress!, chunk.baseAddress! + position, left)
            let got = try file.read(UnsafeMutableRawBufferPointer(rebasing: target[left...]), at: place)
            place += got
            (filled, position) = (left + got, 0)
            if filled < count { return nil }
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: chunk[position..<(position + count)])
    }
}
