import ArgumentParser
import ELTCore
import ELTReport

struct OffsetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offsets", abstract: "The broker's offsets of an instant, by topic and partition.")

    @OptionGroup var options: CommonOptions
    @Option(
        help: ArgumentHelp("ISO-8601; without a zone it's in the project's.", valueName: "time"))
    var at: String

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let instant = try TimeOption.parse(at, wiring.settings.zone)
            let deadline = wiring.patience(LagCommand.patience)
            let page = try OffsetsAt.read(
                instant,
                topics: wiring.settings.entities.flatMap { $0.topics.map(\.name) },
                positions: try wiring.positions(),
                source: try wiring.reachedSource(), deadline: deadline)
            try PageOutput(console: console).show(page, text: page.text)
        }
    }
}
