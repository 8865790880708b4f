import Foundation
import Testing

/// A project with customers, one of whom lives in a town called now.
private func project(_ name: String, _ sql: String, deadline: String = "60s") throws -> (ProgramProject, ProgramBroker) {
    let broker = try ProgramBroker()
    let project = try ProgramProject(
        ProgramProject.settings(broker: broker.address, top: "limits: { deadline: \(deadline) }"))
    try broker.send([.customer("c-1", "\"city\":\"now\""), .customer("c-2", "\"city\":\"2026-11-20\"")])
    #expect(try project.elt(["run"]).status == 0)
    try project.write(name, sql)
    return (project, broker)
}

private let current = "from {{ ref('current_customer') }}"

/// Ways to the wall clock that no look at the text can find.
private let clocks: [(String, String)] = [
    ("models/m.sql", "{{ config(materialized='table') }} select id, datetime('no'||'w') as t \(current)"),
    ("models/m.sql", "select id, datetime('no'||'w') as t \(current)"),
    ("models/m.sql", "select id, date(city) as t \(current)"),
    ("models/m.sql", "{{ config(materialized='table') }} select id, julianday(lower('N')||'ow') as t \(current)"),
    ("models/m.sql", "select strftime('%s', char(110, 111, 119)) as t \(current)"),
    ("models/m.sql", "select unixepoch(substr('know', 2)) as t \(current)"),
    ("models/m.sql", "with w(x) as (select 'NO'||'W') select time(x) as t, id from w, {{ ref('current_customer') }}"),
    (
        "models/m.sql",
        "{{ config(materialized='incremental', unique_key='id') }} select id, datetime(rtrim('nowx', 'x')) as t \(current)"
    ),
    (
        "models/m.sql",
        "{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day') }} "
            + "select day, id, date(city) as t from {{ ref('customer_history') }}"
    ),
    ("models/m.sql", "select id \(current) where created_at < datetime('n'||'ow') or id > ''"),
    ("tests/t.sql", "select id \(current) where datetime('n'||'ow') < '2000'"),
]

@Test(arguments: clocks)
func `no spelling of now gets past a run`(_ file: String, _ sql: String) throws {
    let sql = sql.replacing("created_at", with: "city")
    let (project, broker) = try project(file, sql)
    defer { withExtendedLifetime(broker) {} }
    let before = try project.elt(["query", "--format", "csv", "select count(*) from elt_models"]).out
    let run = try project.elt(["run", "--json"])
    #expect(run.status == 65, "\(run.out)\(run.err)")
    #expect(run.error?["code"] as? String == "model.wall-clock", "\(run.out)")
    #expect(run.err.contains("run.now"))
    // Nothing of it is published.
    #expect(try project.elt(["query", "--format", "csv", "select count(*) from elt_models"]).out == before)
    try FileManager.default.removeItem(atPath: project.folder + "/" + file)
    #expect(try project.elt(["run"]).status == 0)
}

@Test(arguments: [
    ("{{ config(materialized='table') }} select id, datetime('2026-11-20', '+1 day') as t", "model"),
    ("select id, strftime('%Y', '2026-11-20') as t, date('{{ run.now }}') as d, julianday(0) as j", "model"),
])
func `given times are fine`(_ sql: String, _: String) throws {
    let (project, broker) = try project("models/m.sql", "\(sql) \(current)")
    defer { withExtendedLifetime(broker) {} }
    let run = try project.elt(["run"])
    #expect(run.status == 0, "\(run.err)")
    #expect(try project.elt(["rebuild", "--from-archive", "--verify"]).status == 0)
}

@Test(arguments: [
    (
        "{{ config(materialized='table') }} with recursive c(x) as (select 1 union all select x+1 from c) select x from c",
        "model.too-long"
    ),
    (
        "{{ config(materialized='table') }} with recursive c(x) as (select 1 union all select x+1 from c) select count(*) as n from c",
        "model.too-long"
    ),
    ("{{ config(materialized='table') }} select hex(zeroblob(500000000)) as x", "model.failed"),
    ("{{ config(materialized='table') }} select zeroblob(1000000000) as x", "model.failed"),
    ("{{ config(materialized='table') }} select load_extension('x') as x", "model.failed"),
    ("select * from pragma_table_info('sqlite_schema'), writefile('x', 'y')", "model.failed"),
])
func `a model that never ends, grows or reaches out is ended and nothing published`(_ sql: String, _ code: String) throws {
    let (project, broker) = try project("models/m.sql", sql, deadline: "2s")
    defer { withExtendedLifetime(broker) {} }
    let run = try project.elt(["run", "--json"], within: .seconds(40))
    #expect(run.status == 65, "\(run.out)\(run.err)")
    #expect(run.error?["code"] as? String == code, "\(run.out)")
    #expect(run.err.contains("model m"))
    #expect(run.seconds < 20)
    #expect(try project.elt(["query", "--format", "csv", "select count(*) from sqlite_schema where name = 'm'"]).out.hasSuffix("\r\n0\r\n"))
    #expect(try project.elt(["query", "--format", "csv", "select count(*) from current_customer"]).out.hasSuffix("\r\n2\r\n"))
}

@Test func `a signal ends a model that's being built, and the run with it`() throws {
    let (project, broker) = try project(
        "models/m.sql",
        "{{ config(materialized='table') }} with recursive c(x) as (select 1 union all select x+1 from c) select count(*) as n from c")
    defer { withExtendedLifetime(broker) {} }
    let outcome = try Program.signalled(["run"], in: project.folder, after: .seconds(3))
    #expect(outcome.status == 143, "\(outcome.err)")
    #expect(outcome.seconds < 13)
}
