import ELTCore

/// What a command can't have been meant to do.
enum UsageError: ELTError, Equatable {
    /// What the reader of the arguments says; `command` is the command as far as it was understood.
    case arguments(String, command: String)
    case time(String)
    /// An instant that no run can have been meant for.
    case farAhead(at: Instant, latest: Instant)
    case days(String)
    case zone(String)
    case noQuery
    case tooSmall(option: String, value: String, least: String)

    var code: String {
        switch self {
        case .arguments: "usage.arguments"
        case .time: "usage.time"
        case .farAhead: "usage.far-ahead"
        case .days: "usage.days"
        case .zone: "usage.time-zone"
        case .noQuery: "usage.no-query"
        case .tooSmall: "usage.value"
        }
    }

    var kind: ErrorKind { .usage }

    var problem: String {
        switch self {
        case .arguments(let complaint, _): complaint
        case .time(let text): "'\(text)' isn't a time."
        case .farAhead(let at, let latest):
            "--at \(at) lies more than \(Wiring.aheadMax.components.seconds / 86_400) days after the clock and the latest run, \(latest)."
        case .days(let text): "'\(text)' isn't a range of days."
        case .zone(let text): "'\(text)' isn't an IANA time zone."
        case .noQuery: "There's no SQL to ask."
        case .tooSmall(let option, let value, let least): "\(option) can't be \(value): the least is \(least)."
        }
    }

    var remedy: String {
        switch self {
        case .arguments(_, let command): "See '\(command) --help'."
        case .time: "Write it like 2026-11-20T09:30:00Z or 2026-11-20T10:30."
        case .farAhead:
            "Check the year. The archive keeps every run's instant for good, and the history has each day up to the latest."
        case .days: "Write it like 2026-11-01..2026-11-20, the earlier day first."
        case .zone: "Write it like Europe/Berlin."
        case .noQuery: "Give one SELECT as an argument or on standard input."
        case .tooSmall(_, _, let least): "Give \(least) or more."
        }
    }
}
