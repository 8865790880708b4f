#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Small files, read and written with the system's own reason for a failure.
enum TextFile {
    struct Failure: Error, Equatable {
        var reason: String
        var isMissing = false
        var isTooLarge = false
    }

    /// All bytes of a regular file that has no more than `bytesMax`.
    static func read(_ path: String, bytesMax: Int) -> Result<[UInt8], Failure> {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return .failure(failure()) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return .failure(failure()) }
        guard status.st_mode & S_IFMT != S_IFDIR else { return .failure(Failure(reason: "it's a folder")) }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        var count = 0
        while count <= bytesMax {
            let got = bytes.withUnsafeMutableBytes { buffer in
                systemRead(file, buffer.baseAddress! + count, buffer.count - count)
            }
            if got < 0 {
                if errno == EINTR { continue }
                return .failure(failure())
            }
            if got == 0 { break }
            count += got
        }
        guard count <= bytesMax else {
            return .failure(Failure(reason: "it has more than \(bytesMax) bytes", isTooLarge: true))
        }
        return .success(Array(bytes[..<count]))
    }

    /// Makes a new file; one that exists is a failure and stays as it is.
    static func create(_ path: String, _ text: String) -> Failure? {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { return failure() }
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(file, $0.baseAddress! + written, $0.count - written) }
            if count < 0 {
                if errno == EINTR { continue }
                let failure = failure()
                close(file)
                return failure
            }
            written += count
        }
        return close(file) == 0 ? nil : failure()
    }

    /// Whether anything stands at the path, also a symbolic link to nowhere.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Permission bits, or nil where they can't be had.
    static func mode(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    private static func failure() -> Failure {
        let number = errno
        return Failure(reason: String(cString: strerror(number)), isMissing: number == ENOENT)
    }

    private static func systemRead(_ file: Int32, _ into: UnsafeMutableRawPointer, _ count: Int) -> Int {
        // `read` alone would be this type's own.
        #if canImport(Glibc)
            Glibc.read(file, into, count)
        #else
            Darwin.read(file, into, count)
        #endif
    }
}
