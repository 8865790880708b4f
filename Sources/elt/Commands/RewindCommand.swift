import ArgumentParser
import ELTCore
import ELTReport
import ELTRun

struct RewindCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rewind",
        abstract: "Move the ledger back, so that the next run reads again.",
        discussion: """
            Harmless at any time: every event keeps its one row and its one place in the archive. Whole segments \
            are read again; files of the archive that were lost or damaged come back, and so do lost raw rows. \
            What the broker has forgotten can't be read again.
            """)

    @OptionGroup var options: CommonOptions
    @Option(
        help: ArgumentHelp(
            "An instant, ISO-8601, without a zone in the project's; or an offset of one partition.",
            valueName: "time|offset"))
    var to: String
    @Option(help: "Only this topic; default: all.") var topic: String?
    @Option(help: "Only this partition of the topic.") var partition: Int32?

    func validate() throws {
        if partition != nil && topic == nil { throw ValidationError("--partition goes with --topic.") }
    }

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let target: RewindRequest.Target =
                if let offset = Int64(to) {
                    .offset(offset)
                } else {
                    .instant(try TimeOption.parse(to, wiring.settings.zone))
                }
            let report = try wiring.engine(at: nil).rewind(
                RewindRequest(to: target, topic: topic, partition: partition))
            try PageOutput(console: console).show(report, text: RewindPage.text(report))
        }
    }
}
