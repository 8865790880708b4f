/// Makes characters visible that would move the cursor, ring the bell or turn the text around.
///
/// Names and messages come from files, brokers and services. On a terminal an escape sequence in
/// one could rewrite what stands above it; in a log a line break could forge a second event.
package enum ConsoleEscape {
    /// The text on one line: every control character is written as `\n`, `\t` or `\u{1b}`.
    package static func line(_ text: String) -> String { escaped(text, keeping: []) }

    /// The text with its line breaks and tabs, everything else as in `line`.
    package static func block(_ text: String) -> String { escaped(text, keeping: ["\n", "\t", "\r\n"]) }

    private static func escaped(_ text: String, keeping kept: Set<Character>) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var safe = ""
        for character in text {
            if kept.contains(character) || !character.unicodeScalars.contains(where: isUnsafe) {
                safe.append(character)
                continue
            }
            for scalar in character.unicodeScalars {
                guard isUnsafe(scalar) else {
                    safe.unicodeScalars.append(scalar)
                    continue
                }
                switch scalar {
                case "\n": safe += "\\n"
                case "\r": safe += "\\r"
                case "\t": safe += "\\t"
                default: safe += "\\u{\(String(scalar.value, radix: 16))}"
                }
            }
        }
        return safe
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F: true
        // Line and paragraph separators; the marks that turn the reading direction around.
        case 0x2028...0x202E, 0x2066...0x2069, 0x200E, 0x200F, 0x061C, 0xFEFF: true
        default: false
        }
    }
}
