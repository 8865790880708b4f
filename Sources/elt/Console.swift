import ELTCore
import ELTReport
import ELTRun
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the program says to people: log, progress and errors, all to standard error.
///
/// Results don't come this way; they go to standard output through a `TextSink`. Every text is
/// freed of secrets here, so that no caller has to think of it.
final class Console: Sendable {
    struct Settings: Sendable {
        var logFormat: LogFormat = .text
        /// Events below this one aren't told.
        var logLevel: Logger.Level = .info
        var showsProgress = false
        var colors = false
        /// Whether standard error is a terminal.
        var isTerminal = false
        /// One machine-readable document on standard output, also for an error.
        var json = false
        /// Leaves out summaries that nobody asked for.
        var isQuiet = false
    }

    /// What the console needs of the world; tests bring their own.
    struct World: Sendable {
        var write: @Sendable (String) -> Void
        var now: @Sendable () -> Instant
        var monotonic: @Sendable () -> ContinuousClock.Instant
        /// Columns of the terminal.
        var width: @Sendable () -> Int

        static let real = World(
            write: { text in
                // Where even standard error is gone there's nobody left to tell.
                try? FileSink.writeAll(Array(text.utf8), to: STDERR_FILENO)
            },
            now: {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
            },
            monotonic: { ContinuousClock.now },
            width: {
                var size = winsize()
                let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
                return isKnown ? Int(size.ws_col) : 80
            })
    }

    private struct State {
        var redaction = Redaction([])
        var meter: ProgressMeter
        var isLineShown = false
    }

    let settings: Settings
    private let world: World
    private let state: Mutex<State>

    init(_ settings: Settings, world: World = .real) {
        self.settings = settings
        self.world = world
        state = Mutex(State(meter: ProgressMeter(interval: .milliseconds(100))))
    }

    /// Texts that nothing may show from now on. Those named before stay secret.
    func hide(_ secrets: [String]) {
        state.withLock { $0.redaction = $0.redaction.adding(secrets) }
    }

    /// A logger that writes here.
    var logger: Logger {
        Logger(label: "elt") { _ in ConsoleLogHandler(console: self, logLevel: settings.logLevel) }
    }

    // MARK: Log

    func write(_ level: Logger.Level, _ message: String, _ metadata: [(String, String)] = []) {
        guard level >= settings.logLevel else { return }
        state.withLock { state in
            let message = state.redaction.apply(to: message)
            let metadata = metadata.map { (state.redaction.apply(to: $0.0), state.redaction.apply(to: $0.1)) }
            let line =
                switch settings.logFormat {
                case .json: LogLine.json(level, message, metadata, at: world.now())
                case .text:
                    LogLine.text(
                        level, message, metadata, at: settings.isTerminal ? nil : world.now(),
                        colors: settings.colors)
                }
            clearLine(&state)
            world.write(line + "\n")
        }
    }

    // MARK: Errors

    /// Tells of an error that ends the command. Gives the document for standard output where `--json`
    /// asks for one.
    func fail(_ error: any Error) -> JSONValue? {
        if case ConsoleError.outputClosed = error { return nil }
        let known = error as? any ELTError
        let exit = ExitStatus.code(for: error)
        return state.withLock { state in
            let redact = state.redaction.apply
            let code = known?.code ?? "failed"
            let problem = redact(known?.problem ?? "\(error)")
            let remedy = redact(known?.remedy ?? "Run the command again with --verbose to learn more.")
            let kind = (known?.kind ?? .failed).word
            let members: [JSONValue.Member] = [
                .init("code", .string(code)), .init("kind", .string(kind)),
                .init("problem", .string(problem)),
                .init("remedy", .string(remedy)), .init("retryable", .boolean(known?.isRetryable ?? false)),
                .init("exit", .integer(Int64(exit))),
            ]
            clearLine(&state)
            switch settings.logFormat {
            case .json:
                let event: [JSONValue.Member] = [
                    .init("time", .string(world.now().description)), .init("level", .string("error")),
                    .init("message", .string(problem)),
                ]
                world.write(JSONValue.object(event + members.filter { $0.name != "problem" }).text + "\n")
            case .text:
                let word = settings.colors ? "\u{1B}[31merror:\u{1B}[0m" : "error:"
                let text = ConsoleEscape.block(problem) + "\n" + ConsoleEscape.block(remedy)
                world.write("\(word) \(text) [\(code)]\n")
            }
            return settings.json ? .object([.init("error", .object(members))]) : nil
        }
    }

    // MARK: The progress line

    /// Takes the progress line away, so that results can follow on the same terminal.
    func clearProgress() { state.withLock { clearLine(&$0) } }

    private func clearLine(_ state: inout State) {
        guard state.isLineShown else { return }
        world.write("\r\u{1B}[K")
        state.isLineShown = false
    }
}

extension Console: Progress {
    func report(step: String, done: Int64, total: Int64?) {
        guard settings.showsProgress else { return }
        state.withLock { state in
            guard let line = state.meter.line(step: step, done: done, total: total, at: world.monotonic())
            else { return }
            let shown = TextWidth.cut(state.redaction.apply(to: line), to: world.width() - 1)
            world.write("\r\(shown)\u{1B}[K")
            state.isLineShown = true
        }
    }

    func warn(_ message: String) { write(.warning, message) }
    func note(_ message: String) { write(.info, message) }
}
