/// The raw files: the one copy of the past that everything else is built from.
///
/// An implementation keeps these promises; `ELTArchiveTests` and the suites of faults test them:
///
/// - A segment is listed whole or not at all, whenever the process dies.
/// - Writing the same range again gives the same name and the same bytes.
/// - Entries come back in the order in which they were appended; none is ever changed.
/// - What is read back equals byte for byte what was written; a difference is an error that names file and offsets.
package protocol Archive: AnyObject {
    /// Finishes or removes what an earlier crash left: torn manifest lines are cut off, temporary files
    /// removed, whole files that continue the offsets adopted. Call it while holding the lock.
    func recover() throws

    /// All entries with a sequence greater than `sequence`, in order. 0 gives all.
    func entries(after sequence: Int64) throws -> [ManifestEntry]

    /// The sequence of the newest entry; 0 if there's none.
    var newestSequence: Int64 { get throws }

    /// What an entry and all before it are told from others by; nil if there's no such entry, or if it isn't kept.
    func check(of sequence: Int64) throws -> String?

    /// Appends entries and makes them durable, all or none. Sequences are given by the archive.
    @discardableResult
    func append(_ contents: [ManifestEntry.Content]) throws -> [ManifestEntry]

    /// Notes durably that segments are about to be written, so that `recover` looks for files without an
    /// entry. `append` of the entries ends it.
    func beginExtraction() throws

    /// What `SegmentEntry.anchorDigest` would be if this were a segment's last record.
    func digest(of change: ChangeView, at place: SegmentPlace) -> String

    /// Starts the file of a segment that begins at `first`.
    func segment(at place: SegmentPlace, first: Int64) throws -> any SegmentWriter

    /// Brings every event of a segment, in order, after checking the file against the entry.
    func read(_ segment: SegmentEntry, each: (ArchivedChange) throws -> Void) throws

    /// Brings every page of a full load, in order of their index; a body comes in one or more pieces.
    func read(
        _ load: FullLoadEntry, page: (_ index: Int, _ head: PageHead) throws -> Void,
        piece: (UnsafeRawBufferPointer) throws -> Void, end: () throws -> Void
    ) throws

    /// The unfinished full load of an entity, to resume; nil if there's none.
    func openDraft(of entity: String) throws -> (any DraftLoad)?
    /// Removes a sealed segment that no entry lists.
    func remove(unlisted segment: SegmentEntry) throws

    /// Starts a full load; an older unfinished one of the entity is removed.
    func newDraft(of entity: String, plan: DraftPlan) throws -> any DraftLoad

    /// Throws if there are files that no entry lists, and that `recover` won't see to. Call it before entries alone are
    /// trusted.
    func checkListed() throws

    /// Reads everything and compares it with the manifest.
    func verify(progress: any Progress) throws -> [ArchiveFault]
}

package protocol SegmentWriter: AnyObject {
    func append(_ change: ChangeView) throws
    /// Bytes of text so far, to cut long ranges by content and never by the clock.
    var textBytes: Int64 { get }
    var rows: Int64 { get }
    /// Makes the file durable under its final name. It accounts for offsets up to `next`.
    /// It's not in the manifest yet: append the entry.
    func seal(next: Int64) throws -> SegmentEntry
    /// Ends a segment that was sealed before and is read again, in place of `seal`. Nothing new is listed: a
    /// file that was lost or damaged is put back if this one is the same to the byte. False if what came now
    /// isn't what was archived; the archive keeps its file then.
    func restore(_ sealed: SegmentEntry) throws -> Bool
    func discard()
}

/// One archived event, borrowed during the call.
package struct ArchivedChange {
    package let change: ChangeView
    /// 1-based line in the file.
    package let line: Int64
    package init(change: ChangeView, line: Int64) {
        self.change = change
        self.line = line
    }
}

/// What a full load writes down before its first request.
package struct DraftPlan: Sendable, Equatable {
    /// `run.now` at the beginning; T0 is the earlier of it and the first response's `Date`.
    package var now: Instant
    package var w0: [Watermark]
    /// Digest of the settings that shape the listing; a draft with other settings isn't resumed.
    package var settingsDigest: String
    package init(now: Instant, w0: [Watermark], settingsDigest: String) {
        self.now = now
        self.w0 = w0
        self.settingsDigest = settingsDigest
    }
}

package protocol DraftLoad: SnapshotDraft {
    var plan: DraftPlan { get }
    /// T0 as far as it's known: `plan.now`, or the first `Date` if earlier.
    var startedAt: Instant { get }
    /// The machine's clock when the draft was begun, to tell its age; not part of any table.
    var begunAt: Instant { get }
    /// Makes all pages so far durable. Whoever stops using a draft calls it, whatever the reason: what isn't
    /// durable is fetched again.
    func flush() throws
    /// Seals all pages and moves the folder to its final place, number `number`. Not in the manifest yet.
    /// Crash-safe: a draft that was moved but has no entry is found by `openDraft` again or adopted by `recover`.
    /// - Parameter records: The keys that lead to the list in the pages' bodies.
    func complete(
        number: Int, records: [String], w1: [Watermark], finishedAt: Instant, summary: SnapshotSummary
    ) throws -> FullLoadEntry
    func discard() throws
}

package struct ArchiveFault: Sendable, Equatable {
    package enum Kind: String, Sendable { case changed, missing, extra, hole, overlap, manifest }
    package var kind: Kind
    package var path: String
    /// What's wrong, with the offsets or pages it touches.
    package var detail: String
    package init(kind: Kind, path: String, detail: String) {
        self.kind = kind
        self.path = path
        self.detail = detail
    }
}
