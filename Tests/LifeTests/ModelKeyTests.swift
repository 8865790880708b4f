import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import Testing

/// What a model's settings say of its key and its columns.
@Suite struct ModelKeyTests {
    private func project(_ models: [String: String]) throws -> ReplayProject {
        let project = try ReplayProject()
        for (name, model) in models {
            try model.write(toFile: project.folder + "/models/\(name).sql", atomically: true, encoding: .utf8)
        }
        return project
    }

    private func run(_ project: ReplayProject, _ hour: Int) throws {
        _ = try project.engine(hours: hour).run(RunOptions())
    }

    private func produce(_ project: ReplayProject, _ value: String, hour: Int = 0) {
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: (project.start + .seconds(hour * 3600)).milliseconds, key: [],
            value: Array(value.utf8))
    }

    private static func byKey(_ column: String, carrying: Bool, filter: String = "") -> String {
        carrying
            ? """
            {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day',
                unique_key='k', by_key='customer', carry_forward={'changed': 0}) }}
            select _on_day as day, _day = _on_day as changed, \(column) as k, name from {{ source('customer', 'daily_winners') }} \(filter)
            """
            : """
            {{ config(materialized='incremental', unique_key='k', by_key='customer') }}
            select \(column) as k, name from {{ source('customer', 'winners') }} \(filter)
            """
    }

    // MARK: by_key

    @Test(arguments: ["name", "upper(id)", "'c-' || id", "nullif(_key, 'a') || 'x'", "cast(id as blob)"], [true, false])
    func `A model by key whose key is another's is refused when it's made`(_ column: String, carrying: Bool) throws {
        let project = try project(["m": Self.byKey(column, carrying: carrying, filter: "where id <> 'a'")])
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("create", key: "b", name: "B", hour: 0)
        let error = #expect(throws: WarehouseError.self) { try run(project, 1) }
        #expect(error?.code == "model.foreign-key")
        #expect(error?.problem.contains("whose k isn't the key of its customer") == true)
    }

    /// What the rows show only later: of no row but a capital's is the key another one.
    @Test(arguments: [true, false], [0, 24])
    func `A model by key whose key becomes another's is refused`(carrying: Bool, hour: Int) throws {
        let project = try project(["m": Self.byKey("upper(id)", carrying: carrying)])
        project.produce("create", key: "A", name: "A", hour: 0)
        try run(project, 1)
        project.produce("create", key: "b", name: "B", hour: hour)
        let error = #expect(throws: WarehouseError.self) { try run(project, hour + 2) }
        #expect(error?.code == "model.foreign-key")
        #expect(try project.rows("SELECT k FROM m") == ["A"])
    }

    @Test(arguments: ["id", "_key", "id || ''"], [true, false])
    func `A model by key may work its key out`(_ column: String, carrying: Bool) throws {
        let project = try project(["m": Self.byKey(column, carrying: carrying, filter: "where name <> 'none'")])
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("create", key: "b", name: "B", hour: 0)
        try run(project, 1)
        project.produce("create", key: "a", name: "none", hour: 2)
        project.produce("delete", key: "b", name: nil, hour: 2)
        project.produce("create", key: "c", name: "C", hour: 25)
        for hour in [3, 26, 50] {
            try run(project, hour)
            try project.verify(hours: hour)
        }
        #expect(try Set(project.rows("SELECT k FROM m")) == ["c"])
    }

    @Test func `Days that aren't carried may be named by anything`() throws {
        let project = try project([
            "m": """
            {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', unique_key='name', by_key='customer') }}
            select _on_day as day, name from {{ source('customer', 'daily_winners') }}
            """
        ])
        project.produce("create", key: "a", name: "A", hour: 0)
        try run(project, 1)
        project.produce("create", key: "a", name: "B", hour: 2)
        try run(project, 3)
        #expect(try project.rows("SELECT name FROM m") == ["B"])
        try project.verify(hours: 3)
    }

    /// Whether an hour wrote the row or the day before was carried: the row is the same.
    @Test(arguments: ["days", "intervals"], ["id", "cast(id as integer)"])
    func `A carried column may be anything on its winner's day`(storage: String, key: String) throws {
        let project = try project([
            "m": """
            {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', unique_key='k', by_key='customer',
                carry_forward={'once': 0, 'it''s': '-', 'name': none}, storage='\(storage)') }}
            select _on_day as day, \(key) as k, 1 as once, 0 as "it's", name, name as own from {{ source('customer', 'daily_winners') }}
            """.replacing("''", with: "\\'")
        ])
        project.produce("create", key: "1", name: "A", hour: 1)
        project.produce("create", key: "2", name: "B", hour: 49)
        for hour in [2, 50] { try run(project, hour) }
        // Late: of a new key, and of one that has a later winner.
        project.produce("create", key: "3", name: "late", hour: 26)
        project.produce("create", key: "2", name: "late", hour: 3)
        try run(project, 51)
        try project.verify(hours: 51)
        #expect(try project.rows("SELECT k || once || \"it's\" || ifnull(name, '') || own FROM m WHERE day = (SELECT max(day) FROM m) ORDER BY k") == ["10-A", "210BB", "30-late"])
        try run(project, 100)
        try project.verify(hours: 100)
    }

    // MARK: Keys and their values

    @Test(arguments: ["incremental_strategy='merge'", "incremental_strategy='insert_overwrite', partition_by='day'"], [", n", ""])
    func `A key that changes its form alone is written`(_ strategy: String, rest: String) throws {
        let project = try project([
            "m": """
            {{ config(materialized='incremental', \(strategy), unique_key='k') }}
            select '2026-01-01' as day, v + 0 as k\(rest.isEmpty ? "" : ", count(*) as n") from {{ ref('current_customer') }} group by 2
            """.replacing("'2026-01-01' as day", with: strategy.contains("day") ? "'{{ run.today }}' as day" : "1 as one")
        ])
        produce(project, #"{"id":"a","v":2}"#)
        produce(project, #"{"id":"b","v":1.5}"#)
        try run(project, 1)
        #expect(try project.rows("SELECT k || typeof(k) FROM m ORDER BY k") == ["1.5real", "2integer"])
        produce(project, #"{"id":"a","v":2.0}"#, hour: 1)
        try run(project, 2)
        #expect(try project.rows("SELECT k || typeof(k) FROM m ORDER BY k") == ["1.5real", "2.0real"])
        try project.verify(hours: 2)
    }

    @Test(arguments: [
        ("materialized='incremental', unique_key='k'", "select nullif(id, 'a') as k, name from {{ ref('current_customer') }}"),
        ("materialized='incremental', unique_key=['name', 'k']", "select nullif(id, 'a') as k, name from {{ ref('current_customer') }}"),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', unique_key='k'",
            "select '{{ run.today }}' as day, nullif(id, 'a') as k from {{ ref('current_customer') }}"
        ),
        ("materialized='incremental', unique_key='k', by_key='customer'", "select nullif(id, 'a') as k from {{ source('customer', 'winners') }}"),
    ], [1, 2])
    func `A key without a value is told with its column`(_ model: (config: String, query: String), hour: Int) throws {
        let project = try project(["m": "{{ config(\(model.config)) }} \(model.query)"])
        project.produce("create", key: "b", name: "B", hour: 0)
        if hour == 2 { try run(project, 1) }
        project.produce("create", key: "a", name: "A", hour: 0)
        let error = #expect(throws: WarehouseError.self) { try run(project, hour) }
        #expect(error?.code == "model.null-key")
        #expect(error?.problem == "The model m gives a row without a value in k, which is its key or part of it.")
    }

    @Test(arguments: [1, 2])
    func `Two rows of a key are told with its columns`(hour: Int) throws {
        let project = try project([
            "m": "{{ config(materialized='incremental', unique_key=['name', 'k']) }} select 1 as k, name from {{ ref('current_customer') }}"
        ])
        project.produce("create", key: "b", name: "B", hour: 0)
        if hour == 2 { try run(project, 1) }
        project.produce("create", key: "a", name: "B", hour: 0)
        let error = #expect(throws: WarehouseError.self) { try run(project, hour) }
        #expect(error?.problem == "The model m gives two rows for one name, k.")
    }

    // MARK: Columns that settings name

    private static let named: [(config: String, query: String, setting: String)] = [
        ("materialized='table', indexes=[['name'], ['city']]", "select * from {{ source('customer', 'winners') }}", "indexes"),
        ("materialized='incremental', unique_key=['_key', 'city']", "select * from {{ source('customer', 'winners') }}", "unique_key"),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='city'",
            "select * from {{ source('customer', 'stream') }}", "partition_by"
        ),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='_on_day', unique_key='_key', by_key='customer', carry_forward={'city': 0}",
            "select * from {{ source('customer', 'daily_winners') }}", "carry_forward"
        ),
        (
            "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='_on_day', unique_key='_key', by_key='customer', carry_forward={'city': 0}, storage='intervals', indexes=[['street']]",
            "select *, 1 as city from {{ source('customer', 'daily_winners') }}", "indexes"
        ),
    ]

    @Test(arguments: named)
    func `A model waits for a column that its settings name, and is refused when there's data`(_ model: (config: String, query: String, setting: String)) throws {
        let project = try project([
            "m": "{{ config(\(model.config)) }} \(model.query)", "n": "{{ config(materialized='table') }} select * from {{ ref('m') }}",
        ])
        try run(project, 1)
        #expect(try project.rows("SELECT count(*) FROM sqlite_schema WHERE name IN ('m', 'n')") == ["0"])
        project.produce("create", key: "b", name: "B", hour: 1)
        let error = #expect(throws: TransformError.self) { try run(project, 2) }
        #expect(error?.code == "model.unknown-column")
        #expect(error?.problem.contains("models/m.sql: the model m has no column") == true)
        #expect(error?.problem.hasSuffix("which its \(model.setting) names.") == true)
    }

    @Test func `Indexes may be of columns whose names put together are a model's`() throws {
        let table = "{{ config(materialized='table', indexes=[['name', 'b_c'], ['name_b', 'c'], ['ID']]) }} select id, name, 1 as b_c, 2 as name_b, 3 as c from "
        let project = try project([
            "m": table + "{{ ref('current_customer') }}", "m_by_name_b_c": table + "{{ ref('m') }}", "m_by_ID": table + "{{ ref('m') }}",
        ])
        for hour in 1...2 {
            project.produce("create", key: "b", name: "B\(hour)", hour: 0)
            try run(project, hour)
            let columns = "SELECT group_concat(i.name || '.' || c.name, ' ') FROM pragma_index_list('m') i, pragma_index_info(i.name) c"
            #expect(
                try project.rows(columns).first?.split(separator: " ").sorted()
                    == ["elt_m_index_1.b_c", "elt_m_index_1.name", "elt_m_index_2.c", "elt_m_index_2.name_b", "elt_m_index_3.id"])
        }
    }
}
