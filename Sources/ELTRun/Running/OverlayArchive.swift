import ELTCore

/// An archive that reads the real one and writes beside it, for a dry run: what it's given is gone with it.
final class OverlayArchive: Archive {
    private let base: any Archive
    private let scratch: any Archive
    private var added: [ManifestEntry] = []
    private var paths: Set<String> = []

    init(base: any Archive, scratch: any Archive) {
        self.base = base
        self.scratch = scratch
    }

    func recover() throws {}

    func entries(after sequence: Int64) throws -> [ManifestEntry] {
        let newest = try base.newestSequence
        let old = sequence < newest ? try base.entries(after: sequence) : []
        return old + added.filter { $0.sequence > sequence }
    }

    var newestSequence: Int64 { get throws { try added.last?.sequence ?? base.newestSequence } }

    func check(of sequence: Int64) throws -> String? { try base.check(of: sequence) }

    func append(_ contents: [ManifestEntry.Content]) throws -> [ManifestEntry] {
        var next = try newestSequence
        let entries = contents.map { content in
            next += 1
            return ManifestEntry(sequence: next, content: content)
        }
        for case .segment(let segment) in contents { paths.insert(segment.path) }
        added += entries
        return entries
    }

    func beginExtraction() throws {}
    func digest(of change: ChangeView, at place: SegmentPlace) -> String { base.digest(of: change, at: place) }
    func segment(at place: SegmentPlace, first: Int64) throws -> any SegmentWriter {
        try scratch.segment(at: place, first: first)
    }

    func read(_ segment: SegmentEntry, each: (ArchivedChange) throws -> Void) throws {
        try (paths.contains(segment.path) ? scratch : base).read(segment, each: each)
    }

    func read(
        _ load: FullLoadEntry, page: (Int, PageHead) throws -> Void, piece: (UnsafeRawBufferPointer) throws -> Void,
        end: () throws -> Void
    ) throws { try base.read(load, page: page, piece: piece, end: end) }

    func remove(unlisted segment: SegmentEntry) throws { try scratch.remove(unlisted: segment) }

    func openDraft(of entity: String) throws -> (any DraftLoad)? { try base.openDraft(of: entity) }
    func newDraft(of entity: String, plan: DraftPlan) throws -> any DraftLoad {
        try scratch.newDraft(of: entity, plan: plan)
    }
    func checkListed() throws { try base.checkListed() }
    func verify(progress: any Progress) throws -> [ArchiveFault] { try base.verify(progress: progress) }
}
