import ELTCore
import ELTRun

/// What `--fail-above` says: a number of messages, or a duration such as `90m`.
package enum Threshold: Equatable, Sendable {
    case messages(Int64)
    case time(Duration)

    package init(_ text: String) throws(ReportError) {
        if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let count = Int64(text) {
            self = .messages(count)
        } else if let duration = Quantities.duration(text) {
            self = .time(duration)
        } else {
            throw .threshold(text)
        }
    }

    /// For commands that measure time alone.
    package static func time(_ text: String) throws(ReportError) -> Duration {
        guard case .time(let duration) = try Threshold(text) else { throw .thresholdWithoutUnit(text) }
        return duration
    }
}

/// What can be wrong with what these pages are asked for.
package enum ReportError: ELTError, Equatable {
    case threshold(String)
    case thresholdWithoutUnit(String)
    case unknownEntity(String, known: [String])
    case unknownTopic(String, known: [String])
    case noSuchKey(entity: String)
    case noSuchQuarantine([Int64])
    case noSuchFullLoad(entity: String?, number: Int)
    case noSuchFile(String)
    case ambiguousFullLoad(number: Int, entities: [String])
    case emptySelection(topic: String, partition: Int32?)
    case recordMissing(path: String, offset: Int64)
    case archiveFaults(Int)
    case day(String)

    package var code: String {
        switch self {
        case .threshold, .thresholdWithoutUnit: "report.threshold"
        case .unknownEntity: "report.unknown-entity"
        case .unknownTopic: "report.unknown-topic"
        case .noSuchKey: "explain.no-such-key"
        case .noSuchQuarantine: "quarantine.no-such-id"
        case .noSuchFullLoad: "archive.no-such-full-load"
        case .noSuchFile: "archive.no-such-file"
        case .ambiguousFullLoad: "archive.ambiguous-full-load"
        case .emptySelection: "archive.nothing-selected"
        case .recordMissing: "archive.record-missing"
        case .archiveFaults: "archive.faults"
        case .day: "report.day"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .threshold, .thresholdWithoutUnit, .unknownEntity, .unknownTopic, .noSuchQuarantine,
            .noSuchFullLoad,
            .noSuchFile, .ambiguousFullLoad, .day:
            .usage
        case .noSuchKey, .emptySelection: .failed
        case .recordMissing, .archiveFaults: .data
        }
    }

    package var problem: String {
        switch self {
        case .threshold(let text): "'\(text)' is neither a number of messages nor a duration."
        case .thresholdWithoutUnit(let text): "'\(text)' is no duration: it has no unit."
        case .unknownEntity(let name, let known):
            "There's no entity '\(name)'; there is: \(known.joined(separator: ", "))."
        case .unknownTopic(let name, let known):
            "There's no topic '\(name)'; there is: \(known.joined(separator: ", "))."
        case .noSuchKey(let entity): "No record of \(entity) with this key was ever loaded."
        case .noSuchQuarantine(let ids):
            "Quarantine has no record \(ids.map(String.init).joined(separator: ", "))."
        case .noSuchFullLoad(let entity, let number):
            "The archive has no full load \(number)\(entity.map { " of \($0)" } ?? "")."
        case .noSuchFile(let path): "The manifest lists no file '\(path)'."
        case .ambiguousFullLoad(let number, let entities):
            "Several entities have a full load \(number): \(entities.joined(separator: ", "))."
        case .emptySelection(let topic, let partition):
            "The archive has nothing of \(topic)\(partition.map { "/\($0)" } ?? "") in these offsets."
        case .recordMissing(let path, let offset): "The archive's file \(path) has no record at \(offset)."
        case .archiveFaults(let count): "The archive has \(count) \(count == 1 ? "fault" : "faults")."
        case .day(let text): "'\(text)' isn't a day."
        }
    }

    package var remedy: String {
        switch self {
        case .threshold, .thresholdWithoutUnit:
            "Write a number such as 5000, or a duration such as 90m, 2h or 1d."
        case .unknownEntity, .unknownTopic: "Use one of these names."
        case .noSuchKey: "Check the key; 'elt query' finds keys, and records in quarantine have none."
        case .noSuchQuarantine: "'elt quarantine list' shows what's there."
        case .noSuchFullLoad, .noSuchFile: "'elt archive list' shows what's there."
        case .ambiguousFullLoad: "Say which with --entity."
        case .emptySelection: "'elt archive list --topic' shows which offsets there are."
        case .recordMissing: "Run 'elt archive verify'."
        case .archiveFaults:
            "Restore the named files from a backup, and don't delete anything until it's clear why."
        case .day: "Write it like 2026-11-20."
        }
    }
}
