import ArgumentParser
import ELTCore
import ELTRun
import Foundation
import Logging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension LogFormat: ExpressibleByArgument {}

/// The options that every command has.
struct CommonOptions: ParsableArguments {
    @Option(
        name: [.customShort("C")],
        help: ArgumentHelp(
            "The project's folder (default: nearest elt.yml in this folder or above it).", valueName: "dir"))
    var project: String?

    @Flag(help: "Print one machine-readable document on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "No summary and no notes: only warnings, errors and what was asked for.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Say more.")
    var verbose = false

    @Option(help: "How the log on standard error looks: text or json.")
    var logFormat: LogFormat = .text

    func validate() throws {
        if quiet && verbose { throw ValidationError("--quiet and --verbose can't be used together.") }
    }

    /// What these options and the surroundings make of the console.
    func consoleSettings(environment: [String: String], isTerminal: Bool) -> Console.Settings {
        var settings = Console.Settings()
        settings.logFormat = logFormat
        settings.logLevel = quiet ? .warning : verbose ? .debug : .info
        settings.json = json
        settings.isQuiet = quiet
        settings.isTerminal = isTerminal
        let isDumb = environment["TERM"] == "dumb"
        settings.showsProgress = isTerminal && !quiet && !isDumb && logFormat == .text
        // no-color.org: any value that isn't empty counts.
        settings.colors =
            isTerminal && !isDumb && (environment["NO_COLOR"] ?? "").isEmpty && logFormat == .text
        return settings
    }

    /// Runs a command's work: makes its console, tells of an error and ends with its exit code.
    func perform(_ work: (Console) throws -> Void) throws {
        let console = Console(
            consoleSettings(
                environment: ProcessInfo.processInfo.environment, isTerminal: isatty(STDERR_FILENO) == 1))
        do {
            try work(console)
            console.clearProgress()
        } catch let code as ExitCode {
            console.clearProgress()
            throw code
        } catch {
            if let document = console.fail(error) { FileSink.tell(document) }
            throw ExitCode(ExitStatus.code(for: error))
        }
    }

    /// The project of `-C`, or the nearest one; its warnings are told and its secrets hidden.
    func load(
        _ console: Console, checkKafka: (String, String) -> String? = { _, _ in nil }
    ) throws -> LoadedProject {
        let here = FileManager.default.currentDirectoryPath
        let path =
            try project.map { folder in
                try ProjectFile.find(in: folder.hasPrefix("/") ? folder : here + "/" + folder)
            } ?? ProjectFile.find(from: here)
        let loaded = try ProjectFile.load(
            path: path, environment: ProcessInfo.processInfo.environment, checkKafka: checkKafka)
        console.hide(loaded.secrets)
        loaded.warnings.forEach(console.warn)
        return loaded
    }
}
