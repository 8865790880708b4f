import Foundation
import SQLite
import Testing

/// A project with a warehouse that has one little table.
private func project() throws -> ProgramProject {
    let project = try ProgramProject()
    try FileManager.default.createDirectory(atPath: project.folder + "/warehouse", withIntermediateDirectories: true)
    let database = try Database(path: project.folder + "/warehouse/elt.db", mode: .create)
    try database.execute("PRAGMA journal_mode=WAL; CREATE TABLE t (a); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1), (2)")
    return project
}

private func rows(_ project: ProgramProject) throws -> SQLValue {
    try Database(path: project.folder + "/warehouse/elt.db", mode: .readOnly).value("SELECT count(*) FROM t")
}

@Test(arguments: [
    "select 1; delete from t", "select 1; select 2", "select 1;;drop table t;", "select 1; /* x */ select 2",
    "select 1; nonsense", "select 1\u{0}; delete from t", "select 1; '", "select 1; attach 'x' as x",
])
func `a second statement is refused and not dropped`(_ sql: String) throws {
    let project = try project()
    // No argument of a process holds NUL, but standard input may.
    let outcome = try project.elt(["query", "--format", "csv", "-"], input: sql)
    #expect(outcome.status == 64)
    #expect(outcome.out == "")
    #expect(outcome.err.contains("one statement"), "\(outcome.err)")
    #expect(try rows(project) == .integer(2))
}

@Test(arguments: [
    "-- how many\nselect count(*) from t", "/* how many */ select count(*) from t", "--\nselect count(*) from t",
    "  -- a=b\n  select count(*) from t", "select count(*) from t;", "select count(*) from t; -- done",
    "select count(*) from t ;; /* done */ ; ", "; select count(*) from t", "-- a\n-- b\n;select count(*) from t",
    "with x as (select a from t) select count(*) from x", "--a b\nselect count(*) from t",
])
func `comments and semicolons around a statement don't matter`(_ sql: String) throws {
    let project = try project()
    for outcome in [
        try project.elt(["query", "--format", "csv", sql]), try project.elt(["query", "--format", "csv"], input: sql),
    ] {
        #expect(outcome.status == 0, "\(outcome.err)")
        #expect(outcome.out.hasSuffix("\r\n2\r\n"))
    }
}

@Test(arguments: ["-- nothing", ";", "/* nothing */", "--"])
func `a comment alone is no query`(_ sql: String) throws {
    let outcome = try project().elt(["query", "--json"], input: sql)
    #expect(outcome.status == 64, "\(outcome.err)")
}

@Test(arguments: [
    "attach database 'x.db' as x", "attach ':memory:' as x", "detach main", "select load_extension('x')",
    "select writefile('x', 'y')", "select readfile('elt.yml')", "select edit('x')", "pragma journal_mode=delete",
    "pragma writable_schema=on", "pragma user_version=7", "pragma query_only=off", "pragma trusted_schema=1",
    "insert into t values (3)", "update t set a=0", "delete from t", "drop table t", "create table x (a)",
    "create temp table x (a)", "create view v as select 1", "create trigger g after insert on t begin select 1; end",
    "alter table t add b", "vacuum", "vacuum into 'x.db'", "reindex", "analyze", "begin", "commit", "savepoint x",
    "update sqlite_schema set sql=''", "insert into sqlite_schema values (1,2,3,4,5)",
    "create virtual table x using fts5(a)", "explain delete from t", "replace into t values (1)",
    "with x as (select 1) delete from t", "insert into t values (3) returning a",
    "select fts3_tokenizer('simple')", "pragma wal_checkpoint(truncate)", "pragma optimize",
    "select * from pragma_journal_mode('delete')",
])
func `a query can do nothing but read`(_ sql: String) throws {
    let project = try project()
    let before = try Data(contentsOf: URL(filePath: project.folder + "/warehouse/elt.db"))
    let outcome = try project.elt(["query", "--json", sql])
    #expect(outcome.status == 64, "\(outcome.out)")
    #expect(outcome.error?["code"] as? String != nil, "\(outcome.out)")
    #expect(try Data(contentsOf: URL(filePath: project.folder + "/warehouse/elt.db")) == before)
    #expect(!FileManager.default.fileExists(atPath: project.folder + "/x.db"))
    #expect(!FileManager.default.fileExists(atPath: project.folder + "/x"))
}

@Test(arguments: [
    ("with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c", "query.too-long"),
    ("with recursive c(x) as (select 1 union all select x+1 from c) select x from c where x<0", "query.too-long"),
    ("select length(hex(zeroblob(600000000)))", "query.too-large"),
    ("select length(zeroblob(1000000000))", "query.too-large"),
    ("select length(replace(hex(zeroblob(100000000)), '0', 'xxxx'))", "query.too-large"),
    (
        "with recursive c(x) as (select 1 union all select x+1 from c where x<100) select group_concat(hex(zeroblob(9000000))) from c",
        "query.too-large"
    ),
])
func `a query that never ends or grows is ended`(_ sql: String, _ code: String) throws {
    let project = try project()
    let outcome = try project.elt(["query", "--json", "--timeout", "2s", sql], within: .seconds(30))
    #expect(outcome.status == 1)
    #expect(outcome.out.contains(code), "\(outcome.err)")
    #expect(outcome.seconds < 10)
}

/// A few rows stay in memory, more go to a file; both are more than what's printed at once.
@Test(arguments: [1_000, 30_000])
func `with --json a query gives all of its rows or an error`(_ count: Int) throws {
    let project = try project()
    func sql(_ value: String) -> String {
        "with recursive c(x) as (select 1 union all select x+1 from c where x<\(count)) select \(value) as v, hex(zeroblob(150)) as z from c"
    }
    let whole = try project.elt(["query", "--json", sql("x")])
    #expect(whole.status == 0, "\(whole.err)")
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(whole.out.utf8)) as? [[String: Any]])
    #expect(rows.compactMap { $0["v"] as? Int } == Array(1...count))
    let late = sql("case when x<\(count) then x else abs(-9223372036854775807 - 1) end")
    let failed = try project.elt(["query", "--json", late])
    #expect(failed.status == 64)
    #expect(failed.error?["code"] as? String == "query.failed", "\(failed.out.count) bytes")
    #expect(try project.elt(["query", "--format", "json", late]).out == "")
    #expect(try project.elt(["query", "--format", "ndjson", late]).out.split(separator: "\n").count > 100)
}

/// What's wrong with the file isn't the query's fault.
@Test func `a damaged table is told as damage`() throws {
    let project = try project()
    let path = project.folder + "/warehouse/elt.db"
    let root = try Database(path: path, mode: .readWrite).value("SELECT rootpage FROM sqlite_schema WHERE name = 't'").integer ?? 0
    _ = try Database(path: path, mode: .readWrite).checkpoint(truncate: true)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[(Int(root) - 1) * 4096] = 7
    try bytes.write(to: URL(fileURLWithPath: path))
    let outcome = try project.elt(["query", "--json", "select count(a + 1) from t not indexed"])
    #expect(outcome.status == 74)
    #expect(outcome.out.contains("warehouse.damaged"), "\(outcome.out)\(outcome.err)")
}
