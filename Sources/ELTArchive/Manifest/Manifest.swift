import ELTCore

/// The list of everything that ever happened to the archive: `manifest.ndjson`.
///
/// It's only ever appended to, and read from its end: a run that knows all but the newest entries looks
/// at those alone, however long the list has become.
struct Manifest {
    let root: Folder

    static let name = "manifest.ndjson"
    static let tornName = ".manifest.torn"

    /// What stands at the end.
    struct End {
        var sequence: Int64 = 0
        var check = ManifestLine.noPrevious
        /// Bytes of all whole lines.
        var size: Int64 = 0
    }

    var exists: Bool { root.exists(Self.name) }

    /// The end, if it's whole.
    func end() throws -> End {
        guard let file = try root.open(Self.name), file.size > 0 else { return End() }
        var end = End()
        end.size = file.size
        try LinesBackward(file).read { text, _, isWhole in
            guard isWhole else { throw ArchiveError.manifestTorn }
            let line = try Self.line(text, sequence: 0)
            guard line.part == line.parts else { throw ArchiveError.manifestTorn }
            end.sequence = line.entry.sequence
            end.check = line.check
            return false
        }
        return end
    }

    /// All entries after `sequence`, in order; every line read is checked against its neighbours.
    func entries(after sequence: Int64) throws -> [ManifestEntry] {
        guard let file = try root.open(Self.name) else { return [] }
        return try entries(after: sequence, in: file, size: file.size)
    }

    /// All entries that recovery would leave.
    func entriesBeforeTear() throws -> [ManifestEntry] {
        guard let file = try root.open(Self.name) else { return [] }
        return try entries(after: 0, in: file, size: try wholeSize(of: file))
    }

    private func entries(after sequence: Int64, in file: OpenFile, size: Int64) throws -> [ManifestEntry] {
        var found: [ManifestEntry] = []
        var expected: (previous: String, sequence: Int64)?
        try LinesBackward(file, size: size).read { text, _, isWhole in
            guard isWhole else { throw ArchiveError.manifestTorn }
            let line = try Self.line(text, sequence: expected?.sequence ?? 0)
            if let expected {
                guard line.check == expected.previous, line.entry.sequence == expected.sequence else {
                    throw ArchiveError.manifestDamaged(
                        line: expected.sequence, detail: "the line after it doesn't continue it")
                }
            } else if line.part != line.parts {
                throw ArchiveError.manifestTorn
            }
            expected = (line.previous, line.entry.sequence - 1)
            guard line.entry.sequence > sequence else { return false }
            found.append(line.entry)
            return true
        }
        if let expected, expected.sequence == 0, expected.previous != ManifestLine.noPrevious {
            throw ArchiveError.manifestDamaged(line: 1, detail: "lines before it are missing")
        }
        return found.reversed()
    }

    /// Appends entries with one `fsync`. They count together or not at all.
    func append(_ contents: [ManifestEntry.Content]) throws -> [ManifestEntry] {
        guard !contents.isEmpty else { return [] }
        let end = try end()
        var entries: [ManifestEntry] = []
        var text: [UInt8] = []
        var previous = end.check
        for (index, content) in contents.enumerated() {
            let entry = ManifestEntry(sequence: end.sequence + Int64(index) + 1, content: content)
            let line = ManifestLine.text(entry, previous: previous, part: index + 1, parts: contents.count)
            text += line.text
            text.append(UInt8(ascii: "\n"))
            previous = line.check
            entries.append(entry)
        }
        try text.withUnsafeBytes { try write($0, at: end.size) }
        return entries
    }

    private func write(_ text: UnsafeRawBufferPointer, at size: Int64) throws {
        let isNew = !exists
        let path = root.pathOf(Self.name)
        let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC
        let descriptor = try check("open", path) { openat(root.descriptor, Self.name, flags, 0o600) }
        defer { close(descriptor) }
        if isNew { try check("protect", path) { fchmod(descriptor, 0o600) } }
        do {
            try check("write", path) { lseek(descriptor, off_t(size), SEEK_SET) }
            try writeAll(UnsafeRawBufferPointer(rebasing: text.prefix(text.count / 2)), to: descriptor, path)
            Failpoint.manifestHalfWritten.pass()
            try writeAll(
                UnsafeRawBufferPointer(rebasing: text.dropFirst(text.count / 2)), to: descriptor, path)
            Failpoint.manifestWritten.pass()
            try synchronize(descriptor, path)
            if isNew { try root.synchronize() }
            Failpoint.manifestSynced.pass()
        } catch {
            // Whether these bytes will last is unknown, so they must not be seen: whoever appends next
            // writes them again. If this fails too, `recover` finds them.
            ftruncate(descriptor, off_t(size))
            throw error
        }
    }

    /// Cuts off what a crash left of the last append, and makes sure that the rest lasts.
    /// Returns whether anything was cut.
    func recover() throws -> Bool {
        guard let file = try root.open(Self.name, flags: O_RDWR) else { return false }
        let good = try wholeSize(of: file)
        if good < file.size { try cut(file, to: good) }
        // A line that a killed run wrote may not be durable yet, and the warehouse is about to rely on it.
        try synchronize(file.descriptor, file.path)
        return good < file.size
    }

    /// The bytes up to what a crash left of the last append.
    private func wholeSize(of file: OpenFile) throws -> Int64 {
        var good = file.size
        var expected: (part: Int64, parts: Int64, check: String)?
        try LinesBackward(file).read { text, start, isWhole in
            guard isWhole, let line = try? ManifestLine(text) else {
                good = start
                expected = nil
                return true
            }
            if let due = expected, line.part != due.part || line.parts != due.parts || line.check != due.check
            {
                // The append after this line lost its beginning.
                good = start + Int64(text.count) + 1
                expected = nil
            }
            if expected == nil, line.part != line.parts {
                good = start
                return true
            }
            expected = line.part == 1 ? nil : (line.part - 1, line.parts, line.previous)
            return expected != nil
        }
        return expected != nil ? 0 : good
    }

    /// What is cut off is kept aside for whoever wants to know.
    private func cut(_ file: OpenFile, to size: Int64) throws {
        let length = Int(min(file.size - size, 16 << 20))
        var torn = [UInt8](repeating: 0, count: length)
        let count = try torn.withUnsafeMutableBytes { try file.read(at: size, into: $0) }
        try root.remove(Self.tornName)
        try root.writeFile(Self.tornName, Array(torn.prefix(count)))
        try check("shorten", file.path) { ftruncate(file.descriptor, off_t(size)) }
    }

    static func line(_ text: UnsafeRawBufferPointer, sequence: Int64) throws(ArchiveError) -> ManifestLine {
        do { return try ManifestLine(text) } catch {
            throw .manifestDamaged(line: sequence, detail: error.detail)
        }
    }
}
