#if canImport(Glibc)
    @_exported import Glibc
#else
    @_exported import Darwin
#endif

func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }

/// Repeats a call that a signal interrupted; throws if it fails otherwise.
@discardableResult
func check<T: BinaryInteger>(_ operation: String, _ path: String, _ call: () -> T) throws(ArchiveError) -> T {
    while true {
        let result = call()
        if result != -1 { return result }
        let number = errno
        if number != EINTR { throw .io(operation: operation, path: path, errno: number) }
    }
}

/// Makes what was written durable. A failure is final: the kernel may have thrown the pages away, and a
/// second call would lie. So is an interruption here, as we can't know how far it came.
func synchronize(_ descriptor: CInt, _ path: String) throws(ArchiveError) {
    #if canImport(Darwin)
        let result = fcntl(descriptor, F_FULLFSYNC)
    #else
        let result = fsync(descriptor)
    #endif
    if result == -1 { throw .io(operation: "make durable", path: path, errno: errno) }
}

/// Writes all of `bytes`, also in several pieces.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, _ path: String) throws(ArchiveError) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest)
        let count = try check("write", path) { write(descriptor, part.baseAddress, part.count) }
        guard count > 0 else { throw .io(operation: "write", path: path, errno: EIO) }
        rest = rest.dropFirst(count)
    }
}

/// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file.
func readFully(
    _ descriptor: CInt, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer, _ path: String
) throws(ArchiveError) -> Int {
    var done = 0
    while done < buffer.count {
        let start = buffer.baseAddress! + done
        let count = try check("read", path) {
            pread(descriptor, start, buffer.count - done, off_t(offset) + off_t(done))
        }
        if count == 0 { break }
        done += count
    }
    return done
}
