/// A value of an expression in a template.
package enum TemplateValue: Sendable, Equatable {
    case none
    case bool(Bool)
    case int(Int)
    case decimal(Double)
    case string(String)
    case list([TemplateValue])
    case dict(TemplateDictionary)

    /// A scalar of YAML or of `elt.yml`: whole numbers, decimals, `true` and `false` are what they look
    /// like, but only if they would be written the same again: `007` and `1.50` stay text.
    package init(scalar text: String) {
        switch text {
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        default:
            if let number = Int(text), String(number) == text {
                self = .int(number)
            } else if let number = Double(text), number.isFinite, "\(number)" == text {
                self = .decimal(number)
            } else {
                self = .string(text)
            }
        }
    }

    /// What an expression of this value prints; nil where printing it into SQL would be a mistake.
    var printed: String? {
        switch self {
        case .string(let text): text
        case .int(let number): String(number)
        case .decimal(let number): "\(number)"
        case .bool(let flag): flag ? "True" : "False"
        case .none, .list, .dict: nil
        }
    }

    /// What `{% if %}` makes of it, as in Python.
    var isTrue: Bool {
        switch self {
        case .none: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .decimal(let number): number != 0
        case .string(let text): !text.isEmpty
        case .list(let items): !items.isEmpty
        case .dict(let dictionary): !dictionary.entries.isEmpty
        }
    }

    /// The kind of value in words, with its article.
    var kind: String {
        switch self {
        case .none: "none"
        case .bool: "a boolean"
        case .int, .decimal: "a number"
        case .string: "a string"
        case .list: "a list"
        case .dict: "a dictionary"
        }
    }

    /// The value with its kind as one text, for digests.
    var canonical: String {
        switch self {
        case .none: "none"
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): "int \(number)"
        case .decimal(let number): "decimal \(number)"
        case .string(let text): "string \(text.utf8.count) \(text)"
        case .list(let items): "list \(items.count) " + items.map(\.canonical).joined(separator: ",")
        case .dict(let dictionary):
            "dict \(dictionary.entries.count) "
                + dictionary.entries.map { "\($0.key.utf8.count) \($0.key)=\($0.value.canonical)" }
                .joined(separator: ",")
        }
    }

    /// The value as SQL would write it; nil for lists and dictionaries.
    package var sqlLiteral: String? {
        switch self {
        case .none: "NULL"
        case .bool(let flag): flag ? "1" : "0"
        case .int(let number): String(number)
        case .decimal(let number): "\(number)"
        case .string(let text): SQLText.literal(text)
        case .list, .dict: nil
        }
    }
}

/// Names and values in the order they were written.
package struct TemplateDictionary: Sendable, Equatable {
    package var entries: [Entry]

    package struct Entry: Sendable, Equatable {
        package var key: String
        package var value: TemplateValue
        package init(key: String, value: TemplateValue) {
            self.key = key
            self.value = value
        }
    }

    package init(_ entries: [Entry] = []) { self.entries = entries }

    package subscript(key: String) -> TemplateValue? { entries.first { $0.key == key }?.value }

    /// Replaces the value of a known key in its place, as Python does.
    mutating func set(_ key: String, _ value: TemplateValue) {
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].value = value
        } else {
            entries.append(Entry(key: key, value: value))
        }
    }
}

extension TemplateValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}
