import ELTCore

extension GoldenCase: CustomStringConvertible {
    /// The case in the words of `fixtures/README.md`. Read again it's the same life.
    package var description: String {
        var lines = ["about: \(about)", "zone: \(settings.zone)"]
        let topics = settings.topics.map {
            $0.mode == .deactivate ? $0.name : "\($0.name)=\($0.mode.rawValue)"
        }
        lines.append("topics: " + topics.joined(separator: ", "))
        lines.append("partitions: \(partitions)")
        lines.append("absent: \(settings.absent.rawValue)")
        if settings.eventTime == nil { lines.append("event_time: none") }
        if !settings.declared.isEmpty {
            let declared = settings.declared.sorted { $0.key < $1.key }.map {
                "\($0.key) \($0.value.rawValue)"
            }
            lines.append("declare: " + declared.joined(separator: ", "))
        }
        lines.append("")
        return (lines + steps.flatMap { $0.lines(isInside: false) }).joined(separator: "\n") + "\n"
    }
}

extension LifeStep: CustomStringConvertible {
    package var description: String { lines(isInside: false).joined(separator: "\n") }

    fileprivate func lines(isInside: Bool) -> [String] {
        switch self {
        case .produce(let events):
            return [isInside ? "during" : "produce"] + events.map { "  \($0)" }
        case .run(let now): return ["run \(now)"]
        case .rebuild: return ["rebuild"]
        case .outage(let days): return ["# \(days) days without a run"]
        case .recreate(let topic): return ["recreate \(topic)"]
        case .fullLoad(let load):
            let date = load.date.map { " date=\($0)" } ?? ""
            return ["full-load \(load.at)\(date)"]
                + load.parts.flatMap { part in
                    switch part {
                    case .page(let rows): ["  page"] + rows.map { "    \($0)" }
                    case .during(let step): step.lines(isInside: true).map { "  \($0)" }
                    }
                }
        case .expect(let expectation): return expectation.lines
        }
    }
}

extension LifeExpectation {
    fileprivate var lines: [String] {
        let table = ([columns] + rows).map { "  " + $0.joined(separator: " | ") }
        switch subject {
        case .quarantine(let count): return ["expect quarantine \(count)"]
        case .current: return ["expect current"] + table
        case .history(nil): return ["expect history"] + table
        case .history(let days?): return ["expect history \(days.lowerBound)..\(days.upperBound)"] + table
        }
    }
}

extension ProducedEvent: CustomStringConvertible {
    /// Value and key byte for byte, whatever they are.
    package var description: String {
        let place = "\(topic)/\(partition)" + (offset.map { "@\($0)" } ?? "")
        return "\(place) \(timestamp) \(keyWord) \(body)"
    }

    private var keyWord: String {
        guard let key else { return "nokey" }
        let isPlain = !key.isEmpty && key.allSatisfy { (33...126).contains($0) }
        return isPlain ? "key=\(String(decoding: key, as: UTF8.self))" : "keyhex=\(Self.hex(key))"
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private var body: String {
        guard let value else { return "tombstone" }
        if value.isEmpty { return "empty" }
        let edges: [UInt8] = [32, 9]
        if let text = String(validating: value, as: UTF8.self), !value.contains(10), !value.contains(13),
            !edges.contains(value[0]), !edges.contains(value[value.count - 1])
        {
            return "raw \(text)"
        }
        return "hex \(Self.hex(value))"
    }
}
