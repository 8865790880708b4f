import ELTCore

/// Builds one model after another, each the cheapest way that gives what building it in full would give.
struct ModelBuilder {
    let transformer: Transformer
    let session: any TransformSession
    let request: TransformRequest
    /// The last day that history has.
    let horizon: Day
    let resolutions: [String: Resolution]
    /// Models that were built in full for another reason than the data: those that read them follow.
    private(set) var refreshed: Set<String> = []

    init(
        transformer: Transformer, session: any TransformSession, request: TransformRequest, horizon: Day,
        resolutions: [String: Resolution]
    ) {
        self.transformer = transformer
        self.session = session
        self.request = request
        self.horizon = horizon
        self.resolutions = resolutions
    }

    mutating func build(_ model: Model) throws -> ModelSummary {
        switch model.config.materialized {
        case .view: return try buildView(model)
        case .table: return try buildTable(model)
        case .incremental:
            if model.config.storage == .intervals { return try buildIntervals(model) }
            return model.config.strategy == .insertOverwrite ? try buildDays(model) : try buildMerge(model)
        }
    }

    // MARK: Rendering

    func render(
        _ model: Model, _ binding: SourceRelation.Binding, incremental: Bool = false
    ) throws -> String {
        try model.render(
            RenderScope(
                session: session, settings: transformer.settings, context: transformer.context, model: model,
                binding: binding, isIncremental: incremental, isFullRefresh: !incremental))
    }

    /// The columns of a query. One that is another table's as it stands has its type; what is worked out has none, as the type of a table's column
    /// changes values: a text of digits would become a number.
    func columns(of query: String, _ model: Model) throws -> [OutputColumn] {
        let origins = try origins(of: model)
        let columns = try describe(query, model).enumerated().map { place, column in
            OutputColumn(name: column.name, type: place < origins.count ? origins[place]?.type : nil)
        }
        var seen: Set<String> = []
        for column in columns where !seen.insert(column.name.lowercased()).inserted {
            throw TransformError.duplicateColumn(model: model.name, path: model.path, column: column.name)
        }
        try transformer.checkSettings(of: model, name: columns)
        return columns
    }

    private func origins(of model: Model) throws -> [ColumnOrigin?] {
        if try putsTogether(model) { return [] }
        return try session.origins(of: render(model, .shape))
    }

    /// Has the rows of a model with `by_key` looked at, unless its key is seen to be the entity's: all of them where it's made anew, those of some
    /// days where these are.
    private func checkKeys(of model: Model, _ key: String, _ columns: [String], days: (partition: String, days: [Day])? = nil) throws {
        guard let entity = transformer.settings.entities.first(where: { $0.name == model.config.byKey }) else { return }
        let origins = try origins(of: model)
        let place = columns.firstIndex(of: key).flatMap { origins.indices.contains($0) ? $0 : nil }
        if let origin = place.flatMap({ origins[$0] }), ["_key", entity.keyColumn.lowercased()].contains(origin.column.lowercased()) { return }
        try session.checkKeys(model.name, column: key, of: entity.name, days: days)
    }

    /// Whether a query, or that of a view that it reads, is put together of several. SQLite tells the types of one of them.
    private func putsTogether(_ model: Model) throws -> Bool {
        let tokens = try? SQLTokens(render(model, .shape)).tokens
        if tokens?.contains(where: { $0.kind == .word && ["union", "intersect", "except"].contains($0.text) }) ?? true { return true }
        return try model.references.compactMap(transformer.project.model).contains { read in
            try read.config.materialized == .view && putsTogether(read)
        }
    }

    /// Compiles a query; what's wrong with it is told with its place in the model's files.
    private func describe(_ query: String, _ model: Model) throws -> [OutputColumn] {
        do {
            return try session.describe(query, model: model.name)
        } catch let error as any SQLComplaining {
            guard let complaint = error.complaint else { throw error }
            throw transformer.located(complaint, in: query, of: model, session)
        }
    }

    // MARK: Views and tables

    private func buildView(_ model: Model) throws -> ModelSummary {
        let query = try render(model, .all)
        _ = try columns(of: query, model)
        let digest = Digest.of(query)
        let state = try session.state(of: model.name)
        if state?.digest != digest || state?.materialized != "view" {
            try session.replaceView(model.name, query: query)
            session.setState(ModelState(name: model.name, materialized: "view", digest: digest))
        }
        return summary(model, TableChanges(), isFull: true)
    }

    private func buildTable(_ model: Model) throws -> ModelSummary {
        let query = try render(model, .all)
        let columns = try columns(of: query, model)
        let changes = try session.replaceTable(model.name, query: query, columns: columns)
        try session.addIndexes(model.name, model.config.indexes)
        session.setState(ModelState(name: model.name, materialized: "table", digest: model.digest))
        return summary(model, changes, isFull: true)
    }

    func summary(_ model: Model, _ changes: TableChanges, days: [Day] = [], isFull: Bool) -> ModelSummary {
        ModelSummary(
            name: model.name, materialized: model.config.materialized.rawValue, changes: changes, days: days,
            isFull: isFull)
    }

    // MARK: What must be built in full

    /// Whether the table must be made from nothing, and the columns it then has.
    mutating func needsFull(_ model: Model, _ columns: [OutputColumn], _ state: ModelState?) throws -> Bool {
        var full = state == nil || state?.digest != model.digest || state?.materialized != "incremental"
        full = full || request.everything || model.config.fullRefresh == true
        if let asked = request.fullRefresh, asked.contains(model.name), model.config.fullRefresh != false { full = true }
        if !model.references.isDisjoint(with: refreshed) && model.config.byKey == nil { full = true }
        guard let table = try session.tableColumns(of: model.name) else { full = true; return full }
        // Types that tables had when they were taken from columns of the same name, whatever the query made of these.
        full = full || model.config.storage != .intervals && zip(table, columns).contains { $0.type != nil && $0.type != $1.type }
        if !full, table.map(\.name) != columns.map(\.name) {
            // A column that's new at the end is added; anything else makes another table.
            let isGrown = columns.count > table.count && Array(columns.prefix(table.count)).map(\.name) == table.map(\.name)
            if model.config.onSchemaChange == .fail {
                throw TransformError.schemaChanged(model: model.name, path: model.path)
            }
            if isGrown { try session.addColumns(model.name, Array(columns.dropFirst(table.count))) } else { full = true }
        }
        if full { refreshed.insert(model.name) }
        return full
    }

    // MARK: Merge

    private mutating func buildMerge(_ model: Model) throws -> ModelSummary {
        let state = try session.state(of: model.name)
        let resolution = model.config.byKey.flatMap { resolutions[$0] }
        let names: [String]
        let changes: TableChanges
        var isFull = false
        let shape = try columns(of: try render(model, .all), model)
        names = shape.map(\.name)
        let key = Self.asNamed(model.config.uniqueKey, names)
        if try needsFull(model, shape, state) || resolution?.fullFrom != nil {
            isFull = true
            if let entity = model.config.byKey { try session.prepareHeads(of: entity) }
            let query = try render(model, .unordered)
            try session.createTable(model.name, columns: shape, key: key)
            changes = try session.fill(model.name, query: query, columns: names, key: key, of: model.config.byKey)
            try checkKeys(of: model, key[0], names)
            try session.addIndexes(model.name, model.config.indexes)
        } else if let entity = model.config.byKey {
            changes =
                resolution?.changedKeys == 0
                ? TableChanges()
                : try session.merge(
                    model.name, query: try render(model, .changed, incremental: true), columns: names, key: key,
                    scope: .changed(entity: entity))
        } else {
            changes = try mergeAll(model, names)
        }
        session.setState(ModelState(name: model.name, materialized: "incremental", digest: model.digest))
        return summary(model, changes, isFull: isFull)
    }

    /// A query that is the same in every run gives the whole table, so what it no longer gives goes: a
    /// rebuild wouldn't have it. One that `is_incremental()` narrows says nothing of other rows.
    private func mergeAll(_ model: Model, _ columns: [String]) throws -> TableChanges {
        let query = try render(model, .all, incremental: true)
        let key = Self.asNamed(model.config.uniqueKey, columns)
        var changes = try session.merge(model.name, query: query, columns: columns, key: key, scope: nil)
        if try !isNarrowed(model) {
            changes.removed += try session.removeMissing(model.name, query: query, key: key)
        }
        return changes
    }

    /// Whether a run that adds to the table evaluates another query than one that builds it in full.
    private func isNarrowed(_ model: Model) throws -> Bool {
        try render(model, .all, incremental: true) != render(model, .all)
    }

    // MARK: Days

    private mutating func buildDays(_ model: Model) throws -> ModelSummary {
        let state = try session.state(of: model.name)
        let reached = model.config.byKey.map { entity in resolutions.filter { $0.key == entity } } ?? resolutions
        let first = reached.values.compactMap(\.firstDay).min()
        let shape = try columns(of: try render(model, .day(horizon, changedOnly: false)), model)
        let isNew = try needsFull(model, shape, state)
        let names = shape.map(\.name)
        let (partition, key) = dayKey(model, names)
        // One day alone goes straight into the table.
        let areSorted = isNew && first.map { $0 < horizon } == true && model.config.byKey != nil && key.count == 1
        let sorted = areSorted ? resets(model, names) : nil
        if isNew, sorted == nil {
            try session.createTable(model.name, columns: shape, key: tableKey(partition, key))
        }
        var after = ModelState(name: model.name, materialized: "incremental", digest: model.digest)
        guard let first, first <= horizon else {
            // Nobody is left who has ever been there.
            if !isNew, let begin = state?.firstDay { try session.removeDays(model.name, partition: partition, from: begin, after: nil) }
            if isNew { try session.addIndexes(model.name, model.config.indexes) }
            session.setState(after)
            return summary(model, TableChanges(), isFull: isNew)
        }
        let known = isNew ? nil : state?.firstDay.flatMap { first in state?.lastDay.map { first...$0 } }
        let fullFrom = isNew ? first : reached.values.compactMap(\.fullFrom).min()
        after.firstDay = min(first, known?.lowerBound ?? first)
        after.lastDay = max(horizon, known?.upperBound ?? horizon)
        if let fullFrom, !isNew { try session.removeDays(model.name, partition: partition, from: fullFrom, after: nil) }
        let isNarrowed = try !isNew && model.config.byKey == nil && isNarrowed(model)
        // Taken before the first day is written: the query may ask the table how far it has come.
        let narrowed =
            isNarrowed ? try session.keep(render(model, .all, incremental: true), model: model.name, by: partition) : nil
        var changes = TableChanges()
        var days: [Day] = []
        if let sorted {
            try session.beginDays(model.name, columns: shape, partition: partition, key: key[0], resets: sorted)
        }
        let due = stride(from: first, through: horizon, by: 1).compactMap { day -> (day: Day, isFull: Bool)? in
            // What makes a standing day another one is known; then all of its rows are asked for.
            let isChanged = isNarrowed && isReached(day, model, reached)
            let isFull = known.map { !$0.contains(day) } ?? true || fullFrom.map { day >= $0 } ?? false || isChanged
            guard isFull || !isNarrowed && isTouched(day, model, reached, last: known?.upperBound) else { return nil }
            return (day, isFull)
        }
        // Days that aren't carried on are asked for whole, whatever changed.
        let asksAll = resets(model, names) == nil
        if let entity = model.config.byKey,
            due.count(where: { $0.isFull || asksAll || request.days?.contains($0.day) == true }) > 1 {
            try session.indexDays(of: entity, for: model.name)
        }
        // A query of the project's own gives all days at once: for many of them it's evaluated once.
        let all = model.config.byKey == nil ? try render(model, .all) : nil
        if isNew, let all {
            changes += try session.fill(
                model.name, query: Self.within(first...horizon, of: all, partition), columns: names, key: tableKey(partition, key), of: nil)
            days = due.map(\.day)
            try tellOutside(first...horizon, of: all, partition, model)
        }
        let kept = try all.flatMap { all in
            guard !isNew, due.count > Self.evaluationsMax, let earliest = due.first?.day else { return nil as String? }
            return try session.keep(Self.within(earliest...horizon, of: all, partition), model: model.name, by: partition)
        }
        for (day, isFull) in isNew && all != nil ? [] : due {
            try Interruption.check()
            transformer.context.progress.report(
                step: model.name, done: Int64(first.distance(to: day)), total: Int64(first.distance(to: horizon) + 1))
            // The day before has changed with the keys that this run has changed, and in nothing else.
            let isFollowing = fullFrom == nil && known?.upperBound == day.previous && request.days == nil
            changes += try build(day, of: model, columns: names, isFull: isFull, isFollowing: isFollowing, kept: kept)
            days.append(day)
        }
        if let narrowed {
            for day in try givenDays(narrowed, partition) where first...horizon ~= day && !days.contains(day) {
                changes += try session.overwrite(
                    model.name, query: narrowed, columns: names, partition: partition, day: day,
                    key: tableKey(partition, key))
                days.append(day)
            }
            days.sort()
        }
        if sorted != nil { changes += try session.endDays(model.name) }
        let whole = due.filter(\.isFull).map(\.day)
        if !asksAll, !whole.isEmpty { try checkKeys(of: model, key[0], names, days: isNew ? nil : (partition, whole)) }
        if isNew { try session.addIndexes(model.name, model.config.indexes) }
        session.setState(after)
        if isNew || after.lastDay != state?.lastDay { try session.analyze(model.name) }
        return summary(model, changes, days: days, isFull: isNew)
    }

    /// The days that a narrowed query gives rows of: those and no others it replaces.
    private func givenDays(_ query: String, _ partition: String) throws -> [Day] {
        let column = "\"" + partition.replacing("\"", with: "\"\"") + "\""
        return try session.samples("SELECT DISTINCT \(column) FROM (\(query))").compactMap(Day.init).sorted()
    }

    /// A query of the project's own isn't evaluated more often than this in one run, and once for a new table.
    private static let evaluationsMax = 3

    /// The rows of a query that are of some days; only a day's own name is that day.
    private static func within(_ days: ClosedRange<Day>, of query: String, _ partition: String) -> String {
        let column = SQLText.name(partition)
        return "SELECT * FROM (\(query)) WHERE \(column) BETWEEN '\(days.lowerBound)' AND '\(days.upperBound)' AND date(\(column)) IS \(column)"
    }

    /// Rows that are of no day that the table has are in no partition of it.
    private func tellOutside(_ days: ClosedRange<Day>, of query: String, _ partition: String, _ model: Model) throws {
        let given = try session.samples(
            "SELECT DISTINCT \(SQLText.name(partition)) FROM (\(query))")
        let others = given.filter { text in Day(text).map { !days.contains($0) } ?? true }.sorted()
        guard let example = others.first else { return }
        transformer.context.progress.warn(
            "The model \(model.name) gives rows whose '\(partition)' is no day from \(days.lowerBound) to \(days.upperBound), such as '\(example.prefix(40))': they aren't in its table.")
    }

    /// Whether a day that stands must be looked at again. `last` is the last day of the run before.
    private func isTouched(_ day: Day, _ model: Model, _ reached: [String: Resolution], last: Day?) -> Bool {
        if isReached(day, model, reached) { return true }
        // A query of the project's own may ask what day it is: the days that were today, are, and were yesterday.
        let today = transformer.context.today
        return model.config.byKey == nil && (day == today || day == today.previous || day == last || day == last?.previous)
    }

    /// A query of the project's own may count records that win nothing, and may look back: then each day from the first
    /// on that a record reached is another one.
    func isReached(_ day: Day, _ model: Model, _ reached: [String: Resolution]) -> Bool {
        if request.days?.contains(day) == true { return true }
        return reached.values.contains { resolution in
            if model.config.byKey != nil { return resolution.changedDays.contains(day) }
            return [resolution.firstRecordDay, resolution.changedDays.first].contains { first in first.map { $0 <= day } ?? false }
        }
    }

    private func build(
        _ day: Day, of model: Model, columns: [String], isFull: Bool, isFollowing: Bool, kept: String?
    ) throws -> TableChanges {
        let (partition, key) = dayKey(model, columns)
        let isAsked = request.days?.contains(day) == true
        guard let entity = model.config.byKey, let resets = resets(model, columns) else {
            return try overwrite(day, of: model, columns: columns, isFull: isFull, kept: kept)
        }
        let full = isFull || isAsked
        return try session.overwriteCarrying(
            model.name, query: try render(model, .day(day, changedOnly: !full), incremental: !full),
            changed: isFollowing ? try render(model, .day(day, changedOnly: true)) : nil,
            columns: columns, partition: partition, day: day, key: key[0], resets: resets,
            scope: full ? .winnersOf(entity: entity, day: day) : .changedOn(entity: entity, day: day))
    }

    private func overwrite(
        _ day: Day, of model: Model, columns: [String], isFull: Bool, kept: String?
    ) throws -> TableChanges {
        let (partition, key) = dayKey(model, columns)
        let binding: SourceRelation.Binding = model.config.byKey == nil ? .all : .day(day, changedOnly: false)
        return try session.overwrite(
            model.name, query: try kept ?? render(model, binding, incremental: !isFull), columns: columns,
            partition: partition, day: day, key: tableKey(partition, key))
    }

    /// What columns hold on days on which their key has no record; nil if days aren't carried on.
    func resets(_ model: Model, _ columns: [String]) -> [String: String]? {
        model.config.carryForward.map { resets in
            Dictionary(
                zip(Self.asNamed(resets.map(\.column), columns), resets.map(\.sqlLiteral)), uniquingKeysWith: { $1 })
        }
    }

    func dayKey(_ model: Model, _ columns: [String]) -> (partition: String, key: [String]) {
        guard let partition = model.config.partitionBy else { preconditionFailure("the config was checked") }
        return (Self.asNamed([partition], columns)[0], Self.asNamed(model.config.uniqueKey, columns))
    }

    /// The key of a table of days, in which a row's key begins with its day, whether or not the model names the day as a
    /// part of it. Empty if its rows have none.
    private func tableKey(_ partition: String, _ key: [String]) -> [String] {
        key.isEmpty ? [] : [partition] + key.filter { $0 != partition }
    }

    /// Names of the config as the query has them: SQL doesn't tell upper from lower case.
    static func asNamed(_ names: [String], _ columns: [String]) -> [String] {
        names.map { name in columns.first { $0.lowercased() == name.lowercased() } ?? name }
    }
}
