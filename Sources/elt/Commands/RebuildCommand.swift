import ArgumentParser
import ELTCore
import ELTRun
import ELTSQLite
import Foundation

struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Make all tables from the archive alone.",
        discussion: """
            Needs neither the broker nor the service. Readers see the old tables until the new ones are complete. \
            The run's instant is that of the latest run, so a rebuild changes no table that was right.
            """)

    @OptionGroup var options: CommonOptions
    @OptionGroup var time: TimeOption

    @Flag(help: "Required, as a reminder of where the data comes from.")
    var fromArchive = false

    @Flag(help: "Build beside, compare with the live tables and change nothing; 65 if they differ.")
    var verify = false

    func validate() throws {
        if !fromArchive { throw ValidationError("Say 'elt rebuild --from-archive': the archive is what tables are made from.") }
    }

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let given = try wiring.instant(time)
            let engine = try wiring.engine(at: try given ?? wiring.latestNow())
            let report =
                verify ? try Self.verify(engine, wiring) : try engine.rebuild(at: given != nil)
            try ReportOutput(console: console).show(report)
        }
    }

    private static func verify(_ engine: Engine, _ wiring: Wiring) throws -> RunReport {
        let path = wiring.settings.warehousePath + ".verify-\(getpid())"
        defer {
            for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
        }
        let scratch = try SQLiteWarehouse(scratch: path)
        scratch.modelTimeMax = wiring.settings.limits.deadline
        let comparison = TableComparison(path: wiring.settings.warehousePath)
        return try engine.verify(scratch: scratch) { table, key in
            try comparison.difference(table: table, key: key, other: path)
        }
    }
}
