import ELTCore

package enum TransformError: ELTError {
    case testsFailed([TestResult])
    case duplicateColumn(model: String, path: String, column: String)
    /// A setting names a column that the query doesn't give.
    case unknownColumn(model: String, path: String, column: String, setting: String)
    case schemaChanged(model: String, path: String)
    /// The database refuses a model's SQL.
    case modelSQL(model: String, place: FilePlace, reason: String)
    /// The database refuses a data test's SQL; without a place it's a test of a column in elt.yml.
    case testSQL(test: String, place: FilePlace?, reason: String)

    package var code: String {
        switch self {
        case .testsFailed: "tests.failed"
        case .duplicateColumn: "model.duplicate-column"
        case .unknownColumn: "model.unknown-column"
        case .schemaChanged: "model.schema-changed"
        case .modelSQL: "model.failed"
        case .testSQL: "test.failed"
        }
    }
    package var kind: ErrorKind { .data }
    package var problem: String {
        switch self {
        case .testsFailed(let tests):
            "\(tests.count) data \(tests.count == 1 ? "test" : "tests") failed: "
                + tests.map { "\($0.name) (\($0.failures) rows)" }.joined(separator: ", ") + "."
        case .duplicateColumn(let model, let path, let column):
            "\(path): the model \(model) gives two columns named \(column)."
        case .unknownColumn(let model, let path, let column, let setting):
            "\(path): the model \(model) has no column \(column), which its \(setting) names."
        case .modelSQL(let model, let place, let reason): "\(place): the model \(model) can't be run: \(reason)."
        case .testSQL(let test, let place, let reason):
            "\(place.map(\.description) ?? "elt.yml"): the data test \(test) can't be run: \(reason)."
        case .schemaChanged(let model, let path):
            "\(path): the query of \(model) gives other columns than its table has, and on_schema_change is 'fail'."
        }
    }
    package var remedy: String {
        switch self {
        case .modelSQL: "Mend the model's SQL and run 'elt build'. The tables stand as they were published last."
        case .testSQL: "Mend the test and run 'elt test'. The tables stand as they were published last."
        case .testsFailed:
            "The tables stand as they were published last; the raw data is loaded. See the rows with 'elt query', mend data or test, and run again."
        case .unknownColumn(_, _, _, let setting): "Name a column of the query in \(setting)."
        case .duplicateColumn: "Give one of them another name with AS."
        case .schemaChanged: "Run 'elt build --full-refresh --select' with the model's name."
        }
    }
}
