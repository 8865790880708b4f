import ELTCore

/// The settings of one mapping, read by name and type.
///
/// Every accessor tells `faults` what's wrong and returns nil; reading goes on, so that one pass
/// finds everything. A setting that isn't there is nil without a fault, unless it's `required`.
struct ConfigFields {
    let node: ConfigNode
    let faults: ProjectFaults
    private let fields: [ConfigField]

    /// nil, with a fault, if `node` isn't a mapping. Names that aren't in `allowed` are faults.
    init?(_ node: ConfigNode, allowed: [String], _ faults: ProjectFaults) {
        guard let fields = Self.mapping(node, "a mapping", faults) else { return nil }
        self.node = node
        self.faults = faults
        self.fields = fields
        for field in fields where !allowed.contains(field.name) {
            faults.error(
                field.place,
                "unknown setting \(Wording.quoted(field.name)) in \(node.whereabouts)"
                    + "\(Wording.suggestion(field.name, among: allowed)). "
                    + "Allowed here: \(allowed.sorted().joined(separator: ", ")).")
        }
    }

    func has(_ name: String) -> Bool { fields.contains { $0.name == name } }

    func node(_ name: String) -> ConfigNode? { fields.first { $0.name == name }?.value }

    /// The setting, or a fault that says how to write it.
    func required(_ name: String, _ advice: String) -> ConfigNode? {
        if let node = node(name) { return node }
        faults.error(node.namePlace, "'\(name)' is missing in \(node.whereabouts); \(advice).")
        return nil
    }

    // MARK: Types

    /// The names and values of a mapping whose names are free.
    static func mapping(_ node: ConfigNode, _ expected: String, _ faults: ProjectFaults) -> [ConfigField]? {
        if case .mapping(let fields) = node.content { return fields }
        wrong(node, expected, faults)
        return nil
    }

    static func list(_ node: ConfigNode, _ expected: String, _ faults: ProjectFaults) -> [ConfigNode]? {
        if case .list(let items) = node.content { return items }
        wrong(node, expected, faults)
        return nil
    }

    /// A text with something in it.
    static func text(_ node: ConfigNode, _ expected: String, _ faults: ProjectFaults) -> ConfigText? {
        guard case .text(let text) = node.content else {
            wrong(node, expected, faults)
            return nil
        }
        guard !text.value.isEmpty else {
            faults.error(node.place, "\(node.path): expected \(expected), found an empty text.")
            return nil
        }
        return text
    }

    static func wrong(_ node: ConfigNode, _ expected: String, _ faults: ProjectFaults) {
        if case .unknown = node.content { return }
        let subject = node.path.isEmpty ? "" : "\(node.path): "
        faults.error(node.place, "\(subject)expected \(expected), found \(node.found).")
    }

    // MARK: Settings

    func text(_ name: String, _ expected: String = "a text") -> String? {
        node(name).flatMap { Self.text($0, expected, faults)?.value }
    }

    /// A value that `read` understands.
    func value<Value>(_ name: String, _ expected: String, _ read: (String) -> Value?) -> Value? {
        guard let node = node(name) else { return nil }
        return Self.value(node, expected, faults, read)
    }

    static func value<Value>(
        _ node: ConfigNode, _ expected: String, _ faults: ProjectFaults, _ read: (String) -> Value?
    ) -> Value? {
        guard let text = text(node, expected, faults) else { return nil }
        if let value = read(text.value) { return value }
        faults.error(node.place, "\(node.path): expected \(expected), found \(text.shown).")
        return nil
    }

    func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        value(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            Quantities.integer($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func duration(_ name: String, atLeast least: Duration) -> Duration? {
        let expected =
            "a duration such as 500ms, 30s, 5m or 2h"
            + (least == .zero ? "" : " of at least \(Self.text(of: least))")
        return value(name, expected) { Quantities.duration($0).flatMap { $0 >= least ? $0 : nil } }
    }

    func bytes(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        let expected =
            "a size such as 1MB or 16MiB, from \(range.lowerBound) to \(range.upperBound) bytes"
        return value(name, expected) { Quantities.bytes($0).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// One of an enumeration's words; the nearest is suggested.
    func word<Word>(_ name: String) -> Word?
    where Word: RawRepresentable & CaseIterable, Word.RawValue == String {
        guard let node = node(name) else { return nil }
        return Self.word(node, Word.allCases.map(\.rawValue), faults).flatMap(Word.init(rawValue:))
    }

    static func word(_ node: ConfigNode, _ words: [String], _ faults: ProjectFaults) -> String? {
        let expected = Wording.choice(words)
        guard let text = text(node, expected, faults) else { return nil }
        if words.contains(text.value) { return text.value }
        faults.error(
            node.place,
            "\(node.path): expected \(expected), found \(text.shown)"
                + "\(Wording.suggestion(text.value, among: words)).")
        return nil
    }

    /// A dotted path into a record or a body, such as `customer.id`.
    func path(_ name: String) -> [String]? {
        node(name).flatMap { Self.path($0, faults) }
    }

    static func path(_ node: ConfigNode, _ faults: ProjectFaults) -> [String]? {
        value(node, "a path such as id or customer.id", faults) { text in
            let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            let isGood =
                parts.count <= 16
                && parts.allSatisfy { part in
                    !part.isEmpty && part.first != " " && part.last != " "
                        && !part.unicodeScalars.contains { $0.properties.generalCategory == .control }
                }
            return isGood ? parts : nil
        }
    }

    private static func text(of duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
