import ELTCore
import ELTReport
import ELTRun
import Foundation

/// Prints what a run did: one document for machines, a few lines for people.
struct ReportOutput {
    let console: Console

    func show(_ report: RunReport) throws {
        let sink = FileSink.standardOutput()
        if console.settings.json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            try sink.write(String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
        } else if !console.settings.isQuiet {
            try sink.write(report.dryRun ? DryRunPage(report).text : Self.text(report))
        }
        try sink.flush()
    }

    static func text(_ report: RunReport) -> String {
        var lines: [String] = []
        lines.append("\(report.command) at \(report.now): \(report.status) in \(seconds(report.seconds["total"]))")
        if report.extract.segments > 0 || report.command == "run" {
            lines.append("  extracted  \(number(report.extract.events)) events in \(report.extract.segments) segments, \(bytes(report.extract.bytes)) (\(bytes(report.extract.textBytes)) of text)")
        }
        if let hours = report.lag.compactMap(\.hoursLeft).min() {
            lines.append("  retention  bites in \(Shown.span(milliseconds: Int64(hours * 3_600_000))) unless a run comes before")
        }
        for load in report.fullLoads {
            let drift = load.drift.map { "; \($0)" } ?? ""
            lines.append("  full load  \(load.entity) \(load.number): \(number(load.rows)) rows in \(number(Int64(load.pages))) pages, begun \(load.startedAt)\(drift)")
        }
        for gap in report.gaps { lines.append("  gap        \(gap)") }
        if report.load.segments > 0 {
            lines.append("  loaded     \(number(report.load.inserted)) rows, \(number(report.load.quarantined)) quarantined")
        }
        for model in report.models {
            let days = model.days.isEmpty ? "" : " in \(model.days.count) \(model.days.count == 1 ? "day" : "days") (\(range(model.days)))"
            lines.append("  \(model.name): +\(number(model.inserted)) ~\(number(model.updated)) -\(number(model.removed))\(days)\(model.full ? ", built in full" : "")")
        }
        if report.ties > 0 { lines.append("  ties       \(number(report.ties)): equal records that only partition and offset tell apart") }
        if !report.tests.isEmpty {
            let failed = report.tests.filter { $0.failures > 0 }.count
            lines.append("  tests      \(report.tests.count - failed) passed, \(failed) with findings")
        }
        let steps = report.seconds.filter { $0.key != "total" && $0.value >= 0.001 }.sorted { $0.value > $1.value }
        if !steps.isEmpty {
            lines.append("  time       \(steps.map { "\($0.key) \(seconds($0.value))" }.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func range(_ days: [String]) -> String {
        days.count == 1 ? days[0] : "\(days[0]) to \(days[days.count - 1])"
    }

    static func number(_ value: Int64) -> String { ProgressMeter.grouped(value) }
    static func seconds(_ value: Double?) -> String { String(format: "%.2f s", value ?? 0) }

    static func bytes(_ value: Int64) -> String {
        switch value {
        case ..<1024: "\(value) B"
        case ..<(1 << 20): String(format: "%.1f KiB", Double(value) / 1024)
        case ..<(1 << 30): String(format: "%.1f MiB", Double(value) / 1_048_576)
        default: String(format: "%.2f GiB", Double(value) / 1_073_741_824)
        }
    }
}
