/// Keeps names that are lists or mappings from making a small file slow to parse.
///
/// The parser *hashes* names, and once more for each level around them: names within names cost the
/// square of their depth, and a name that is an alias of lists of aliases costs time without bound,
/// before we see a node. Such names are useless here. The test looks at characters alone and errs on
/// the safe side, so what only looks like such a name is refused in a file with aliases, and
/// beyond a few in any other.
enum NameGuard {
    private static let collectionsMax = 20

    /// Where an alias, list or mapping might stand as a name, when that's one too many; nil otherwise.
    static func collectionAsName(_ text: [Unicode.Scalar]) -> Place? {
        var allowed = hasToken("&", text) && hasToken("*", text) ? 0 : collectionsMax
        var line = 1
        var column = 1
        for index in text.indices {
            if isName(at: index, text) {
                if allowed == 0 { return Place(line: line, column: column) }
                allowed -= 1
            }
            if text[index] == "\n" { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        return nil
    }

    private static func isName(at index: Int, _ text: [Unicode.Scalar]) -> Bool {
        switch text[index] {
        case "]", "}":
            return isColon(after: index + 1, text)
        case "?":
            return beginsToken(index, text) && (index + 1 == text.count || isSpace(text[index + 1]))
        case "*":
            guard beginsToken(index, text) else { return false }
            var end = index + 1
            while end < text.count, isAnchorCharacter(text[end]) { end += 1 }
            return end > index + 1 && isColon(after: end, text)
        default: return false
        }
    }

    private static func hasToken(_ sign: Unicode.Scalar, _ text: [Unicode.Scalar]) -> Bool {
        text.indices.contains { index in
            text[index] == sign && beginsToken(index, text) && index + 1 < text.count
                && isAnchorCharacter(text[index + 1])
        }
    }

    private static func beginsToken(_ index: Int, _ text: [Unicode.Scalar]) -> Bool {
        index == 0 || isSpace(text[index - 1]) || "[{,:?-".unicodeScalars.contains(text[index - 1])
            || text[index - 1] == "\u{FEFF}"
    }

    private static func isColon(after index: Int, _ text: [Unicode.Scalar]) -> Bool {
        text[index...].first { $0 != " " && $0 != "\t" } == ":"
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        " \t\n\r\u{85}\u{2028}\u{2029}".unicodeScalars.contains(scalar)
    }

    private static func isAnchorCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: scalar.value > 127
        }
    }
}
