/// Stand-ins, one scalar for one scalar, that keep `${…}` in one piece while YAML is read.
///
/// `{ token: ${API_TOKEN} }` isn't YAML: inside braces a plain text ends at the next brace. People
/// write it all the same, and so does the documentation. So the characters of `${…}` that mean
/// something to YAML are replaced by private-use characters before parsing and put back after it.
/// Nothing gets longer or shorter, so every column stays right. What a variable *holds* is put in
/// later, by `Interpolation`, when YAML is done.
enum ConfigMarks {
    /// Stands for the first character of a name that was set twice; see `ConfigParser`.
    static let twice: Unicode.Scalar = "\u{E000}"

    private static let standIns: [Unicode.Scalar: Unicode.Scalar] = [
        "{": "\u{E001}", "}": "\u{E002}", "[": "\u{E003}", "]": "\u{E004}", ",": "\u{E005}",
        ":": "\u{E006}", "#": "\u{E007}", "&": "\u{E008}", "*": "\u{E009}", "?": "\u{E00A}",
    ]
    private static let originals = Dictionary(uniqueKeysWithValues: standIns.map { ($1, $0) })

    static func isMark(_ scalar: Unicode.Scalar) -> Bool { (0xE000...0xE00A).contains(scalar.value) }

    static func hide(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var hidden = text
        var index = 0
        while index + 1 < text.count {
            guard text[index] == "$", text[index + 1] == "{",
                let close = text[index...].firstIndex(where: { $0 == "}" || $0 == "\n" }), text[close] == "}"
            else {
                index += 1
                continue
            }
            for inside in (index + 1)...close { hidden[inside] = standIns[text[inside]] ?? text[inside] }
            index = close + 1
        }
        return hidden
    }

    static func show(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isMark) else { return text }
        var shown = String.UnicodeScalarView()
        shown.append(contentsOf: text.unicodeScalars.map { originals[$0] ?? $0 })
        return String(shown)
    }
}
