import Testing

@testable import ELTTransform

/// A project of one model, with the entity customer.
func project(_ text: String, schema: String? = nil) throws(ModelError) -> ModelProject {
    try ModelProject(
        ModelFiles(
            models: [.init(path: "models/m.sql", text: text)],
            schemas: schema.map { [.init(path: "models/schema.yml", text: $0)] } ?? []),
        entities: ["customer", "order"], variables: ["kind": "table", "limit": 3])
}

/// The errors of a project, one a line.
func errors(_ files: ModelFiles) -> [String] {
    do throws(ModelError) {
        _ = try ModelProject(files, entities: ["customer", "order"], variables: ["limit": 3])
        return []
    } catch {
        return error.issues.map(\.description)
    }
}

func errors(_ text: String, schema: String? = nil) -> [String] {
    errors(
        ModelFiles(
            models: [.init(path: "models/m.sql", text: text)],
            schemas: schema.map { [.init(path: "models/schema.yml", text: $0)] } ?? []))
}

@Suite struct ConfigTests {
    private func config(_ settings: String, from: String = "(values (1))") throws -> ModelConfig? {
        try project("{{ config(\(settings)) }} select 1 from \(from)").model("m")?.config
    }

    @Test func `a model without settings is a view`() throws {
        #expect(try project("select 1").model("m")?.config == ModelConfig())
    }

    @Test func `the two shipped models read as they are meant`() throws {
        let current = try config(
            "materialized='incremental', incremental_strategy='merge', unique_key='id', by_key='customer'",
            from: "{{ source('customer', 'winners') }}")
        #expect(current?.strategy == .merge)
        #expect(current?.uniqueKey == ["id"])
        #expect(current?.byKey == "customer")
        let history = try config(
            """
            materialized='incremental', incremental_strategy='insert_overwrite',
            partition_by={'field': 'day'}, unique_key='id', by_key='customer', carry_forward={'changed': 0, 'note': none},
            indexes=[['id'], {'columns': ['zip', 'city']}],
            on_schema_change='fail', full_refresh=false, tags=['b', 'a', 'b'], description='d'
            """, from: "{{ source('customer', 'daily_winners') }}")
        #expect(history?.strategy == .insertOverwrite)
        #expect(history?.partitionBy == "day")
        #expect(
            history?.carryForward == [
                CarriedColumn(column: "changed", sqlLiteral: "0"),
                CarriedColumn(column: "note", sqlLiteral: "NULL"),
            ])
        #expect(history?.indexes == [["id"], ["zip", "city"]])
        #expect(history?.onSchemaChange == .fail)
        #expect(history?.fullRefresh == false)
        #expect(history?.tags == ["a", "b"])
    }

    @Test func `an incremental model merges unless it says otherwise`() throws {
        #expect(try config("materialized='incremental', unique_key=['a', 'b']")?.strategy == .merge)
    }

    @Test func `settings may depend on variables but not on the run`() throws {
        #expect(try config("materialized=var('kind')")?.materialized == .table)
        #expect(
            errors("{{ config(tags=[run.today]) }} select 1") == [
                "models/m.sql:1:11: The setting 'tags' changes from run to run. Make it depend on nothing "
                    + "but var('…')."
            ])
    }

    @Test func `config in a schema file counts less than config in the model, and tags add up`() throws {
        let schema = """
            version: 2
            models:
              - name: m
                config: {materialized: table, tags: b, indexes: [[x]]}
            """
        let config = try project("{{ config(tags='a') }} select 1", schema: schema).model("m")?.config
        #expect(config?.materialized == .table)
        #expect(config?.tags == ["a", "b"])
        #expect(config?.indexes == [["x"]])
        let other = "{{ config(materialized='view') }} select 1"
        let plain = schema.replacing(", indexes: [[x]]", with: "")
        #expect(try project(other, schema: plain).model("m")?.config.materialized == .view)
    }

    @Test func `Another storage is another model, and tables of days stay what they are`() throws {
        let digests = try ["", "storage='days', ", "storage='intervals', "].map { storage in
            try project(
                """
                {{ config(\(storage)materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day',
                    unique_key='id', by_key='customer', carry_forward={}) }} select 1 from {{ source('customer', 'daily_winners') }}
                """).model("m")?.config.canonical
        }
        #expect(digests[0] == digests[1])
        #expect(digests[1] != digests[2])
    }

    static let wrongIntervals: [(String, String)] = [
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', storage='intervals', by_key='customer', unique_key='id', carry_forward={}",
            "models/m.sql:1:39: An insert_overwrite needs the setting 'partition_by'. Add partition_by='day'."
        ),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', unique_key='id', by_key='customer', carry_forward={}, storage='intervals', indexes=[['city'], ['DAY', 'city']]",
            "models/m.sql:1:175: indexes='DAY, city' isn't supported: with storage='intervals' a row stands once for all of its days. Leave out 'day', or use storage='days'."
        ),
    ]

    @Test(arguments: wrongIntervals)
    func `intervals are refused where a row has no days of its own`(_ settings: String, _ text: String) {
        #expect(errors("{{ config(\(settings)) }} select 1 from {{ source('customer', 'daily_winners') }}") == [text])
    }

    static let wrong: [(String, String)] = [
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', storage='interval'",
            "models/m.sql:1:100: The setting 'storage' can't be 'interval'. Did you mean 'intervals'?"
        ),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', storage='intervals'",
            "models/m.sql:1:100: storage='intervals' needs the setting 'carry_forward'. Add carry_forward={'changed': 0}, with by_key and unique_key, or use storage='days'."
        ),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', storage='intervals', carry_forward={}",
            "models/m.sql:1:121: carry_forward needs the setting 'by_key'. Add by_key='entity'."
        ),
        (
            "materialized='incremental', unique_key='id', storage='intervals'",
            "models/m.sql:1:56: The setting 'storage' has no effect on a merge. Use 'insert_overwrite'."
        ),
        (
            "materialized='view', storage='intervals'",
            "models/m.sql:1:32: The setting 'storage' has no effect on a view. Remove it, or set materialized='incremental'."
        ),
        (
            "materialised='table'",
            "models/m.sql:1:11: There's no setting 'materialised'. Did you mean 'materialized'?"
        ),
        (
            "materialized='tabel'",
            "models/m.sql:1:11: The setting 'materialized' can't be 'tabel'. Did you mean 'table'?"
        ),
        (
            "materialized='ephemeral'",
            "models/m.sql:1:11: materialized='ephemeral' isn't supported: every model is something people "
                + "can look at. "
                + "Use 'view'."
        ),
        (
            "materialized=1",
            "models/m.sql:1:11: The setting 'materialized' is a number, not a text. "
                + "Correct the value; docs/models.md lists the settings."
        ),
        (
            "materialized='incremental'",
            "models/m.sql:1:11: A merge needs the setting 'unique_key'. Add unique_key='id'."
        ),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite'",
            "models/m.sql:1:39: An insert_overwrite needs the setting 'partition_by'. Add partition_by='day'."
        ),
        (
            "materialized='incremental', incremental_strategy='append'",
            "models/m.sql:1:39: incremental_strategy='append' isn't supported: a run that's repeated "
                + "would add its rows "
                + "twice. Use 'merge' with a unique_key."
        ),
        (
            "materialized='incremental', incremental_strategy='delete+insert'",
            "models/m.sql:1:39: incremental_strategy='delete+insert' isn't supported: 'merge' gives the "
                + "same table and "
                + "writes only what changed. Use 'merge'."
        ),
        (
            "materialized='incremental', incremental_strategy='merg', unique_key='id'",
            "models/m.sql:1:39: The setting 'incremental_strategy' can't be 'merg'. Did you mean 'merge'?"
        ),
        (
            "materialized='incremental', unique_key='id', partition_by='day'",
            "models/m.sql:1:56: The setting 'partition_by' has no effect on a merge. Use 'insert_overwrite'."
        ),
        (
            "materialized='incremental', unique_key=['id', 'ID']",
            "models/m.sql:1:39: The setting 'unique_key' names the column 'ID' twice. Name it once."
        ),
        (
            "materialized='incremental', unique_key=[]",
            "models/m.sql:1:39: The setting 'unique_key' names no column. "
                + "Correct the value; docs/models.md lists the settings."
        ),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', "
                + "carry_forward={}",
            "models/m.sql:1:100: carry_forward needs the setting 'by_key'. Add by_key='entity'."
        ),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', "
                + "partition_by={'field': 'day', 'granularity': 'hour'}",
            "models/m.sql:1:80: partition_by.granularity='hour' isn't supported: partitions are days. "
                + "Remove it."
        ),
        (
            "unique_key='id'",
            "models/m.sql:1:11: The setting 'unique_key' has no effect on a view. "
                + "Remove it, or set materialized='incremental'."
        ),
        (
            "materialized='table', full_refresh=false",
            "models/m.sql:1:33: The setting 'full_refresh' has no effect on a table. "
                + "Remove it, or set materialized='incremental'."
        ),
        (
            "alias='x'",
            "models/m.sql:1:11: The setting 'alias' isn't supported: a model is called like its file, so "
                + "that people "
                + "find the one by the other. Rename the file."
        ),
        (
            "enabled='yes'",
            "models/m.sql:1:11: The setting 'enabled' is a string, not true or false. "
                + "Correct the value; docs/models.md lists the settings."
        ),
        (
            "materialized='incremental', unique_key='id', on_schema_change='ignore'",
            "models/m.sql:1:56: on_schema_change='ignore' isn't supported: the table would differ from "
                + "one that's built "
                + "anew. Use 'sync_all_columns' or 'fail'."
        ),
        (
            "materialized='incremental', unique_key='id', by_key='custmer'",
            "models/m.sql:1:56: The project has no entity 'custmer'. Did you mean 'customer'?"
        ),
        (
            "materialized='incremental', unique_key='id', by_key='customer'",
            "models/m.sql:1:56: by_key='customer' needs the rows of source('customer', 'winners'), which "
                + "the model "
                + "doesn't read. Read {{ source('customer', 'winners') }}, or remove by_key."
        ),
    ]

    @Test(arguments: wrong)
    func `a wrong setting is refused at its place`(_ settings: String, _ text: String) {
        #expect(errors("{{ config(\(settings)) }} select 1") == [text])
    }

    @Test func `a model by key reads nothing but its winners and not the clock`() {
        let head = "{{ config(materialized='incremental', unique_key='id', by_key='customer') }}\n"
        let from = "from {{ source('customer', 'winners') }}"
        #expect(
            errors(head + "select '{{ run.now }}' \(from)") == [
                "models/m.sql:2:12: A model with by_key uses the run's time: rows of unchanged keys would "
                    + "keep an old "
                    + "one. Use it in a view over this model, or remove by_key."
            ])
        #expect(
            errors(head + "select {% if is_incremental() %} 1 {% else %} 0 {% endif %} as n \(from)")
                == [
                    "models/m.sql:2:14: A model with by_key asks is_incremental(): a rebuild would give other rows than the hours. "
                        + "Leave it out: with by_key an hour asks for the rows of changed keys alone."
                ])
        #expect(
            errors(head + "select 1 \(from), {{ source('order', 'stream') }}") == [
                "models/m.sql:2:55: A model with by_key='customer' reads source('order', 'stream'): when "
                    + "that changes, "
                    + "rows of unchanged keys stay old. Join it in a view over this model, or remove by_key."
            ])
    }

    static let across = [
        "count(*)", "sum(x)", "max(x)", "distinct x", "row_number() over (order by x)", "x {} group by x",
        "row_number() over w {} window w as (order by x)", "sum(x) filter (where y) over w {} window w as (order by x)",
        "x {} limit 5", "x {} union all select 1 {} having 1",
    ]
    static let within = [
        "max(x, 0)", "t.limit", "(select count(*) from json_each(tags))", "over", "t.over", "upper(max(x, y))", "'group by'",
    ]

    private func byKey(_ select: String) -> [String] {
        let from = "from {{ source('customer', 'winners') }}"
        let body = select.contains("{}") ? select.replacing("{}", with: from) : "\(select) \(from)"
        return errors(
            "{{ config(materialized='incremental', unique_key='id', by_key='customer') }} select \(body)")
    }

    @Test(arguments: across)
    func `a model by key takes each row from one key`(_ select: String) {
        #expect(byKey(select).first?.contains("puts rows of several keys together with") == true)
    }

    @Test(arguments: within)
    func `a model by key may do within a row what it likes`(_ select: String) {
        #expect(byKey(select) == [])
    }

    @Test func `a model by key has one row for each key`() {
        let issues = errors(
            "{{ config(materialized='incremental', unique_key=['id', 'tag'], by_key='customer') }} select 1 as id, 2 as tag from {{ source('customer', 'winners') }}")
        #expect(issues.first?.contains("with by_key each key of the entity has one row") == true, "\(issues)")
    }

    @Test func `a model by key has more than one row for each day`() {
        let issues = errors(
            "{{ config(materialized='incremental', incremental_strategy='insert_overwrite', unique_key='DAY', partition_by='day', by_key='customer') }} select _on_day as day from {{ source('customer', 'daily_winners') }}")
        #expect(issues.first?.contains("each key of the entity has a row in each 'day'") == true, "\(issues)")
    }

    @Test func `days that are carried need a key`() {
        let issues = errors(
            "{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', by_key='customer', carry_forward={'changed': 0}) }} select 1 as day, 2 as changed from {{ source('customer', 'daily_winners') }}")
        #expect(issues.contains { $0.contains("unique_key") }, "\(issues)")
    }
}
