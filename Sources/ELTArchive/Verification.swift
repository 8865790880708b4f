import ELTCore

/// Reads the whole archive and compares it with its manifest. Changes nothing.
final class Verification {
    private let root: Folder
    private let progress: any Progress
    private var found: [ArchiveFault] = []
    private var listed: Set<String> = []

    init(root: Folder, progress: any Progress) {
        self.root = root
        self.progress = progress
    }

    func faults() throws -> [ArchiveFault] {
        let entries = try manifestEntries()
        checkRanges(entries)
        for (index, entry) in entries.enumerated() {
            try Interruption.check()
            switch entry.content {
            case .segment(let segment): try check(segment)
            case .fullLoad(let load): try check(load)
            case .gap, .incarnation, .rewind, .run: break
            }
            progress.report(step: "verify", done: Int64(index + 1), total: Int64(entries.count))
        }
        try findExtras()
        return found
    }

    private func note(_ kind: ArchiveFault.Kind, _ path: String, _ detail: String) {
        found.append(ArchiveFault(kind: kind, path: path, detail: detail))
    }

    // MARK: The manifest

    /// All entries that can be read; whatever breaks the chain is a fault, and reading goes on.
    private func manifestEntries() throws -> [ManifestEntry] {
        guard let file = try root.open(Manifest.name) else { return [] }
        var lines: [(line: ManifestLine?, detail: String)] = []
        try LinesBackward(file).read { text, _, isWhole in
            do throws(ManifestLine.Refusal) {
                let line = try ManifestLine(text)
                lines.append((line, isWhole ? "" : "it has no end"))
            } catch {
                lines.append((nil, error.detail))
            }
            return true
        }
        var entries: [ManifestEntry] = []
        var previous: ManifestLine?
        for (index, (line, detail)) in lines.reversed().enumerated() {
            if !detail.isEmpty { note(.manifest, Manifest.name, "line \(index + 1): \(detail)") }
            if let line {
                let due = index == 0 ? ManifestLine.noPrevious : previous?.check
                if line.previous != due || line.entry.sequence != Int64(index + 1) {
                    note(.manifest, Manifest.name, "line \(index + 1) doesn't continue the line before it")
                }
                entries.append(line.entry)
            }
            previous = line
        }
        if let last = lines.first?.line, last.part != last.parts {
            note(
                .manifest, Manifest.name,
                "line \(lines.count): \(last.parts - last.part) lines of its append are missing")
        }
        return entries
    }

    /// Segments of a partition join without holes and overlaps, but for gaps that a person accepted.
    private func checkRanges(_ entries: [ManifestEntry]) {
        struct Life: Hashable {
            var partition: TopicPartition
            var incarnation: Int
        }
        var next: [Life: Int64] = [:]
        for entry in entries {
            let place: SegmentPlace
            let range: OffsetRange
            let path: String
            switch entry.content {
            case .segment(let segment): (place, range, path) = (segment.place, segment.range, segment.path)
            case .gap(let gap): (place, range, path) = (gap.place, gap.lost, Manifest.name)
            // What is read again lies in the files that are there already.
            case .fullLoad, .run, .incarnation, .rewind: continue
            }
            let life = Life(
                partition: TopicPartition(place.topic, place.partition), incarnation: place.incarnation)
            if let due = next[life], due < range.first {
                note(.hole, path, "offsets \(due)..<\(range.first) of \(life.partition) are in no file")
            } else if let due = next[life], due > range.first {
                let both = "\(range.first)..<\(min(due, range.next))"
                note(.overlap, path, "offsets \(both) of \(life.partition) are in another file too")
            }
            next[life] = max(next[life] ?? 0, range.next)
        }
    }

    // MARK: Files

    private func check(_ segment: SegmentEntry) throws {
        listed.insert(segment.path)
        let covers = SegmentReader.covers(segment)
        try checkFile(segment.path, covers) {
            guard SegmentPath(segment.path)?.place == segment.place,
                SegmentPath(segment.path)?.range == segment.range
            else {
                throw ArchiveError.changed(
                    path: segment.path, covers: covers, detail: "its name doesn't fit its entry")
            }
            try SegmentReader(root: root).read(segment) { _ in }
        }
    }

    private func check(_ load: FullLoadEntry) throws {
        let folder = LoadFolder(root: root, entity: load.entity, number: load.number)
        let entryPath = try folder.path() + "/" + LoadFolder.entryName
        let covers = "full load \(load.number) of \(load.entity)"
        listed.insert(entryPath)
        try checkFile(entryPath, covers) {
            guard let text = try root.file(at: entryPath)?.contents() else { return }
            guard text == LoadFolder.text(load) else {
                throw ArchiveError.changed(
                    path: entryPath, covers: covers, detail: "it isn't the manifest's entry")
            }
        }
        var isComplete = true
        for file in load.files {
            listed.insert(file.path)
            isComplete =
                try checkFile(file.path, covers) {
                    guard let opened = try root.file(at: file.path) else { return }
                    try SegmentReader.check(
                        opened, path: file.path, covers: covers, bytes: file.bytes, sha256: file.sha256)
                } && isComplete
        }
        guard isComplete else { return }
        try checkFile(load.files.first?.path ?? entryPath, covers) {
            try LoadReader(root: root).read(load, page: { _, _ in }, piece: { _ in }, end: {})
        }
    }

    /// Notes what's wrong with a file; an error that isn't about its content ends the verification.
    @discardableResult
    private func checkFile(_ path: String, _ covers: String, _ body: () throws -> Void) throws -> Bool {
        do {
            guard try root.file(at: path) != nil else {
                note(.missing, path, "the file of \(covers) is missing")
                return false
            }
            try body()
            return true
        } catch ArchiveError.changed(_, _, let detail) {
            note(.changed, path, "\(covers): \(detail)")
        } catch ArchiveError.io(let operation, _, let number) {
            note(.changed, path, "\(covers): can't \(operation) it: \(systemMessage(number))")
        } catch ArchiveError.badName(let name) {
            note(.manifest, Manifest.name, "\(covers): '\(name)' is no name for a file")
        }
        return false
    }

    /// Files that nobody listed. What begins with a dot is our own scratch or somebody's lock.
    private func findExtras() throws {
        for item in try root.items() where !item.name.hasPrefix(".") && item.name != Manifest.name {
            guard item.isFolder, let folder = try root.folder(item.name) else {
                note(.extra, item.name, "the manifest doesn't list it")
                continue
            }
            for path in try folder.files(under: item.name) where !listed.contains(path) {
                note(.extra, path, "the manifest doesn't list it")
            }
        }
    }
}
