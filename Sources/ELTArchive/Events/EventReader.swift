import ELTCore
import JSON

/// Makes events of lines again. Whatever isn't exactly what `EventLine` writes is refused.
final class EventReader {
    private let place: SegmentPlace
    private let topic: [UInt8]
    private let decoder = RecordDecoder(record: [], key: [], eventTime: nil)
    private var knownShape: UInt64?
    private var hasBinaryKey = false
    private var hasBinaryValue = false
    private let key = JSONText()
    private let value = JSONText()

    init(_ place: SegmentPlace) {
        self.place = place
        topic = Array(place.topic.utf8)
    }

    /// Why a line isn't an event of this place.
    struct Refusal: Error {
        var detail: String
    }

    /// Brings the event, borrowed.
    func read<T>(_ line: UnsafeRawBufferPointer, _ body: (ChangeView) throws -> T) throws -> T {
        let record: DecodedRecord
        do { record = try decoder.decode(line) } catch { throw Refusal(detail: "it isn't JSON: \(error)") }
        let fields = record.fields
        try learn(record)
        let isBinary = (key: hasBinaryKey, value: hasBinaryValue)
        let headerIndex = isBinary.key ? 7 : 6
        let isOurs =
            isTopic(fields[0].text) && fields[1].integer == Int64(place.partition)
            && fields[1].kind == .integer && fields[2].kind == .integer && fields[headerIndex].kind == .array
        guard isOurs else { throw Refusal(detail: "it isn't of \(place.topic)/\(place.partition)") }
        return try body(
            ChangeView(
                offset: fields[2].integer, timestamp: try timestamp(fields[3]),
                timestampType: try type(fields[4]),
                key: try bytes(fields[5], isBinary.key ? fields[6] : nil, key),
                value: try bytes(
                    fields[headerIndex + 1], isBinary.value ? fields[headerIndex + 2] : nil, value),
                headers: try headers(fields[headerIndex])))
    }

    private func isTopic(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count == topic.count, let start = text.baseAddress else { return false }
        return topic.withUnsafeBytes { memcmp($0.baseAddress!, start, text.count) == 0 }
    }

    /// Looks at the names only where they aren't those of the line before.
    private func learn(_ record: DecodedRecord) throws(Refusal) {
        if record.shape == knownShape { return }
        knownShape = nil
        var names = record.fields.map { String(decoding: $0.name, as: UTF8.self) }[...]
        func take(_ name: String) -> Bool {
            guard names.first == name else { return false }
            names.removeFirst()
            return true
        }
        let isHead = take("topic") && take("partition") && take("offset") && take("timestamp")
        guard isHead, take("timestamp_type"), take("key") else { throw Refusal(detail: "it isn't an event") }
        hasBinaryKey = take("key_base64")
        guard take("headers"), take("value") else { throw Refusal(detail: "it isn't an event") }
        hasBinaryValue = take("value_base64")
        guard names.isEmpty else { throw Refusal(detail: "it isn't an event") }
        knownShape = record.shape
    }

    private func timestamp(_ field: JSONField) throws(Refusal) -> Int64 {
        switch field.kind {
        case .null: return -1
        case .integer: return field.integer
        default: throw Refusal(detail: "its timestamp isn't one")
        }
    }

    private func type(_ field: JSONField) throws(Refusal) -> TimestampType {
        switch field.text.first {
        case UInt8(ascii: "c"): return .create
        case UInt8(ascii: "a"): return .append
        case UInt8(ascii: "n") where field.kind == .string: return .none
        default: throw Refusal(detail: "its timestamp has no type")
        }
    }

    /// The bytes of a string, or of its binary twin, which `storage` keeps; nil for null.
    private func bytes(
        _ field: JSONField, _ binary: JSONField?, _ storage: JSONText
    ) throws(Refusal) -> UnsafeRawBufferPointer? {
        if field.kind == .string { return field.text }
        guard field.kind == .null else { throw Refusal(detail: "a key or value is neither string nor null") }
        guard let binary else { return nil }
        guard binary.kind == .string, let decoded = decodeBase64(binary.text) else {
            throw Refusal(detail: "a key or value isn't base64")
        }
        storage.removeAll()
        decoded.withUnsafeBytes { storage.append($0) }
        return storage.bytes
    }

    private func headers(_ field: JSONField) throws(Refusal) -> [Header] {
        if field.text.count == 2 { return [] }
        let document: JSONDocument
        do { document = try JSONDocument(field.text) } catch {
            throw Refusal(detail: "its headers aren't JSON")
        }
        var headers: [Header] = []
        for pair in document.root.elements {
            let parts = pair.elements
            guard parts.count >= 2, parts.count <= 3, let name = parts[0].string else {
                throw Refusal(detail: "a header isn't one")
            }
            var value = parts[1].string.map { Array($0.utf8) }
            if parts.count == 3 {
                guard let text = parts[2].string else { throw Refusal(detail: "a header isn't base64") }
                value = Array(text.utf8).withUnsafeBytes(decodeBase64)
                guard value != nil else { throw Refusal(detail: "a header isn't base64") }
            } else if value == nil, parts[1].kind != .null {
                throw Refusal(detail: "a header is neither string nor null")
            }
            headers.append(Header(name: name, value: value))
        }
        return headers
    }
}
