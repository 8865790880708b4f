import ArgumentParser
import ELTCore
import ELTReport
import ELTSQLite
import Foundation
import SQLite

struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Ask the tables with SQL; read-only.",
        discussion: "Without an argument, or with '-', the SQL comes from standard input.")

    @Argument(help: "One SELECT.") var sql: String?
    @OptionGroup var options: CommonOptions
    @Option(help: "table, csv, json (one document, printed when it's whole) or ndjson (row by row).") var format: OutputFormat?
    @Option(
        help: ArgumentHelp(
            "End the query after this time, such as 90s or 1h (default: 10m).", valueName: "duration"))
    var timeout: String?

    private static let timeDefault = Duration.seconds(600)

    func validate() throws {
        if options.json, let format, format != .json {
            throw ValidationError("--json and --format \(format.rawValue) say two things; leave one of them out.")
        }
    }

    func run() throws {
        try options.perform { console in
            let time = try timeout.map(Threshold.time) ?? Self.timeDefault
            let wiring = try Wiring(options, console)
            let text = try sql.flatMap { $0 == "-" ? nil : $0 } ?? Self.standardInput()
            if text.allSatisfy(\.isWhitespace) { throw UsageError.noQuery }
            let format = self.format ?? (console.settings.json ? .json : .table)
            let reader = try WarehouseReader(path: wiring.settings.warehousePath, readsLedger: false)
            let output = FileSink.standardOutput()
            let sink: any TextSink = format == .json && !output.isTerminal ? HeldSink(output) : output
            var writer = format.writer(sink)
            let statement = try reader.query(text, within: time)
            try writer.begin((0..<statement.columnCount).map(statement.columnName))
            while try reader.step(statement) { try writer.row(statement.row.map(Self.cell)) }
            try writer.end()
            try sink.flush()
        }
    }

    private static func standardInput() throws -> String {
        // At a terminal nobody expects to be waited for.
        guard isatty(STDIN_FILENO) == 0, let data = try FileHandle.standardInput.readToEnd(),
            let text = String(data: data, encoding: .utf8)
        else { throw UsageError.noQuery }
        return text
    }

    static func cell(_ value: SQLValue) -> Cell {
        switch value {
        case .null: .null
        case .integer(let number): .integer(number)
        case .real(let number): .real(number)
        case .text(let text): .text(text)
        case .blob(let bytes): .blob(bytes)
        }
    }
}
