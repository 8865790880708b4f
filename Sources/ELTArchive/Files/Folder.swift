import ELTCore

/// An open folder. Everything in the archive is reached through one, name by name and never through a
/// link, so that no name leads out of it.
final class Folder {
    let descriptor: CInt
    /// For messages only.
    let path: String

    private init(descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Opens the archive's own folder, which may be a link. Missing ones on the way are made if `creating`.
    static func root(_ path: String, creating: Bool) throws(ArchiveError) -> Folder {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
        var descriptor = openat(AT_FDCWD, path, flags)
        if descriptor == -1 {
            guard errno == ENOENT else { throw .io(operation: "open", path: path, errno: errno) }
            guard creating else { throw .missing(path: path) }
            let parts = path.split(separator: "/", omittingEmptySubsequences: true)
            var made = path.hasPrefix("/") ? "" : "."
            for part in parts {
                made += "/" + part
                if mkdir(made, 0o700) == -1 {
                    guard errno == EEXIST else {
                        throw .io(operation: "make the folder", path: made, errno: errno)
                    }
                } else {
                    try check("protect", made) { chmod(made, 0o700) }
                    try synchronizeFolder(above: made)
                }
            }
            descriptor = try check("open", path) { openat(AT_FDCWD, path, flags) }
        }
        return Folder(descriptor: descriptor, path: path)
    }

    private static func synchronizeFolder(above path: String) throws(ArchiveError) {
        let parent = path.hasPrefix("/") ? path + "/.." : "./" + path + "/.."
        let descriptor = try check("open", parent) { openat(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        try ELTArchive.synchronize(descriptor, parent)
    }

    /// Opens a folder in this one; nil if it isn't there.
    func folder(_ name: String) throws(ArchiveError) -> Folder? {
        try checkName(name)
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        do {
            let opened = try check("open", pathOf(name)) { openat(descriptor, name, flags) }
            return Folder(descriptor: opened, path: pathOf(name))
        } catch .io(_, _, ENOENT) {
            return nil
        }
    }

    /// Opens a folder in this one and makes it, durably, if it isn't there. 0700 whatever the umask.
    func makeFolder(_ name: String) throws(ArchiveError) -> Folder {
        if let there = try folder(name) { return there }
        try check("make the folder", pathOf(name)) { mkdirat(descriptor, name, 0o700) }
        try check("protect", pathOf(name)) { fchmodat(descriptor, name, 0o700, 0) }
        try synchronize()
        guard let made = try folder(name) else {
            throw .io(operation: "open", path: pathOf(name), errno: ENOENT)
        }
        return made
    }

    func makeFolders(_ names: some Sequence<String>) throws(ArchiveError) -> Folder {
        var folder = self
        for name in names { folder = try folder.makeFolder(name) }
        return folder
    }

    /// Makes names in this folder durable.
    func synchronize() throws(ArchiveError) { try ELTArchive.synchronize(descriptor, path) }

    /// Opens a file to read; nil if it isn't there.
    func open(_ name: String, flags: CInt = O_RDONLY) throws(ArchiveError) -> OpenFile? {
        try checkName(name)
        do {
            let opened = try check("open", pathOf(name)) {
                openat(descriptor, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
            }
            return try OpenFile(descriptor: opened, path: pathOf(name))
        } catch .io(_, _, ENOENT) {
            return nil
        }
    }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// Removes a file; it's no error if it isn't there.
    func remove(_ name: String) throws(ArchiveError) {
        try checkName(name)
        do { try check("remove", pathOf(name)) { unlinkat(descriptor, name, 0) } } catch .io(_, _, ENOENT) {}
    }

    /// Removes a folder with all that's in it; it's no error if it isn't there.
    func removeFolder(_ name: String) throws(ArchiveError) {
        guard let folder = try folder(name) else { return }
        for item in try folder.items() {
            if item.isFolder { try folder.removeFolder(item.name) } else { try folder.remove(item.name) }
        }
        try check("remove", pathOf(name)) { unlinkat(descriptor, name, AT_REMOVEDIR) }
    }

    func rename(_ name: String, to target: Folder, as newName: String) throws(ArchiveError) {
        try checkName(name)
        try checkName(newName)
        try check("rename", pathOf(name)) { renameat(descriptor, name, target.descriptor, newName) }
    }

    struct Item {
        var name: String
        var isFolder: Bool
    }

    /// What is in the folder, sorted by name. Links count as files.
    func items() throws(ArchiveError) -> [Item] {
        // A descriptor of its own: reading moves its position.
        let own = try check("open", path) { openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(own) else {
            let number = errno
            close(own)
            throw .io(operation: "list", path: path, errno: number)
        }
        defer { closedir(stream) }
        var found: [Item] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw .io(operation: "list", path: path, errno: errno) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            let isFolder =
                fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
                && status.st_mode & S_IFMT == S_IFDIR
            found.append(Item(name: name, isFolder: isFolder))
        }
        return found.sorted { $0.name < $1.name }
    }

    /// Opens the folder that holds the file at a relative path; nil if a part of it isn't there.
    func folder(of path: String) throws(ArchiveError) -> (folder: Folder, name: String)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        for part in parts { try checkName(part) }
        var folder = self
        for part in parts.dropLast() {
            guard let next = try folder.folder(part) else { return nil }
            folder = next
        }
        return (folder, parts[parts.count - 1])
    }

    /// Opens a file at a relative path, as the manifest has it; nil if it isn't there.
    func file(at path: String) throws(ArchiveError) -> OpenFile? {
        guard let (folder, name) = try folder(of: path) else { return nil }
        return try folder.open(name)
    }

    func pathOf(_ name: String) -> String { path + "/" + name }

    private func checkName(_ name: String) throws(ArchiveError) {
        let isBad = name.isEmpty || name == "." || name == ".." || name.utf8.count > 255
        guard !isBad, !name.utf8.contains(where: { $0 == 0 || $0 == 0x2F }) else { throw .badName(name) }
    }
}

/// An open file; closed when nobody has it any more.
final class OpenFile {
    let descriptor: CInt
    let path: String
    let size: Int64

    init(descriptor: CInt, path: String) throws(ArchiveError) {
        self.descriptor = descriptor
        self.path = path
        var status = stat()
        let result = fstat(descriptor, &status)
        size = result == 0 ? Int64(status.st_size) : 0
        if result == -1 { throw .io(operation: "look at", path: path, errno: errno) }
        // A pipe or a device in an archive is somebody's trap.
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .io(operation: "open", path: path, errno: EINVAL)
        }
    }

    deinit { close(descriptor) }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        try readFully(descriptor, at: offset, into: buffer, path)
    }

    /// All of it, for small files.
    func contents(limit: Int64 = 64 << 20) throws(ArchiveError) -> [UInt8] {
        guard size <= limit else { throw .io(operation: "read", path: path, errno: EFBIG) }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        var failure: ArchiveError?
        let count = bytes.withUnsafeMutableBytes { buffer in
            do { return try read(at: 0, into: buffer) } catch {
                failure = error as? ArchiveError
                return 0
            }
        }
        if let failure { throw failure }
        return Array(bytes.prefix(count))
    }
}

/// A name for people's names: letters, digits, `.`, `_` and `-` stay, everything else becomes `%XX`.
func escapedName(_ prefix: String, _ name: String) throws(ArchiveError) -> String {
    var escaped = prefix
    for byte in name.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F:
            escaped.unicodeScalars.append(.init(byte))
        default: escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
    guard !name.isEmpty, escaped.utf8.count <= 255 else { throw .badName(name) }
    return escaped
}

/// What `escapedName` made of a name; nil if it isn't of its making.
func unescapedName(_ prefix: String, _ escaped: String) -> String? {
    guard escaped.hasPrefix(prefix) else { return nil }
    var bytes: [UInt8] = []
    var rest = Array(escaped.utf8.dropFirst(prefix.utf8.count))[...]
    while let byte = rest.popFirst() {
        guard byte == 0x25 else {
            bytes.append(byte)
            continue
        }
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        else { return nil }
        bytes.append(value)
        rest = rest.dropFirst(2)
    }
    guard let name = String(validating: bytes, as: UTF8.self), (try? escapedName(prefix, name)) == escaped
    else { return nil }
    return name
}
