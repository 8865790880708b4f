/// One file of `models/`: a SELECT, and how it becomes a table.
package struct Model: Sendable {
    /// The file's name without `.sql`, and the table's.
    package let name: String
    /// As errors show it, such as `models/orders.sql`.
    package let path: String
    package let config: ModelConfig
    /// The models that it reads, in any of its branches.
    package let references: Set<String>
    package let sources: Set<SourceName>
    /// The entities whose columns it lists.
    package let columnsOf: Set<String>
    package let usesThis: Bool
    /// Whether the run's time takes part.
    package let usesRun: Bool
    /// The fingerprint of its text, of the macros it can call, of the variables it reads and of its
    /// settings. Another digest means that the table may have to be built anew.
    package let digest: String
    package let description: String?
    /// What schema files say about its columns, in their order.
    package let columns: [DeclaredColumn]

    let template: Template
    let macros: MacroLibrary

    /// The SELECT for one run, without a `;` and without comments around it, ready for parentheses.
    package func render(_ scope: some TemplateScope) throws(ModelError) -> String {
        do throws(ModelIssue) {
            let rendered = try Renderer.render(template, scope, macros)
            for placed in rendered.uses {
                if case .ref(let name) = placed.use, !references.contains(name) {
                    throw ModelIssue(ModelFault.unplanned(name), at: placed.place.file)
                }
            }
            return try rendered.select()
        } catch {
            throw .render(error)
        }
    }

    /// The place in the model's files of a byte of the SQL that `render` gave; nil if it gives another.
    func place(of offset: Int, in sql: String, _ scope: some TemplateScope) -> FilePlace? {
        guard let rendered = try? Renderer.render(template, scope, macros),
            let statement = try? SelectStatement(rendered.text), statement.sql == sql
        else { return nil }
        return rendered.place(of: statement.start + offset)
    }

    /// Columns that schema files describe and the model doesn't give, as only the database knows.
    package func issues(givenColumns given: [String]) -> [ModelIssue] {
        let known = Set(given.map { $0.lowercased() })
        return columns.filter { !known.contains($0.name.lowercased()) }.map { column in
            let fault = SchemaFault.unknownColumn(column.name, model: name, known: given)
            return ModelIssue(fault, at: column.place)
        }
    }
}

/// A column as a schema file describes it.
package struct DeclaredColumn: Sendable, Equatable {
    package let name: String
    package let description: String?
    package let dataType: String?
    package let place: FilePlace
}

extension Rendered {
    /// The text as one SELECT that may stand in a model.
    func select() throws(ModelIssue) -> String {
        do throws(SQLFault.Located) {
            let statement = try SelectStatement(text)
            if let fault = WallClock.fault(in: statement.tokens) { throw fault }
            return statement.sql
        } catch {
            throw ModelIssue(error.fault, at: place(of: error.offset))
        }
    }
}
