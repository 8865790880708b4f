/// Keeps aliases from making a small file huge while it's parsed.
///
/// The parser shares what an alias repeats, and our own walk counts nodes. But it *hashes* names,
/// and a name that is an alias of lists of aliases costs time without bound before we see a node.
/// Such names are useless here, so a file with aliases that might have one is refused. The test
/// looks at characters alone and errs on the safe side.
enum AliasGuard {
    /// Where an alias, list or mapping might stand as a name in a file with aliases; nil if nowhere.
    static func collectionAsName(_ text: [Unicode.Scalar]) -> Place? {
        guard hasToken("&", text), hasToken("*", text) else { return nil }
        var line = 1
        var column = 1
        for index in text.indices {
            if isName(at: index, text) { return Place(line: line, column: column) }
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
