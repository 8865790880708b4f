import ArgumentParser
import ELTCore
import ELTRun
import ELTTransform
import Foundation

struct BuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build the models from the raw tables and run their tests.")

    @OptionGroup var options: CommonOptions

    @Option(help: "Only these models and their tests (name, name+ with its readers, +name with what it reads, tag:x).")
    var select: String?

    @Flag(help: "Build them anew.")
    var fullRefresh = false

    @Option(help: ArgumentHelp("Write these days again in models of days.", valueName: "from..to"))
    var days: String?

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let engine = try wiring.engine(at: try wiring.latestNow())
            var request = RunOptions()
            request.fullRefresh = fullRefresh
            if let select { request.select = Set(try engine.models.select(select).map(\.name)) }
            try ReportOutput(console: console).show(try engine.build(request, days: try days.map(Self.range)))
        }
    }

    static func range(_ text: String) throws -> ClosedRange<Day> {
        let parts = text.components(separatedBy: "..")
        guard let first = parts.first.flatMap(Day.init), let last = parts.last.flatMap(Day.init), parts.count <= 2,
            first <= last
        else { throw UsageError.days(text) }
        return first...last
    }
}

struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run the data tests on the tables as they stand.")

    @OptionGroup var options: CommonOptions

    @Option(help: "Only tests of these models (name, name+, +name, tag:x).")
    var select: String?

    func run() throws {
        try options.perform { console in
            let wiring = try Wiring(options, console)
            let engine = try wiring.engine(at: try wiring.latestNow())
            let names = try select.map { Set(try engine.models.select($0).map(\.name)) } ?? []
            let results = try engine.test(select: names)
            let sink = FileSink.standardOutput()
            if console.settings.json {
                let tests = results.map { result in
                    JSONValue.object([
                        .init("test", .string(result.name)), .init("model", .string(result.model)),
                        .init("severity", .string(result.severity)), .init("failures", .integer(result.failures)),
                    ])
                }
                try sink.write(JSONValue.object([.init("tests", .array(tests))]).text + "\n")
            } else if !console.settings.isQuiet {
                for result in results { try sink.write("\(result.failures == 0 ? "ok  " : "warn") \(result.name)\n") }
                try sink.write("\(results.count) tests, all of severity error passed.\n")
            }
            try sink.flush()
        }
    }
}
