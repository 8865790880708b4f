import ELTCore
import ELTReport
import Logging

enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}

/// How one event of the log looks: always one line, whatever the message contains.
enum LogLine {
    /// For people. On a terminal they know what time it is.
    static func text(
        _ level: Logger.Level, _ message: String, _ metadata: [(String, String)], at instant: Instant?,
        colors: Bool
    ) -> String {
        var line = instant.map { "\($0) " } ?? ""
        if instant != nil || level >= .warning || level < .info {
            line += colors ? "\(color(level))\(level.rawValue):\u{1B}[0m " : "\(level.rawValue): "
        }
        line += ConsoleEscape.line(message)
        for (name, value) in metadata {
            let value = ConsoleEscape.line(value)
            let isWord = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" }
            line += " \(ConsoleEscape.line(name))=\(isWord ? value : JSONValue.string(value).text)"
        }
        return line
    }

    /// For machines.
    static func json(
        _ level: Logger.Level, _ message: String, _ metadata: [(String, String)], at instant: Instant
    ) -> String {
        var members: [JSONValue.Member] = [
            .init("time", .string(instant.description)), .init("level", .string(level.rawValue)),
            .init("message", .string(message)),
        ]
        let taken = Set(members.map(\.name))
        for (name, value) in metadata {
            members.append(.init(taken.contains(name) ? "\(name)_" : name, .string(value)))
        }
        return JSONValue.object(members).text
    }

    private static func color(_ level: Logger.Level) -> String {
        switch level {
        case .critical, .error: "\u{1B}[31m"
        case .warning: "\u{1B}[33m"
        case .trace, .debug, .info, .notice: "\u{1B}[2m"
        }
    }
}

/// swift-log's events, to the console.
struct ConsoleLogHandler: LogHandler {
    let console: Console
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    var metadataProvider: Logger.MetadataProvider?

    init(console: Console, logLevel: Logger.Level) {
        self.console = console
        self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { _, own in own }
        all.merge(event.metadata ?? [:]) { _, own in own }
        var pairs = all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) }
        if let error = event.error { pairs.append(("error", String(describing: error))) }
        console.write(event.level, event.message.description, pairs)
    }
}
