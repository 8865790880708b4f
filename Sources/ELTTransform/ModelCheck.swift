import ELTCore

extension Transformer {
    /// A model that the warehouse won't take as it stands.
    package struct Refusal {
        package let model: String
        package let error: any Error
    }

    /// Renders and compiles every model against the tables as they stand, without building any. A model
    /// that reads one which was never built can't be compiled yet, and is passed over.
    package func check(_ session: any TransformSession) throws -> (compiled: Int, refusals: [Refusal]) {
        var compiled = 0
        var refusals: [Refusal] = []
        for model in project.models {
            guard try model.references.allSatisfy({ try session.state(of: $0) != nil }) else { continue }
            do {
                let query = try model.render(
                    RenderScope(
                        session: session, settings: settings, context: context, model: model, binding: .all))
                _ = try session.describe(query, model: model.name)
                compiled += 1
            } catch {
                refusals.append(Refusal(model: model.path, error: error))
            }
        }
        return (compiled, refusals)
    }
}
