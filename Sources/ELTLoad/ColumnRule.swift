import ELTCore
import JSON

/// What a column does with a value (semantics, section 7: type change).
enum ColumnRule {
    enum Verdict: Equatable {
        case null
        case integer
        /// The value's text as it is.
        case text
        case boolean
        case timestamp
        case date
        /// The column must take this type first.
        case become(ColumnType)
        case refuse
    }

    static func verdict(for kind: JSONField.Kind, type: ColumnType?, isDeclared: Bool) -> Verdict {
        // Patterns and not `==`, here and in all that's done for each cell: it would be called through a table.
        if case .null = kind { return .null }
        guard let type else { return .become(natural(kind)) }
        return isDeclared ? declared(kind, type) : discovered(kind, type)
    }

    private static func natural(_ kind: JSONField.Kind) -> ColumnType {
        switch kind {
        case .integer: .integer
        case .number: .decimal
        case .boolean: .boolean
        case .object, .array: .json
        case .string, .null: .text
        }
    }

    /// Integers widen to decimals and both to text; anything else is another thing altogether.
    private static func discovered(_ kind: JSONField.Kind, _ type: ColumnType) -> Verdict {
        switch (type, kind) {
        case (.integer, .integer): .integer
        case (.integer, .number): .become(.decimal)
        case (.integer, .string), (.decimal, .string): .become(.text)
        case (.decimal, .integer), (.decimal, .number): .text
        case (.text, .string), (.text, .integer), (.text, .number): .text
        case (.boolean, .boolean): .boolean
        case (.json, .object), (.json, .array): .text
        default: .refuse
        }
    }

    /// A declared type is a promise to the readers of the table: nothing widens it.
    private static func declared(_ kind: JSONField.Kind, _ type: ColumnType) -> Verdict {
        switch (type, kind) {
        case (.text, _): .text
        case (.integer, .integer): .integer
        case (.decimal, .integer), (.decimal, .number): .text
        case (.boolean, .boolean): .boolean
        case (.timestamp, .string): .timestamp
        case (.date, .string): .date
        case (.json, _): .text
        default: .refuse
        }
    }

    /// Whether a field's name can be a column as it is: it must need no quoting in anybody's SQL.
    static func columnName(for field: UnsafeRawBufferPointer) -> String? {
        guard (1...63).contains(field.count), let first = field.first, isLetter(first),
            field.allSatisfy({ isLetter($0) || ($0 >= 48 && $0 <= 57) || $0 == 95 })
        else { return nil }
        let name = String(decoding: field, as: UTF8.self)
        // The history's own columns come first.
        return ["day", "changed"].contains(name.lowercased()) ? name + "_" : name
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 32) >= 97 && (byte | 32) <= 122 }
}
