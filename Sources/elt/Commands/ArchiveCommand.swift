import ArgumentParser
import ELTArchive
import ELTCore
import ELTReport
import Logging

struct ArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Look after what was kept: list, verify, cat.",
        subcommands: [ArchiveListCommand.self, ArchiveVerifyCommand.self, ArchiveCatCommand.self])
}

struct ArchiveListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The manifest's entries: segments, full loads, runs, gaps.")

    enum ListFormat: String, CaseIterable, ExpressibleByArgument { case table, json, ndjson }

    @OptionGroup var options: CommonOptions
    @Option(help: "Only this entity's.") var entity: String?
    @Option(help: "Only this topic's.") var topic: String?
    @Option(help: ArgumentHelp("Only what reaches beyond this instant.", valueName: "time")) var since:
        String?
    @Option(help: "table, json or ndjson.") var format: ListFormat?

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let since = try since.map { try TimeOption.parse($0, wiring.settings.zone) }
            try wiring.checkEntity(entity)
            let filter = ArchiveFilter(entity: entity, topic: topic, since: since)
            let entries = try wiring.archiveToRead().entries(after: 0).filter(filter.matches)
            let sink = FileSink.standardOutput()
            switch format ?? (console.settings.json ? .json : .table) {
            case .table: try sink.write(ArchiveList(entries).text)
            case .json: try sink.write(try PageOutput.document(ArchiveList(entries)) + "\n")
            case .ndjson:
                for entry in entries { try sink.write(try PageOutput.document(ArchiveLine(entry)) + "\n") }
            }
            try sink.flush()
        }
    }
}

struct ArchiveVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read every file and compare it with the manifest; 65 if anything is at fault.",
        discussion: "Changes nothing and can run beside anything.")

    @OptionGroup var options: CommonOptions

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let archive = try wiring.archiveToRead()
            let faults = try archive.verify(progress: console)
            // A manifest that lacks what was loaded may be whole by itself.
            if faults.isEmpty { try wiring.refuseOtherArchive(archive) }
            // A manifest that can't be read is among the faults; its length doesn't matter then.
            let entries = faults.isEmpty ? try archive.newestSequence : 0
            let verdict = ArchiveVerdict(entries: entries, faults: faults)
            try PageOutput(console: console).show(verdict, text: verdict.text)
            guard faults.isEmpty else {
                let error = ReportError.archiveFaults(faults.count)
                console.write(.error, "\(error.problem) \(error.remedy)")
                throw ExitCode(ExitStatus.code(for: .data))
            }
        }
    }
}

struct ArchiveCatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat",
        abstract: "Archived events, or the pages of a full load, as NDJSON.",
        discussion:
            """
            Each line is a JSON document of its own, with --json too; then an error is the last of them. Every file is checked \
            against the manifest before anything of it is printed. This is personal data.
            """
    )

    @OptionGroup var options: CommonOptions
    @Argument(help: "A file, as 'elt archive list' names it.") var path: String?
    @Option(help: "Events of this topic.") var topic: String?
    @Option(help: "Only this partition.") var partition: Int32?
    @Option(help: ArgumentHelp("The first offset.", valueName: "offset")) var from: Int64 = 0
    @Option(help: ArgumentHelp("The offset to stop before.", valueName: "offset")) var to: Int64 = .max
    @Option(help: ArgumentHelp("The pages of this full load.", valueName: "number")) var fullLoad: Int?
    @Option(help: "With --full-load: of this entity.") var entity: String?

    func validate() throws {
        guard [path != nil, topic != nil, fullLoad != nil].filter({ $0 }).count == 1 else {
            throw ValidationError("Name one thing: a file, --topic, or --full-load.")
        }
        guard from >= 0, to >= from else {
            throw ValidationError("--from comes before --to, and offsets start at 0.")
        }
        guard partition ?? 0 >= 0 else { throw ValidationError("Partitions are counted from 0.") }
        guard fullLoad ?? 1 >= 1 else { throw ValidationError("Full loads are counted from 1.") }
    }

    private var selection: ArchiveSelection {
        if let path { return .file(path) }
        if let fullLoad { return .fullLoad(entity: entity, number: fullLoad) }
        return .events(topic: topic ?? "", partition: partition, first: from, next: to)
    }

    func run() throws {
        try options.perform { console in
            let archive = try Wiring(options, console).archiveToRead()
            let selection = selection
            let sink = FileSink.standardOutput()
            let text = ArchiveText { try sink.write($0) }
            for entry in try selection.entries(of: try archive.entries(after: 0)) {
                try Interruption.check()
                switch entry.content {
                case .segment(let segment):
                    try archive.read(segment) { archived in
                        if selection.contains(archived.change.offset) {
                            try text.event(archived.change, of: segment.place)
                        }
                    }
                case .fullLoad(let load):
                    try archive.read(load, page: text.beginPage, piece: text.body, end: text.endPage)
                case .run, .gap, .incarnation, .rewind: break
                }
            }
            try sink.flush()
        }
    }
}
