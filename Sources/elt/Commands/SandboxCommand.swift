import ArgumentParser
import ELTCore
import Sandbox

struct SandboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "A broker and a customer service on loopback with generated traffic, to try everything.",
        discussion: "Ctrl-C ends it. Nothing is kept.")

    @OptionGroup var options: CommonOptions
    @Option(help: "The same seed gives the same customers and events.") var seed: UInt64 = 1
    @Option(help: "Customers that the service begins with.") var customers = 10_000
    @Option(help: "Days of events that lie behind when it begins to serve.") var days = 1
    @Option(help: "Events on a simulated day.") var eventsPerDay = 5_000
    @Option(help: "Events a second in real time; 0: time stands still until it's advanced over HTTP.") var rate = 0.0
    @Option(help: "When the life begins; default: --days before now.") var start: String?
    @Option(help: "The customers' time zone.") var timezone = "Europe/Berlin"
    @Option(help: "Partitions of each topic.") var partitions: Int32?
    @Option(help: "The broker's port on 127.0.0.1.") var kafkaPort: UInt16 = 39092
    @Option(help: "The service's port on 127.0.0.1.") var httpPort: UInt16 = 38080

    private func check() throws {
        let least: [(option: String, value: Double, least: Int)] = [
            ("--customers", Double(customers), 0), ("--days", Double(days), 0),
            ("--events-per-day", Double(eventsPerDay), 0), ("--rate", rate, 0),
            ("--partitions", Double(partitions ?? 1), 1),
        ]
        for (option, value, least) in least where !(value.isFinite && value >= Double(least)) {
            let shown = value.isFinite && value.rounded() == value ? "\(Int(clamping: Int64(value)))" : "\(value)"
            throw UsageError.tooSmall(option: option, value: shown, least: "\(least)")
        }
    }

    func run() throws {
        try options.perform { console in
            try check()
            guard let zone = Zone(timezone) else { throw UsageError.zone(timezone) }
            var sandbox = SandboxOptions()
            sandbox.seed = seed
            sandbox.customers = customers
            sandbox.days = days
            sandbox.eventsPerDay = eventsPerDay
            sandbox.rate = rate
            sandbox.zone = zone
            sandbox.partitions = partitions
            sandbox.kafkaPort = kafkaPort
            sandbox.httpPort = httpPort
            sandbox.start = try start.map { try TimeOption.parse($0, zone) }
            let sink = FileSink.standardOutput()
            try Sandbox.serve(
                sandbox, json: console.settings.json,
                write: {
                    try? sink.write($0 + "\n")
                    try? sink.flush()
                }, warn: console.warn)
        }
    }
}
