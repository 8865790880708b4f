import ELTCore
import JSON

/// Writes events as lines: one JSON object each, in which nothing gets lost.
///
/// Null, empty and binary are told apart: what is valid UTF-8 is a string, what isn't stands in base64
/// under a name of its own beside a null. The same event always gives the same bytes.
final class EventLine {
    private let text = JSONText()
    /// `{"topic":"…","partition":…,"offset":`, the same for all events of a place.
    private let head = JSONText()

    init(_ place: SegmentPlace) {
        head.append(#"{"topic":"#)
        head.append(string: place.topic)
        head.append(#","partition":"#)
        head.append(Int64(place.partition))
        head.append(#","offset":"#)
    }

    /// The line of `change` without its end, borrowed: valid until the next, as long as this object is kept.
    func write(_ change: ChangeView) throws(ArchiveError) -> UnsafeRawBufferPointer {
        text.removeAll()
        text.append(head.bytes)
        text.append(change.offset)
        text.append(#","timestamp":"#)
        if change.timestamp == -1 { text.append("null") } else { text.append(change.timestamp) }
        switch change.timestampType {
        case .create: text.append(#","timestamp_type":"create","key":"#)
        case .append: text.append(#","timestamp_type":"append","key":"#)
        case .none: text.append(#","timestamp_type":"none","key":"#)
        }
        append(change.key, binary: #","key_base64":"#)
        text.append(#","headers":["#)
        for (index, header) in change.headers.enumerated() { append(header, isFirst: index == 0) }
        text.append(#"],"value":"#)
        append(change.value, binary: #","value_base64":"#)
        text.append("}")
        guard text.count < LineReader.lineBytesMax else { throw .lineTooLong(bytes: Int64(text.count)) }
        return text.bytes
    }

    private func append(_ bytes: UnsafeRawBufferPointer?, binary: StaticString) {
        guard let bytes else { return text.append("null") }
        if isValidUTF8(bytes) { return appendJSONString(bytes, to: text) }
        text.append("null")
        text.append(binary)
        appendBase64String(bytes, to: text)
    }

    private func append(_ header: Header, isFirst: Bool) {
        text.append(isFirst ? "[" : ",[")
        text.append(string: header.name)
        text.append(",")
        header.value.withBytes { value in append(value, binary: ",") }
        text.append("]")
    }
}

extension [UInt8]? {
    fileprivate func withBytes(_ body: (UnsafeRawBufferPointer?) -> Void) {
        guard let bytes = self else { return body(nil) }
        bytes.withUnsafeBytes(body)
    }
}
