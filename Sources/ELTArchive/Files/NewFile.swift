import ELTCore

/// A file that appears whole under its name or not at all.
///
/// Written under a temporary name, made durable, renamed; then its folder is made durable. After any
/// failure the temporary file is gone, and nothing is tried twice on it.
final class NewFile {
    private let folder: Folder
    private let name: String
    private var descriptor: CInt
    private let digest = SHA256Digest()
    private(set) var bytes: Int64 = 0

    /// Where a crash test may want to die.
    struct Failpoints {
        var halfWritten: Failpoint? = nil
        var written: Failpoint? = nil
        var synced: Failpoint? = nil
        var renamed: Failpoint? = nil
        var sealed: Failpoint? = nil
    }

    /// Starts the file as `name` in `folder`. A leftover of that name, from a crash, is replaced.
    init(in folder: Folder, temporary name: String) throws(ArchiveError) {
        self.folder = folder
        self.name = name
        try folder.remove(name)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let path = folder.pathOf(name)
        let directory = folder.descriptor
        descriptor = try check("create", path) { openat(directory, name, flags, 0o600) }
        // The umask can only take rights away; what it took is given back.
        if fchmod(descriptor, 0o600) == -1 {
            let number = errno
            discard()
            throw .io(operation: "protect", path: path, errno: number)
        }
    }

    deinit { discard() }

    func write(_ part: UnsafeRawBufferPointer) throws(ArchiveError) {
        do { try writeAll(part, to: descriptor, folder.pathOf(name)) } catch {
            discard()
            throw error
        }
        digest.update(part)
        bytes += Int64(part.count)
    }

    /// Writes the end of the file and gives it its name. Returns the SHA-256 of all of it.
    func seal(
        _ end: UnsafeRawBufferPointer, as newName: String, in target: Folder,
        _ failpoints: Failpoints = Failpoints()
    ) throws(ArchiveError) -> String {
        try write(UnsafeRawBufferPointer(rebasing: end.prefix(end.count / 2)))
        failpoints.halfWritten?.pass()
        try write(UnsafeRawBufferPointer(rebasing: end.dropFirst(end.count / 2)))
        failpoints.written?.pass()
        let sum = digest.finish()
        do throws(ArchiveError) {
            try synchronize(descriptor, folder.pathOf(name))
            try closeChecked()
            failpoints.synced?.pass()
            if let there = try target.open(newName) {
                let isSame = there.size == bytes ? try there.sha256() == sum : false
                guard isSame else { throw .alreadySealed(path: target.pathOf(newName)) }
            }
            try folder.rename(name, to: target, as: newName)
            hasName = true
            failpoints.renamed?.pass()
            try target.synchronize()
            failpoints.sealed?.pass()
        } catch {
            discard()
            throw error
        }
        return sum
    }

    /// Writes the end of the file and compares all of it with a file that had been sealed as `newName`. If
    /// it's the same to the byte it takes that name, in case that the other one was lost or damaged; if not,
    /// or if the other one is still as it was, it's gone. Tells whether it's the same.
    func restore(
        _ end: UnsafeRawBufferPointer, as newName: String, in target: Folder, bytes: Int64, sha256: String
    ) throws(ArchiveError) -> Bool {
        try write(end)
        let isSame = self.bytes == bytes && digest.finish() == sha256
        do throws(ArchiveError) {
            var isThere = false
            if let there = try target.open(newName), there.size == bytes {
                isThere = try there.sha256() == sha256
            }
            guard isSame, !isThere else {
                discard()
                return isSame
            }
            try synchronize(descriptor, folder.pathOf(name))
            try closeChecked()
            try folder.rename(name, to: target, as: newName)
            hasName = true
            try target.synchronize()
            return true
        } catch {
            discard()
            throw error
        }
    }

    private func closeChecked() throws(ArchiveError) {
        let open = descriptor
        descriptor = -1
        // Not repeated: Linux has closed it also where it reports an interruption.
        guard close(open) == 0 else {
            throw .io(operation: "close", path: folder.pathOf(name), errno: errno)
        }
    }

    private var hasName = false

    /// Removes the file unless it has its name. Never throws: it's called where something else failed.
    func discard() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        guard !hasName else { return }
        hasName = true
        unlinkat(folder.descriptor, name, 0)
    }
}

extension Folder {
    /// Writes a small file whole and durable.
    func writeFile(
        _ name: String, _ bytes: [UInt8], _ failpoints: NewFile.Failpoints = .init()
    ) throws(ArchiveError) {
        let file = try NewFile(in: self, temporary: "." + name + ".partial")
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(ArchiveError) in try file.seal(bytes, as: name, in: self, failpoints) }
        }
        _ = try result.get()
    }
}
