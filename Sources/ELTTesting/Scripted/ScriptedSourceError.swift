import ELTCore

/// What a scripted source says when it fails, as it was told to or because it was asked for what isn't there.
package enum ScriptedSourceError: ELTError, Equatable {
    case topicMissing(String)
    case offsetGone(TopicPartition, offset: Int64, low: Int64, end: Int64)
    /// The script said so.
    case brokenOff(String)
    case tooLate(String)

    package var code: String {
        switch self {
        case .topicMissing: "testing.topic-missing"
        case .offsetGone: "testing.offset-gone"
        case .brokenOff: "testing.broken-off"
        case .tooLate: "testing.too-late"
        }
    }

    package var kind: ErrorKind {
        if case .offsetGone = self { .gap } else { .unavailable }
    }

    package var problem: String {
        switch self {
        case .topicMissing(let topic): "There's no topic \(topic)."
        case .offsetGone(let partition, let offset, let low, let end):
            "\(partition) has no offset \(offset); it holds \(low)..<\(end)."
        case .brokenOff(let what): "\(what) broke off, as the script says."
        case .tooLate(let what): "The deadline passed during \(what)."
        }
    }

    package var remedy: String {
        switch self {
        case .topicMissing: "Call 'create' on the scripted source first."
        case .offsetGone: "Ask for offsets between its bounds."
        case .brokenOff, .tooLate: "Call it again."
        }
    }
}
