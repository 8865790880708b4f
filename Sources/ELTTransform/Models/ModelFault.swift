/// What can be wrong with the models as a whole.
enum ModelFault: Equatable {
    case notText
    case python
    case badName(String)
    case reservedName(String, prefix: String)
    case twice(String, other: String)
    case unknownReference(String, known: [String])
    case disabledReference(String)
    case selfReference(String)
    case cycle([String])
    case unknownTable(entity: String, table: String)
    case thisOutside(String)
    case thisUnguarded
    case thisInTest
    case unplanned(String)
}

extension ModelFault: Fault {
    var code: String {
        switch self {
        case .notText, .python: "model.file"
        case .badName, .reservedName, .twice: "model.name"
        case .unknownReference, .disabledReference, .selfReference, .unplanned: "model.unknown-reference"
        case .cycle: "model.cycle"
        case .unknownTable: "model.unknown-source"
        case .thisOutside, .thisUnguarded, .thisInTest: "model.this"
        }
    }

    var problem: String {
        switch self {
        case .notText: "The file isn't UTF-8 text."
        case .python: "Models in Python aren't supported."
        case .badName(let name): "'\(name)' can't be a table's name."
        case .reservedName(let name, let prefix):
            "'\(name)' can't be a model's name: tables that begin with '\(prefix)' are elt's or SQLite's."
        case .twice(let name, let other): "There's another model '\(name)': \(other)."
        case .unknownReference(let name, _): "There's no model '\(name)'."
        case .disabledReference(let name): "The model '\(name)' is disabled."
        case .selfReference(let name): "The model '\(name)' refers to itself."
        case .cycle(let names): "Models read each other in a circle: \(names.joined(separator: " → "))."
        case .unknownTable(let entity, let table): "The entity '\(entity)' has no table '\(table)'."
        case .thisOutside(let kind): "'this' has no table to read: the model is \(kind)."
        case .thisUnguarded: "The first run reads 'this' before the table is there."
        case .thisInTest: "A test has no table of its own."
        case .unplanned(let name):
            "The run asks for the model '\(name)', which the check of the project didn't see."
        }
    }

    var remedy: String {
        switch self {
        case .notText: "Save it as UTF-8."
        case .python: "Write it as a SELECT in a .sql file."
        case .badName: "Name the file with a–z, 0–9 and _, beginning with a letter, such as orders.sql."
        case .reservedName: "Rename the file."
        case .twice: "Rename one of the two files."
        case .unknownReference(let name, let known): Nearest.advice(to: name, among: known, kind: "models")
        case .disabledReference: "Enable it, or remove the reference."
        case .selfReference: "Write {{ this }} for the model's own table."
        case .cycle: "Remove one of the references."
        case .unknownTable(_, let table):
            Nearest.advice(to: table, among: SourceName.tables, kind: "tables of an entity")
        case .thisOutside: "Set materialized='incremental', or read ref('…') of another model."
        case .thisUnguarded: "Put it into {% if is_incremental() %}…{% endif %}."
        case .thisInTest: "Write ref('model')."
        case .unplanned(let name): "Write ref('\(name)') out, so that it doesn't depend on the run."
        }
    }
}

/// What can be wrong with a schema file. The wording names keys as they stand in the file.
enum SchemaFault: Equatable {
    case yaml(String)
    case unknownKey(String, of: String, known: [String])
    case refusedKey(String, why: String, instead: String)
    case wrongKind(String, found: String, wanted: String)
    case missingKey(String, of: String)
    case version(String)
    case unknownModel(String, known: [String])
    case twice(String, other: FilePlace)
    case unknownColumn(String, model: String, known: [String])
    case unknownTest(String)
    case severity(String)
    case rawValue(String)
    case target(String)
    case testTwice(String, other: FilePlace?)
    case tooDeep
}

extension SchemaFault: Fault {
    static let testKinds = ["accepted_values", "not_null", "relationships", "unique"]

    var code: String {
        switch self {
        case .yaml, .tooDeep: "schema.yaml"
        case .unknownModel: "schema.unknown-model"
        case .unknownColumn: "schema.unknown-column"
        case .unknownTest: "schema.unknown-test"
        case .refusedKey: "schema.unsupported"
        case .unknownKey: "schema.unknown-key"
        case .twice, .testTwice: "schema.twice"
        case .wrongKind, .missingKey, .version, .severity, .rawValue, .target: "schema.value"
        }
    }

    var problem: String {
        switch self {
        case .yaml(let text): "The YAML can't be read: \(text)."
        case .unknownKey(let key, let owner, _): "There's no key '\(key)' in \(owner)."
        case .refusedKey(let key, let why, _): "'\(key)' isn't supported: \(why)."
        case .wrongKind(let key, let found, let wanted): "'\(key)' is \(found), not \(wanted)."
        case .missingKey(let key, let owner): "The key '\(key)' is missing in \(owner)."
        case .version(let found): "The version is \(found), not 2."
        case .unknownModel(let name, _): "There's no model '\(name)'."
        case .twice(let what, let other): "\(what.capitalizedFirst) is also described at \(other)."
        case .unknownColumn(let name, let model, _): "The model '\(model)' gives no column '\(name)'."
        case .unknownTest(let name): "There's no test '\(name)'."
        case .severity(let text): "The severity can't be '\(text)'."
        case .rawValue(let text): "With quote: false the value '\(text)' would be SQL."
        case .target(let text): "'\(text)' names no table."
        case .testTwice(let name, let other):
            "There's another test '\(name)'\(other.map { " at \($0)" } ?? "")."
        case .tooDeep: "The values are nested too deep."
        }
    }

    var remedy: String {
        switch self {
        case .yaml, .tooDeep: "Correct the file; docs/models.md has an example."
        case .unknownKey(let key, _, let known): Nearest.advice(to: key, among: known, kind: "keys")
        case .refusedKey(_, _, let instead): instead
        case .wrongKind: "Correct the value; docs/models.md has an example."
        case .missingKey(let key, _): "Add '\(key):'."
        case .version: "Write 'version: 2'."
        case .unknownModel(let name, let known): Nearest.advice(to: name, among: known, kind: "models")
        case .twice: "Put the two into one."
        case .unknownColumn(let name, _, let known): Nearest.advice(to: name, among: known, kind: "columns")
        case .unknownTest(let name):
            if let near = Nearest.name(to: name, among: Self.testKinds) {
                "Did you mean '\(near)'?"
            } else {
                "The tests are: \(Self.testKinds.joined(separator: ", ")). "
                    + "Any other rule is a SELECT of the failing rows in tests/."
            }
        case .severity: "Write 'error' or 'warn'."
        case .rawValue: "Write a number, or remove 'quote'."
        case .target: "Write ref('model') or source('entity', 'table')."
        case .testTwice: "Remove one of the two, or give it another 'name:'."
        }
    }
}
