import ArgumentParser
import ELTRun
import Foundation

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a small working project: elt.yml, models and a README.")

    @Argument(help: "The project's folder; made if it's missing.")
    var folder = "."

    @Option(help: "The entity that the project is about.")
    var entity = ProjectTemplate.defaultEntity

    @OptionGroup var options: CommonOptions

    func run() throws {
        try options.perform { console in
            let base = options.project ?? FileManager.default.currentDirectoryPath
            let path = folder.hasPrefix("/") ? folder : folder == "." ? base : base + "/" + folder
            let files = try ProjectTemplate.write(to: path, entity: entity)
            let sink = FileSink.standardOutput()
            if console.settings.json {
                try sink.write(JSONValue.object([.init("files", .array(files.map(JSONValue.string)))]).text + "\n")
            } else if !console.settings.isQuiet {
                for file in files { try sink.write("wrote \(file)\n") }
                try sink.write(
                    """

                    Next: 'elt sandbox' in another terminal gives you a broker and a service to try it with, or put your own
                    addresses into elt.yml. Then 'elt doctor', 'elt full-load' and 'elt run'.

                    """)
            }
            try sink.flush()
        }
    }
}
