import ELTCore

/// What a transform is asked to do.
package struct TransformRequest: Sendable {
    /// Winners and models from nothing: after a rebuild of the raw rows.
    package var everything = false
    /// Models to build in full; nil for those that need it.
    package var fullRefresh: Set<String>? = nil
    /// Models to build, besides those that they read and that were never built; nil for all. Others stay as
    /// they are, so nothing new may be resolved: they'd never see it.
    package var select: Set<String>? = nil
    /// Days to write again in models of days, besides those that need it.
    package var days: ClosedRange<Day>? = nil
    package init() {}
}

/// What became of one model.
package struct ModelSummary: Sendable, Equatable {
    package var name: String
    package var materialized: String
    package var changes: TableChanges
    /// Days that were built; of those that stand, rows are written that differ.
    package var days: [Day]
    package var isFull: Bool
}

package struct TransformSummary: Sendable {
    package var models: [ModelSummary] = []
    package var tests: [TestResult] = []
    package var resolutions: [String: Resolution] = [:]
    package var changes: TableChanges { models.reduce(TableChanges()) { $0 + $1.changes } }
    package var ties: Int64 { resolutions.values.reduce(0) { $0 + $1.ties } }
    package init() {}
}

/// Step 3: raw rows become tables, all of them in one transaction.
package struct Transformer {
    let project: ModelProject
    let settings: ProjectSettings
    let context: RunContext

    package init(project: ModelProject, settings: ProjectSettings, context: RunContext) {
        self.project = project
        self.settings = settings
        self.context = context
    }

    /// Builds the models in their order, then runs their tests. `latestNow` is the latest instant that any
    /// run has had: history reaches to its day.
    package func transform(
        _ session: any TransformSession, _ request: TransformRequest, latestNow: Instant
    ) throws -> TransformSummary {
        Failpoint.transformBegun.pass()
        var summary = TransformSummary()
        let horizon = settings.zone.day(of: latestNow)
        let built = try chosen(request, session)
        let ahead = try request.select == nil ? ModelBuilder.firstOfDays(built, session) : nil
        if let entity = ahead?.config.byKey { try session.expectDays(of: entity, until: horizon) }
        for entity in settings.entities {
            summary.resolutions[entity.name] = try session.resolve(
                entity, everything: request.everything, maxClockSkew: settings.limits.maxClockSkew,
                horizon: horizon)
        }
        Failpoint.winnersResolved.pass()
        if request.select == nil { try session.forget(modelsOtherThan: built.map(\.name)) }
        var builder = ModelBuilder(
            transformer: self, session: session, request: request, horizon: horizon, resolutions: summary.resolutions)
        if let ahead { try builder.beginAhead(ahead, among: built) }
        session.expectNoDays()
        for (index, model) in built.enumerated() {
            try Interruption.check()
            context.progress.report(step: "models", done: Int64(index), total: Int64(built.count))
            do {
                summary.models.append(try builder.build(model))
            } catch let error as TransformError {
                try waitOrThrow(error, for: model, session)
            }
            Failpoint.modelBuilt.pass()
        }
        if request.select != nil { try markStale(readersOf: builder.refreshed, besides: built, session) }
        try session.writeStates()
        Failpoint.modelsBuilt.pass()
        summary.tests = try test(session, select: request.select.map { _ in Set(built.map(\.name)) })
        Failpoint.testsPassed.pass()
        return summary
    }

    /// Whether days that stand will be read as a whole, as far as the models tell: a history is built in full and compared with what it was, or a
    /// day begins, which is the day before it and what changed.
    package func readsDays(_ session: any TransformSession, _ request: TransformRequest, latestNow: Instant) throws -> Bool {
        let today = settings.zone.day(of: latestNow)
        return try project.models.contains { model in
            guard model.config.strategy == .insertOverwrite, let state = try session.state(of: model.name) else { return false }
            return state.digest != model.digest || request.fullRefresh?.contains(model.name) == true
                || model.config.byKey != nil && state.lastDay.map { $0 < today } == true
        }
    }

    /// The models to build, in their order.
    private func chosen(_ request: TransformRequest, _ session: any TransformSession) throws -> [Model] {
        guard var names = request.select else { return project.models }
        for name in names {
            for model in project.ancestors(of: name) where try session.state(of: model.name) == nil {
                names.insert(model.name)
            }
        }
        return project.models.filter { names.contains($0.name) }
    }

    /// A model that's built in full takes those with it that add to what they have of it. The ones that
    /// weren't selected follow with the next run.
    private func markStale(
        readersOf refreshed: Set<String>, besides built: [Model], _ session: any TransformSession
    ) throws {
        let names = Set(built.map(\.name))
        for model in project.models where !names.contains(model.name) && !model.references.isDisjoint(with: refreshed) {
            guard model.config.materialized == .incremental, model.config.byKey == nil,
                var state = try session.state(of: model.name)
            else { continue }
            state.digest = ""
            session.setState(state)
        }
    }

    /// Runs all data tests on the tables as the session sees them. A failed test of severity error throws.
    package func test(_ session: any TransformSession, select: Set<String>? = nil) throws -> [TestResult] {
        let scope = RenderScope(session: session, settings: settings, context: context, model: nil, binding: .all)
        var results: [TestResult] = []
        let unknown = try unknownColumns(session, data: session).filter(\.isTested).map(\.issue)
        guard unknown.isEmpty else { throw ModelError.invalid(unknown.sorted()) }
        for test in (select.map(project.tests(of:)) ?? project.tests) + declaredTests(of: select) {
            let passed = TestResult(
                name: test.name, model: test.model ?? "", severity: test.severity.rawValue, failures: 0)
            if try isHeldByKey(test) || waitsForData(test, session, data: session) || isHeldByIntervals(test, scope) {
                results.append(passed)
                continue
            }
            let query = try test.query(scope)
            let failures: Int64
            do {
                failures = try session.failures(query.count)
            } catch let error as any SQLComplaining {
                guard let complaint = error.complaint else { throw error }
                if complaint.isMissingColumn, try isEmpty(of: test.references, session) {
                    results.append(passed)
                    continue
                }
                throw TransformError.testSQL(
                    test: test.name, place: test.place(of: complaint.offset, scope), reason: complaint.reason)
            }
            results.append(
                TestResult(
                    name: test.name, model: test.model ?? "", severity: test.severity.rawValue, failures: failures,
                    samples: failures > 0 ? try session.samples(query.samples) : []))
        }
        let failed = results.filter { $0.failures > 0 && $0.severity == "error" }
        guard failed.isEmpty else { throw TransformError.testsFailed(failed) }
        for warned in results where warned.failures > 0 {
            context.progress.warn("The test \(warned.name) finds \(warned.failures) rows.")
        }
        return results
    }

    /// Whether the table's primary key makes a failure impossible: it isn't looked for in millions of rows
    /// then, every hour anew.
    private func isHeldByKey(_ test: DataTest) -> Bool {
        guard let model = test.model.flatMap(project.model), model.config.materialized == .incremental,
            let column = test.column, test.condition == nil, !model.config.uniqueKey.isEmpty
        else { return false }
        let key = (model.config.partitionBy.map { [$0] } ?? []) + model.config.uniqueKey
        switch test.kind {
        case .notNull: return key.contains(column)
        case .unique(per: nil): return key == [column]
        case .unique(per: let group?): return Set(key) == [group, column]
        case .acceptedValues, .relationships, .singular: return false
        }
    }

    /// Tests of the columns that `elt.yml` declares, on the current table.
    func declaredTests(of select: Set<String>? = nil) -> [DataTest] {
        settings.entities.flatMap { entity -> [DataTest] in
            let model = "current_\(entity.name)"
            guard project.model(model) != nil, select?.contains(model) ?? true else { return [] }
            return entity.columns.flatMap { column in
                column.checks.map { check in
                    DataTest(model: model, column: column.name, kind: Self.kind(check), keys: [entity.keyColumn])
                }
            }
        }
    }
}

extension Transformer {
    fileprivate static func kind(_ check: ColumnTest) -> DataTest.Kind {
        switch check {
        case .notNull: .notNull
        case .unique: .unique(per: nil)
        case .acceptedValues(let values): .acceptedValues(values.map(literal))
        case .relationships(let to, let field): .relationships(to: .model(to), field: field)
        }
    }

    private static func literal(_ value: AcceptedValue) -> String {
        switch value {
        case .text(let text): "'" + text.replacing("'", with: "''") + "'"
        case .number(let digits): digits
        case .boolean(let flag): flag ? "1" : "0"
        }
    }
}

/// What a template sees while a model is rendered.
struct RenderScope: TemplateScope {
    let session: any TransformSession
    let settings: ProjectSettings
    let context: RunContext
    let model: Model?
    let binding: SourceRelation.Binding
    var isIncremental = false
    var isFullRefresh = false

    /// A model whose stored rows are asked instead of its view.
    var stored: (model: String, rows: String)?

    func ref(_ model: String) throws -> String {
        if let stored, stored.model == model { return stored.rows }
        return session.table(model)
    }
    var this: String { session.table(model?.name ?? "") }
    func variable(_ name: String) -> TemplateValue? { settings.variables[name].map(TemplateValue.init(scalar:)) }
    var runNow: String { context.now.description }
    var runToday: String { context.today.description }

    func source(_ entity: String, _ table: String) throws -> String {
        let isBound = model?.config.byKey == entity
        let free: SourceRelation.Binding = model?.config.materialized == .view ? .lasting : .all
        return try session.relation(SourceRelation(entity: entity, table: table, binding: isBound || binding == .shape ? binding : free))
    }

    func columns(_ entity: String) throws -> String {
        try session.columns(of: entity).map { "\"" + $0.name.replacing("\"", with: "\"\"") + "\"" }
            .joined(separator: ", ")
    }
}
