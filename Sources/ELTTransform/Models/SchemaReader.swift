import Yams

/// What schema files say about one model.
struct SchemaModel {
    let name: String
    let place: FilePlace
    var description: String?
    var config: [ConfigEntry] = []
    var columns: [SchemaColumn] = []
}

struct SchemaColumn {
    let declared: DeclaredColumn
    var tests: [SchemaTest] = []
}

/// What schema files say about an entity's tables.
package struct SourceDescription: Sendable {
    package struct Table: Sendable {
        package let name: String
        package let description: String?
        package let columns: [DeclaredColumn]
        let place: FilePlace
    }

    package let entity: String
    package let description: String?
    package let tables: [Table]
    let place: FilePlace
}

/// Reads the schema files, and collects everything that's wrong with them.
struct SchemaReader {
    private(set) var models: [String: SchemaModel] = [:]
    private(set) var sources: [SourceDescription] = []
    var issues: [ModelIssue] = []
    var path = ""

    private static let nothing = "nothing reads it"
    static let refused: [String: (why: String, instead: String)] = [
        "seeds": ("there are no seeds", "Write the rows as a model: SELECT … UNION ALL …"),
        "snapshots": ("there are no snapshots", "The history table keeps every day: see docs/models.md."),
        "macros": (nothing, "Write a comment into the macro's file."),
        "exposures": (nothing, "Remove it."), "metrics": (nothing, "Write a view."),
        "semantic_models": (nothing, "Write a view."), "groups": (nothing, "Use 'tags'."),
        "saved_queries": (nothing, "Write a view."), "analyses": (nothing, "Remove it."),
        "unit_tests": ("tests ask the finished tables", "Write a SELECT of the failing rows into tests/."),
        "tests": (
            "here it would test no column",
            "Put it under a column, or write a SELECT of the failing rows into tests/."
        ),
        "data_tests": (
            "here it would test no column",
            "Put it under a column, or write a SELECT of the failing rows into tests/."
        ),
        "constraints": ("columns follow the query", "Write tests instead."),
        "versions": ("models have no versions", "Write a second model."),
        "latest_version": ("models have no versions", "Remove it."),
        "meta": (nothing, "Use 'tags' or 'description'."), "docs": (nothing, "Use 'description'."),
        "access": ("a SQLite file has no users", "Remove it."), "group": (nothing, "Use 'tags'."),
        "quote": ("names are always quoted", "Remove it."),
        "freshness": ("elt measures it itself", "See 'elt status'."),
        "loaded_at_field": ("elt measures freshness itself", "See 'elt status'."),
        "identifier": ("sources have their names from elt.yml", "Remove it."),
        "schema": ("there's one warehouse with one schema", "Remove it."),
        "database": ("there's one warehouse with one schema", "Remove it."),
    ]

    mutating func read(_ file: ModelFiles.File) {
        path = file.path
        let node: Node?
        do {
            node = try Yams.compose(yaml: file.text)
        } catch {
            return report(.yaml(Self.text(of: error)), place(of: error))
        }
        // A file with nothing but comments says nothing.
        guard let node, !isNull(node) else { return }
        for (key, value) in pairs(node, "the file", ["models", "sources", "version"]) {
            switch key.text {
            case "version":
                if scalar(value) != .int(2) { report(.version(scalarText(value)), place(value)) }
            case "models": for entry in list(value, "models") { model(entry) }
            case "sources": for entry in list(value, "sources") { source(entry) }
            default: break
            }
        }
    }

    // MARK: Models

    private mutating func model(_ node: Node) {
        let known = ["columns", "config", "description", "name"]
        let pairs = pairs(node, "a model", known)
        guard let name = name(pairs, "a model", node) else { return }
        let place = place(node)
        if let other = models[name] {
            return report(.twice("the model '\(name)'", other: other.place), place)
        }
        var model = SchemaModel(name: name, place: place)
        for (key, value) in pairs {
            switch key.text {
            case "description": model.description = text(value, "description")
            case "config": model.config += config(value)
            case "columns":
                var seen: [String: FilePlace] = [:]
                for entry in list(value, "columns") {
                    guard let column = column(entry, model: name) else { continue }
                    let place = column.declared.place
                    if let other = seen.updateValue(place, forKey: column.declared.name.lowercased()) {
                        report(.twice("the column '\(column.declared.name)'", other: other), place)
                    } else {
                        model.columns.append(column)
                    }
                }
            default: break
            }
        }
        models[name] = model
    }

    private mutating func config(_ node: Node) -> [ConfigEntry] {
        guard case .mapping(let mapping) = node else {
            report(.wrongKind("config", found: kind(node), wanted: "a mapping"), place(node))
            return []
        }
        return mapping.compactMap { key, value in
            guard let name = key.string else { return nil }
            guard let converted = self.value(value, depth: 8) else {
                report(.tooDeep, place(value))
                return nil
            }
            return ConfigEntry(key: name, value: converted, place: place(key))
        }
    }

    private mutating func column(_ node: Node, model: String) -> SchemaColumn? {
        let known = ["data_tests", "data_type", "description", "name", "tests"]
        // Under a column tests are what they should be.
        let pairs = pairs(node, "a column", known)
        guard let name = name(pairs, "a column", node) else { return nil }
        var (description, dataType): (String?, String?)
        var tests: [SchemaTest] = []
        for (key, value) in pairs {
            switch key.text {
            case "description": description = text(value, "description")
            case "data_type": dataType = text(value, "data_type")
            case "tests", "data_tests":
                for entry in list(value, key.text) { if let test = test(entry) { tests.append(test) } }
            default: break
            }
        }
        let declared = DeclaredColumn(
            name: name, description: description, dataType: dataType, place: place(node))
        return SchemaColumn(declared: declared, tests: tests)
    }

    // MARK: Sources

    private mutating func source(_ node: Node) {
        let pairs = pairs(node, "a source", ["description", "name", "tables"])
        guard let entity = name(pairs, "a source", node) else { return }
        if let other = sources.first(where: { $0.entity == entity }) {
            return report(.twice("the source '\(entity)'", other: other.place), place(node))
        }
        var description: String?
        var tables: [SourceDescription.Table] = []
        for (key, value) in pairs {
            if key.text == "description" { description = text(value, "description") }
            guard key.text == "tables" else { continue }
            for entry in list(value, "tables") { if let table = table(entry) { tables.append(table) } }
        }
        sources.append(
            SourceDescription(entity: entity, description: description, tables: tables, place: place(node)))
    }

    private mutating func table(_ node: Node) -> SourceDescription.Table? {
        let pairs = pairs(node, "a table", ["columns", "description", "name"])
        guard let name = name(pairs, "a table", node) else { return nil }
        var description: String?
        var columns: [DeclaredColumn] = []
        for (key, value) in pairs {
            if key.text == "description" { description = text(value, "description") }
            guard key.text == "columns" else { continue }
            for entry in list(value, "columns") {
                guard let column = column(entry, model: name) else { continue }
                if let test = column.tests.first {
                    let why = "raw tables are what was sent"
                    report(
                        .refusedKey("tests", why: why, instead: "Test a model that reads the source."),
                        test.place)
                }
                columns.append(column.declared)
            }
        }
        return .init(name: name, description: description, columns: columns, place: place(node))
    }
}
