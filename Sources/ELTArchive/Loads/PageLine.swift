import ELTCore
import JSON

/// Writes pages as lines. A long body takes several lines, its parts, so that no line is long.
enum PageLine {
    /// The most of a body in one line.
    static let bodyBytesMax = 1 << 20

    /// Appends a line with its end. The last part has the note.
    static func append(
        page: Int, part: Int, head: PageHead, body: UnsafeRawBufferPointer, note: PageNote?, to text: JSONText
    ) {
        appendBegin(page: page, part: part, isLast: note != nil, to: text)
        text.member(#","url":"#, head.url)
        text.member(#","status":"#, Int64(head.status))
        text.member(#","date":"#, head.date)
        text.member(#","etag":"#, head.etag)
        text.member(#","fetched_at":"#, head.fetchedAt)
        text.append(#","body":"#)
        if isValidUTF8(body) {
            appendJSONString(body, to: text)
        } else {
            text.append(#"null,"body_base64":"#)
            appendBase64String(body, to: text)
        }
        if let note { append(note, to: text, as: #","note":"#) }
        text.append("}\n")
    }

    /// What a line begins with: which part of which page it is.
    private static func appendBegin(page: Int, part: Int, isLast: Bool, to text: JSONText) {
        text.member(#"{"page":"#, Int64(page))
        text.member(#","part":"#, Int64(part))
        text.append(isLast ? #","last":true"# : #","last":false"#)
    }

    /// Whether a line is one that `append` gave for this part of this page. Only its begin is looked at.
    static func isLine(_ line: UnsafeRawBufferPointer, page: Int, part: Int, isLast: Bool) -> Bool {
        let begin = JSONText()
        appendBegin(page: page, part: part, isLast: isLast, to: begin)
        return line.starts(with: begin.bytes) && line.last == UInt8(ascii: "\n")
    }

    static func append(_ note: PageNote, to text: JSONText, as name: StaticString) {
        text.append(name)
        text.member(#"{"rows":"#, Int64(note.rows))
        text.member(#","total":"#, note.total)
        text.member(#","next":"#, note.next)
        text.append(note.isLast ? #","is_last":true"# : #","is_last":false"#)
        if let offset = note.offset { text.member(#","offset":"#, offset) }
        text.append("}")
    }

    /// How much of `body` fits one line without cutting a character.
    static func cut(_ body: UnsafeRawBufferPointer) -> Int {
        guard body.count > bodyBytesMax else { return body.count }
        // A character has at most three bytes after its first.
        for end in stride(from: bodyBytesMax, to: bodyBytesMax - 4, by: -1) where body[end] & 0xC0 != 0x80 {
            return end
        }
        return bodyBytesMax
    }
}

/// Makes pages of lines again. Whatever isn't exactly what `PageLine` writes is refused.
final class PageLineReader {
    private let decoder = RecordDecoder(record: [], key: [], eventTime: nil)
    private let binary = JSONText()

    struct Part {
        var page: Int64
        var part: Int64
        var isLast: Bool
        var head: PageHead
        /// Borrowed until the next line.
        var body: UnsafeRawBufferPointer
    }

    func read(_ line: UnsafeRawBufferPointer) throws(EventReader.Refusal) -> Part {
        let record: DecodedRecord
        do { record = try decoder.decode(line) } catch {
            throw EventReader.Refusal(detail: "it isn't JSON: \(error)")
        }
        var fields: [String: JSONField] = [:]
        for field in record.fields { fields[String(decoding: field.name, as: UTF8.self)] = field }
        func string(_ name: String) -> String? {
            guard let field = fields[name], field.kind == .string else { return nil }
            return String(decoding: field.text, as: UTF8.self)
        }
        guard let page = fields["page"], let part = fields["part"], let last = fields["last"],
            let status = fields["status"], let url = string("url"), let body = fields["body"],
            let fetched = string("fetched_at").flatMap({ Zone.utc.instant($0) }),
            page.kind == .integer, part.kind == .integer, last.kind == .boolean, status.kind == .integer
        else { throw EventReader.Refusal(detail: "it isn't part of a page") }
        let head = PageHead(
            url: url, status: Int(status.integer), date: string("date"), etag: string("etag"),
            fetchedAt: fetched)
        return Part(
            page: page.integer, part: part.integer, isLast: last.integer == 1, head: head,
            body: try bytes(body, fields["body_base64"]))
    }

    private func bytes(_ field: JSONField, _ twin: JSONField?) throws(EventReader.Refusal)
        -> UnsafeRawBufferPointer
    {
        if field.kind == .string { return field.text }
        guard let twin, twin.kind == .string, let decoded = decodeBase64(twin.text) else {
            throw EventReader.Refusal(detail: "its body is neither text nor base64")
        }
        binary.removeAll()
        decoded.withUnsafeBytes { binary.append($0) }
        return binary.bytes
    }
}
