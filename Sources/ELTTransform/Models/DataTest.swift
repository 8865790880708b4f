/// A question about the data whose answer should be no rows.
package struct DataTest: Sendable {
    package enum Severity: String, CaseIterable, Sendable {
        /// A failure keeps the run from publishing.
        case error
        /// A failure is told and nothing else.
        case warn
    }

    package enum Kind: Sendable, Equatable {
        case notNull
        /// Values that are there more than once; with `per`, more than once for one value of that column.
        case unique(per: String?)
        /// Values that aren't in the list of SQL literals.
        case acceptedValues([String])
        /// Values that aren't in a column of another table.
        case relationships(to: Target, field: String)
        /// A SELECT of the failing rows, from a file in `tests/`.
        case singular

        /// A test that needs no arguments, by its name in `schema.yml` and `elt.yml`.
        package init?(plain name: String) {
            switch name {
            case "not_null": self = .notNull
            case "unique": self = .unique(per: nil)
            default: return nil
            }
        }

        /// The name in `schema.yml`.
        package var word: String {
            switch self {
            case .notNull: "not_null"
            case .unique: "unique"
            case .acceptedValues: "accepted_values"
            case .relationships: "relationships"
            case .singular: "singular"
            }
        }
    }

    package enum Target: Sendable, Equatable {
        case model(String)
        case source(SourceName)
    }

    package let name: String
    /// The model that's tested; nil for a singular test.
    package let model: String?
    package let column: String?
    package let kind: Kind
    package let severity: Severity
    /// The condition of rows that count, as it was written.
    package let condition: String?
    /// The columns that identify a failing row in samples.
    package let keys: [String]
    package let description: String?
    /// The models that it reads.
    package let references: Set<String>
    package let sources: Set<SourceName>
    /// Where it's declared.
    package let place: FilePlace?

    private let template: Template?
    private let macros: MacroLibrary

    /// A test of one column, for `schema.yml` and for the columns that `elt.yml` declares.
    ///
    /// `keys` are shown as samples of failing rows: for a test of the whole row's identity they say more
    /// than the value, and unlike the value they are no payload.
    package init(
        model: String, column: String, kind: Kind, severity: Severity = .error, name: String? = nil,
        keys: [String] = [], place: FilePlace? = nil
    ) {
        self.init(
            model: model, column: column, kind: kind, severity: severity, name: name, keys: keys,
            description: nil, condition: nil, template: nil, macros: MacroLibrary(), place: place)
    }

    init(
        model: String, column: String, kind: Kind, severity: Severity, name: String?, keys: [String],
        description: String?, condition: String?, template: Template?, macros: MacroLibrary, place: FilePlace?
    ) {
        self.name = name ?? "\(kind.word)_\(model)_\(column)"
        self.model = model
        self.column = column
        self.kind = kind
        self.severity = severity
        self.condition = condition
        self.keys = keys
        self.description = description
        self.place = place
        self.template = template
        self.macros = macros
        var references: Set = [model]
        var sources: Set<SourceName> = []
        if case .relationships(let target, _) = kind {
            switch target {
            case .model(let name): references.insert(name)
            case .source(let name): sources.insert(name)
            }
        }
        self.references = references
        self.sources = sources
    }

    init(
        singular name: String, template: Template, macros: MacroLibrary, severity: Severity,
        description: String?, references: Set<String>, sources: Set<SourceName>, place: FilePlace
    ) {
        self.name = name
        self.model = nil
        self.column = nil
        self.kind = .singular
        self.severity = severity
        self.condition = nil
        self.keys = []
        self.description = description
        self.references = references
        self.sources = sources
        self.place = place
        self.template = template
        self.macros = macros
    }

    /// The two questions of a test.
    package struct Query: Sendable, Equatable {
        /// One row with one column: how many rows (for `unique`: values) fail.
        package let count: String
        /// Up to ten rows, whose first column identifies a failing row.
        package let samples: String
    }

    package static let samplesMost = 10

    /// The test's SQL for one run.
    package func query(_ scope: some TemplateScope) throws(ModelError) -> Query {
        do {
            let failing = try failing(scope)
            return Query(
                count: "\(Self.countHead)\(failing)) AS failing",
                samples: "SELECT * FROM (\(failing)) AS failing ORDER BY 1 LIMIT \(Self.samplesMost)")
        } catch {
            throw .render(error)
        }
    }

    /// The place in a singular test's file of a byte of `Query.count`; of other tests, where they're declared.
    func place(of offset: Int?, _ scope: some TemplateScope) -> FilePlace? {
        guard kind == .singular, let template, let offset else { return place }
        guard let rendered = try? Renderer.render(template, scope, macros),
            let statement = try? SelectStatement(rendered.text)
        else { return place }
        let inside = offset - Self.countHead.utf8.count
        return (0..<statement.sql.utf8.count).contains(inside) ? rendered.place(of: statement.start + inside) : place
    }

    private static let countHead = "SELECT count(*) FROM ("

    /// A SELECT of the failing rows. Names are qualified everywhere: SQLite reads a bare `"name"`
    /// that isn't a column as a text, and the test would never fail.
    private func failing(_ scope: some TemplateScope) throws(ModelIssue) -> String {
        guard let model, let column else { return try singular(scope) }
        let value = "tested.\(SQLText.name(column))"
        let rows = try rows(of: model, scope)
        switch kind {
        case .notNull:
            return "SELECT \(sample(or: "NULL")) AS sample FROM \(rows) AS tested WHERE \(value) IS NULL"
        case .unique(let per):
            let group = per.map { "tested.\(SQLText.name($0)), " } ?? ""
            return "SELECT CAST(\(value) AS TEXT) AS sample FROM \(rows) AS tested "
                + "WHERE \(value) IS NOT NULL GROUP BY \(group)\(value) HAVING count(*) > 1"
        case .acceptedValues(let literals):
            return "SELECT \(sample(or: "CAST(\(value) AS TEXT)")) AS sample FROM \(rows) AS tested "
                + "WHERE \(value) NOT IN (\(literals.joined(separator: ", ")))"
        case .relationships(let target, let field):
            let parent = "parent.\(SQLText.name(field))"
            return "SELECT \(sample(or: "CAST(\(value) AS TEXT)")) AS sample FROM \(rows) AS tested "
                + "WHERE \(value) IS NOT NULL AND \(value) NOT IN (SELECT \(parent) "
                + "FROM \(try relation(target, scope)) AS parent WHERE \(parent) IS NOT NULL)"
        case .singular: return try singular(scope)
        }
    }

    private func sample(or standard: String) -> String {
        guard !keys.isEmpty else { return standard }
        return keys.map { "coalesce(CAST(tested.\(SQLText.name($0)) AS TEXT), 'NULL')" }
            .joined(separator: " || ', ' || ")
    }

    private func relation(_ target: Target, _ scope: some TemplateScope) throws(ModelIssue) -> String {
        try ModelIssue.typed {
            switch target {
            case .model(let name): try scope.ref(name)
            case .source(let name): try scope.source(name.entity, name.table)
            }
        }
    }

    private func rows(of model: String, _ scope: some TemplateScope) throws(ModelIssue) -> String {
        let table = try relation(.model(model), scope)
        guard let condition = try rendered(scope) else { return table }
        return "(SELECT * FROM \(table) WHERE (\(condition)))"
    }

    /// The condition for one run. It stands inside of YAML, so its place is the test's.
    func rendered(_ scope: some TemplateScope) throws(ModelIssue) -> String? {
        guard let template, condition != nil else { return nil }
        do throws(ModelIssue) {
            let text = try Renderer.render(template, scope, macros).text
            do throws(SQLFault.Located) {
                return try SQLCondition(text).sql
            } catch {
                throw ModelIssue(error.fault, at: place)
            }
        } catch {
            throw ModelIssue(code: error.code, place: place, problem: error.problem, remedy: error.remedy)
        }
    }

    private func singular(_ scope: some TemplateScope) throws(ModelIssue) -> String {
        guard let template else { return "SELECT NULL WHERE 0" }
        return try Renderer.render(template, scope, macros).select()
    }

    /// What can be said against the test before there's data.
    func issues(_ names: KnownNames, _ variables: [String: TemplateValue]) -> [ModelIssue] {
        var issues: [ModelIssue] = []
        if case .relationships(let target, _) = kind {
            let fault =
                switch target {
                case .model(let name): names.fault(ofModel: name)
                case .source(let name): names.fault(of: name)
                }
            if let fault { issues.append(ModelIssue(fault, at: place)) }
        }
        let scope = CheckScope(name: model ?? name, variables: variables, isIncremental: false)
        do throws(ModelIssue) {
            _ = try rendered(scope)
        } catch {
            issues.append(error)
        }
        return issues
    }
}

/// What `config(…)` says in a singular test.
struct SingularSettings {
    private(set) var severity = DataTest.Severity.error
    private(set) var isEnabled = true
    private(set) var description: String?
    private(set) var issues: [ModelIssue] = []

    init(_ entries: [ConfigEntry]) {
        for entry in entries {
            switch (entry.key, entry.value) {
            case ("severity", .string(let text)):
                if let severity = DataTest.Severity(rawValue: text.lowercased()) {
                    self.severity = severity
                } else {
                    issues.append(ModelIssue(SchemaFault.severity(text), at: entry.place))
                }
            case ("enabled", .bool(let flag)): isEnabled = flag
            case ("description", .string(let text)): description = text
            case ("severity", _), ("description", _):
                let fault = ConfigFault.value(entry.key, found: entry.value.kind, wanted: "a text")
                issues.append(ModelIssue(fault, at: entry.place))
            case ("enabled", _):
                let fault = ConfigFault.value(entry.key, found: entry.value.kind, wanted: "true or false")
                issues.append(ModelIssue(fault, at: entry.place))
            default:
                let known = ["description", "enabled", "severity"]
                issues.append(ModelIssue(ConfigFault.unknown(entry.key, known: known), at: entry.place))
            }
        }
    }
}
