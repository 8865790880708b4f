/// All models of a project, checked and in the order in which they're built.
package struct ModelProject: Sendable {
    /// Enabled models; each comes after those that it reads.
    package let models: [Model]
    /// Tests of enabled models, in the models' order; singular tests last.
    package let tests: [DataTest]
    /// What schema files say about the entities' tables.
    package let sources: [SourceDescription]

    private let byName: [String: Model]
    private let graph: ModelGraph

    /// Reads and checks the models in `folder` with the macros and tests beside it.
    ///
    /// Everything that's wrong is collected into one error, in the order of the files.
    package static func load(
        folder: String, macros: String? = nil, tests: String? = nil, entities: [String],
        variables: [String: TemplateValue] = [:]
    ) throws(ModelError) -> ModelProject {
        let files = try ModelFiles.read(folder: folder, macros: macros, tests: tests)
        return try ModelProject(files, entities: entities, variables: variables)
    }

    /// Checks models whose texts are at hand.
    package init(_ files: ModelFiles, entities: [String], variables: [String: TemplateValue] = [:])
        throws(ModelError)
    {
        var builder = ProjectBuilder(files, entities: entities, variables: variables)
        let built = builder.build()
        // Two renders find the same mistake twice.
        let issues = Set(builder.issues).sorted()
        guard issues.isEmpty else { throw .invalid(issues) }
        models = built.models
        tests = built.tests
        sources = built.sources
        byName = Dictionary(uniqueKeysWithValues: models.map { ($0.name, $0) })
        graph = ModelGraph(Dictionary(uniqueKeysWithValues: models.map { ($0.name, $0.references) }))
    }

    package func model(_ name: String) -> Model? { byName[name] }

    /// The models that read this one, directly or through others, in the order of building.
    package func dependents(of name: String) -> [Model] {
        let found = graph.dependents(of: [name])
        return models.filter { found.contains($0.name) }
    }

    /// The models that this one reads, directly or through others, in the order of building.
    package func ancestors(of name: String) -> [Model] {
        let found = graph.ancestors(of: [name])
        return models.filter { found.contains($0.name) }
    }

    /// The fingerprint of a model and of all that it reads: where it changes, the table may differ even
    /// though the model's own file is the same.
    package func lineageDigest(of name: String) -> String? {
        guard let model = byName[name] else { return nil }
        var digest = Digest()
        for model in ancestors(of: name) + [model] {
            digest.add(model.name)
            digest.add(model.digest)
        }
        return digest.text
    }

    /// The models that `--select` means: `name`, `name+` with its readers, `+name` with what it reads,
    /// `tag:x`; several with spaces or commas between them.
    package func select(_ text: String) throws(ModelError) -> [Model] {
        var chosen: Set<String> = []
        let terms = text.split { $0 == " " || $0 == "," || $0.isNewline || $0 == "\t" }.map(String.init)
        guard !terms.isEmpty else { throw .selection(term: text, known: models.map(\.name)) }
        for term in terms {
            let isDown = term.hasSuffix("+")
            let isUp = term.hasPrefix("+")
            let name = String(term.dropFirst(isUp ? 1 : 0).dropLast(isDown && term != "+" ? 1 : 0))
            let found: Set<String>
            if name.hasPrefix("tag:") {
                let tag = String(name.dropFirst(4))
                found = Set(models.filter { $0.config.tags.contains(tag) }.map(\.name))
            } else {
                found = byName[name] == nil ? [] : [name]
            }
            guard !found.isEmpty else {
                let tags = Set(models.flatMap(\.config.tags)).map { "tag:\($0)" }
                throw .selection(term: term, known: models.map(\.name) + tags)
            }
            chosen.formUnion(found)
            if isUp { chosen.formUnion(graph.ancestors(of: found)) }
            if isDown { chosen.formUnion(graph.dependents(of: found)) }
        }
        return models.filter { chosen.contains($0.name) }
    }

    /// The tests that a build of these models has to run: those of the models, and singular tests that
    /// read one of them.
    package func tests(of names: Set<String>) -> [DataTest] {
        tests.filter { test in
            test.model.map(names.contains) ?? !test.references.isDisjoint(with: names)
        }
    }
}
