import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import Testing

/// Incremental models of a project's own, which the engine knows nothing about.
@Suite struct StrategyTests {
    /// Four days, each with an hour: two customers come, one changes daily.
    private func project(named name: String = "m", _ model: String) throws -> ReplayProject {
        let project = try ReplayProject()
        try model.write(toFile: project.folder + "/models/\(name).sql", atomically: true, encoding: .utf8)
        for day in 0..<4 {
            project.produce("create", key: "a", name: "A\(day)", hour: day * 24)
            if day == 1 { project.produce("create", key: "b", name: "B", hour: 24) }
            try run(project, day * 24 + 1)
        }
        return project
    }

    private func run(_ project: ReplayProject, _ hour: Int) throws {
        _ = try project.engine(hours: hour).run(RunOptions())
    }

    private static func days(_ filter: String, key: String = "") -> String {
        """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day'\(key)) }}
        select day, count(*) as customers, max(name) as name from {{ ref('customer_history') }}
        {% if is_incremental() %} \(filter) {% endif %}
        group by day
        """
    }

    @Test(arguments:
        ["where day >= '{{ run.today }}'", "where day > (select max(day) from {{ this }})", "where false", ""],
        ["", ", unique_key='name'", ", unique_key='Day'", ", unique_key=['name', 'day']"])
    func `An overwrite replaces the days that the query gives`(filter: String, key: String) throws {
        let project = try project(Self.days(filter, key: key))
        #expect(try project.rows("SELECT customers FROM m ORDER BY day") == ["1", "2", "2", "2"])
        try project.verify()
        // A late event reaches a day that the filter leaves out.
        project.produce("create", key: "c", name: "C", hour: 25)
        try run(project, 74)
        #expect(try project.rows("SELECT customers FROM m ORDER BY day") == ["1", "3", "3", "3"])
        // Several days at once, after an outage.
        project.produce("create", key: "d", name: "D", hour: 24 * 6)
        try run(project, 24 * 7)
        #expect(try project.rows("SELECT customers FROM m ORDER BY day") == ["1", "3", "3", "3", "3", "3", "4", "4"])
        try project.verify()
    }

    /// As a rebuild would have them: days that a query counts all events of, that it compares with the day before, and
    /// that it knows to be today.
    @Test(arguments: [
        "select _day as day, count(*) as n from {{ source('customer', 'stream') }} group by 1",
        "select day, count(*) - lag(count(*)) over (order by day) as n from {{ ref('customer_history') }} group by day",
        "select day, day = '{{ run.today }}' as n from {{ ref('customer_history') }} group by day",
    ])
    func `Days of a query of one's own are those of a rebuild`(_ query: String) throws {
        let project = try ReplayProject()
        try "{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day') }}\n\(query)"
            .write(toFile: project.folder + "/models/m.sql", atomically: true, encoding: .utf8)
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("create", key: "b", name: "B", hour: 50)
        try run(project, 4 * 24)
        // Late, and of the topic that comes before: one wins nothing, and one comes before its update.
        project.produce("create", key: "b", name: "older", hour: 30)
        project.produce("create", key: "a", name: "oldest", hour: -1)
        try run(project, 4 * 24 + 1)
        try project.verify(hours: 4 * 24 + 1)
        try run(project, 8 * 24)
        try project.verify(hours: 8 * 24)
    }

    /// Another column's type would change them.
    @Test(arguments: ["materialized='table'", "materialized='incremental', unique_key='id'", "materialized='incremental', unique_key='id', by_key='customer'"])
    func `Values that are worked out stay what they are`(_ config: String) throws {
        let project = try ReplayProject()
        let worked = "printf('%05d', zip) as zip, length(name) as amount"
        for (name, query) in [
            ("m", "select id, name, \(worked) from {{ source('customer', 'winners') }}"),
            ("n", "select id, zip as name, name as zip, amount from {{ source('customer', 'winners') }}"),
            ("u", "select id, zip from {{ source('customer', 'winners') }} where zip > 1 union all select 'x' || id, '007' from {{ ref('current_customer') }}"),
        ] where name != "u" || !config.contains("by_key") {
            try "{{ config(\(config)) }} \(query)".write(toFile: project.folder + "/models/\(name).sql", atomically: true, encoding: .utf8)
        }
        func produce(_ value: String) {
            project.source.produce(to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: [], value: Array(value.utf8))
        }
        produce(#"{"id":"a","name":"A","zip":1067,"amount":9.5}"#)
        for hour in 1...2 {
            try run(project, hour)
            let typed = "id || ' ' || name || typeof(name) || ' ' || zip || typeof(zip) || ' ' || amount || typeof(amount)"
            #expect(try project.rows("SELECT \(typed) FROM m ORDER BY id").first == "a Atext 01067text 1integer")
            #expect(try project.rows("SELECT \(typed) FROM n ORDER BY id").first == "a 1067integer Atext 9.5text")
            #expect(try project.rows("SELECT group_concat(type) FROM pragma_table_info('m')") == ["TEXT,TEXT,,"])
            #expect(try project.rows("SELECT group_concat(type) FROM pragma_table_info('n')") == ["TEXT,INTEGER,TEXT,TEXT"])
            if !config.contains("by_key") { #expect(try project.rows("SELECT zip FROM u WHERE id = 'xa'") == ["007"]) }
            try project.verify(hours: hour)
            produce(#"{"id":"b","name":"B","zip":2,"amount":"7"}"#)
        }
    }

    @Test func `Columns of other entities don't make a key's text a number`() throws {
        let project = try ReplayProject()
        var order = EntitySettings(name: "order", key: ["id"])
        order.topics = [TopicSettings(name: "order", operation: .create)]
        project.settings.entities.append(order)
        project.entityNames.append("order")
        project.source.create("order", partitions: 1)
        for key in ["007", "12e3", "07"] { project.produce("create", key: key, name: "A", hour: 0) }
        try run(project, 1)
        project.source.produce(
            to: TopicPartition("order", 0), timestamp: project.start.milliseconds, key: [], value: Array(#"{"id":1,"name":5}"#.utf8))
        try run(project, 2)
        #expect(try project.rows("SELECT id FROM current_customer ORDER BY id") == ["007", "07", "12e3"])
        project.produce("delete", key: "007", name: nil, hour: 1)
        try run(project, 30)
        for table in ["current_customer", "customer_history WHERE day = '\(project.settings.zone.day(of: project.start + .seconds(30 * 3600)))'"] {
            #expect(try project.rows("SELECT id FROM \(table)").sorted() == ["07", "12e3"])
        }
        try project.verify(hours: 30)
    }

    /// Ours that are temporary would hide theirs.
    @Test(arguments: ["changed_customer", "changed_days_customer", "heads_customer", "origins_of_heads_customer"])
    func `A model may have any name that isn't reserved`(_ name: String) throws {
        let project = try project(
            named: name,
            "{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id') }} select id, name from {{ ref('current_customer') }}")
        try "{{ config(materialized='table') }} select count(*) as n from {{ ref('\(name)') }}"
            .write(toFile: project.folder + "/models/counted.sql", atomically: true, encoding: .utf8)
        project.produce("create", key: "c", name: "C", hour: 73)
        try run(project, 74)
        #expect(try project.rows("SELECT n FROM counted") == ["3"])
        try project.verify()
    }

    @Test func `Lists inside of records can be taken apart`() throws {
        let project = try ReplayProject()
        try "{{ config(materialized='table') }}\nselect c.id, j.value as letter from {{ ref('current_customer') }} c, json_each('[\"x\",\"y\"]') j, json_tree('[1]') t where t.type = 'integer'"
            .write(toFile: project.folder + "/models/letters.sql", atomically: true, encoding: .utf8)
        project.produce("create", key: "a", name: "A", hour: 0)
        try run(project, 1)
        #expect(try project.rows("SELECT letter FROM letters ORDER BY 1") == ["x", "y"])
        #expect(try project.rows("SELECT value FROM json_each('[7]')") == ["7"])
        try project.verify()
    }

    @Test func `Winners have the same columns before any key lives`() throws {
        let project = try ReplayProject()
        try "{{ config(materialized='table') }}\nselect * from {{ source('customer', 'winners') }}"
            .write(toFile: project.folder + "/models/w.sql", atomically: true, encoding: .utf8)
        project.produce("delete", key: "a", name: nil, hour: 0)
        try run(project, 1)
        let columns = "SELECT group_concat(name) FROM pragma_table_info('w')"
        #expect(try project.rows(columns) == ["_key,_day,id"])
        try project.verify()
        project.produce("create", key: "b", name: "B", hour: 1)
        try run(project, 2)
        #expect(try project.rows(columns) == ["_key,_day,id,name"])
    }

    @Test func `A query that asks its own table how far it has come is asked once`() throws {
        let project = try ReplayProject()
        let late = project.start + .seconds(73 * 3600 + 1800)
        // In the last run each day has a greater number than the table, and the first day the greatest.
        try """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day') }}
        select day, case when '{{ run.now }}' > '\(late)' then number else 1 end as number
        from (select day, 100 - row_number() over (order by day) as number from (select distinct day from {{ ref('customer_history') }}))
        {% if is_incremental() %}
        where case when '{{ run.now }}' > '\(late)' then number else 1 end > (select max(number) from {{ this }})
        {% endif %}
        """.write(toFile: project.folder + "/models/numbers.sql", atomically: true, encoding: .utf8)
        for day in 0..<4 {
            project.produce("create", key: "a", name: "A\(day)", hour: day * 24)
            try run(project, day * 24 + 1)
        }
        #expect(try project.rows("SELECT number FROM numbers ORDER BY day") == ["1", "1", "1", "1"])
        try run(project, 74)
        #expect(try project.rows("SELECT number FROM numbers ORDER BY day") == ["99", "98", "97", "96"])
    }

    @Test func `Names in the config may differ in case, and an empty blob stays one`() throws {
        let project = try project(
            named: "own_history",
            """
            {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='DAY',
                unique_key='ID', by_key='customer', carry_forward={'Changed': 0}) }}
            select _on_day as day, _day = _on_day as changed, id, cast('' as blob) as empty, name
            from {{ source('customer', 'daily_winners') }}
            """)
        let own = "SELECT day || changed || id || name FROM "
        #expect(try project.rows(own + "own_history ORDER BY 1") == project.rows(own + "customer_history ORDER BY 1"))
        #expect(try project.rows("SELECT DISTINCT typeof(empty) FROM own_history") == ["blob"])
        try project.verify()
    }

    /// The winner's own day is an earlier one on days after a late event; those would keep the row they carried.
    @Test func `A row of another day than the one that's asked for is refused`() throws {
        let project = try ReplayProject()
        try Self.history("_day as day, 1 as changed").write(
            toFile: project.folder + "/models/own_history.sql", atomically: true, encoding: .utf8)
        project.produce("create", key: "a", name: "A", hour: 0)
        for hour in [1, 49] { try run(project, hour) }
        project.produce("create", key: "a", name: "late", hour: 24)
        let error = #expect(throws: WarehouseError.self) { try run(project, 50) }
        #expect(error?.code == "model.foreign-day")
    }

    @Test(arguments: ["", ", storage='intervals'"])
    func `A carried column that the query doesn't give is refused`(storage: String) throws {
        let project = try ReplayProject()
        try Self.history("_on_day as day, _day = _on_day as other", storage).write(
            toFile: project.folder + "/models/own_history.sql", atomically: true, encoding: .utf8)
        project.produce("create", key: "a", name: "A", hour: 0)
        let error = #expect(throws: TransformError.self) { try run(project, 1) }
        #expect(error?.code == "model.unknown-column")
    }

    private static func history(_ columns: String, _ storage: String = "") -> String {
        """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day',
            unique_key='id', by_key='customer', carry_forward={'changed': 0}\(storage)) }}
        select \(columns), id, name from {{ source('customer', 'daily_winners') }}
        """
    }

    /// Days of a whole history are built as records; what can't be, also in the midst of them, is built as any day.
    @Test(arguments: ["cast(id as integer)", "case when _on_day > '2026-11-19' then cast(id as integer) else id end", "id collate nocase"])
    func `A history with other keys than texts is what its days give one by one`(id: String) throws {
        let project = try ReplayProject()
        try """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day',
            unique_key='id', by_key='customer', carry_forward={'changed': 0}) }}
        select _on_day as day, _day = _on_day as changed, \(id) as id, name
        from {{ source('customer', 'daily_winners') }}
        """.write(toFile: project.folder + "/models/own_history.sql", atomically: true, encoding: .utf8)
        for day in 0..<4 {
            for key in ["7", "10", "12"].prefix(day + 1) { project.produce("create", key: key, name: "\(day)", hour: day * 24) }
            if day == 1 { project.produce("create", key: id.hasSuffix("nocase") ? "B" : "9", name: "new", hour: 24) }
            if day == 2 { project.produce("create", key: id.hasSuffix("nocase") ? "a" : "8", name: "new", hour: 48) }
            // Two of one day whose order by the query's collation isn't that of the table.
            if day == 2, id.hasSuffix("nocase") { project.produce("create", key: "C", name: "new", hour: 48) }
            try run(project, day * 24 + 1)
        }
        try project.verify()
        _ = try project.engine(hours: 80).rebuild(at: false)
        #expect(try project.rows("PRAGMA integrity_check") == ["ok"])
    }

    /// In few runs of rising keys, in one for each row, and in none at all.
    @Test(arguments: ["id desc", "length(name), id", "id > '5', id", "id"])
    func `A query may give a day's rows in any order`(order: String) throws {
        let project = try ReplayProject()
        try """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day',
            unique_key='id', by_key='customer', carry_forward={'changed': 0}) }}
        select * from (
            select _on_day as day, _day = _on_day as changed, {{ columns('customer') }}
            from {{ source('customer', 'daily_winners') }} order by \(order) limit 1000000)
        """.write(toFile: project.folder + "/models/own_history.sql", atomically: true, encoding: .utf8)
        for day in 0..<3 {
            for key in 0..<10 where (key + day) % 3 > 0 {
                project.produce("create", key: "\(key)", name: String(repeating: "n", count: key * 7 % 10), hour: day * 24)
            }
            try run(project, day * 24 + 1)
        }
        func others() throws -> [String] {
            try project.rows("SELECT count(*) FROM (SELECT * FROM own_history EXCEPT SELECT * FROM customer_history)")
                + project.rows("SELECT count(*) FROM own_history") + project.rows("SELECT count(*) FROM customer_history")
        }
        #expect(try others() == ["0", "26", "26"])
        try project.verify()
        _ = try project.engine(hours: 80).rebuild(at: false)
        #expect(try others() == ["0", "26", "26"])
    }

    @Test func `What a killed rebuild left beside the warehouse is gone with the next command that writes`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        try run(project, 1)
        let left = ["-sorted", "-ahead", "-ahead-sorted"].map { project.settings.warehousePath + $0 }
        for path in left { try "rows".write(toFile: path, atomically: true, encoding: .utf8) }
        try run(project, 2)
        #expect(left.filter(FileManager.default.fileExists) == [])
    }

    @Test func `A day that the query gives again is replaced whole`() throws {
        let project = try ReplayProject()
        try """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day') }}
        select day, name from {{ ref('customer_history') }}
        {% if is_incremental() %} where day >= '{{ run.today }}' {% endif %}
        """.write(toFile: project.folder + "/models/m.sql", atomically: true, encoding: .utf8)
        for (hour, name) in [(0, "A"), (1, "B"), (2, "C")] {
            project.produce("create", key: "a", name: name, hour: hour)
            try run(project, hour)
        }
        #expect(try project.rows("SELECT name FROM m") == ["C"])
    }

    @Test func `A merge of the whole query loses the rows that it no longer gives`() throws {
        let project = try project(
            """
            {{ config(materialized='incremental', unique_key=['name', 'status']) }}
            select name, 'x' as status, count(*) as n from {{ ref('current_customer') }} group by name
            """)
        #expect(try project.rows("SELECT name, n FROM m ORDER BY 1") == ["A3 1", "B 1"])
        project.produce("delete", key: "b", name: nil, hour: 80)
        project.produce("create", key: "c", name: "A3", hour: 80)
        try run(project, 81)
        #expect(try project.rows("SELECT name, n FROM m") == ["A3 2"])
        try project.verify()
    }

    @Test func `A merge of a filtered query keeps what the filter leaves out`() throws {
        let project = try project(
            """
            {{ config(materialized='incremental', unique_key='name') }}
            select name from {{ ref('current_customer') }}
            {% if is_incremental() %} where name > 'A1' {% endif %}
            """)
        #expect(try project.rows("SELECT name FROM m ORDER BY 1") == ["A0", "A2", "A3", "B"])
    }
}
