import ELTCore
import ELTLoad
import ELTTransform

/// What a replay did, beside the run's report.
package struct ReplayOutcome: Sendable {
    package var report: RunReport
    package var released: [QuarantinedRecord] = []
    package var remaining: [QuarantinedRecord] = []
}

extension Engine {
    /// Loads records of quarantine again after a fix of `elt.yml` or of the program, and publishes, unless
    /// what's left of a run that was stopped still passes the limits.
    ///
    /// `ids` nil is all of them. Where a setting changed that tables depend on, everything is loaded again
    /// anyway, quarantine included; then there's nothing left to do but to publish.
    package func replay(ids: [Int64]?) throws -> ReplayOutcome {
        let lock = try lock("quarantine replay")
        defer { withExtendedLifetime(lock) {} }
        try checkDisk()
        var outcome = ReplayOutcome(report: RunReport(command: "quarantine replay", now: context.now))
        var watch = Stopwatch()
        let archive = try makeArchive()
        try archive.recover()
        let warehouse = try openWarehouse(archive)
        // Numbers are given anew where everything is loaded again, so they're looked up before. A wrong one is no run.
        try check(ids, warehouse)
        do {
            let afresh = try watch.measure("load") {
                let before = try warehouse.quarantined(nil)
                let afresh = try loadNew(archive, warehouse, &outcome.report)
                if afresh {
                    outcome.remaining = try warehouse.quarantined(nil)
                    let places = Set(outcome.remaining.map(\.place))
                    outcome.released = before.filter { !places.contains($0.place) }
                } else {
                    try replay(ids, archive, warehouse, &outcome)
                }
                return afresh
            }
            try judge(archive, warehouse)
            var request = TransformRequest()
            request.everything = afresh
            let clock = watch
            try watch.measure("transform") { try publish(warehouse, request, &outcome.report, clock) }
            try watch.measure("checkpoint") { try checkpoint(warehouse, &outcome.report) }
        } catch {
            recordFailure(error, outcome.report, warehouse, watch)
            throw error
        }
        outcome.report.seconds = watch.seconds
        outcome.report.seconds["total"] = watch.total
        return outcome
    }

    private func check(_ ids: [Int64]?, _ warehouse: any Warehouse) throws {
        guard let ids else { return }
        let known = Set(try warehouse.quarantined(ids).map(\.id))
        let missing = Set(ids).subtracting(known).sorted()
        guard missing.isEmpty else { throw ReplayError.noSuchRecord(missing) }
    }

    private func replay(
        _ ids: [Int64]?, _ archive: any Archive, _ warehouse: any Warehouse, _ outcome: inout ReplayOutcome
    ) throws {
        var replay = Replay()
        try warehouse.transaction {
            Failpoint.replayBegun.pass()
            let records = try warehouse.quarantined(ids)
            replay = try loader(archive).replay(
                records, entries: try entries(of: records, archive),
                into: warehouse.loadSession(settings: settings))
            for (entity, fields) in replay.forbidden.sorted(by: { $0.key < $1.key }) {
                throw LoadError.forbiddenFields(entity: entity, fields: fields)
            }
            try warehouse.settle(replay)
            Failpoint.replayBeforeCommit.pass()
        }
        Failpoint.replayCommitted.pass()
        for drift in replay.drift { warn("drift: \(drift)", &outcome.report) }
        outcome.report.load.inserted += replay.results.values.reduce(0) { $0 + $1.inserted }
        outcome.report.load.quarantined += Int64(replay.remaining.count)
        outcome.released = replay.released.sorted { $0.id < $1.id }
        outcome.remaining = replay.remaining.sorted { $0.id < $1.id }
    }

    private func entries(
        of records: [QuarantinedRecord], _ archive: any Archive
    ) throws -> [Int64: ManifestEntry] {
        let wanted = Set(records.map(\.item.sequence))
        guard let first = wanted.min() else { return [:] }
        let entries = try archive.entries(after: first - 1).filter { wanted.contains($0.sequence) }
        return Dictionary(uniqueKeysWithValues: entries.map { ($0.sequence, $0) })
    }
}

extension QuarantinedRecord {
    /// Where it comes from, which stays the same when everything is loaded again.
    fileprivate var place: String {
        "\(item.sequence) \(item.partition ?? -1) \(item.offset ?? -1) \(item.page ?? -1) \(item.row ?? -1)"
    }
}

package enum ReplayError: ELTError, Equatable {
    case noSuchRecord([Int64])

    package var code: String { "quarantine.no-such-id" }
    package var kind: ErrorKind { .usage }
    package var problem: String {
        switch self {
        case .noSuchRecord(let ids):
            "Quarantine has no record \(ids.map(String.init).joined(separator: ", ")). Nothing was changed."
        }
    }
    package var remedy: String {
        "'elt quarantine list' shows what's there; numbers change when everything is loaded again."
    }
}
