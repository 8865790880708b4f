import ELTCore

/// The archive as a folder of files.
///
/// - `manifest.ndjson` lists every file and what else happened, and is only ever appended to.
/// - `entity=…/topic=…/…/<first>-<last>.ndjson.zst` hold events, `entity=…/full_load=…/` pages.
/// - `.partial` holds what is being written, `.drafts` unfinished full loads, and `.extracting` says that
///   there may be files that the manifest doesn't list yet.
///
/// One process at a time may write, whoever has the run's lock; anybody may read. Drafts are written
/// without the lock, by the one who has the entity's; only `complete` needs the run's.
package final class LocalArchive: Archive {
    let root: Folder
    let manifest: Manifest
    let presses: PressPool
    private var partial: Folder?

    static let partialName = ".partial"
    static let draftsName = ".drafts"
    static let extractingName = ".extracting"
    /// What a dry run writes beside the archive begins so. It holds the run's lock, so one that's there when
    /// somebody else has the lock is left from a kill.
    package static let dryRunPrefix = ".dry-run-"

    /// Opens the archive at `path`. With `creating` the folder is made if it isn't there; without, that's
    /// an error, so that a wrong path isn't taken for an empty archive.
    package init(path: String, compression: Compression = Compression(), creating: Bool = true) throws {
        root = try Folder.root(path, creating: creating)
        manifest = Manifest(root: root)
        presses = PressPool(level: compression.level)
    }

    package func entries(after sequence: Int64) throws -> [ManifestEntry] {
        try manifest.entries(after: sequence)
    }

    /// All entries but those of an append that a crash tore, or that's being written at this moment. For
    /// whoever looks at the archive without the lock, and so without `recover`.
    package func entriesBeforeTear() throws -> [ManifestEntry] { try manifest.entriesBeforeTear() }

    package func check(of sequence: Int64) throws -> String? { try manifest.lineCheck(of: sequence) }
    package var newestSequence: Int64 { get throws { try manifest.end().sequence } }

    @discardableResult
    package func append(_ contents: [ManifestEntry.Content]) throws -> [ManifestEntry] {
        let entries = try manifest.append(contents)
        for content in contents {
            switch content {
            case .fullLoad(let load): try removeDraft(of: load)
            case .segment, .run:
                try root.remove(Self.extractingName)
                presses.empty()
            case .gap, .incarnation, .rewind: break
            }
        }
        return entries
    }

    package func beginExtraction() throws {
        guard !root.exists(Self.extractingName) else { return }
        try root.writeFile(Self.extractingName, Array("\n".utf8))
    }

    package func remove(unlisted segment: SegmentEntry) throws {
        guard let (folder, name) = try root.folder(of: segment.path) else { return }
        try folder.remove(name)
        try folder.synchronize()
    }

    package func digest(of change: ChangeView, at place: SegmentPlace) -> String {
        let line = EventLine(place)
        return withExtendedLifetime(line) {
            // A record too long for a line was never archived, so it's no record's digest.
            (try? sha256(line.write(change))) ?? ""
        }
    }

    package func segment(at place: SegmentPlace, first: Int64) throws -> any SegmentWriter {
        try LocalSegmentWriter(
            root: root, partial: partialFolder(), place: place, first: first, pool: presses)
    }

    package func read(_ segment: SegmentEntry, each: (ArchivedChange) throws -> Void) throws {
        try SegmentReader(root: root).read(segment, each: each)
    }

    package func read(
        _ load: FullLoadEntry, page: (_ index: Int, _ head: PageHead) throws -> Void,
        piece: (UnsafeRawBufferPointer) throws -> Void, end: () throws -> Void
    ) throws {
        try LoadReader(root: root).read(load, page: page, piece: piece, end: end)
    }

    package func verify(progress: any Progress) throws -> [ArchiveFault] {
        try Verification(root: root, progress: progress).faults()
    }

    private func partialFolder() throws -> Folder {
        if let partial { return partial }
        let made = try root.makeFolder(Self.partialName)
        partial = made
        return made
    }
}
