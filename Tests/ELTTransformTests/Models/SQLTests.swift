import Testing

@testable import ELTTransform

@Suite struct SQLTests {
    private func failure(_ sql: String) -> SQLFault? {
        do throws(SQLFault.Located) {
            let statement = try SelectStatement(sql)
            return WallClock.fault(in: statement.tokens)?.fault
        } catch {
            return error.fault
        }
    }

    static let statements: [(String, String)] = [
        ("select 1", "select 1"), (" select 1 ; ;\n", "select 1"), ("-- a\nselect 1 -- b", "select 1"),
        ("/* ; */ select ';' /* ) */", "select ';'"), ("VALUES (1), (2)", "VALUES (1), (2)"),
        (
            "with a as (select 1), b(x) as (select 2) select * from a, b",
            "with a as (select 1), b(x) as (select 2) select * from a, b"
        ),
        ("select '(' || \"a)\" || [b(] || `c)`", "select '(' || \"a)\" || [b(] || `c)`"),
        ("select 'it''s', \"a\"\"b\"", "select 'it''s', \"a\"\"b\""),
        (
            "select a->>'$.x', x'00', 1.5e-3, .5, 0x1f from t",
            "select a->>'$.x', x'00', 1.5e-3, .5, 0x1f from t"
        ),
    ]

    @Test(arguments: statements)
    func `a SELECT loses its comments and its semicolon`(_ sql: String, _ expected: String) throws {
        #expect(try SelectStatement(sql).sql == expected)
        #expect(failure(sql) == nil)
    }

    static let refused: [(String, SQLFault)] = [
        ("", .empty), (" -- x\n", .empty), (";", .empty), ("delete from t", .notSelect("delete")),
        ("insert into t select 1", .notSelect("insert")), ("'a'", .notSelect("a string")),
        ("(select 1)", .notSelect("(")),
        ("with a as (select 1) delete from t", .notSelect("delete")),
        ("with a as (select 1)", .withoutSelect),
        ("select 1; select 2", .severalStatements), ("select (1", .unclosedParenthesis),
        ("select 1)", .strayParenthesis),
        ("select 'a", .openString), ("select \"a", .openName), ("select [a", .openName),
        ("select 1 /* a", .openComment),
        ("select ?", .parameter), ("select ?1", .parameter), ("select :a", .parameter),
        ("select @a", .parameter),
        ("select $a", .parameter), ("select a::text", .cast), ("select '\0'", .nul), ("select 1 -- \0", .nul),
    ]

    @Test(arguments: refused)
    func `what isn't one SELECT is refused`(_ sql: String, _ fault: SQLFault) {
        #expect(failure(sql) == fault)
    }

    static let clocks = [
        "current_timestamp", "CURRENT_DATE", "Current_Time", "current_timestamp || ''", "date('now')",
        "DATE ( 'Now' )",
        "date(' now ')", "datetime('now', '-1 day')", "datetime('now','start of day')", "time('now')",
        "julianday('now')",
        "unixepoch('now')", "strftime('%Y', 'now')", "strftime('%Y')", "date()", "datetime( )", "unixepoch()",
        "julianday()", "time()", "date /* x */ ('now')", "\"date\"('now')", "[date]('now')", "`date`('now')",
        "date(\"now\")", "date(coalesce(x, 'now'))", "date(case when a then 'now' end)",
        "unixepoch('subsec')",
        "timediff('now', x)", "timediff(x, 'now')", "strftime('%s', 'subsec')", "date(x, 'localtime')",
        "datetime(x, '+1 day', 'LOCALTIME')", "datetime(x, 'utc')", "random()", "RANDOM ()", "abs(random())",
        "randomblob(4)", "changes()", "last_insert_rowid()", "total_changes()", "now()", "getdate()",
        "date('2026-01-01', 'now')", "max(date('now'), 1)", "localtimestamp()",
    ]

    @Test(arguments: clocks)
    func `SQL that depends on the moment is refused`(_ expression: String) {
        let fault = failure("select a, \(expression) from t")
        #expect(fault?.code == "model.wall-clock", "\(expression)")
        #expect(failure("with a as (select \(expression)) select * from a")?.code == "model.wall-clock")
    }

    static let allowed = [
        "'current_timestamp'", "'date(''now'')'", "\"current_date\"", "t.current_date", "x as current_date",
        "date", "date(x)", "date(now)", "date([now])", "date('2026-01-01')", "date(x, '-1 day')",
        "strftime('%Y', x)",
        "date('2026-11-20', 'start of month')", "unixepoch(x, 'subsec')", "'now'", "status = 'now'", "random",
        "t.random",
        "changes", "now", "x.now", "1 -- date('now')\n", "1 /* current_timestamp */", "upper('now')",
        "date(case when s = 'now' then x end)", "date(case when 'now' = s then x end)", "current_timestamps",
        "time(t)",
        "julianday(a) - julianday(b)", "\"random\"", "localtime", "lower('localtime')",
    ]

    @Test(arguments: allowed)
    func `SQL that only looks like a clock is allowed`(_ expression: String) {
        #expect(failure("select a, \(expression) from t") == nil, "\(expression)")
    }

    static let bare: [(String, String?)] = [
        ("select 1", nil), ("values (1)", nil), ("select * from R", nil), ("select * from R r join R using (a, b)", nil),
        ("select a, b from R, R x where a in (1, 2) group by a, b order by a, b limit 1, 2", nil),
        ("with c as (select 1), d(x, y) as materialized (select 1, 2) select * from c, d, R", nil),
        ("with recursive n(i) as (select 1 union all select i + 1 from n) select * from n", nil),
        ("select * from ((select 1) a join R on a.x = R.x), (select 2), (values (1))", nil),
        ("select * from R, json_each(R.tags) j, json_tree('[]')", nil),
        ("select (select max(x) from R s where s.id = r.id), 'from t' from R r", nil),
        ("select a is distinct from b, a is not distinct from c from R", nil),
        ("select rank() over w from R window w as (order by a, b)", nil),
        ("select from_, \"from\", joined from R", nil), ("select * from R union all select * from R except select * from R", nil),
        ("select * from t", "t"), ("select * from R, t", "t"), ("select * from R join t on true", "t"),
        ("select * from R r, (select 1) x, t", "t"), ("select (select count(*) from t) from R", "t"),
        ("select * from main.t", "t"), ("select * from \"t\"", "t"), ("select * from [T]", "t"), ("select * from 't'", "t"),
        ("with c as (select * from t) select * from c", "t"), ("select * from (R join t)", "t"), ("select * from (t)", "t"),
        ("with c as (select 1) select * from main.c", "c"), ("select * from R where a in (select a from t)", "t"),
        ("select * from R union select * from t", "t"), ("select 1 where a is not null and exists (select 1 from R, t)", "t"),
        ("select a in (1, 2), a in R, a not in json_each('[]') from R", nil), ("with c as (select 1) select 1 in c", nil),
        ("select a in t from R", "t"), ("select 1 where ('b', 1) not in main.t", "t"),
        ("select * from elt_runs", "elt_runs"), ("select * from R left join t using (a), R", "t"),
    ]

    @Test(arguments: bare)
    func `a table's bare name is found where one is`(_ sql: String, _ name: String?) throws {
        let relation = "\"\(BareTable.knownPrefix)customer\""
        let text = sql.replacing(/\bR\b/, with: relation)
        let fault = BareTable.fault(in: try SelectStatement(text).tokens)
        #expect(fault?.fault == name.map(SQLFault.bareTable), "\(sql)")
        if let name, let offset = fault?.offset {
            #expect(String(decoding: Array(text.utf8)[offset...], as: UTF8.self).lowercased().drop { "\"['".contains($0) }.hasPrefix(name))
        }
    }

    @Test func `a bare name is refused with its place, in a model alone`() {
        #expect(
            errors("select *\nfrom current_customer c") == [
                "models/m.sql:2:6: 'current_customer' is the bare name of a table: nothing tells that it must be built before this model. "
                    + "Write {{ ref('…') }} for a model, or {{ source('entity', 'stream') }} for raw rows."
            ])
        #expect(errors("{% set name = 'order' %}select * from {{ source(name, 'stream') }} s") == [])
    }

    @Test func `the error of a clock says what to write instead`() throws {
        let files = ModelFiles(models: [.init(path: "models/a.sql", text: "select 1,\n  date('now')")])
        #expect {
            try ModelProject(files, entities: [])
        } throws: {
            "\($0)" == """
                models/a.sql:2:8: date('now') reads the wall clock: a rebuild from the archive \
                would give other rows.
                Use '{{ run.today }}'.
                """
        }
    }
}
