import ELTCore

package enum TransformError: ELTError {
    case testsFailed([TestResult])
    case duplicateColumn(model: String, path: String, column: String)
    case schemaChanged(model: String, path: String)

    package var code: String {
        switch self {
        case .testsFailed: "tests.failed"
        case .duplicateColumn: "model.duplicate-column"
        case .schemaChanged: "model.schema-changed"
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
        case .schemaChanged(let model, let path):
            "\(path): the query of \(model) gives other columns than its table has, and on_schema_change is 'fail'."
        }
    }
    package var remedy: String {
        switch self {
        case .testsFailed:
            "The tables stand as they were published last; the raw data is loaded. See the rows with 'elt query', mend data or test, and run again."
        case .duplicateColumn: "Give one of them another name with AS."
        case .schemaChanged: "Run 'elt build --full-refresh --select' with the model's name."
        }
    }
}
