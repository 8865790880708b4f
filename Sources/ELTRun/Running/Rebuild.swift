import ELTCore
import ELTLoad
import ELTTransform

extension Engine {
    /// Raw tables and models from the archive alone. Readers see the old tables until the commit, which is one for all; where there's nothing to be
    /// seen raw tables have their own, as in an hour.
    ///
    /// The limits of a run aren't asked: they are for what a run brings. A warehouse that's too damaged to be written
    /// is set aside, and a new one is made as if it had been lost.
    package func rebuild(at explicitNow: Bool) throws -> RunReport {
        let lock = try lock("rebuild")
        defer { withExtendedLifetime(lock) {} }
        try checkDisk()
        var report = RunReport(command: "rebuild", now: context.now)
        var watch = Stopwatch()
        let archive = try makeArchive()
        try watch.measure("recover") { try archive.recover() }
        try archive.checkListed()
        // It's entered once, however often the tables are begun.
        var isToBeEntered = explicitNow
        do {
            try rebuild(archive, &isToBeEntered, &report, &watch)
        } catch let error as any ELTError where error.code == "warehouse.damaged" {
            guard let aside = try setWarehouseAside() else { throw error }
            report = RunReport(command: "rebuild", now: context.now)
            let todo = "It holds personal data: delete it when you don't need it."
            warn("\(error.problem) It was set aside as \(aside), and a new one is made from the archive. \(todo)", &report)
            try rebuild(archive, &isToBeEntered, &report, &watch)
        }
        report.seconds = watch.seconds
        report.seconds["total"] = watch.total
        return report
    }

    private func rebuild(
        _ archive: any Archive, _ isToBeEntered: inout Bool, _ report: inout RunReport, _ watch: inout Stopwatch
    ) throws {
        let warehouse = try openWarehouse(archive)
        try refuseOtherArchive(archive, warehouse)
        if isToBeEntered { try archive.append([.run(RunEntry(command: "rebuild", now: context.now))]) }
        isToBeEntered = false
        do {
            // Tables whose rows are all in the file can be compared with what they become.
            try watch.measure("checkpoint") { _ = try warehouse.checkpoint() }
            let begin = report
            func attempt() throws {
                func load() throws {
                    Failpoint.rebuildBegun.pass()
                    // It may be run again.
                    report = begin
                    try loadAll(archive, warehouse, upTo: nil, &report, &watch)
                }
                let isUnseen = warehouse.isUnseen
                if isUnseen {
                    try warehouse.loading(load)
                    Failpoint.loadCommitted.pass()
                }
                try warehouse.transaction {
                    if !isUnseen { try load() }
                    try buildAll(warehouse, &report, &watch)
                    Failpoint.rebuildBeforeCommit.pass()
                }
            }
            let stood = !warehouse.isUnseen
            do { try attempt() } catch let error as any ELTError where error.code == "warehouse.damaged" && stood {
                // Of a table that can't be mended every row may be written: the second time nothing is compared. A transaction that SQLite found
                // damage in takes no more writes.
                report = begin
                try attempt()
            }
            Failpoint.rebuildCommitted.pass()
            try warehouse.install()
            try watch.measure("checkpoint") { try checkpoint(warehouse, &report) }
        } catch {
            recordFailure(error, report, warehouse, watch)
            throw error
        }
    }

    private func loadAll(
        _ archive: any Archive, _ warehouse: any Warehouse, upTo last: Int64?, _ report: inout RunReport,
        _ watch: inout Stopwatch
    ) throws {
        try watch.measure("load") {
            try warehouse.forgetRaw()
            try warehouse.setSettingsDigest(settings.tableDigest)
            let entries = try archive.entries(after: 0).filter { $0.sequence <= last ?? .max }
            let summary = try loader(archive).load(entries, into: warehouse.loadSession(settings: settings))
            note(summary, in: &report)
            try noteArchive(archive, warehouse)
        }
        Failpoint.rebuildLoaded.pass()
    }

    private func buildAll(_ warehouse: any Warehouse, _ report: inout RunReport, _ watch: inout Stopwatch) throws {
        var request = TransformRequest()
        request.everything = true
        let clock = watch
        try watch.measure("transform") {
            try publish(warehouse, request, &report, clock, insideTransaction: true)
        }
    }

    /// Builds beside, from what the live tables were built from, and compares. Changes nothing.
    ///
    /// `difference` tells in how many rows a table differs from the scratch warehouse's, and in which.
    package func verify(
        scratch: any Warehouse, difference: (_ table: String, _ key: [String]) throws -> (count: Int64, samples: [String])
    ) throws -> RunReport {
        let lock = try lock("rebuild --verify")
        defer { withExtendedLifetime(lock) {} }
        var report = RunReport(command: "rebuild --verify", now: context.now)
        var watch = Stopwatch()
        let archive = try makeArchive()
        let warehouse = try lookAtWarehouse()
        try refuseOtherArchive(archive, warehouse)
        try archive.checkListed()
        let published = try warehouse.publishedSequence
        guard published > 0 else {
            let newest = try archive.newestSequence
            guard newest == 0 else { throw RunError.unpublished(entries: newest) }
            report.status = "nothing is published yet"
            return report
        }
        try scratch.transaction {
            try loadAll(archive, scratch, upTo: published, &report, &watch)
            try buildAll(scratch, &report, &watch)
        }
        // A model that waits for its first data has no table.
        let built = models.models.filter { model in report.models.contains { $0.name == model.name } }
        let differences = try watch.measure("compare") {
            try built.filter { $0.config.materialized != .view }.compactMap { model -> TableDifference? in
                let key = (model.config.partitionBy.map { [$0] } ?? []) + model.config.uniqueKey
                let (count, samples) = try difference(model.name, key)
                return count == 0 ? nil : TableDifference(table: model.name, count: count, samples: samples)
            }
        }
        report.seconds = watch.seconds
        report.seconds["total"] = watch.total
        report.status = differences.isEmpty ? "equal" : "differs"
        guard differences.isEmpty else { throw RunError.differs(differences) }
        return report
    }

    /// Models and tests only. What's selected is built from what was published last; what was loaded since
    /// waits for the next run, because models that aren't selected would never see it.
    package func build(_ options: RunOptions, days: ClosedRange<Day>?) throws -> RunReport {
        try check(select: options.select)
        let lock = try lock("build")
        defer { withExtendedLifetime(lock) {} }
        try checkDisk()
        var report = RunReport(command: "build", now: context.now)
        var watch = Stopwatch()
        let archive = try makeArchive()
        try archive.recover()
        let warehouse = try openWarehouse(archive)
        do {
            let afresh = try watch.measure("load") { try loadNew(archive, warehouse, &report) }
            var request = request(options, afresh: afresh)
            // Rows that were all loaded again, or never published, leave no model as it was.
            let isWhole = try options.select.isEmpty || afresh || warehouse.publishedSequence == 0
            if !isWhole { request.select = options.select }
            if isWhole { try judge(archive, warehouse) }
            request.days = days
            let clock = watch
            try watch.measure("transform") { try publish(warehouse, request, &report, clock) }
            try checkpoint(warehouse, &report)
        } catch {
            recordFailure(error, report, warehouse, watch)
            throw error
        }
        report.seconds = watch.seconds
        report.seconds["total"] = watch.total
        return report
    }

    /// Data tests only.
    package func test(select: Set<String>) throws -> [TestResult] {
        try check(select: select)
        let warehouse = try lookAtWarehouse()
        return try transformer.test(warehouse.transformSession(), select: select.isEmpty ? nil : select)
    }
}
