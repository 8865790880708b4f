import ELTCore

extension ModelBuilder {
    /// A history by days whose rows stand once for all of their days. What it gives readers is what `buildDays` would.
    mutating func buildIntervals(_ model: Model) throws -> ModelSummary {
        guard let entity = model.config.byKey else { preconditionFailure("the config was checked") }
        let state = try session.state(of: model.name)
        let reached = resolutions.filter { $0.key == entity }
        let shape = try columns(of: try render(model, .day(horizon, changedOnly: false)), model)
        let history = history(of: model, entity, shape.map(\.name))
        let isNew = try needsFull(model, shape, state)
        if isNew {
            try session.createIntervals(history, columns: shape)
            try session.addIndexes(model.name, model.config.indexes)
        }
        var after = ModelState(name: model.name, materialized: "incremental", digest: model.digest)
        guard let first = reached[entity]?.firstDay, first <= horizon else {
            // Nobody is left who has ever been there.
            if !isNew, state?.firstDay != nil {
                try session.createIntervals(history, columns: shape)
                try session.addIndexes(model.name, model.config.indexes)
            }
            try session.showIntervals(history, columns: shape, days: nil)
            session.setState(after)
            return summary(model, TableChanges(), isFull: isNew)
        }
        let known = isNew ? nil : state?.firstDay.flatMap { first in state?.lastDay.map { first...$0 } }
        let stands = min(first, known?.lowerBound ?? first)...max(horizon, known?.upperBound ?? horizon)
        (after.firstDay, after.lastDay) = (stands.lowerBound, stands.upperBound)
        let changes: TableChanges
        if let known {
            try session.touch(
                history, IntervalReach(known: known, fullFrom: reached[entity]?.fullFrom, asked: request.days))
            changes = try session.mergeIntervals(history, query: try render(model, .touched, incremental: true))
        } else {
            // No day has been built yet, so the tables are empty.
            changes = try session.fillIntervals(history, query: try render(model, .all))
        }
        try session.showIntervals(history, columns: shape, days: stands)
        session.setState(after)
        if isNew || after.lastDay != state?.lastDay { try session.analyze(model.name) }
        let fullFrom = reached[entity]?.fullFrom
        let days = stride(from: first, through: horizon, by: 1).filter { day in
            known.map { !$0.contains(day) } ?? true || fullFrom.map { day >= $0 } ?? false || isReached(day, model, reached)
        }
        return summary(model, changes, days: days, isFull: isNew)
    }

    private func history(of model: Model, _ entity: String, _ columns: [String]) -> IntervalHistory {
        let (partition, key) = dayKey(model, columns)
        return IntervalHistory(
            model: model.name, entity: entity, columns: columns, partition: partition, key: key[0],
            resets: resets(model, columns) ?? [:])
    }
}

extension Transformer {
    /// Whether a test of a column finds nothing in a history's intervals: then it finds nothing in their days, of
    /// which there are many times as many. What it does find is looked for in the days, where it's counted.
    func isHeldByIntervals(_ test: DataTest, _ scope: RenderScope) throws -> Bool {
        guard let model = test.model.flatMap(project.model), model.config.storage == .intervals, test.condition == nil,
            let partition = model.config.partitionBy, let column = test.column?.lowercased(), column != partition.lowercased(),
            model.config.carryForward?.contains(where: { $0.column.lowercased() == column }) == false
        else { return false }
        switch test.kind {
        case .notNull, .acceptedValues, .relationships: break
        case .unique, .singular: return false
        }
        guard try scope.session.state(of: model.name) != nil else { return false }
        var stored = scope
        stored.stored = (model.name, scope.session.intervals(of: model.name, partition: partition))
        // What can't be asked of them is told when the view is asked.
        guard let failures = try? scope.session.failures(test.query(stored).count) else {
            try Interruption.check()
            return false
        }
        return failures == 0
    }
}
