import ArgumentParser
import ELTCore
import ELTRun

struct FullLoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "full-load",
        abstract: "Download the service's whole listing, then bring every model up to date.",
        discussion: """
            A download that breaks off is resumed by the next one at its first missing page. Hourly runs may go on meanwhile.
            """)

    @Argument(help: "Entities to load; default: all that have a full_load.")
    var entities: [String] = []

    @OptionGroup var options: CommonOptions
    @OptionGroup var time: TimeOption

    @Flag(help: "Take a listing that's empty or much shorter than the last one.")
    var acceptShrink = false

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let engine = try wiring.engine(at: try wiring.instant(time))
            try ReportOutput(console: console).show(try engine.fullLoad(entities, acceptShrink: acceptShrink))
        }
    }
}
