import ArgumentParser
import ELTCore
import Foundation
import Logging
import Synchronization
import Testing

@testable import ELTRun
@testable import elt

/// A console whose words are kept and whose clock is moved by hand.
private final class Stage: Sendable {
    let written = Mutex("")
    let elapsed = Mutex(Duration.zero)
    private let start = ContinuousClock.now

    func console(_ change: (inout Console.Settings) -> Void = { _ in }) -> Console {
        var settings = Console.Settings()
        change(&settings)
        return Console(
            settings,
            world: Console.World(
                write: { text in self.written.withLock { $0 += text } },
                now: { Instant(milliseconds: 1_795_167_000_123) },
                monotonic: { self.start + self.elapsed.withLock { $0 } }, width: { 60 }))
    }

    var text: String { written.withLock { $0 } }
    func pass(_ duration: Duration) { elapsed.withLock { $0 += duration } }
}

private struct Trouble: ELTError {
    var kind = ErrorKind.data
    var code: String { "test.trouble" }
    var problem: String { "Offset 7 of \"t\" holds pass-word.\nTwo lines\u{1B}[2J." }
    var remedy: String { "Look." }
}

// MARK: Log

@Test func `an event is one line, without secrets and control characters`() {
    let stage = Stage()
    let console = stage.console()
    console.hide(["pass-word"])
    console.logger.warning("broken\nby pass-word\u{1B}[2J", metadata: ["topic": "a b", "n": "3"])
    console.note("done")
    console.logger.debug("too much")
    #expect(
        stage.text == #"""
            2026-11-20T09:30:00.123Z warning: broken\nby ***\u{1b}[2J n=3 topic="a b"
            2026-11-20T09:30:00.123Z info: done

            """#)
}

@Test func `on a terminal people see no time, and colours only if they want them`() {
    let stage = Stage()
    stage.console { $0.isTerminal = true }.note("plain")
    stage.console { $0.isTerminal = true }.warn("careful")
    stage.console {
        $0.isTerminal = true
        $0.colors = true
    }.warn("careful")
    #expect(stage.text == "plain\nwarning: careful\n\u{1B}[33mwarning:\u{1B}[0m careful\n")
}

@Test func `a log for machines is a JSON object a line`() {
    let stage = Stage()
    let console = stage.console { $0.logFormat = .json }
    console.hide(["pass-word"])
    console.logger.warning("a\npass-word", metadata: ["level": "x", "topic": "t"])
    #expect(
        stage.text == #"{"time":"2026-11-20T09:30:00.123Z","level":"warning","message":"a\n***","#
            + #""level_":"x","topic":"t"}"# + "\n")
}

@Test func `an error says what happened, what to do, and its code`() {
    let stage = Stage()
    let console = stage.console()
    console.hide(["pass-word"])
    #expect(console.fail(Trouble()) == nil)
    #expect(
        stage.text == "error: Offset 7 of \"t\" holds ***.\nTwo lines\\u{1b}[2J.\nLook. [test.trouble]\n")
}

@Test func `with --json an error is a document too`() {
    let console = Stage().console { $0.json = true }
    console.hide(["pass-word"])
    #expect(
        console.fail(Trouble())?.text
            == #"{"error":{"code":"test.trouble","kind":"data","problem":"Offset 7 of \"t\" holds ***.\nTwo lines"#
            + #"\u001b[2J.","remedy":"Look.","retryable":false,"exit":65}}"#)
}

// MARK: Progress

@Test func `progress shows rate and time left, no oftener than eyes can follow`() {
    let stage = Stage()
    let console = stage.console { $0.showsProgress = true }
    console.report(step: "load", done: 1000, total: 101_000)
    stage.pass(.milliseconds(50))
    console.report(step: "load", done: 2000, total: 101_000)
    stage.pass(.milliseconds(1950))
    console.report(step: "load", done: 41_000, total: 101_000)
    console.note("a word")
    #expect(
        stage.text == "\rload  1,000 of 101,000 (0%)\u{1B}[K"
            + "\rload  41,000 of 101,000 (40%)  20,000/s  0:03 left\u{1B}[K"
            + "\r\u{1B}[K2026-11-20T09:30:00.123Z info: a word\n")
}

@Test func `progress never breaks a line of the terminal`() {
    let stage = Stage()
    let console = stage.console { $0.showsProgress = true }
    console.report(step: String(repeating: "x", count: 100), done: 1, total: nil)
    #expect(stage.text == "\r" + String(repeating: "x", count: 58) + "…\u{1B}[K")
}

@Test func `without a terminal there is no progress line`() throws {
    let options = try CommonOptions.parse([])
    let piped = options.consoleSettings(environment: [:], isTerminal: false)
    #expect(!piped.showsProgress && !piped.colors)
    let terminal = options.consoleSettings(environment: [:], isTerminal: true)
    #expect(terminal.showsProgress && terminal.colors)
    #expect(!options.consoleSettings(environment: ["NO_COLOR": "1"], isTerminal: true).colors)
    #expect(options.consoleSettings(environment: ["NO_COLOR": ""], isTerminal: true).colors)
    let dumb = options.consoleSettings(environment: ["TERM": "dumb"], isTerminal: true)
    #expect(!dumb.showsProgress && !dumb.colors)
    let quiet = try CommonOptions.parse(["--quiet"]).consoleSettings(environment: [:], isTerminal: true)
    #expect(!quiet.showsProgress && quiet.logLevel == .warning)
    let json = try CommonOptions.parse(["--log-format", "json", "--verbose"])
        .consoleSettings(environment: [:], isTerminal: true)
    #expect(!json.showsProgress && !json.colors && json.logLevel == .debug)
}

@Test func `the time left is written as people say it`() {
    func text(_ done: Int64, _ total: Int64) -> String {
        ProgressMeter.text("s", done: done, total: total, since: 0, elapsed: .seconds(10))
    }
    #expect(text(10, 36_010) == "s  10 of 36,010 (0%)  1.0/s  10:00:00 left")
    #expect(text(10, 1_000_010) == "s  10 of 1,000,010 (0%)  1.0/s  11 days left")
    #expect(text(10, 75) == "s  10 of 75 (13%)  1.0/s  1:05 left")
    #expect(text(10, 10) == "s  10 of 10 (100%)  1.0/s")
    #expect(text(10, .max).hasSuffix("more than 100 days left"))
}

// MARK: Exit codes and arguments

@Test(arguments: [
    (ErrorKind.failed, Int32(1)), (.usage, 64), (.data, 65), (.unavailable, 69), (.storage, 74),
    (.locked, 75),
    (.configuration, 78), (.gap, 80), (.interrupted(signal: SIGINT), 130),
    (.interrupted(signal: SIGTERM), 143),
])
func `exit codes are those that schedulers know`(kind: ErrorKind, code: Int32) {
    #expect(ExitStatus.code(for: Trouble(kind: kind)) == code)
}

@Test func `errors of the system and of a closed pipe have their codes`() {
    #expect(ExitStatus.code(for: POSIXError(.ENOSPC)) == 74)
    #expect(ExitStatus.code(for: CocoaError(.fileNoSuchFile)) == 74)
    #expect(ExitStatus.code(for: CancellationError()) == 1)
    #expect(ExitStatus.code(for: ConsoleError.outputClosed) == 0)
    #expect(ExitStatus.code(for: ConsoleError.outputFailed(reason: "x")) == 74)
}

private struct Root: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "elt", subcommands: [RunCommand.self, StatusCommand.self, ArchiveCommand.self])
}
private struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run")
    @OptionGroup var common: CommonOptions
}
private struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status")
}
private struct ArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "archive", subcommands: [VerifyCommand.self])
}
private struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "verify")
}

@Test func `a mistyped command is answered with the nearest`() {
    #expect(
        MistypedCommand.complaint(Root.self, ["rnu", "--json"]) == """
            'elt' has no command 'rnu'; did you mean 'elt run'?
            Commands: run, status, archive. See 'elt --help'.
            """)
    #expect(
        MistypedCommand.complaint(Root.self, ["archive", "verfy"]) == """
            'elt archive' has no command 'verfy'; did you mean 'elt archive verify'?
            Commands: verify. See 'elt archive --help'.
            """)
    #expect(
        MistypedCommand.complaint(Root.self, ["xyzzy\u{1B}[2J"]) == """
            'elt' has no command 'xyzzy\\u{1b}[2J'.
            Commands: run, status, archive. See 'elt --help'.
            """)
    #expect(MistypedCommand.complaint(Root.self, ["run", "--jsn"]) == nil)
    #expect(MistypedCommand.complaint(Root.self, ["--help"]) == nil)
}

@Test(arguments: [
    ["run", "--jsn"], ["run", "--log-format", "xml"], ["run", "--quiet", "--verbose"], ["rnu"],
    ["run", "-C"],
])
func `wrong use ends with 64`(arguments: [String]) {
    let error = #expect(throws: (any Error).self) { try Root.parseAsRoot(arguments) }
    #expect(error.map { Root.exitCode(for: $0) } == ExitCode(64))
}

@Test func `the common options are read`() throws {
    let options = try CommonOptions.parse(["-C", "/p", "--json", "-v", "--log-format", "json"])
    #expect(options.project == "/p")
    #expect(options.json && options.verbose && !options.quiet)
    #expect(options.logFormat == .json)
}
