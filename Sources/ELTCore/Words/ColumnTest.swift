/// A data test of one column, as `elt.yml` and `schema.yml` name them.
package enum ColumnTest: Sendable, Equatable {
    case notNull
    case unique
    case acceptedValues([AcceptedValue])
    /// Every value is in column `field` of the model `to`.
    case relationships(to: String, field: String)

    /// The test as an item of a list in `schema.yml`.
    package var yaml: String {
        switch self {
        case .notNull: "not_null"
        case .unique: "unique"
        case .acceptedValues(let values):
            "{accepted_values: {values: [\(values.map(\.yaml).joined(separator: ", "))]}}"
        case .relationships(let to, let field):
            "{relationships: {to: \"ref('\(to)')\", field: \(field)}}"
        }
    }
}

/// A value that `accepted_values` allows.
package enum AcceptedValue: Sendable, Equatable {
    case text(String)
    /// Digits as they stand in the file, so that none is lost.
    case number(String)
    case boolean(Bool)

    /// The value in YAML; texts stand in single quotes.
    package var yaml: String {
        switch self {
        case .text(let text):
            "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "''") + "'"
        case .number(let digits): digits
        case .boolean(let value): value ? "true" : "false"
        }
    }
}
