import ELTCore

extension LocalArchive {
    package func recover() throws {
        Failpoint.archiveOpened.pass()
        // Each of them is made durable before the entries are written that it announces.
        let wasExtracting = root.exists(Self.extractingName)
        let isExpected = try wasExtracting || !Intent.all(in: root).isEmpty
        let wasTorn = try manifest.recover(isExpected: isExpected)
        try root.removeFolderContents(Self.partialName)
        for item in try root.items() where item.isFolder && item.name.hasPrefix(Self.dryRunPrefix) {
            try root.removeFolder(item.name)
        }
        Failpoint.archiveSwept.pass()
        try adoptLoads()
        // Looking at every file costs too much for every hour: only a crash between a file and its entry
        // leaves one without, and that leaves the mark too.
        guard wasTorn || wasExtracting else {
            try refuseLostManifest()
            return
        }
        try adoptSegments(mayRemove: wasExtracting)
        try root.remove(Self.extractingName)
    }

    /// Throws if there are files that the manifest doesn't list: what is built from it alone would lack them.
    package func checkListed() throws {
        // A crash left them, and nobody has recovered since.
        guard !root.exists(Self.extractingName), try Intent.all(in: root).isEmpty else { return }
        var listed: Set<String> = []
        for entry in try manifest.entries(after: 0) {
            switch entry.content {
            case .segment(let segment): listed.insert(segment.path)
            case .fullLoad(let load):
                listed.formUnion(load.files.map(\.path))
                let folder = LoadFolder(root: root, entity: load.entity, number: load.number)
                listed.insert(try folder.path() + "/" + LoadFolder.entryName)
            case .gap, .incarnation, .rewind, .run: break
            }
        }
        var unlisted: [String] = []
        for item in try root.items() where item.isFolder && item.name.hasPrefix("entity=") {
            unlisted += try root.folder(item.name)?.files(under: item.name).filter { !listed.contains($0) } ?? []
        }
        if let first = unlisted.first { throw ArchiveError.unlisted(path: first, count: unlisted.count) }
    }

    /// Files without any manifest aren't an empty archive.
    private func refuseLostManifest() throws {
        guard !manifest.exists else { return }
        for item in try root.items() where item.isFolder && item.name.hasPrefix("entity=") {
            if try root.folder(item.name)?.files(under: item.name).isEmpty == false {
                throw ArchiveError.manifestMissing(path: root.path)
            }
        }
    }

    // MARK: Segments

    /// Files that don't fit are removed only if an extraction was under way that fetches them again.
    private func adoptSegments(mayRemove: Bool) throws {
        let entries = try manifest.entries(after: 0)
        var known = KnownPositions(entries)
        let unlisted = try segmentFiles().filter { !known.paths.contains($0) }
        let candidates = unlisted.compactMap(SegmentPath.init).sorted { $0.order < $1.order }
        var adopted: [ManifestEntry.Content] = []
        var strangers = Set(unlisted)
        for path in candidates where known.isContinued(by: path) {
            guard let entry = try wholeSegment(path) else { continue }
            known.accept(path)
            adopted.append(.segment(entry))
            strangers.remove(entry.path)
        }
        if !strangers.isEmpty, !manifest.exists { throw ArchiveError.manifestMissing(path: root.path) }
        if !mayRemove, let first = strangers.min() {
            throw ArchiveError.unlisted(path: first, count: strangers.count)
        }
        for path in strangers.sorted() {
            guard let (folder, name) = try root.folder(of: path) else { continue }
            try folder.remove(name)
            try folder.synchronize()
        }
        guard !adopted.isEmpty else { return }
        _ = try manifest.append(adopted)
        Failpoint.segmentAdopted.pass()
    }

    /// The paths of all files below the folders of topics.
    private func segmentFiles() throws -> [String] {
        var found: [String] = []
        for entity in try root.items() where entity.isFolder && entity.name.hasPrefix("entity=") {
            guard let folder = try root.folder(entity.name) else { continue }
            for topic in try folder.items() where topic.isFolder && topic.name.hasPrefix("topic=") {
                guard let inner = try folder.folder(topic.name) else { continue }
                found += try inner.files(under: entity.name + "/" + topic.name)
            }
        }
        return found
    }

    /// The entry of a file that's whole and holds what its name says; nil if it isn't or doesn't.
    private func wholeSegment(_ path: SegmentPath) throws -> SegmentEntry? {
        let text = try path.text()
        guard let (folder, name) = try root.folder(of: text), let file = try folder.open(name) else {
            return nil
        }
        var last: UnsafeRawBufferPointer?
        let line = EventLine(path.place)
        let found: SegmentReader.Found
        do {
            found = try SegmentReader(root: root).scan(file, path.place, path.range, text, textBytes: nil) {
                archived in
                last = try line.write(archived.change)
            }
        } catch ArchiveError.changed {
            return nil
        }
        let digest = withExtendedLifetime(line) { last.map(sha256) }
        guard SegmentPath.month(ofTimestamp: found.firstTimestamp) == path.month else { return nil }
        try synchronize(file.descriptor, file.path)
        try folder.synchronize()
        return SegmentEntry(
            place: path.place, range: path.range, path: text, rows: found.rows, bytes: file.size,
            textBytes: found.textBytes, sha256: try file.sha256(), firstTimestamp: found.firstTimestamp,
            lastTimestamp: found.lastTimestamp, anchorOffset: found.anchorOffset,
            anchorDigest: digest)
    }
}

/// How far the manifest has come with each partition, to judge files that it doesn't list.
struct KnownPositions {
    private(set) var paths: Set<String> = []
    private var next: [TopicPartition: Int64] = [:]
    private var incarnations: [String: Int] = [:]
    /// How far partitions were that wait to be read again.
    private var rewound: [TopicPartition: Int64] = [:]

    init(_ entries: [ManifestEntry]) {
        for entry in entries {
            switch entry.content {
            case .segment(let segment):
                paths.insert(segment.path)
                note(segment.place, next: segment.range.next)
            case .gap(let gap): note(gap.place, next: gap.lost.next)
            case .incarnation(let life):
                incarnations[life.topic] = life.number
                next = next.filter { $0.key.topic != life.topic }
                rewound = rewound.filter { $0.key.topic != life.topic }
            case .rewind(let rewind):
                // A file that goes on behind would end the rewind: it's fetched again instead.
                let partition = TopicPartition(rewind.place.topic, rewind.place.partition)
                rewound[partition] = max(rewound[partition] ?? 0, next[partition] ?? 0)
                next[partition] = rewind.offset
            case .run(let run):
                for start in run.starts {
                    let partition = TopicPartition(start.place.topic, start.place.partition)
                    guard next[partition] == nil, start.place.incarnation == incarnations[partition.topic] ?? 1 else { continue }
                    next[partition] = start.offset
                }
                guard run.readsStream else { continue }
                for (partition, furthest) in rewound {
                    next[partition] = max(next[partition] ?? 0, furthest)
                }
                rewound = [:]
            case .fullLoad: break
            }
        }
    }

    /// Whether a file begins where its partition is due. What a run that died has read of a partition that nobody knew, and
    /// not from 0 on, is fetched again: whether something was lost before it is for a whole run to say.
    func isContinued(by path: SegmentPath) -> Bool {
        guard path.place.incarnation == incarnations[path.place.topic] ?? 1, !path.range.isEmpty else {
            return false
        }
        if let due = next[TopicPartition(path.place.topic, path.place.partition)] {
            return path.range.first == due
        }
        return path.range.first == 0
    }

    mutating func accept(_ path: SegmentPath) { note(path.place, next: path.range.next) }

    private mutating func note(_ place: SegmentPlace, next offset: Int64) {
        next[TopicPartition(place.topic, place.partition)] = offset
    }
}

extension SegmentPath {
    /// Files of a partition one after the other; of two that begin together the longer one first.
    fileprivate var order: (String, String, Int, Int32, Int64, Int64) {
        (place.entity, place.topic, place.incarnation, place.partition, range.first, -range.next)
    }
}

extension Folder {
    /// The paths of all files below this folder; links count as files.
    func files(under prefix: String) throws -> [String] {
        var found: [String] = []
        for item in try items() {
            let path = prefix + "/" + item.name
            if item.isFolder, let inner = try folder(item.name) {
                found += try inner.files(under: path)
            } else {
                found.append(path)
            }
        }
        return found
    }

    /// Empties a folder in this one.
    func removeFolderContents(_ name: String) throws {
        guard let inner = try folder(name) else { return }
        for item in try inner.items() {
            if item.isFolder { try inner.removeFolder(item.name) } else { try inner.remove(item.name) }
        }
    }
}
