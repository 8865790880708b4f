/// Reads a model's settings, and collects everything that's wrong with them.
struct ConfigReader {
    static let keys = [
        "by_key", "carry_forward", "description", "enabled", "full_refresh", "incremental_strategy",
        "indexes", "materialized", "on_schema_change", "partition_by", "storage", "tags", "unique_key",
    ]

    private(set) var config = ModelConfig()
    private(set) var issues: [ModelIssue] = []
    private var places: [String: FilePlace] = [:]
    private var strategyName: String?
    private var isMaterializedWrong = false

    /// `entries` in the order in which they count: later ones win, but tags add up.
    init(_ entries: [ConfigEntry], file: FilePlace) {
        for entry in entries {
            places[entry.key] = entry.place
            read(entry)
        }
        checkTogether(file)
    }

    func place(of key: String) -> FilePlace? { places[key] }

    private mutating func report(_ fault: ConfigFault, _ place: FilePlace) {
        issues.append(ModelIssue(fault, at: place))
    }

    // MARK: One by one

    private mutating func read(_ entry: ConfigEntry) {
        let place = entry.place
        switch entry.key {
        case "materialized": materialized(entry)
        case "incremental_strategy": strategy(entry)
        case "unique_key": config.uniqueKey = columns(entry) ?? []
        case "partition_by": partition(entry)
        case "by_key": config.byKey = text(entry)
        case "carry_forward": carryForward(entry)
        case "storage": storage(entry)
        case "on_schema_change": onSchemaChange(entry)
        case "full_refresh": config.fullRefresh = flag(entry)
        case "enabled": config.enabled = flag(entry) ?? true
        case "tags":
            let tags = strings(entry, wanted: "a text or a list of texts") ?? []
            config.tags = Set(config.tags + tags).sorted()
        case "indexes": indexes(entry)
        case "description": config.description = text(entry)
        default:
            if let refused = Self.refused[entry.key] {
                report(.unsupported(entry.key, why: refused.why, instead: refused.instead), place)
            } else {
                report(.unknown(entry.key, known: Self.keys), place)
            }
        }
    }

    private mutating func wrong(_ entry: ConfigEntry, wanted: String) {
        report(.value(entry.key, found: entry.value.kind, wanted: wanted), entry.place)
    }

    private mutating func text(_ entry: ConfigEntry) -> String? {
        guard case .string(let text) = entry.value else {
            wrong(entry, wanted: "a text")
            return nil
        }
        return text
    }

    private mutating func flag(_ entry: ConfigEntry) -> Bool? {
        switch entry.value {
        case .bool(let flag): return flag
        // dbt's way to say "as the command says".
        case .none where entry.key == "full_refresh": return nil
        default:
            wrong(entry, wanted: "true or false")
            return nil
        }
    }

    private mutating func strings(_ entry: ConfigEntry, wanted: String) -> [String]? {
        switch entry.value {
        case .string(let text): return [text]
        case .list(let items):
            let texts = items.compactMap { if case .string(let text) = $0 { text } else { String?.none } }
            if texts.count == items.count { return texts }
        default: break
        }
        wrong(entry, wanted: wanted)
        return nil
    }

    /// A column or a list of columns: at least one, each once.
    private mutating func columns(_ entry: ConfigEntry) -> [String]? {
        guard let columns = strings(entry, wanted: "a column or a list of columns") else { return nil }
        return checked(columns, entry)
    }

    private mutating func checked(_ columns: [String], _ entry: ConfigEntry) -> [String]? {
        guard !columns.isEmpty, !columns.contains("") else {
            report(.empty(entry.key), entry.place)
            return nil
        }
        var seen: Set<String> = []
        for column in columns where !seen.insert(column.lowercased()).inserted {
            report(.duplicateColumn(column, in: entry.key), entry.place)
            return nil
        }
        return columns
    }

    private mutating func materialized(_ entry: ConfigEntry) {
        guard let name = text(entry) else { return isMaterializedWrong = true }
        isMaterializedWrong = Materialized(rawValue: name) == nil
        if let value = Materialized(rawValue: name) {
            config.materialized = value
        } else if name == "ephemeral" {
            report(
                .refusedChoice(
                    entry.key, value: name, why: "every model is something people can look at",
                    instead: "Use 'view'."), entry.place)
        } else if name == "materialized_view" {
            report(
                .refusedChoice(
                    entry.key, value: name, why: "SQLite has none", instead: "Use 'table'."), entry.place)
        } else {
            report(.choice(entry.key, found: name, known: Materialized.allCases.map(\.rawValue)), entry.place)
        }
    }

    private mutating func strategy(_ entry: ConfigEntry) {
        guard let name = text(entry) else { return }
        strategyName = name
        let refused: [String: (why: String, instead: String)] = [
            "append": ("a run that's repeated would add its rows twice", "Use 'merge' with a unique_key."),
            "delete+insert": ("'merge' gives the same table and writes only what changed", "Use 'merge'."),
            "microbatch": (
                "elt itself finds the days that a run can change",
                "Use 'insert_overwrite' with partition_by."
            ),
        ]
        if let value = IncrementalStrategy(rawValue: name) {
            config.strategy = value
        } else if let refused = refused[name] {
            report(
                .refusedChoice(entry.key, value: name, why: refused.why, instead: refused.instead),
                entry.place)
        } else {
            let known = IncrementalStrategy.allCases.map(\.rawValue)
            report(.choice(entry.key, found: name, known: known), entry.place)
        }
    }

    /// `'day'`, or dbt's `{'field': 'day', 'data_type': 'date', 'granularity': 'day'}`.
    private mutating func partition(_ entry: ConfigEntry) {
        switch entry.value {
        case .string(let column) where !column.isEmpty: config.partitionBy = column
        case .dict(let dictionary):
            guard case .string(let column)? = dictionary["field"], !column.isEmpty else {
                return report(.missing("field", by: "partition_by", example: "'field': 'day'"), entry.place)
            }
            config.partitionBy = column
            for part in dictionary.entries where part.key != "field" {
                let standard = ["data_type": "date", "granularity": "day"][part.key]
                if standard == nil {
                    report(
                        .unknown("partition_by.\(part.key)", known: ["field", "data_type", "granularity"]),
                        entry.place)
                } else if part.value != standard.map(TemplateValue.string) {
                    report(
                        .refusedChoice(
                            "partition_by.\(part.key)", value: part.value.printed ?? part.value.kind,
                            why: "partitions are days", instead: "Remove it."), entry.place)
                }
            }
        default: wrong(entry, wanted: "a column or {'field': column}")
        }
    }

    private mutating func carryForward(_ entry: ConfigEntry) {
        guard case .dict(let dictionary) = entry.value else {
            return wrong(entry, wanted: "a dictionary like {'changed': 0}")
        }
        var carried: [CarriedColumn] = []
        for part in dictionary.entries {
            guard let literal = part.value.sqlLiteral else {
                report(
                    .value("carry_forward.\(part.key)", found: part.value.kind, wanted: "a plain value"),
                    entry.place)
                continue
            }
            carried.append(CarriedColumn(column: part.key, sqlLiteral: literal))
        }
        if carried.isEmpty || checked(carried.map(\.column), entry) != nil { config.carryForward = carried }
    }

    private mutating func storage(_ entry: ConfigEntry) {
        guard let name = text(entry) else { return }
        if let value = HistoryStorage(rawValue: name) {
            config.storage = value
        } else {
            report(.choice(entry.key, found: name, known: HistoryStorage.allCases.map(\.rawValue)), entry.place)
        }
    }

    private mutating func onSchemaChange(_ entry: ConfigEntry) {
        guard let name = text(entry) else { return }
        if let value = OnSchemaChange(rawValue: name) {
            config.onSchemaChange = value
        } else if ["ignore", "append_new_columns"].contains(name) {
            report(
                .refusedChoice(
                    entry.key, value: name, why: "the table would differ from one that's built anew",
                    instead: "Use 'sync_all_columns' or 'fail'."), entry.place)
        } else {
            let known = OnSchemaChange.allCases.map(\.rawValue)
            report(.choice(entry.key, found: name, known: known), entry.place)
        }
    }

    /// `[['city'], ['zip', 'street']]`, or dbt's `[{'columns': ['city']}]`.
    private mutating func indexes(_ entry: ConfigEntry) {
        guard case .list(let items) = entry.value else {
            return wrong(entry, wanted: "a list of lists of columns")
        }
        for item in items {
            var item = item
            if case .dict(let dictionary) = item {
                for part in dictionary.entries where part.key != "columns" {
                    report(
                        .unsupported(
                            "indexes.\(part.key)", why: "indexes only make reading faster",
                            instead: part.key == "unique" ? "Write a test 'unique'." : "Remove it."),
                        entry.place)
                }
                item = dictionary["columns"] ?? .list([])
            }
            let inner = ConfigEntry(key: entry.key, value: item, place: entry.place)
            if let columns = columns(inner) { config.indexes.append(columns) }
        }
    }

    // MARK: Together

    private mutating func checkTogether(_ file: FilePlace) {
        guard !isMaterializedWrong else { return }
        guard config.materialized == .incremental else { return checkPlain() }
        // Where the strategy's name was wrong, what it needs can't be known.
        if strategyName != nil, config.strategy == nil { return }
        let strategy = config.strategy ?? .merge
        config.strategy = strategy
        let place = places["incremental_strategy"] ?? places["materialized"] ?? file
        switch strategy {
        case .merge:
            if places["unique_key"] == nil {
                report(.missing("unique_key", by: "A merge", example: "unique_key='id'"), place)
            }
            pointless(["partition_by", "carry_forward", "storage"], on: "a merge", instead: "Use 'insert_overwrite'.")
        case .insertOverwrite:
            if places["partition_by"] == nil {
                report(
                    .missing("partition_by", by: "An insert_overwrite", example: "partition_by='day'"), place)
            }
            if let place = places["carry_forward"], places["by_key"] == nil {
                report(.missing("by_key", by: "carry_forward", example: "by_key='entity'"), place)
            }
            if let place = places["carry_forward"], places["by_key"] != nil, places["unique_key"] == nil {
                report(.missing("unique_key", by: "carry_forward", example: "unique_key='id'"), place)
            }
            checkIntervals()
        }
        if let place = places["unique_key"], places["by_key"] != nil, config.uniqueKey.count > 1 {
            report(
                .refusedChoice(
                    "unique_key", value: config.uniqueKey.joined(separator: ", "),
                    why: "with by_key each key of the entity has one row", instead: "Use one column, or leave out by_key."),
                place)
        }
        if let partition = config.partitionBy, let place = places["unique_key"], places["by_key"] != nil,
            config.uniqueKey.map({ $0.lowercased() }) == [partition.lowercased()]
        {
            report(
                .refusedChoice(
                    "unique_key", value: partition, why: "with by_key each key of the entity has a row in each '\(partition)'",
                    instead: "Name the column of the entity's key, or leave out by_key."),
                place)
        }
        if let partition = config.partitionBy, let place = places["carry_forward"],
            config.carryForward?.contains(where: { $0.column.lowercased() == partition.lowercased() }) == true
        {
            report(
                .refusedChoice(
                    "carry_forward", value: partition, why: "the day of a carried row is the day it's in",
                    instead: "Remove it."), place)
        }
    }

    /// Intervals are what's carried forward, and days are no column of theirs.
    private mutating func checkIntervals() {
        guard config.storage == .intervals, let place = places["storage"] else { return }
        if places["carry_forward"] == nil {
            report(
                .missing(
                    "carry_forward", by: "storage='intervals'",
                    example: "carry_forward={'changed': 0}, with by_key and unique_key, or use storage='days'"), place)
        }
        guard let partition = config.partitionBy, let place = places["indexes"] else { return }
        for index in config.indexes where index.contains(where: { $0.lowercased() == partition.lowercased() }) {
            report(
                .refusedChoice(
                    "indexes", value: index.joined(separator: ", "),
                    why: "with storage='intervals' a row stands once for all of its days",
                    instead: "Leave out '\(partition)', or use storage='days'."), place)
        }
    }

    private mutating func checkPlain() {
        config.strategy = nil
        let what = config.materialized == .view ? "a view" : "a table"
        let keys = [
            "incremental_strategy", "unique_key", "partition_by", "by_key", "carry_forward", "storage",
            "on_schema_change", "full_refresh",
        ]
        pointless(keys, on: what, instead: "Remove it, or set materialized='incremental'.")
        if config.materialized == .view {
            pointless(["indexes"], on: what, instead: "Remove it, or set materialized='table'.")
        }
    }

    private mutating func pointless(_ keys: [String], on what: String, instead: String) {
        for key in keys {
            if let place = places[key] { report(.pointless(key, on: what, instead: instead), place) }
        }
    }
}
