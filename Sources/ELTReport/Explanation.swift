import ELTCore

/// Which record of a key won, and why the others didn't. Positions and times only: what's in the records
/// is asked for with `elt archive cat`.
package struct Explanation: Codable, Equatable, Sendable {
    package enum Outcome: String, Codable, Sendable {
        case living
        /// The winner removes the key.
        case removed
        /// The newest full load that counts doesn't list it.
        case absent
        /// Every record is of a later day.
        case notYet = "not-yet"
    }

    package struct Record: Codable, Equatable, Sendable {
        /// `event`, `full_load` or `absence`.
        package var kind: String
        package var operation: String?
        package var topic: String?
        package var incarnation: Int?
        package var partition: Int32?
        package var offset: Int64?
        package var fullLoad: Int?
        /// From 0.
        package var page: Int64?
        package var rowInPage: Int64?
        package var removes: Bool
        package var day: String
        package var epoch: Int
        package var effectiveTime: String?
        package var kafkaTime: String?
        package var clockCorrected: Bool
        package var file: String?
        package var line: Int64?
        /// Why it lost.
        package var rule: String?

        package init(kind: String, removes: Bool, day: Day, epoch: Int) {
            self.kind = kind
            self.removes = removes
            self.day = day.description
            self.epoch = epoch
            clockCorrected = false
        }

        package var place: String {
            switch kind {
            case "event":
                let life = incarnation ?? 1
                return
                    "\(topic ?? "")/\(partition ?? 0)\(life > 1 ? " life \(life)" : "") offset \(offset ?? 0)"
            case "full_load": return "full load \(fullLoad ?? 0), page \(page ?? 0), row \(rowInPage ?? 0)"
            default: return "absence from full load \(fullLoad ?? 0)"
            }
        }
    }

    package var entity: String
    package var key: String
    /// The end of this day; nil is now.
    package var day: String?
    package var outcome: Outcome
    package var winner: Record?
    /// Greatest first, at most `losersShown`.
    package var losers: [Record]
    package var losersTotal: Int
    /// Whether the published tables rest on this winner already.
    package var isPublished: Bool

    package static let losersShown = 20

    package var text: String {
        let time = day.map { "at the end of \($0)" } ?? "now"
        var lines = ["\(entity) \(ConsoleEscape.line(key)) \(time): \(verdict)"]
        if let winner { lines += Self.lines(of: winner) }
        if !isPublished {
            lines.append("  The tables don't show this yet: the next run or 'elt build' publishes it.")
        }
        guard losersTotal > 0 else {
            return lines.joined(separator: "\n")
                + (winner == nil ? "\n" : "\nThere's no other record of it.\n")
        }
        lines.append(
            "\(Shown.count(Int64(losersTotal), winner == nil ? "record that doesn't count" : "other record", winner == nil ? "records that don't count" : "other records"))"
        )
        var text = lines.joined(separator: "\n") + ":\n"
        text += Grid.text(
            ["what", "where", "effective", "day", "epoch", "why it loses"],
            losers.map { loser in
                [
                    loser.operation ?? loser.kind, loser.place, loser.effectiveTime ?? Grid.nothing,
                    loser.day,
                    "\(loser.epoch)", loser.rule ?? "",
                ]
            }, indent: "  ")
        if losersTotal > losers.count {
            text += "  and \(Shown.number(Int64(losersTotal - losers.count))) smaller ones\n"
        }
        return text
    }

    private var verdict: String {
        switch outcome {
        case .living: "living"
        case .removed:
            winner?.operation == "delete"
                ? "removed by a message of the delete topic or a tombstone" : "removed by a tombstone"
        case .absent: "removed: full load \(winner?.fullLoad ?? 0) doesn't list it"
        case .notYet: "not there yet"
        }
    }

    private static func lines(of winner: Record) -> [String] {
        var lines = ["  winner     \(winner.operation.map { $0 + " event, " } ?? "")\(winner.place)"]
        if let time = winner.effectiveTime {
            lines.append(
                "  effective  \(time), day \(winner.day)"
                    + (winner.clockCorrected ? " (the broker's time: the payload's was too far ahead)" : ""))
        }
        if let time = winner.kafkaTime { lines.append("  kafka      \(time)") }
        if winner.kind == "event" {
            lines.append(
                "  epoch      \(winner.epoch)"
                    + (winner.epoch > 0 ? ": after full load \(winner.epoch)" : ": before any full load"))
        }
        if let file = winner.file {
            lines.append("  archive    \(file)" + (winner.line.map { ", line \($0)" } ?? ""))
        }
        return lines
    }
}
