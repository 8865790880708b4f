import ArgumentParser
import ELTCore
import ELTRun
import ELTTransform

/// The hourly job. It parses, wires and reports; the work is in `ELTRun`.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Pull what is new, then bring every model up to date.",
        discussion: "Safe to run again at any time, also after it was killed.")

    @OptionGroup var options: CommonOptions
    @OptionGroup var time: TimeOption

    @Flag(help: "Build the models anew from the raw tables.")
    var fullRefresh = false

    @Option(help: "With --full-refresh: only these models (name, name+, +name, tag:x).")
    var select: String?

    @Flag(help: "Go on although the broker has forgotten offsets; the gap stays in the ledger.")
    var acceptGap = false

    @Flag(help: "Do everything in a transaction, show what would change, and roll back.")
    var dryRun = false

    func validate() throws {
        if select != nil && !fullRefresh { throw ValidationError("--select goes with --full-refresh; to build some models use 'elt build --select'.") }
    }

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let engine = try wiring.engine(at: try wiring.instant(time))
            var request = RunOptions()
            request.fullRefresh = fullRefresh
            request.acceptGap = acceptGap
            request.dryRun = dryRun
            if let select { request.select = Set(try engine.models.select(select).map(\.name)) }
            try ReportOutput(console: console).show(try engine.run(request))
        }
    }
}
