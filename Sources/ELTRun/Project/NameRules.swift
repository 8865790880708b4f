import ELTCore

/// Which names are allowed. Each rule gives a complaint, or nil for a good name.
package enum NameRules {
    /// Entities and columns: they become parts of table and column names.
    package static func identifier(_ name: String) -> String? {
        let bytes = Array(name.utf8)
        guard let first = bytes.first else { return "it's empty" }
        if name.hasPrefix("_") { return "names that begin with '_' are the program's own" }
        for prefix in ["elt_", "sqlite_"] where name.lowercased().hasPrefix(prefix) {
            return "names that begin with '\(prefix)' are taken"
        }
        guard bytes.count <= 63 else { return "it has \(bytes.count) characters, at most 63 are allowed" }
        let isLetter = { (byte: UInt8) in (97...122).contains(byte) }
        guard isLetter(first), bytes.allSatisfy({ isLetter($0) || (48...57).contains($0) || $0 == 95 }) else {
            let lower = name.lowercased()
            let hint = lower != name && identifier(lower) == nil ? "; write '\(lower)'" : ""
            return "only a-z, 0-9 and '_' are allowed, and a letter first\(hint)"
        }
        return nil
    }

    /// Topics, by Kafka's own rule.
    static func topic(_ name: String) -> String? {
        guard !name.isEmpty else { return "it's empty" }
        guard name != ".", name != ".." else { return "Kafka forbids '.' and '..'" }
        guard name.utf8.count <= 249 else {
            return "it has \(name.utf8.count) characters, Kafka allows at most 249"
        }
        return isWord(name) ? nil : "Kafka allows only a-z, A-Z, 0-9, '.', '_' and '-'"
    }

    /// The project: it's part of the consumer group's name.
    static func project(_ name: String) -> String? {
        guard !name.isEmpty else { return "it's empty" }
        guard name.utf8.count <= 100 else {
            return "it has \(name.utf8.count) characters, at most 100 are allowed"
        }
        return isWord(name) ? nil : "only a-z, A-Z, 0-9, '.', '_' and '-' are allowed"
    }

    /// Variables of models and of the environment.
    static func variable(_ name: String) -> String? {
        let bytes = Array(name.utf8)
        let isLetter = { (byte: UInt8) in
            (97...122).contains(byte) || (65...90).contains(byte) || byte == 95
        }
        guard let first = bytes.first, isLetter(first),
            bytes.allSatisfy({ isLetter($0) || (48...57).contains($0) })
        else { return "only letters, digits and '_' are allowed, and no digit first" }
        return nil
    }

    /// Names of HTTP headers and query parameters: a token of RFC 9110.
    static func token(_ name: String) -> String? {
        let others = Set("!#$%&'*+-.^_`|~".utf8)
        let isGood = { (byte: UInt8) in isWordByte(byte) || others.contains(byte) }
        guard !name.isEmpty, name.utf8.allSatisfy(isGood) else {
            return "only letters, digits and !#$%&'*+-.^_`|~ are allowed"
        }
        return nil
    }

    private static func isWord(_ name: String) -> Bool { name.utf8.allSatisfy(isWordByte) }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
            || byte == 46 || byte == 95 || byte == 45
    }
}
