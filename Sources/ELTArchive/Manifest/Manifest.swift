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

    /// The check of an entry's line; nil if there's no such entry.
    func lineCheck(of sequence: Int64) throws -> String? {
        guard sequence > 0, let file = try root.open(Self.name) else { return nil }
        var found: String?
        try LinesBackward(file).read { text, _, isWhole in
            guard isWhole else { throw ArchiveError.manifestTorn }
            let line = try Self.line(text, sequence: 0)
            if line.entry.sequence == sequence { found = line.check }
            return line.entry.sequence > sequence
        }
        return found
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
    ///
    /// `isExpected` says that there's a mark of an append that was under way. Without one, a tail is cut only
    /// if it looks like a write that ended early: entries that are merely wrong were once whole, and cutting
    /// them would lose what they list.
    func recover(isExpected: Bool) throws -> Bool {
        guard let file = try root.open(Self.name, flags: O_RDWR) else { return false }
        let good = try wholeSize(of: file)
        if good < file.size {
            let tail = try tail(of: file, from: good)
            if !isExpected { try refuseDamaged(tail, at: good) }
            try cut(file, to: good, tail)
        }
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

    private func tail(of file: OpenFile, from start: Int64) throws -> [UInt8] {
        let length = Int(min(file.size - start, 16 << 20))
        var bytes = [UInt8](repeating: 0, count: length)
        let count = try bytes.withUnsafeMutableBytes { try file.read(at: start, into: $0) }
        return Array(bytes.prefix(count))
    }

    /// A write that ended early leaves whole lines, then at most one without its end; blocks that never came
    /// to the disk are zeros. Anything else was changed after it was written.
    private func refuseDamaged(_ tail: [UInt8], at start: Int64) throws {
        let hasZeros = tail.last == 0 || zip(tail, tail.dropFirst()).contains { $0 == 0 && $1 == 0 }
        if hasZeros { return }
        let ends = tail.indices.filter { tail[$0] == UInt8(ascii: "\n") }
        var begin = 0
        for end in ends {
            try tail[begin..<end].withUnsafeBytes { _ = try Self.line($0, sequence: 0, at: start + Int64(begin)) }
            begin = end + 1
        }
        // A whole line but for a wrong byte at its end.
        let rest = tail[begin...].dropLast()
        if rest.withUnsafeBytes({ (try? ManifestLine($0)) != nil }) {
            throw ArchiveError.manifestDamaged(line: 0, detail: "its end at byte \(start + Int64(rest.endIndex)) is wrong")
        }
    }

    /// What is cut off is kept aside for whoever wants to know.
    private func cut(_ file: OpenFile, to size: Int64, _ torn: [UInt8]) throws {
        try root.remove(Self.tornName)
        try root.writeFile(Self.tornName, torn)
        try check("shorten", file.path) { ftruncate(file.descriptor, off_t(size)) }
    }

    static func line(
        _ text: UnsafeRawBufferPointer, sequence: Int64, at start: Int64? = nil
    ) throws(ArchiveError) -> ManifestLine {
        do { return try ManifestLine(text) } catch {
            let place = start.map { "at byte \($0) " } ?? ""
            throw .manifestDamaged(line: sequence, detail: place + error.detail)
        }
    }
}
