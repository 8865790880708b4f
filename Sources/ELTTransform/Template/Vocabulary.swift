/// Every word that templates know, and the words of dbt that they refuse with the reason.
enum Vocabulary {
    static let statements = ["if", "for", "set", "raw", "macro"]
    static let closers = ["elif", "else", "endif", "endfor", "endset", "endraw", "endmacro"]
    static let functions = [
        "columns", "config", "is_incremental", "range", "ref", "should_full_refresh", "source", "var",
    ]
    static let names = ["flags", "loop", "run", "this"]
    static let filters = [
        "count", "d", "default", "first", "int", "join", "last", "length", "list", "lower", "replace",
        "string", "trim", "upper",
    ]
    static let tests = ["defined", "none", "undefined"]
    static let literals = ["True", "False", "None", "true", "false", "none"]
    /// Words with a meaning of their own in expressions.
    static let reserved: Set<String> = [
        "and", "or", "not", "in", "is", "if", "else", "for", "True", "False", "None", "true", "false", "none",
    ]

    private static let database =
        "a template never asks the database, so that what it gives depends on the project alone"
    private static let outside = "tables must be a function of the archive and the project alone"

    /// Why a name or function of dbt isn't here, and what to do instead.
    static let refused: [String: (why: String, instead: String)] = [
        "env_var": (outside, "Put the value into 'vars:' of elt.yml and write var('name')."),
        "target": (outside, "Put what differs into 'vars:' of elt.yml and write var('name')."),
        "adapter": (database, "Write the SQL directly; columns('entity') lists an entity's columns."),
        "run_query": (database, "Join the table in SQL, or list the values with {% set %}."),
        "statement": (database, "Join the table in SQL, or list the values with {% set %}."),
        "load_result": (database, "Join the table in SQL, or list the values with {% set %}."),
        "store_result": (database, "Join the table in SQL, or list the values with {% set %}."),
        "execute": (database, "Remove the test: there's no phase in which SQL isn't rendered for real."),
        "graph": (database, "Write ref('model') for each model that's read."),
        "log": ("rendering has no side effects", "Remove it; 'elt build --verbose' shows the SQL."),
        "print": ("rendering has no side effects", "Remove it; 'elt build --verbose' shows the SQL."),
        "debug": ("rendering has no side effects", "Remove it; 'elt build --verbose' shows the SQL."),
        "exceptions": ("a template can't raise errors", "Write the rule as a test in tests/."),
        "return": ("a macro gives the text that it prints", "Print the value with {{ … }}."),
        "namespace": ("values never change", "Use join, loop.first and loop.last instead of a counter."),
        "dict": ("dictionaries are written as {'key': value}", "Write {'key': value}."),
        "zip": ("loops go over one list", "Write one list of [a, b] pairs and {% for a, b in pairs %}."),
        "modules": ("Python isn't here", "Use run.now and run.today, and SQL's date functions."),
        "run_started_at": ("the run's instant has another name", "Write '{{ run.now }}'."),
        "invocation_id": (outside, "Remove it."),
        "tojson": ("there's no JSON in templates", "Write the text out."),
        "fromjson": ("there's no JSON in templates", "Write the list or dictionary out."),
        "toyaml": ("there's no YAML in templates", "Write the text out."),
        "fromyaml": ("there's no YAML in templates", "Write the list or dictionary out."),
        "doc": ("descriptions are plain text", "Write the text into schema.yml."),
        "builtins": ("functions can't be replaced", "Call ref, source or config directly."),
        "dbt_utils": ("there are no packages", "Write the macro into macros/."),
        "dbt": ("there are no packages", "Write the SQL, or a macro of your own in macros/."),
        "model": ("a template doesn't see the project", "Write the name out, or {{ this }} for the table."),
        "schema": ("there's one warehouse with one schema", "Write ref('model') or {{ this }}."),
        "database": ("there's one warehouse with one schema", "Write ref('model') or {{ this }}."),
        "caller": ("there are no call blocks", "Pass the text as an argument: {% set x %}…{% endset %}."),
        "varargs": ("macros name all their arguments", "Add the arguments to the macro."),
        "kwargs": ("macros name all their arguments", "Add the arguments to the macro."),
        "cycler": ("values never change", "Use loop.index0 % n."),
        "joiner": ("values never change", "Use join, or loop.last."),
    ]

    static let refusedStatements: [String: (why: String, instead: String)] = [
        "do": ("values never change", "Write {% set x = … %}, or {{ … }} to print."),
        "call": ("there are no call blocks", "Pass the text as an argument: {% set x %}…{% endset %}."),
        "filter": ("there are no filter blocks", "Write {% set x %}…{% endset %} and {{ x | upper }}."),
        "include": ("each file stands alone", "Put what files share into a macro in macros/."),
        "import": ("all macros are known everywhere", "Remove it and call the macro by its name."),
        "from": ("all macros are known everywhere", "Remove it and call the macro by its name."),
        "extends": ("each file stands alone", "Put what files share into a macro in macros/."),
        "block": ("each file stands alone", "Put what files share into a macro in macros/."),
        "with": ("there are no with blocks", "Write {% set x = … %}."),
        "break": ("loops end with their list", "Put an {% if %} around the loop's body."),
        "continue": ("loops end with their list", "Put an {% if %} around the loop's body."),
        "snapshot": ("there are no snapshots", "The history table keeps every day: see docs/models.md."),
        "test": ("tests aren't macros", "Write a SELECT of the failing rows into tests/."),
        "data_test": ("tests aren't macros", "Write a SELECT of the failing rows into tests/."),
        "materialization": ("materializations are built in", "Use view, table or incremental."),
        "docs": ("descriptions are plain text", "Write the text into schema.yml."),
        "trans": ("there are no translations", "Remove it."),
        "autoescape": ("SQL isn't escaped", "Remove it."),
    ]

    static let refusedFilters: [String: String] = [
        "map": "Write a {% for %} loop.", "select": "Write a {% for %} loop with an {% if %}.",
        "reject": "Write a {% for %} loop with an {% if %}.",
        "selectattr": "Write a {% for %} loop with an {% if %}.",
        "sort": "Write the list in the order it should have.",
        "unique": "Write each value of the list once.",
        "safe": "Remove it: SQL isn't escaped.", "escape": "Remove it: SQL isn't escaped.",
        "as_bool": "Remove it: expressions keep their types.",
        "as_number": "Remove it: expressions keep their types.",
        "as_native": "Remove it: expressions keep their types.",
        "as_text": "Write 'string'.", "float": "Write the number as 1.5.",
        "tojson": "Write the text out.", "format": "Join the parts with ~.",
    ]
}
