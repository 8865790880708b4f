import ELTCore

extension Transformer {
    /// A model or a data test that the warehouse won't take as it stands.
    package struct Refusal {
        package let error: any ELTError
    }

    package struct Check {
        package var models = 0
        package var tests = 0
        package var refusals: [Refusal] = []
        /// Described columns that no record has had yet; they may still come.
        package var hints: [ModelIssue] = []
    }

    /// Renders and compiles every model and data test in an empty warehouse that's thrown away, which has
    /// the columns that are known. What may lack a column that the data has still to bring is passed over.
    ///
    /// `data` is the live warehouse, if there is one.
    package func check(_ session: any TransformSession, data: (any TransformSession)?) throws -> Check {
        var check = Check()
        for model in project.models where try isReady(model.references, session) {
            do {
                let query = try model.render(scope(session, model))
                let columns = try session.describe(query, model: model.name)
                try checkSettings(of: model, name: columns)
                if model.config.materialized == .view {
                    try session.replaceView(model.name, query: query)
                } else {
                    try session.createTable(model.name, columns: columns, key: [])
                }
                session.setState(ModelState(name: model.name, materialized: "view", digest: model.digest))
                check.models += 1
            } catch {
                try check.note(refusal(of: error, model, session, data: data))
            }
        }
        for unknown in try unknownColumns(session, data: data) {
            if unknown.isTested {
                try check.note(ModelError.invalid([unknown.issue]))
            } else {
                check.hints.append(unknown.issue)
            }
        }
        let refused = Set(check.refusals.compactMap { ($0.error as? ModelError)?.issues.first?.place })
        for test in project.tests + declaredTests() where try isReady(test.references, session) {
            if let place = test.place, refused.contains(place) { continue }
            if try waitsForData(test, session, data: data) { continue }
            do {
                try compile(test, session, data: data)
                check.tests += 1
            } catch {
                try check.note(error)
            }
        }
        return check
    }

    private func compile(_ test: DataTest, _ session: any TransformSession, data: (any TransformSession)?) throws {
        let scope = scope(session, nil)
        do {
            _ = try session.describe(try test.query(scope).count, model: test.name)
        } catch let error as any SQLComplaining {
            guard let complaint = error.complaint else { throw error }
            if complaint.isMissingColumn, try isEmpty(of: test.references, data) { return }
            throw TransformError.testSQL(
                test: test.name, place: test.place(of: complaint.offset, scope), reason: complaint.reason)
        }
    }

    private func isReady(_ references: Set<String>, _ session: any TransformSession) throws -> Bool {
        try references.allSatisfy { try session.state(of: $0) != nil }
    }

    private func refusal(
        of error: any Error, _ model: Model, _ session: any TransformSession, data: (any TransformSession)?
    ) throws -> (any Error)? {
        if case TransformError.unknownColumn = error, try isEmpty(of: [model.name], data) { return nil }
        guard let known = error as? any SQLComplaining, let complaint = known.complaint else { return error }
        if complaint.isMissingColumn, try isEmpty(of: [model.name], data) { return nil }
        return located(complaint, in: try model.render(scope(session, model)), of: model, session)
    }

    /// Every column that a model's settings name is its query's. SQL doesn't tell upper from lower case.
    func checkSettings(of model: Model, name columns: [OutputColumn]) throws {
        let config = model.config
        let given = Set(columns.map { $0.name.lowercased() })
        let named = [
            ("unique_key", config.uniqueKey), ("partition_by", config.partitionBy.map { [$0] } ?? []),
            ("carry_forward", config.carryForward?.map(\.column) ?? []), ("indexes", config.indexes.flatMap { $0 }),
        ]
        for (setting, names) in named {
            guard let column = names.first(where: { !given.contains($0.lowercased()) }) else { continue }
            throw TransformError.unknownColumn(model: model.name, path: model.path, column: column, setting: setting)
        }
    }

    private func scope(_ session: any TransformSession, _ model: Model?) -> RenderScope {
        RenderScope(session: session, settings: settings, context: context, model: model, binding: .all)
    }

    // MARK: Where it is

    /// What the database has against a model's SQL, with the place in the model's files that gave it.
    func located(
        _ complaint: SQLComplaint, in query: String, of model: Model, _ session: any TransformSession
    ) -> TransformError {
        var place = FilePlace(path: model.path)
        if let offset = complaint.offset {
            // The same text comes of the same binding; there are only a few.
            let bindings: [SourceRelation.Binding] = [
                .all, .changed, .day(context.today, changedOnly: false), .day(context.today, changedOnly: true),
            ]
            let scopes = bindings.flatMap { binding in
                [false, true].map { isIncremental in
                    RenderScope(
                        session: session, settings: settings, context: context, model: model, binding: binding,
                        isIncremental: isIncremental, isFullRefresh: !isIncremental)
                }
            }
            place = scopes.lazy.compactMap { model.place(of: offset, in: query, $0) }.first ?? place
        }
        return .modelSQL(model: model.name, place: place, reason: complaint.reason)
    }

    // MARK: What the data has still to bring

    /// Columns are learnt from the data. A model that names one waits for the first records of its
    /// entity: the run tells so and goes on. Anything else is thrown.
    func waitOrThrow(_ error: TransformError, for model: Model, _ session: any TransformSession) throws {
        let (place, reason, isMissing): (FilePlace, String, Bool)
        switch error {
        case .modelSQL(_, let complained, let complaint):
            (place, reason, isMissing) = (complained, complaint, SQLComplaint(reason: complaint, offset: nil).isMissingColumn)
        case .unknownColumn(_, let path, let column, let setting):
            (place, reason, isMissing) = (FilePlace(path: path), "no column \(column), which \(setting) names", true)
        default: throw error
        }
        let isReady = try isReady(model.references, session)
        guard isMissing || !isReady, try isEmpty(of: [model.name], session) else { throw error }
        context.progress.note("\(place): the model \(model.name) waits for the first data: \(reason).")
    }

    /// Whether nothing has been loaded yet of any entity that these models read, directly or through others.
    func isEmpty(of models: Set<String>, _ data: (any TransformSession)?) throws -> Bool {
        guard let data else { return true }
        let all = models.union(models.flatMap { project.ancestors(of: $0).map(\.name) })
        let entities = Set(all.compactMap(project.model).flatMap { $0.sources.map(\.entity) + $0.columnsOf })
        return try entities.allSatisfy { entity in
            try ["stream", "full"].allSatisfy { table in
                let rows = try data.relation(SourceRelation(entity: entity, table: table, binding: .all))
                return try data.failures("SELECT count(*) FROM (SELECT 1 FROM \(rows) LIMIT 1)") == 0
            }
        }
    }

    /// Whether a test has nothing to ask yet: a model that it reads waits for data, or for its column.
    func waitsForData(_ test: DataTest, _ session: any TransformSession, data: (any TransformSession)?) throws -> Bool {
        if try !isReady(test.references, session) { return try isEmpty(of: test.references, data) }
        guard let column = test.column, let model = test.model, try session.state(of: model) != nil else { return false }
        let given = try session.describe("SELECT * FROM \(session.table(model))", model: model)
        return try !given.contains { $0.name.lowercased() == column.lowercased() } && isEmpty(of: [model], data)
    }

    /// Columns that schema files describe and a model doesn't give although there's data. A test of one
    /// can't be run; one that's only described may come with a later record.
    func unknownColumns(
        _ session: any TransformSession, data: (any TransformSession)?
    ) throws -> [(issue: ModelIssue, isTested: Bool)] {
        var found: [(issue: ModelIssue, isTested: Bool)] = []
        for model in project.models where !model.columns.isEmpty {
            guard try session.state(of: model.name) != nil else { continue }
            let given = try session.describe("SELECT * FROM \(session.table(model.name))", model: model.name)
            let unknown = model.issues(givenColumns: given.map(\.name))
            guard try !unknown.isEmpty && !isEmpty(of: [model.name], data) else { continue }
            for column in model.columns {
                guard let issue = unknown.first(where: { $0.place == column.place }) else { continue }
                let isTested = project.tests.contains { $0.model == model.name && $0.column == column.name }
                found.append((issue, isTested))
            }
        }
        return found
    }
}

extension Transformer.Check {
    /// Takes what's known to be the project's fault; throws the rest.
    fileprivate mutating func note(_ error: (any Error)?) throws {
        guard let error else { return }
        guard let known = error as? any ELTError, known.kind == .data || known.kind == .configuration else { throw error }
        refusals.append(Transformer.Refusal(error: known))
    }
}
