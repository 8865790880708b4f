import ArgumentParser
import ELTCore

/// `--at TIME`.
struct TimeOption: ParsableArguments {
    @Option(
        name: .customLong("at"),
        help: ArgumentHelp("The run's instant, ISO-8601, instead of the clock; without a zone it's in the project's.", valueName: "time"))
    var at: String?

    func instant(in zone: Zone) throws -> Instant? { try at.map { try Self.parse($0, zone) } }

    static func parse(_ text: String, _ zone: Zone) throws -> Instant {
        guard let instant = zone.instant(text) else {
            throw UsageError.time(text)
        }
        return instant
    }
}
