/// How a model's query becomes something people can read.
package enum Materialized: String, CaseIterable, Sendable {
    case view, table, incremental
}

package enum IncrementalStrategy: String, CaseIterable, Sendable {
    /// New keys are inserted, changed rows updated.
    case merge
    /// Whole partitions are written anew.
    case insertOverwrite = "insert_overwrite"
}

/// What happens to a table whose query gives other columns than it has.
package enum OnSchemaChange: String, CaseIterable, Sendable {
    case syncAllColumns = "sync_all_columns"
    case fail
}

/// How a history by days is kept. Readers see the same rows either way.
package enum HistoryStorage: String, CaseIterable, Sendable {
    /// Each day holds all of its rows.
    case days
    /// A row stands once, with its first and last day; a view gives it for each day.
    case intervals
}

/// A column that a carried-forward row gets a new value in.
package struct CarriedColumn: Hashable, Sendable {
    package let column: String
    /// The value as SQL writes it.
    package let sqlLiteral: String

    package init(column: String, sqlLiteral: String) {
        self.column = column
        self.sqlLiteral = sqlLiteral
    }
}

/// The settings of a model: those of `schema.yml`, and above them those of `config(…)`.
package struct ModelConfig: Sendable, Equatable {
    package var materialized: Materialized = .view
    /// Set exactly where `materialized` is `.incremental`.
    package var strategy: IncrementalStrategy?
    /// The columns that identify a row; `insert_overwrite`: within a partition.
    package var uniqueKey: [String] = []
    /// The column of days that `insert_overwrite` writes by.
    package var partitionBy: String?
    /// The entity whose winners give the rows, one key for each row.
    package var byKey: String?
    /// nil: days aren't carried forward. Empty: they are, as they stand.
    package var carryForward: [CarriedColumn]?
    package var storage: HistoryStorage = .days
    package var onSchemaChange: OnSchemaChange = .syncAllColumns
    /// false: never rebuilt by `--full-refresh`; true: rebuilt by every run; nil: as the command says.
    package var fullRefresh: Bool?
    package var enabled = true
    /// Sorted, each once.
    package var tags: [String] = []
    package var indexes: [[String]] = []
    package var description: String?

    package init() {}

    /// What of the settings decides the table's rows or shape, for the digest.
    var canonical: String {
        let parts = [
            materialized.rawValue, strategy?.rawValue ?? "", uniqueKey.joined(separator: "\u{1}"),
            partitionBy ?? "", byKey ?? "",
            carryForward?.map { "\($0.column)=\($0.sqlLiteral)" }.joined(separator: "\u{1}") ?? "-",
            indexes.map { $0.joined(separator: "\u{1}") }.joined(separator: "\u{2}"),
        ]
        // Tables of days that were built before there was a choice stay as they are.
        return (storage == .days ? parts : parts + [storage.rawValue]).joined(separator: "\u{3}")
    }
}
