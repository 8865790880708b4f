/// Columns side by side, for the pages that commands print to people.
package enum Grid {
    /// One line of headings, then one for each row. Columns of numbers stand to the right.
    package static func text(_ headings: [String], _ rows: [[String]], indent: String = "") -> String {
        // What's in a cell may come from anywhere: a row stays one line.
        let rows = rows.map { $0.map(ConsoleEscape.line) }
        var widths = headings.map(\.count)
        for row in rows {
            for (index, cell) in row.enumerated() where index < widths.count {
                widths[index] = max(widths[index], cell.count)
            }
        }
        let areNumbers = headings.indices.map { index in
            let cells = rows.compactMap { index < $0.count && $0[index] != Self.nothing ? $0[index] : nil }
            return !cells.isEmpty && cells.allSatisfy(isNumber)
        }
        var text = ""
        for row in [headings] + rows {
            var line = indent
            for (index, cell) in row.enumerated() where index < widths.count {
                let padding = String(repeating: " ", count: widths[index] - cell.count)
                line += (index > 0 ? "  " : "") + (areNumbers[index] ? padding + cell : cell + padding)
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }

    /// What stands where there's no value.
    package static let nothing = "-"

    private static func isNumber(_ cell: String) -> Bool {
        cell.first.map { ("0"..."9").contains($0) || $0 == "+" || $0 == "~" } ?? false
            && cell.allSatisfy { ("0"..."9").contains($0) || ",.+~".contains($0) }
    }
}

/// Numbers, sizes and times as people read them.
package enum Shown {
    /// `1,234,567`.
    package static func number(_ value: Int64) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    package static func number(_ value: Int64?) -> String { value.map { number($0) } ?? Grid.nothing }

    /// `3 events`, `1 event`.
    package static func count(_ value: Int64, _ one: String, _ many: String? = nil) -> String {
        "\(number(value)) \(value == 1 ? one : many ?? one + "s")"
    }

    package static func bytes(_ value: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var size = Double(value)
        var unit = 0
        while size >= 1024, unit < units.count - 1 {
            size /= 1024
            unit += 1
        }
        return unit == 0 ? "\(value) B" : "\(tenths(size)) \(units[unit])"
    }

    /// `12 s`, `3 min`, `4.5 h`, `6.2 days`.
    package static func span(milliseconds: Int64) -> String {
        let seconds = Double(milliseconds) / 1000
        switch abs(seconds) {
        case ..<10: return "\(tenths(seconds)) s"
        case ..<120: return "\(Int64(seconds)) s"
        case ..<7200: return "\(Int64(seconds / 60)) min"
        case ..<172_800: return "\(tenths(seconds / 3600)) h"
        default: return "\(tenths(seconds / 86_400)) days"
        }
    }

    /// With one digit after the point, cut off and never rounded up: an alert's number isn't made to look better.
    private static func tenths(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded(.towardZero))
        let sign = tenths < 0 ? "-" : ""
        return "\(sign)\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
    }
}
