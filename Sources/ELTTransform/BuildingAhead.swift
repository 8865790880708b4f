import ELTCore

/// The first history of all is made while other models are built.
extension ModelBuilder {
    /// The first of the models whose table is made of its days, each of the day before it, if it was never built.
    static func firstOfDays(_ models: [Model], _ session: any TransformSession) throws -> Model? {
        guard let model = models.first(where: { model in
            let config = model.config
            return config.materialized == .incremental && config.storage != .intervals && config.strategy == .insertOverwrite
                && config.byKey != nil && config.carryForward != nil && config.uniqueKey.count == 1
        })
        else { return nil }
        return try session.state(of: model.name) == nil ? model : nil
    }

    /// Has all days of a new table made from now on. What's wrong with the model is told when its turn comes.
    func beginAhead(_ model: Model, among models: [Model]) throws {
        guard let entity = model.config.byKey, let first = resolutions[entity]?.firstDay, first < horizon,
            try session.tableColumns(of: model.name) == nil, let shape = try shape(of: model)
        else { return }
        let names = shape.map(\.name)
        let (partition, key) = dayKey(model, names)
        guard let resets = resets(model, names) else { return }
        let queries = try stride(from: first, through: horizon, by: 1).map { day in
            (day: day, query: try render(model, .day(day, changedOnly: false)))
        }
        try session.beginDaysAhead(
            model.name, columns: shape, partition: partition, key: key[0], resets: resets, of: entity, queries: queries,
            beside: models.count)
    }

    /// nil where something's wrong with the model itself.
    private func shape(of model: Model) throws -> [OutputColumn]? {
        do {
            return try columns(of: render(model, .day(horizon, changedOnly: false)), model)
        } catch let error as any ELTError where [.data, .configuration].contains(error.kind) && !session.isUndone {
            return nil
        }
    }
}
