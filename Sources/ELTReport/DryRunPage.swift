import ELTCore
import ELTRun

/// What a dry run shows: the plan's offsets, the days to rewrite, and what would change in each table.
package struct DryRunPage {
    private let report: RunReport
    package init(_ report: RunReport) { self.report = report }

    package var text: String {
        let indent = "  "
        var text = "\(report.command) (dry run, nothing was kept) at \(report.now): \(report.status)\n"
        let new = report.extract.ranges.filter { $0.from < $0.to }
        text += "offsets\n"
        if !new.isEmpty {
            text += Grid.text(["partition", "from", "to", "offsets"], new.map(Self.row), indent: indent)
        }
        let old = report.extract.ranges.count - new.count
        if old > 0 || new.isEmpty {
            text += indent + Shown.count(Int64(old), "partition") + " without anything new\n"
        }
        let quarantined = report.load.quarantined
        text += "rows\n" + indent + "\(Shown.number(report.load.inserted)) loaded, "
        text += "\(Shown.number(quarantined)) quarantined\n"
        let days = Set(report.models.flatMap(\.days)).compactMap(Day.init).sorted()
        text += "days to rewrite\n" + indent + (days.isEmpty ? "none" : Self.spans(days)) + "\n"
        text += "tables\n" + Grid.text(
            ["table", "inserted", "updated", "removed", "days"], report.models.map(Self.row), indent: indent)
        let failed = report.tests.filter { $0.failures > 0 }
        text += "tests\n" + indent + "\(report.tests.count - failed.count) passed, \(failed.count) with findings\n"
        return text
    }

    private static func row(_ range: RunReport.Range) -> [String] {
        let life = range.incarnation > 1 ? " (incarnation \(range.incarnation))" : ""
        return [
            "\(range.topic)/\(range.partition)\(life)", "\(range.from)", "\(range.to)",
            Shown.number(range.to - range.from),
        ]
    }

    private static func row(_ model: RunReport.Model) -> [String] {
        [
            model.name, Shown.number(model.inserted), Shown.number(model.updated), Shown.number(model.removed),
            model.full ? "all, built in full" : model.days.isEmpty ? Grid.nothing : "\(model.days.count)",
        ]
    }

    /// `2026-11-01 to 2026-11-04, 2026-11-20`.
    private static func spans(_ days: [Day]) -> String {
        var spans: [(first: Day, last: Day)] = []
        for day in days {
            if let last = spans.last?.last, last.distance(to: day) == 1 {
                spans[spans.count - 1].last = day
            } else {
                spans.append((day, day))
            }
        }
        return spans.map { $0.first == $0.last ? "\($0.first)" : "\($0.first) to \($0.last)" }
            .joined(separator: ", ")
    }
}
