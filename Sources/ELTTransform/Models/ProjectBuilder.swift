/// Puts a project together and collects everything that's wrong with it.
struct ProjectBuilder {
    private let files: ModelFiles
    private let entities: [String]
    private let variables: [String: TemplateValue]
    private let limits = TemplateLimits()
    private(set) var issues: [ModelIssue]
    private var macros = MacroLibrary()

    struct Built {
        var models: [Model] = []
        var tests: [DataTest] = []
        var sources: [SourceDescription] = []
    }

    /// A model's file before the others are known.
    private struct Draft {
        let file: ModelFiles.File
        let template: Template
        var check: TemplateCheck
        var reader: ConfigReader
        let described: SchemaModel?
    }

    init(_ files: ModelFiles, entities: [String], variables: [String: TemplateValue]) {
        self.files = files
        self.entities = entities.sorted()
        self.variables = variables
        issues = files.issues
    }

    mutating func build() -> Built {
        for file in files.macros {
            issues += macros.read(SourceText(path: file.path, text: file.text), limits: limits)
        }
        for macro in macros.names.compactMap({ macros[$0] }) { issues += macros.unknownCalls(in: macro.body) }

        var schema = SchemaReader()
        for file in files.schemas { schema.read(file) }
        issues += schema.issues

        var drafts: [String: Draft] = [:]
        let named = namedFiles()
        for (name, file) in named {
            drafts[name] = draft(name, file, described: schema.models[name])
        }
        let enabled = drafts.filter { $0.value.reader.config.enabled }
        // A model that can't be read is still there: references to it aren't wrong.
        let disabled = Set(drafts.keys).subtracting(enabled.keys)
        let names = KnownNames(
            models: Set(named.keys).subtracting(disabled), disabled: disabled, entities: entities)

        var built = Built(sources: schema.sources)
        check(schema, names)
        let order = order(enabled.mapValues { $0.check.references })
        for name in order {
            guard let draft = enabled[name] else { continue }
            built.models.append(model(name, draft, names))
        }
        built.tests = tests(of: built.models, schema, names)
        return built
    }

    // MARK: Models

    /// The files by the names of their models; what can't be a model is reported.
    private mutating func namedFiles() -> [String: ModelFiles.File] {
        var named: [String: ModelFiles.File] = [:]
        var lowercased: [String: String] = [:]
        for file in files.models {
            let name = file.stem
            let place = FilePlace(path: file.path)
            let reserved = ["elt_", "raw_", "sqlite_"].first { name.lowercased().hasPrefix($0) }
            if !Self.isName(name) {
                issues.append(ModelIssue(ModelFault.badName(name), at: place))
            } else if let reserved {
                issues.append(ModelIssue(ModelFault.reservedName(name, prefix: reserved), at: place))
            } else if let other = lowercased.updateValue(file.path, forKey: name.lowercased()) {
                issues.append(ModelIssue(ModelFault.twice(name, other: other), at: place))
            } else {
                named[name] = file
            }
        }
        return named
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first.isNameStart, name.utf8.count <= 128 else { return false }
        return name.utf8.allSatisfy(\.isNamePart)
    }

    private mutating func draft(_ name: String, _ file: ModelFiles.File, described: SchemaModel?) -> Draft? {
        do throws(ModelIssue) {
            let source = SourceText(path: file.path, text: file.text)
            let template = try Template(source, limits: limits)
            let check = TemplateCheck(template, name: name, macros: macros, variables: variables)
            let reader = ConfigReader(
                (described?.config ?? []) + check.configs,
                file: FilePlace(path: file.path, line: 1, column: 1))
            return Draft(
                file: file, template: template, check: check, reader: reader, described: described)
        } catch {
            issues.append(error)
            return nil
        }
    }

    private mutating func order(_ references: [String: Set<String>]) -> [String] {
        // A model that reads itself is told so; here it isn't a circle.
        let graph = ModelGraph(
            Dictionary(uniqueKeysWithValues: references.map { ($0.key, $0.value.subtracting([$0.key])) }))
        if let cycle = graph.cycle() {
            let path = files.models.first { $0.stem == cycle[0] }?.path ?? cycle[0]
            issues.append(ModelIssue(ModelFault.cycle(cycle), at: FilePlace(path: path)))
        }
        return graph.order()
    }

    private mutating func model(_ name: String, _ draft: Draft, _ names: KnownNames) -> Model {
        var check = draft.check
        let config = draft.reader.config
        check.checkSQL(isIncremental: config.materialized == .incremental)
        check.checkNames(names, self: name)
        checkThis(&check, config)
        checkByKey(&check, draft, names)
        issues += check.issues + draft.reader.issues
        return Model(
            name: name, path: draft.file.path, config: config, references: check.references,
            sources: check.sources, columnsOf: check.columnsOf,
            usesThis: check.uses.contains { $0.use == .this },
            usesRun: check.uses.contains { $0.use == .run }, digest: digest(draft),
            description: draft.described?.description ?? config.description,
            columns: draft.described?.columns.map(\.declared) ?? [], template: draft.template, macros: macros)
    }

    private func digest(_ draft: Draft) -> String {
        var digest = Digest()
        digest.add(String(decoding: draft.template.source.bytes, as: UTF8.self))
        digest.add(draft.reader.config.canonical)
        for macro in draft.check.usedMacros { digest.add(macro.text) }
        for name in draft.check.variables.sorted() {
            digest.add(name)
            digest.add(variables[name]?.canonical ?? "")
        }
        return digest.text
    }

    private func checkThis(_ check: inout TemplateCheck, _ config: ModelConfig) {
        guard let place = check.firstUses.first(where: { $0.use == .this })?.place.file else { return }
        let fault: ModelFault =
            switch config.materialized {
            case .view: .thisOutside("a view")
            case .table: .thisOutside("a table that every run builds anew")
            case .incremental: .thisUnguarded
            }
        check.add(ModelIssue(fault, at: place))
    }

    /// A run evaluates such a model for the keys that changed, so nothing else may decide its rows.
    private func checkByKey(_ check: inout TemplateCheck, _ draft: Draft, _ names: KnownNames) {
        guard let entity = draft.reader.config.byKey else { return }
        let place = draft.reader.place(of: "by_key")
        if let fault = names.fault(ofEntity: entity) { return check.add(ModelIssue(fault, at: place)) }
        let table = draft.reader.config.strategy == .insertOverwrite ? "daily_winners" : "winners"
        let winners = SourceName(entity: entity, table: table)
        if !check.sources.contains(winners) {
            check.add(ModelIssue(ConfigFault.byKeyWithout(entity: entity, table: table), at: place))
        }
        check.checkOneKey()
        for placed in check.uses {
            let fault: ConfigFault? =
                switch placed.use {
                case .source(let source) where source != winners:
                    .byKeyReads(source.description, entity: entity)
                case .ref(let model): .byKeyReads("ref('\(model)')", entity: entity)
                case .run: .byKeyRun
                case .incremental: .byKeyIncremental
                default: nil
                }
            if let fault { check.add(ModelIssue(fault, at: placed.place.file)) }
        }
    }

    // MARK: Tests

    private mutating func check(_ schema: SchemaReader, _ names: KnownNames) {
        for described in schema.models.values
        where !names.models.contains(described.name) && !names.disabled.contains(described.name) {
            let fault = SchemaFault.unknownModel(described.name, known: names.models.sorted())
            issues.append(ModelIssue(fault, at: described.place))
        }
        for source in schema.sources {
            if let fault = names.fault(ofEntity: source.entity) {
                issues.append(ModelIssue(fault, at: source.place))
                continue
            }
            for table in source.tables {
                let name = SourceName(entity: source.entity, table: table.name)
                if let fault = names.fault(of: name) { issues.append(ModelIssue(fault, at: table.place)) }
            }
        }
    }

    private mutating func tests(of models: [Model], _ schema: SchemaReader, _ names: KnownNames) -> [DataTest]
    {
        var tests: [DataTest] = []
        for model in models {
            for column in schema.models[model.name]?.columns ?? [] {
                for draft in column.tests {
                    let test = draft.test(of: model, column: column.declared.name, macros: macros)
                    issues += test.issues(names, variables)
                    tests.append(test)
                }
            }
        }
        for file in files.tests {
            if let test = singular(file, names) { tests.append(test) }
        }
        var seen: [String: FilePlace?] = [:]
        for test in tests {
            if let other = seen.updateValue(test.place, forKey: test.name) {
                issues.append(ModelIssue(SchemaFault.testTwice(test.name, other: other), at: test.place))
            }
        }
        return tests
    }

    private mutating func singular(_ file: ModelFiles.File, _ names: KnownNames) -> DataTest? {
        do throws(ModelIssue) {
            let template = try Template(SourceText(path: file.path, text: file.text), limits: limits)
            var check = TemplateCheck(template, name: file.stem, macros: macros, variables: variables)
            check.checkSQL(isIncremental: false, isTest: true)
            check.checkNames(names, self: nil)
            if let place = check.firstUse(of: .this) {
                check.add(ModelIssue(ModelFault.thisInTest, at: place))
            }
            let settings = SingularSettings(check.configs)
            guard settings.isEnabled else { return nil }
            issues += check.issues + settings.issues
            return DataTest(
                singular: file.stem, template: template, macros: macros, severity: settings.severity,
                description: settings.description, references: check.references, sources: check.sources,
                place: FilePlace(path: file.path))
        } catch {
            issues.append(error)
            return nil
        }
    }
}
