import ArgumentParser
import ELTCore
import ELTReport
import ELTRun
import ELTSQLite
import Foundation

struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine", abstract: "Look after records that couldn't be rows: list, show, replay.",
        subcommands: [QuarantineListCommand.self, QuarantineShowCommand.self, QuarantineReplayCommand.self])
}

struct QuarantineListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Which records, where they are and why; never what's in them.")

    @OptionGroup var options: CommonOptions
    @Option(help: "Only this entity's.") var entity: String?
    @Option(help: "Only of this reason, such as not-json.") var reason: String?

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            try wiring.checkEntity(entity)
            let reader = QuarantineReader(try WarehouseReader(path: wiring.settings.warehousePath))
            let page = QuarantinePage(try reader.list(entity: entity, reason: reason))
            try PageOutput(console: console).show(page, text: page.text)
        }
    }
}

struct QuarantineShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The archived bytes of one record. This is personal data.")

    @OptionGroup var options: CommonOptions
    @Argument(help: "Its number in 'elt quarantine list'.") var id: Int64

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let reader = QuarantineReader(try WarehouseReader(path: wiring.settings.warehousePath))
            let bytes = try reader.bytes(
                of: try reader.record(id), settings: wiring.settings, archive: try wiring.archiveToRead())
            try PageOutput(console: console).show(bytes, text: bytes.text)
        }
    }
}

struct QuarantineReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Load records again after a fix, and bring every model up to date.",
        discussion: """
            Safe at any time and again: which record wins never depends on when it was loaded. A change of elt.yml that \
            tables depend on loads everything again by itself; this is for the rest, such as a newer program.
            """)

    @OptionGroup var options: CommonOptions
    @Argument(help: "Numbers of 'elt quarantine list'.") var ids: [Int64] = []
    @Flag(help: "All of them.") var all = false

    func validate() throws {
        guard all != !ids.isEmpty else {
            throw ValidationError("Name the records by their numbers, or say --all.")
        }
    }

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let engine = try wiring.engine(at: try wiring.latestNow())
            let outcome = try engine.replay(ids: all ? nil : ids)
            let page = ReplayPage(outcome)
            if console.settings.isQuiet && !console.settings.json { return }
            try PageOutput(console: console).show(page, text: page.text + ReportOutput.text(outcome.report))
        }
    }
}
