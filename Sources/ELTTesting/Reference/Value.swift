/// A cell of a table, as the reference and a warehouse can both say it.
package enum Value: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)

    /// Whether two cells mean the same. An integer and the text of its digits do: once a column has
    /// widened, it's the warehouse's affair which of the two its older rows hold.
    package func agrees(with other: Value) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.null, _), (_, .null): false
        default: description == other.description
        }
    }
}

extension Value: CustomStringConvertible {
    package var description: String {
        switch self {
        case .null: "null"
        case .integer(let number): String(number)
        case .text(let text): text
        }
    }
}
