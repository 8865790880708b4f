@testable import ELTTransform

/// A run whose answers are easy to recognise.
struct TestScope: TemplateScope {
    var variables: [String: TemplateValue] = ["limit": 10, "city": "Hamburg", "days": .list([1, 2, 3])]
    var isIncremental = false
    var isFullRefresh = false

    func ref(_ model: String) throws -> String { "\"\(model)\"" }
    func source(_ entity: String, _ table: String) throws -> String { "raw_\(entity)_\(table)" }
    var this: String { "\"me\"" }
    func variable(_ name: String) -> TemplateValue? { variables[name] }
    func columns(_ entity: String) throws -> String { "id, name" }
    var runNow: String { "2026-11-20T09:30:00.123Z" }
    var runToday: String { "2026-11-20" }
}

/// Renders a text with the macros of another.
func render(
    _ text: String, macros: String = "", _ scope: TestScope = TestScope(),
    limits: TemplateLimits = TemplateLimits()
) throws(ModelIssue) -> String {
    var library = MacroLibrary()
    if let issue = library.read(SourceText(path: "macros/m.sql", text: macros), limits: limits).first {
        throw issue
    }
    let template = try Template(SourceText(path: "models/m.sql", text: text), limits: limits)
    return try Renderer.render(template, scope, library, limits: limits).text
}

/// The description of the error that rendering ends in.
func failure(
    _ text: String, macros: String = "", _ scope: TestScope = TestScope(),
    limits: TemplateLimits = TemplateLimits()
) -> String {
    do throws(ModelIssue) {
        return "no error: \(try render(text, macros: macros, scope, limits: limits))"
    } catch {
        return error.description
    }
}
