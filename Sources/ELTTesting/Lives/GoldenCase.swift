import ELTCore
import Foundation

/// A case from `fixtures/cases`, or a random life written in the same words.
///
/// `fixtures/README.md` has the format.
package struct GoldenCase: Sendable {
    package var name: String
    package var about: String
    package var settings: ReferenceSettings
    package var partitions: Int32
    package var steps: [LifeStep]

    package init(
        name: String, about: String, settings: ReferenceSettings, partitions: Int32, steps: [LifeStep]
    ) {
        self.name = name
        self.about = about
        self.settings = settings
        self.partitions = partitions
        self.steps = steps
    }

    /// All cases of a folder, by name.
    package static func all(in folder: String) throws -> [GoldenCase] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        return try names.filter { !$0.hasPrefix(".") }.map { name in
            let path = "\(folder)/\(name)/steps.case"
            return try GoldenCase(name: name, text: String(contentsOfFile: path, encoding: .utf8))
        }
    }

    package init(name: String, text: String) throws {
        var parser = CaseParser(name: name, text: text)
        self = try parser.parse()
    }
}

/// What's wrong with a case file.
package struct CaseError: ELTError {
    package let name: String
    package let line: Int
    package let reason: String
    package var code: String { "testing.case" }
    package var kind: ErrorKind { .configuration }
    package var problem: String { "\(name), line \(line): \(reason)." }
    package var remedy: String { "The format is described in fixtures/README.md." }
}

private struct CaseParser {
    let name: String
    /// Lines that say something, with their number and depth.
    let lines: [(number: Int, depth: Int, text: Substring)]
    var at = 0

    init(name: String, text: String) {
        self.name = name
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
            index, line in
            let text = line.drop { $0 == " " }
            let depth = (line.count - text.count) / 2
            return text.isEmpty || text.hasPrefix("#") ? nil : (index + 1, depth, text)
        }
    }

    func failure(_ reason: String) -> CaseError {
        CaseError(name: name, line: at < lines.count ? lines[at].number : 0, reason: reason)
    }

    mutating func parse() throws -> GoldenCase {
        let heads = heads()
        var settings = ReferenceSettings(
            zone: heads["zone"] ?? "Europe/Berlin", topics: try topics(heads["topics"]))
        guard let absent = FullLoadSettings.Absent(rawValue: heads["absent"] ?? "keep"),
            let partitions = Int32(heads["partitions"] ?? "1")
        else { throw failure("a head has a value that can't be read") }
        settings.absent = absent
        if heads["event_time"] == "none" { settings.eventTime = nil }
        for declaration in (heads["declare"] ?? "").split(separator: ",") {
            let words = declaration.split(separator: " ")
            guard words.count == 2, let type = ColumnType(rawValue: String(words[1]))
            else { throw failure("'\(declaration)' declares no column") }
            settings.declared[String(words[0])] = type
        }
        var steps: [LifeStep] = []
        while at < lines.count { steps.append(try step(depth: 0)) }
        return GoldenCase(
            name: name, about: heads["about"] ?? "", settings: settings, partitions: partitions, steps: steps)
    }

    private mutating func heads() -> [String: String] {
        var heads: [String: String] = [:]
        while at < lines.count, let colon = lines[at].text.firstIndex(of: ":"),
            lines[at].text[..<colon].allSatisfy({ $0.isLowercase || $0 == "_" })
        {
            let text = lines[at].text
            heads[String(text[..<colon])] = text[text.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
            at += 1
        }
        return heads
    }

    private func topics(_ text: String?) throws -> [TopicSettings] {
        try (text ?? "create, update, delete").split(separator: ",").map { word in
            let parts = word.trimmingCharacters(in: .whitespaces).split(separator: "=").map(String.init)
            guard let operation = Operation.allCases.first(where: { $0.word == parts.first }),
                let mode = TopicSettings.Mode(rawValue: parts.count > 1 ? parts[1] : "deactivate")
            else { throw failure("'\(word)' is no topic") }
            var topic = TopicSettings(name: operation.word, operation: operation)
            topic.mode = mode
            return topic
        }
    }

    /// The lines below the one at `at - 1`, as far as they're deeper than `depth`.
    private mutating func children(of depth: Int) -> [Substring] {
        let start = at
        while at < lines.count, lines[at].depth > depth { at += 1 }
        return lines[start..<at].map(\.text)
    }

    private mutating func step(depth: Int) throws -> LifeStep {
        let (number, found, text) = lines[at]
        guard found == depth else { throw failure("the line stands too far to the right") }
        let words = text.split(separator: " ").map(String.init)
        at += 1
        switch words[0] {
        case "produce", "during": return .produce(try children(of: depth).map(event))
        case "run": return .run(at: try instant(words.last))
        case "rebuild": return .rebuild
        case "recreate": return .recreate(topic: words.last ?? "")
        case "full-load":
            let now = try instant(words.count > 1 ? words[1] : nil)
            let date = try words.count > 2 ? instant(String(words[2].dropFirst("date=".count))) : nil
            var parts: [LifeFullLoad.Part] = []
            while at < lines.count, lines[at].depth > depth {
                if lines[at].text == "page" {
                    at += 1
                    parts.append(.page(children(of: depth + 1).map(String.init)))
                } else {
                    parts.append(.during(try step(depth: depth + 1)))
                }
            }
            return .fullLoad(LifeFullLoad(at: now, date: date, parts: parts))
        case "expect": return .expect(try expectation(words, depth: depth, line: number))
        default: throw failure("'\(words[0])' is no step")
        }
    }

    private mutating func expectation(_ words: [String], depth: Int, line: Int) throws -> LifeExpectation {
        let table = children(of: depth).map { row in
            row.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        let (columns, rows) = (table.first ?? [], Array(table.dropFirst()))
        switch (words.count > 1 ? words[1] : "", words.count > 2 ? words[2] : nil) {
        case ("current", nil): return LifeExpectation(.current, columns: columns, rows: rows, line: line)
        case ("quarantine", let count?):
            guard let count = Int(count) else { throw failure("'\(count)' is no number") }
            return LifeExpectation(.quarantine(count), line: line)
        case ("history", let days):
            let bounds = days.map { days in
                let dots = days.range(of: "..")
                let first = String(days[..<(dots?.lowerBound ?? days.endIndex)])
                return first...(dots.map { String(days[$0.upperBound...]) } ?? first)
            }
            return LifeExpectation(.history(days: bounds), columns: columns, rows: rows, line: line)
        default: throw failure("nothing is called '\(words.dropFirst().joined(separator: " "))'")
        }
    }

    private func instant(_ text: String?) throws -> Instant {
        guard let text, let instant = ReferenceTime(zone: "UTC").instant(text)
        else { throw failure("'\(text ?? "")' is no time") }
        return instant
    }

    /// `TOPIC/PARTITION[@OFFSET] TIME [kafka=TIME] [key=KEY or keyhex=HEX or nokey] BODY`
    private func event(_ text: Substring) throws -> ProducedEvent {
        var rest = text
        func word() -> String {
            let word = rest.prefix { $0 != " " }
            rest = rest[word.endIndex...].drop { $0 == " " }
            return String(word)
        }
        let place = word().split(whereSeparator: { $0 == "/" || $0 == "@" })
        guard place.count >= 2, let partition = Int32(place[1]) else {
            throw failure("'\(text)' is no event")
        }
        let time = word()
        let kafka = rest.hasPrefix("kafka=") ? String(word().dropFirst("kafka=".count)) : time
        var key: [UInt8]?
        let isKeyless = rest.hasPrefix("nokey ")
        if isKeyless { _ = word() }
        if rest.hasPrefix("key=") { key = Array(word().dropFirst("key=".count).utf8) }
        if rest.hasPrefix("keyhex=") { key = bytes(hex: word().dropFirst("keyhex=".count)) }
        let value = try body(rest, time: time)
        if key == nil, !isKeyless, rest.hasPrefix("{"),
            case .text(let id) = ReferenceJSON(Array(rest.utf8))?["id"]?.kind
        {
            key = Array(id.utf8)
        }
        return ProducedEvent(
            topic: String(place[0]), partition: partition, offset: place.count > 2 ? Int64(place[2]) : nil,
            timestamp: try instant(kafka), key: key, value: value)
    }

    private func bytes(hex: Substring) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
    }

    private func body(_ text: Substring, time: String) throws -> [UInt8]? {
        if text == "tombstone" { return nil }
        if text == "empty" { return [] }
        if text.hasPrefix("raw ") { return Array(text.dropFirst(4).utf8) }
        if text.hasPrefix("hex ") { return bytes(hex: text.dropFirst(4)) }
        guard text.hasPrefix("{") else { throw failure("'\(text)' is no body") }
        let head = time == "-" ? "" : "\"event_time\":\"\(time)\","
        return Array("{\(head)\"customer\":\(text)}".utf8)
    }
}
