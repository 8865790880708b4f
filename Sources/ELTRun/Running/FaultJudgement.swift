import ELTCore
import ELTLoad

extension Engine {
    /// Refuses to publish what passes the limits: as many records in quarantine as no run may bring, or
    /// fields that `column_policy` forbids.
    ///
    /// It's asked of everything that was loaded since the last publication, so a run that was stopped isn't
    /// let pass by being run again; and of each run's records for themselves, so that neither hours that
    /// failed for another reason add up, nor good hours make up for a bad one.
    func judge(_ archive: any Archive, _ warehouse: any Warehouse) throws {
        let accepted = try warehouse.acceptedSequence
        let faults = try warehouse.faults(after: accepted)
        guard faults.contains(where: { $0.quarantined > 0 || !$0.forbidden.isEmpty }) else { return }
        let ends = try archive.entries(after: accepted).filter(\.isRun).map(\.sequence)
        try refuseForbidden(faults)
        let runs = Dictionary(grouping: faults) { fault in ends.first { $0 > fault.sequence } ?? .max }
        for (_, faults) in runs.sorted(by: { $0.key < $1.key }) {
            try refuseQuarantined(
                faults.reduce(0) { $0 + $1.quarantined }, of: faults.reduce(0) { $0 + $1.rows })
        }
    }

    /// A policy that was changed since has loaded everything again, and forbids what it finds itself.
    private func refuseForbidden(_ faults: [EntryFaults]) throws {
        for entity in settings.entities where entity.columnPolicy == .fail {
            let fields = Set(faults.flatMap { $0.forbidden[entity.name] ?? [] })
            guard fields.isEmpty else {
                throw LoadError.forbiddenFields(entity: entity.name, fields: fields.sorted())
            }
        }
    }

    private func refuseQuarantined(_ quarantined: Int64, of all: Int64) throws {
        let limit = settings.limits.maxQuarantined
        if let count = limit.count, quarantined > count {
            throw LoadError.quarantineLimit(quarantined: quarantined, of: all, limit: "\(count)")
        }
        if let share = limit.share, all > 0, Double(quarantined) / Double(all) > share {
            throw LoadError.quarantineLimit(quarantined: quarantined, of: all, limit: "\(share * 100) %")
        }
    }
}
