#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A place where a crash test may kill the process.
///
/// There's one before and one after every step that other steps rely on. The
/// crash test goes through `allCases`, so a new case is tested from the start.
package enum Failpoint: String, CaseIterable, Sendable {
    case runLocked = "run-locked"
    case archiveOpened = "archive-opened"
    case archiveSwept = "archive-swept"
    case segmentAdopted = "segment-adopted"
    case boundsFrozen = "bounds-frozen"
    case segmentStarted = "segment-started"
    case segmentHalfWritten = "segment-half-written"
    case segmentWritten = "segment-written"
    case segmentSynced = "segment-synced"
    case segmentRenamed = "segment-renamed"
    case segmentSealed = "segment-sealed"
    case manifestHalfWritten = "manifest-half-written"
    case manifestWritten = "manifest-written"
    case manifestSynced = "manifest-synced"
    case draftStarted = "draft-started"
    case draftPlanned = "draft-planned"
    case pagesWritten = "pages-written"
    case pagesSynced = "pages-synced"
    case pagesSealed = "pages-sealed"
    case draftCompleted = "draft-completed"
    case draftRenamed = "draft-renamed"
    case loadBegun = "load-begun"
    case segmentLoaded = "segment-loaded"
    case loadHalf = "load-half"
    case loadBeforeCommit = "load-before-commit"
    case loadCommitted = "load-committed"
    case transformBegun = "transform-begun"
    case winnersResolved = "winners-resolved"
    case modelBuilt = "model-built"
    case modelsBuilt = "models-built"
    case testsPassed = "tests-passed"
    case publishBeforeCommit = "publish-before-commit"
    case publishCommitted = "publish-committed"
    case groupCommitted = "group-committed"
    case checkpointed = "checkpointed"
    case warehouseSynced = "warehouse-synced"
    case warehouseInstalled = "warehouse-installed"
    case reportWritten = "report-written"
    case rebuildBegun = "rebuild-begun"
    case rebuildLoaded = "rebuild-loaded"
    case rebuildBeforeCommit = "rebuild-before-commit"
    case rebuildCommitted = "rebuild-committed"
    case replayBegun = "replay-begun"
    case replayBeforeCommit = "replay-before-commit"
    case replayCommitted = "replay-committed"

    /// Read once at the start: nothing can arm a failpoint in a running process.
    /// `name` dies at the first pass, `name:3` at the third.
    private static let armed: (name: String, pass: Int)? = {
        guard let value = getenv("ELT_CRASH_AT") else { return nil }
        let parts = String(cString: value).split(separator: ":")
        guard let name = parts.first else { return nil }
        return (String(name), parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
    }()

    nonisolated(unsafe) private static var passes = 0

    /// Ends the process as `kill -9` would, without unwinding or flushing.
    package func pass() {
        guard let armed = Self.armed, armed.name == rawValue else { return }
        Self.passes += 1
        if Self.passes == armed.pass { kill(getpid(), SIGKILL) }
    }
}
