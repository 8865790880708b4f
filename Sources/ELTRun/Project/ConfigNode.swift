/// A value of `elt.yml` with its place: what YAML says, after `${…}` was replaced.
struct ConfigNode {
    /// Where the value stands.
    var place: Place
    /// Where its name stands, for what's missing in it; the value's place in lists.
    var namePlace: Place
    /// Dotted names from the top, such as `entities.customer.key`; empty for the whole file.
    var path: String
    var content: Content

    indirect enum Content {
        /// `~`, `null`, or nothing at all.
        case nothing
        case text(ConfigText)
        case list([ConfigNode])
        case mapping([ConfigField])
        /// An error was told already; who reads this stays silent.
        case unknown
    }
}

struct ConfigText {
    var value: String
    /// Whether it stands in quotes or in a block: `"5"` is a text, `5` a number.
    var isQuoted: Bool
    /// Whether all of it stands in the file itself, and nothing came from the environment or a file.
    var isLiteral: Bool
    /// Whether some of it came from `${file:…}` and so is a secret wherever it stands.
    var isFromFile: Bool

    /// The value for messages.
    var shown: String { isFromFile ? "the text of that file" : Wording.quoted(value) }
}

struct ConfigField {
    var name: String
    var place: Place
    var value: ConfigNode
}

extension ConfigNode {
    /// What was found, for `expected …, found …`.
    var found: String {
        switch content {
        case .nothing: "nothing"
        case .text(let text): text.shown
        case .list: "a list"
        case .mapping: "a mapping"
        case .unknown: "an error"
        }
    }

    var isNothing: Bool {
        if case .nothing = content { true } else { false }
    }

    /// `in entities.customer`, or `in the project` for the whole file.
    var whereabouts: String { path.isEmpty ? "the project" : path }

    func appending(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
