/// What a template can ask of the run that renders it.
///
/// The renderer calls these whenever a template does, in the template's order. An error that one
/// throws is shown with the place in the template that asked.
package protocol TemplateScope {
    /// The relation that `{{ ref('model') }}` stands for, ready for SQL.
    func ref(_ model: String) throws -> String
    /// The relation that `{{ source('entity', 'table') }}` stands for, ready for SQL.
    func source(_ entity: String, _ table: String) throws -> String
    /// The model's own table, ready for SQL.
    var this: String { get }
    /// A project variable; nil if the project has none of that name.
    func variable(_ name: String) -> TemplateValue?
    /// Whether the model's table is there and this run adds to it.
    var isIncremental: Bool { get }
    /// The entity's columns as a list for `SELECT`.
    func columns(_ entity: String) throws -> String
    /// The run's instant, `2026-11-20T09:30:00.123Z`, without quotes.
    var runNow: String { get }
    /// The run's day in the project's zone, `2026-11-20`, without quotes.
    var runToday: String { get }
    /// Whether the model is being rebuilt from nothing.
    var isFullRefresh: Bool { get }
}

/// Bounds on what a template may do, so that a mistake in one ends in an error and not in a hang.
package struct TemplateLimits: Sendable {
    /// Bytes of one file.
    package var sourceBytes = 1 << 20
    /// Blocks or brackets inside each other in one file.
    package var nesting = 50
    /// Expressions, blocks and macro calls inside each other while rendering.
    package var depth = 250
    /// Macros that call macros.
    package var macroDepth = 30
    /// Passes of all loops together.
    package var iterations = 100_000
    /// Bytes of text produced by all expressions together.
    package var outputBytes = 8 << 20
    /// Expressions evaluated, and values looked at to compare or find others.
    package var steps = 2_000_000
    /// Elements of one list or dictionary.
    package var elements = 100_000
    /// Lists and dictionaries inside each other.
    package var valueDepth = 8
    package init() {}
}
