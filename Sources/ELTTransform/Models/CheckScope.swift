/// A run that never happens: it answers everything, so that a template can be looked at.
struct CheckScope: TemplateScope {
    let name: String
    let variables: [String: TemplateValue]
    let isIncremental: Bool

    func ref(_ model: String) -> String { relation(model) }
    func source(_ entity: String, _ table: String) -> String { relation("\(entity)_\(table)") }
    var this: String { relation(name) }
    private func relation(_ name: String) -> String { SQLText.name(BareTable.knownPrefix + name) }
    func variable(_ name: String) -> TemplateValue? { variables[name] }
    func columns(_ entity: String) -> String { SQLText.name("column") }
    // Two runs, two times: what differs between them depends on the run.
    var runNow: String { isIncremental ? "2026-11-20T09:30:00.123Z" : "2001-02-03T04:05:06.789Z" }
    var runToday: String { isIncremental ? "2026-11-20" : "2001-02-03" }
    var isFullRefresh: Bool { !isIncremental }
}

/// A template looked at from all sides, before any database is there.
struct TemplateCheck {
    private(set) var issues: [ModelIssue] = []
    /// The settings of its `config(…)` calls.
    private(set) var configs: [ConfigEntry] = []
    private(set) var uses: [StaticUses.Placed] = []
    /// What the render of a first run used: there `this` isn't there yet.
    private(set) var firstUses: [StaticUses.Placed] = []
    let usedMacros: [Macro]

    private let first: Rendered?
    private let later: Rendered?

    init(_ template: Template, name: String, macros: MacroLibrary, variables: [String: TemplateValue]) {
        usedMacros = macros.used(by: template.body)
        uses = StaticUses(template.body).uses + usedMacros.flatMap { StaticUses($0.body).uses }
        issues = macros.unknownCalls(in: template.body)
        var found: [ModelIssue] = []
        func rendered(_ isIncremental: Bool) -> Rendered? {
            let scope = CheckScope(name: name, variables: variables, isIncremental: isIncremental)
            do throws(ModelIssue) {
                return try Renderer.render(template, scope, macros)
            } catch {
                found.append(error)
                return nil
            }
        }
        first = rendered(false)
        later = rendered(true)
        issues += found
        configs = first?.configs ?? later?.configs ?? []
        firstUses = first?.uses ?? []
        uses += firstUses + (later?.uses ?? [])
        checkConfigs()
    }

    private mutating func checkConfigs() {
        guard let first, let later else { return }
        for (entry, other) in [(first, later), (later, first)].flatMap({ a, b in
            a.configs.map { ($0, b.configs) }
        }) where !other.contains(where: { $0.key == entry.key && $0.value == entry.value }) {
            issues.append(ModelIssue(ConfigFault.notConstant(entry.key), at: entry.place))
        }
    }

    /// Adds what's wrong with the SQL. Only an incremental model is ever rendered for a later run.
    /// A data test runs after all models, and may name any table.
    mutating func checkSQL(isIncremental: Bool, isTest: Bool = false) {
        for rendered in [first, isIncremental ? later : nil] {
            guard let rendered else { continue }
            do throws(ModelIssue) {
                _ = try rendered.select()
                guard let statement = try? SelectStatement(rendered.text) else { continue }
                if !isTest, let found = BareTable.fault(in: statement.tokens) {
                    issues.append(ModelIssue(found.fault, at: rendered.place(of: found.offset)))
                }
            } catch {
                issues.append(error)
            }
        }
    }

    /// Adds what would make a row depend on several keys, as far as the outermost SELECT shows it.
    /// Subqueries are let through: they may well go over a list inside of one record.
    mutating func checkOneKey() {
        for rendered in [first, later] {
            guard let rendered, let statement = try? SelectStatement(rendered.text),
                let found = statement.acrossRows
            else { continue }
            let fault = ConfigFault.byKeyAcross(found.text.uppercased())
            issues.append(ModelIssue(fault, at: rendered.place(of: found.range.lowerBound)))
        }
    }

    /// Adds names of models, entities and tables that aren't there.
    mutating func checkNames(_ names: KnownNames, self name: String?) {
        for placed in uses {
            let fault: (any Fault)? =
                switch placed.use {
                case .ref(let model) where model == name: ModelFault.selfReference(model)
                case .ref(let model): names.fault(ofModel: model)
                case .source(let source): names.fault(of: source)
                case .columns(let entity): names.fault(ofEntity: entity)
                case .variable, .this, .run, .incremental: nil
                }
            if let fault { issues.append(ModelIssue(fault, at: placed.place.file)) }
        }
    }

    mutating func add(_ issue: ModelIssue) { issues.append(issue) }

    var references: Set<String> {
        Set(uses.compactMap { if case .ref(let name) = $0.use { name } else { nil } })
    }
    var sources: Set<SourceName> {
        Set(uses.compactMap { if case .source(let name) = $0.use { name } else { nil } })
    }
    var columnsOf: Set<String> {
        Set(uses.compactMap { if case .columns(let name) = $0.use { name } else { nil } })
    }
    var variables: Set<String> {
        Set(uses.compactMap { if case .variable(let name) = $0.use { name } else { nil } })
    }
    func firstUse(of use: Use) -> FilePlace? { uses.first { $0.use == use }?.place.file }
}

/// What templates may name.
struct KnownNames {
    let models: Set<String>
    let disabled: Set<String>
    let entities: [String]

    func fault(ofModel name: String) -> (any Fault)? {
        if models.contains(name) { return nil }
        return disabled.contains(name)
            ? ModelFault.disabledReference(name) : ModelFault.unknownReference(name, known: models.sorted())
    }

    func fault(ofEntity name: String) -> (any Fault)? {
        entities.contains(name) ? nil : ConfigFault.unknownEntity(name, known: entities)
    }

    func fault(of source: SourceName) -> (any Fault)? {
        if let fault = fault(ofEntity: source.entity) { return fault }
        if SourceName.tables.contains(source.table) { return nil }
        return ModelFault.unknownTable(entity: source.entity, table: source.table)
    }
}
