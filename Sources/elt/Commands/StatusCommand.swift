import ArgumentParser
import ELTArchive
import ELTCore
import ELTReport
import ELTSQLite

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Last runs, freshness, rows, sizes and what needs a look.",
        discussion: "Reads the warehouse alone; neither the broker nor the service is asked.")

    @OptionGroup var options: CommonOptions

    @Option(
        help: ArgumentHelp(
            "Exit 1 if the tables are complete through an instant older than this, such as 90m.",
            valueName: "duration"))
    var failAbove: String?

    func run() throws {
        try options.perform { console in
            let limit = try failAbove.map(Threshold.time)
            let wiring = try Wiring(options, console)
            let settings = wiring.settings
            let status = try StatusReader(
                settings: settings, reader: try WarehouseReader(path: settings.warehousePath),
                clock: Wiring.clock(),
                newestSequence: try wiring.manifest { try $0.newestSequence }, countsAll: options.verbose
            ).read()
            try PageOutput(console: console).show(status, text: status.text)
            if let limit, let complaint = status.complaint(above: limit) {
                console.warn(complaint)
                throw ExitCode(1)
            }
        }
    }
}
