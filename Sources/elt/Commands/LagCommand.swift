import ArgumentParser
import ELTCore
import ELTReport
import ELTSources

struct LagCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lag",
        abstract: "How far the archive is behind the broker, and how long until retention bites.",
        discussion: """
            Time behind is how long the oldest message that isn't archived has been waiting. Retention is what the broker \
            says of the topic; where it doesn't say, the age of its oldest record tells about how long it keeps them.
            """)

    @OptionGroup var options: CommonOptions

    @Option(
        help: ArgumentHelp(
            "Exit 1 above this number of messages, or this time behind, such as 90m.",
            valueName: "n|duration"))
    var failAbove: String?

    /// An alert must not hang as long as a run may.
    static let patience = Duration.seconds(30)

    func run() throws {
        try options.perform { console in
            let limit = try failAbove.map(Threshold.init)
            let wiring = try Wiring(options, console)
            let topics = wiring.settings.entities.flatMap { $0.topics.map(\.name) }
            let deadline = wiring.patience(Self.patience)
            let source = try wiring.reachedSource()
            let lag = try LagReader(
                topics: topics, positions: try wiring.positions(), source: source,
                retention: source.retention(of: topics, timeout: .seconds(3)), clock: Wiring.clock(),
                deadline: deadline
            ).read()
            try PageOutput(console: console).show(lag, text: lag.text)
            if let limit, let complaint = lag.complaint(above: limit) {
                console.warn(complaint)
                throw ExitCode(1)
            }
        }
    }
}
