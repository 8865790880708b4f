/// What can be wrong with the SQL that a template gives.
enum SQLFault: Error, Equatable {
    case empty
    case notSelect(String)
    case withoutSelect
    case severalStatements
    case openString, openName, openComment
    case unclosedParenthesis, strayParenthesis
    case parameter, cast, nul
    case clock(String, instead: String)
    case zone(String)
    case chance(String)
    case session(String)
    case bareTable(String)

    /// A fault and the byte of the SQL where it lies.
    struct Located: Error, Equatable {
        let fault: SQLFault
        let offset: Int
    }

    func at(_ offset: Int) -> Located { Located(fault: self, offset: offset) }
}

extension SQLFault: Fault {
    var code: String {
        switch self {
        case .clock, .zone, .chance, .session: "model.wall-clock"
        default: "model.sql"
        }
    }

    var problem: String {
        switch self {
        case .empty: "There's no SELECT here."
        case .notSelect(let word): "A model is one SELECT, but this begins with '\(word)'."
        case .withoutSelect: "After the WITH there's no SELECT."
        case .severalStatements: "A model is one SELECT, but after the ';' there's more."
        case .openString: "The SQL string is never closed."
        case .openName: "The quoted SQL name is never closed."
        case .openComment: "The SQL comment is never closed."
        case .unclosedParenthesis: "The '(' is never closed."
        case .strayParenthesis: "The ')' closes nothing."
        case .parameter: "SQL parameters like ?, :x, @x or $x have no value in a model."
        case .cast: "'::' isn't SQL here."
        case .nul: "The SQL has a NUL character."
        case .clock(let what, _):
            "\(what) reads the wall clock: a rebuild from the archive would give other rows."
        case .zone(let modifier):
            "'\(modifier)' depends on the time zone of the machine: elsewhere the rows would differ."
        case .chance(let function): "\(function) gives other rows each time."
        case .session(let function): "\(function) depends on the connection, not on the data."
        case .bareTable(let name): "'\(name)' is the bare name of a table: nothing tells that it must be built before this model."
        }
    }

    var remedy: String {
        switch self {
        case .empty, .notSelect, .withoutSelect: "Write one SELECT, or WITH … SELECT."
        case .severalStatements: "Remove the ';', or put the second SELECT into a model of its own."
        case .openString, .openName: "Add the closing quote."
        case .openComment: "Add '*/'."
        case .unclosedParenthesis: "Add ')'."
        case .strayParenthesis: "Remove it, or add '('."
        case .parameter: "Write the value, or {{ var('name') }}."
        case .cast: "Write CAST(x AS type)."
        case .nul: "Remove it."
        case .clock(_, let instead): "Use \(instead)."
        case .zone: "Use the column 'day', which is in the project's time zone, or '{{ run.today }}'."
        case .chance: "Remove it, or derive the value from the row's key."
        case .session: "Remove it."
        case .bareTable: "Write {{ ref('…') }} for a model, or {{ source('entity', 'stream') }} for raw rows."
        }
    }
}
