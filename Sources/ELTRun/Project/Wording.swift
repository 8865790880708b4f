/// How names and values look in messages about `elt.yml`.
enum Wording {
    private static let lengthMax = 60

    /// A text in quotes: cut where it's long, control characters made visible.
    static func quoted(_ text: String) -> String {
        var shown = "'"
        for (index, scalar) in text.unicodeScalars.enumerated() {
            if index == lengthMax {
                shown += "…"
                break
            }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown + "'"
    }

    /// `a, b or c`.
    static func choice(_ names: [String]) -> String {
        guard let last = names.last else { return "nothing" }
        return names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " or " + last
    }

    /// ` (did you mean 'x'?)`, or nothing.
    static func suggestion(_ name: String, among names: some Sequence<String>) -> String {
        NearestName.of(name, among: names).map { " (did you mean '\($0)'?)" } ?? ""
    }
}
