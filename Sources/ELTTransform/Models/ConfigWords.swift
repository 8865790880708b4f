extension ConfigReader {
    private static let name = "a model is called like its file, so that people find the one by the other"
    private static let hooks = "a model is one SELECT and changes nothing else"
    private static let rights = "a SQLite file has no users"

    /// Settings that dbt has and elt refuses.
    static let refused: [String: (why: String, instead: String)] = [
        "alias": (name, "Rename the file."),
        "schema": ("there's one warehouse with one schema", "Remove it."),
        "database": ("there's one warehouse with one schema", "Remove it."),
        "pre_hook": (hooks, "Remove it."), "post_hook": (hooks, "Remove it; 'indexes' makes indexes."),
        "pre-hook": (hooks, "Remove it."), "post-hook": (hooks, "Remove it; 'indexes' makes indexes."),
        "sql_header": (hooks, "Remove it."),
        "grants": (rights, "Set the file's permissions."), "access": (rights, "Remove it."),
        "group": (rights, "Use 'tags'."),
        "contract": ("columns follow the query", "Write tests into schema.yml."),
        "persist_docs": ("SQLite has no comments on tables", "Remove it."),
        "meta": ("nothing reads it", "Use 'tags' or 'description'."),
        "docs": ("nothing reads it", "Use 'description'."),
        "cluster_by": ("SQLite has no clusters", "Use 'indexes'."),
        "incremental_predicates": ("elt itself finds the rows that a run can change", "Remove it."),
        "merge_update_columns": ("a merge writes the whole row", "Remove it."),
        "merge_exclude_columns": ("a merge writes the whole row", "Remove it."),
        "event_time": ("elt itself finds the days that a run can change", "Use partition_by."),
        "lookback": ("elt itself finds the days that a run can change", "Remove it."),
        "batch_size": ("elt itself finds the days that a run can change", "Remove it."),
        "begin": ("the archive's first record begins the history", "Remove it."),
        "severity": ("a model has none", "Write it at the test."),
        "quoting": ("names are always quoted", "Remove it."),
    ]
}
