import ELTCore
import JSON

/// One line of the manifest as it stands in the file.
///
/// Each line has the `check` of the line before and ends with its own: the SHA-256 of all its text up to
/// there. So no line can be changed, left out or moved without being noticed, the last one neither.
struct ManifestLine: Equatable {
    var entry: ManifestEntry
    var previous: String
    /// Which line of its append this is, from 1, and how many there are. All of them count, or none.
    var part: Int64
    var parts: Int64
    var check: String

    static let noPrevious = String(repeating: "0", count: 64)

    /// Why a line isn't one.
    struct Refusal: Error {
        var detail: String
    }

    /// The text without its end.
    static func text(
        _ entry: ManifestEntry, previous: String, part: Int, parts: Int
    ) -> (text: [UInt8], check: String) {
        let text = JSONText()
        text.append(#"{"sequence":"#)
        text.append(entry.sequence)
        text.append(#","previous":"#)
        text.append(string: previous)
        text.member(#","part":"#, Int64(part))
        text.member(#","parts":"#, Int64(parts))
        text.append(",")
        text.append(entry.content)
        let check = sha256(text.bytes)
        text.append(#","check":"#)
        text.append(string: check)
        text.append("}")
        return (text.contents, check)
    }

    init(_ text: UnsafeRawBufferPointer) throws(Refusal) {
        let document: JSONDocument
        do { document = try JSONDocument(text) } catch { throw Refusal(detail: "it isn't JSON: \(error)") }
        let tail = #","check":""#.utf8.count + 66
        let root = document.root
        guard text.count > tail, let check = root["check"]?.string, let previous = root["previous"]?.string,
            let part = root["part"]?.integer, let parts = root["parts"]?.integer,
            let sequence = root["sequence"]?.integer
        else { throw Refusal(detail: "it has no check") }
        guard sha256(UnsafeRawBufferPointer(rebasing: text[..<(text.count - tail)])) == check else {
            throw Refusal(detail: "its check differs")
        }
        guard let content = ManifestEntry.Content(root) else {
            throw Refusal(detail: "it's of no known kind")
        }
        entry = ManifestEntry(sequence: sequence, content: content)
        self.previous = previous
        self.part = part
        self.parts = parts
        self.check = check
    }
}
