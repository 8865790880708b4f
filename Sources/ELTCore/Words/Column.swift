/// A column of an entity's raw tables.
package struct Column: Hashable, Sendable {
    /// Its name in SQL.
    package var name: String
    /// Its name in the record.
    package var field: String
    /// nil while only nulls have been seen.
    package var type: ColumnType?
    package var isDeclared: Bool

    package init(name: String, field: String, type: ColumnType?, isDeclared: Bool) {
        self.name = name
        self.field = field
        self.type = type
        self.isDeclared = isDeclared
    }
}

extension ColumnType {
    /// The type as tables declare it. Decimals are text, because text is exact.
    package var sqlName: String {
        switch self {
        case .integer, .boolean: "INTEGER"
        case .text, .decimal, .timestamp, .date, .json: "TEXT"
        }
    }
}

/// One value on its way into a table. Text is borrowed.
package struct Cell {
    package enum Kind: UInt8, Sendable { case null, integer, text }
    package var kind: Kind
    package var integer: Int64
    package var text: UnsafeRawBufferPointer

    @inlinable package init(kind: Kind, integer: Int64, text: UnsafeRawBufferPointer) {
        self.kind = kind
        self.integer = integer
        self.text = text
    }

    package static var null: Cell { Cell(kind: .null, integer: 0, text: UnsafeRawBufferPointer(start: nil, count: 0)) }
}
