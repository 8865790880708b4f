import ELTCore
import ELTExtract
import ELTTransform
import Foundation

extension Engine {
    private struct RollBack: Error {}

    /// The whole run in one transaction that's rolled back; its segments are written beside the archive.
    /// Whether it succeeds or fails, nothing of it stays: no row, no file, no folder.
    func dryRun(_ options: RunOptions) throws -> RunReport {
        let hadArchive = FileManager.default.fileExists(atPath: settings.archivePath)
        defer { if !hadArchive { rmdir(settings.archivePath) } }
        let lock = try lock("run --dry-run")
        defer { withExtendedLifetime(lock) {} }
        defer { removeScratchArchive() }
        return try leavingNoFolder {
            try checkDisk()
            return try rehearse(options)
        }
    }

    private func rehearse(_ options: RunOptions) throws -> RunReport {
        var report = RunReport(command: "run", now: context.now)
        report.dryRun = true
        var watch = Stopwatch()
        let archive = OverlayArchive(base: try makeArchive(), scratch: try makeScratchArchive())
        let warehouse = try openWarehouse(archive)
        let source = settings.hasTopics ? try makeChangeSource() : nil
        let summary = try watch.measure("extract") {
            try extract(archive, warehouse, source, acceptGap: options.acceptGap, command: "run")
        }
        fill(&report, summary, source)
        do {
            // As a run does that builds models in full, or it would tell of other rows.
            let latest = max(context.now, try warehouse.latestNow ?? context.now)
            let foreseen = request(options, afresh: false)
            if try transformer.readsDays(warehouse.transformSession(), foreseen, latestNow: latest) { try warehouse.checkpoint() }
            try warehouse.transaction {
                let afresh = try watch.measure("load") {
                    try loadNew(archive, warehouse, &report, insideTransaction: true)
                }
                try judge(archive, warehouse)
                let request = request(options, afresh: afresh)
                let clock = watch
                try watch.measure("transform") {
                    try publish(warehouse, request, &report, clock, insideTransaction: true)
                }
                throw RollBack()
            }
        } catch is RollBack {
            report.status = "rolled back"
        }
        report.seconds = watch.seconds
        report.seconds["total"] = watch.total
        return report
    }

    /// Takes away the warehouse's folder if `body` was the first to need it; a new warehouse goes by itself.
    private func leavingNoFolder<T>(_ body: () throws -> T) throws -> T {
        let folder = (settings.warehousePath as NSString).deletingLastPathComponent
        let hadFolder = FileManager.default.fileExists(atPath: folder)
        // Only an empty folder goes.
        defer { if !hadFolder { rmdir(folder) } }
        return try body()
    }
}
