import ArgumentParser
import ELTCore
import ELTReport
import ELTSQLite
import Foundation

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract:
            "Which record of a key won and why: position, archive file and line, the losers, the rules.",
        discussion: "Reads the raw tables through, as they have no index by key.")

    @Argument(help: "Such as customer.") var entity: String
    @Argument(help: "The record's key.") var key: String
    @OptionGroup var options: CommonOptions
    @Option(help: ArgumentHelp("At the end of this day instead of now.", valueName: "yyyy-mm-dd")) var day:
        String?

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let known = wiring.settings.entities
            guard let settings = known.first(where: { $0.name == entity }) else {
                throw ReportError.unknownEntity(entity, known: known.map(\.name))
            }
            let asked = try day.map { text in
                guard let day = Day(text) else { throw ReportError.day(text) }
                return day
            }
            let hasArchive = FileManager.default.fileExists(atPath: wiring.settings.archivePath)
            let explanation = try ExplanationReader(
                reader: try WarehouseReader(path: wiring.settings.warehousePath), entity: settings,
                archive: hasArchive ? try wiring.archiveToRead() : nil
            ).explain(key, day: asked)
            try PageOutput(console: console).show(explanation, text: explanation.text)
        }
    }
}
