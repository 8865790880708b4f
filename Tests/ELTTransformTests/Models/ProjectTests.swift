import ELTCore
import Foundation
import Testing

@testable import ELTTransform

private func files(_ models: [String: String]) -> ModelFiles {
    ModelFiles(
        models: models.sorted { $0.key < $1.key }.map { .init(path: "models/\($0.key).sql", text: $0.value) })
}

@Suite struct ProjectTests {
    private func chain() throws -> ModelProject {
        try ModelProject(
            files([
                "d": "select * from {{ ref('b') }}, {{ ref('c') }}",
                "b": "{{ config(tags=['x']) }} select * from {{ ref('a') }}",
                "c": "{{ config(tags=['x']) }} select * from {{ ref('a') }}",
                "a": "select * from {{ source('customer', 'stream') }}", "z": "select 1", "aa": "select 2",
            ]), entities: ["customer"])
    }

    @Test func `models come after what they read, and by name where that leaves a choice`() throws {
        let project = try chain()
        #expect(project.models.map(\.name) == ["a", "aa", "b", "c", "d", "z"])
        #expect(project.dependents(of: "a").map(\.name) == ["b", "c", "d"])
        #expect(project.ancestors(of: "d").map(\.name) == ["a", "b", "c"])
        #expect(project.model("a")?.sources == [SourceName(entity: "customer", table: "stream")])
    }

    @Test func `a selection is a list of names with their readers and what they read`() throws {
        let project = try chain()
        func names(_ text: String) throws -> String {
            try project.select(text).map(\.name).joined(separator: " ")
        }
        #expect(try names("b") == "b")
        #expect(try names("b+") == "b d")
        #expect(try names("+b") == "a b")
        #expect(try names("+b+") == "a b d")
        #expect(try names("z, aa  b+") == "aa b d z")
        #expect(try names("tag:x") == "b c")
        #expect(try names("tag:x+,z") == "b c d z")
        for term in ["", "bb", "+", "tag:y", "tag:"] {
            #expect(throws: ModelError.self, "\(term)") { try project.select(term) }
        }
        #expect {
            try project.select("a zz")
        } throws: {
            "\($0)" == "--select 'zz' matches no model.\nDid you mean 'z'?"
        }
    }

    @Test func `references are found in every branch, in macros and through names`() throws {
        var texts = files([
            "a": "select 1", "b": "select 2", "c": "select 3", "d": "select 4",
            "m": """
            select 1 from {{ m() }}
            {% if var('no', false) %}, {{ ref('a') }}{% endif %}
            {% for x in ['b', 'c'] %}, {{ ref(x) }}{% endfor %}
            """,
        ])
        texts.macros = [.init(path: "macros/m.sql", text: "{% macro m() %}{{ ref('d') }}{% endmacro %}")]
        let project = try ModelProject(texts, entities: [])
        #expect(project.model("m")?.references == ["a", "b", "c", "d"])
        #expect(project.models.last?.name == "m")
    }

    @Test func `references that aren't there are named with the nearest`() {
        #expect(
            errors(files(["orders": "select 1", "m": "select *\nfrom {{ ref('order') }}"])) == [
                "models/m.sql:2:9: There's no model 'order'. Did you mean 'orders'?"
            ])
        #expect(
            errors(files(["m": "select * from {{ ref('m') }}"])) == [
                "models/m.sql:1:18: The model 'm' refers to itself. Write {{ this }} for the model's own "
                    + "table."
            ])
        #expect(
            errors(
                files(["off": "{{ config(enabled=false) }} select 1", "m": "select * from {{ ref('off') }}"]))
                == [
                    "models/m.sql:1:18: The model 'off' is disabled. Enable it, or remove the reference."
                ])
        #expect(
            errors("select * from {{ source('custmer', 'stream') }}, {{ source('customer', 'streem') }}") == [
                "models/m.sql:1:18: The project has no entity 'custmer'. Did you mean 'customer'?",
                "models/m.sql:1:53: The entity 'customer' has no table 'streem'. Did you mean 'stream'?",
            ])
        #expect(
            errors("select {{ columns('x') }}") == [
                "models/m.sql:1:11: The project has no entity 'x'. The entities are: customer, order."
            ])
    }

    @Test func `a circle is named in its order`() {
        let circle = files([
            "b": "select * from {{ ref('c') }}", "c": "select * from {{ ref('a') }}",
            "a": "select * from {{ ref('b') }}", "x": "select * from {{ ref('a') }}",
        ])
        #expect(
            errors(circle) == [
                "models/a.sql: Models read each other in a circle: a → b → c → a. Remove one of the "
                    + "references."
            ])
    }

    @Test func `'this' is there only for a later run of an incremental model`() {
        let text = "select * from {{ this }}"
        #expect(
            errors(text) == [
                "models/m.sql:1:18: 'this' has no table to read: the model is a view. "
                    + "Set materialized='incremental', or read ref('…') of another model."
            ])
        let config = "{{ config(materialized='incremental', unique_key='a') }}"
        #expect(
            errors(config + text) == [
                "models/m.sql:1:74: The first run reads 'this' before the table is there. "
                    + "Put it into {% if is_incremental() %}…{% endif %}."
            ])
        #expect(errors(config + "select 1 {% if is_incremental() %}from {{ this }}{% endif %}") == [])
    }

    @Test func `SQL is checked as the first run and as later runs see it`() {
        let config = "{{ config(materialized='incremental', unique_key='a') }}\n"
        #expect(
            errors(config + "select 1 {% if is_incremental() %}where x > date('now'){% endif %}").count == 1)
        #expect(
            errors(config + "select 1 {% if not is_incremental() %}where x > date('now'){% endif %}").count
                == 1)
        #expect(errors("select 1 {% if is_incremental() %}where ({% endif %}") == [])
    }

    @Test func `names that can't be tables are refused`() {
        #expect(
            errors(
                files(["a b": "select 1", "raw_x": "select 1", "Orders": "select 1", "orders": "select 2"]))
                == [
                    "models/a b.sql: 'a b' can't be a table's name. Name the file with a–z, 0–9 and _, "
                        + "beginning with a "
                        + "letter, such as orders.sql.",
                    "models/orders.sql: There's another model 'orders': models/Orders.sql. Rename one of "
                        + "the two files.",
                    "models/raw_x.sql: 'raw_x' can't be a model's name: tables that begin with 'raw_' are "
                        + "elt's or "
                        + "SQLite's. Rename the file.",
                ])
    }

    @Test func `all errors come at once, in the order of the files`() {
        let found = errors(
            files(["a": "select {{ x }}, {{ y }}", "b": "selct 1", "c": "select (\n", "d": "{% if %}"]))
        #expect(
            found.map { String($0.prefix(17)) } == [
                "models/a.sql:1:11", "models/b.sql:1:1:", "models/c.sql:1:8:", "models/d.sql:1:7:",
            ])
        do throws(ModelError) {
            _ = try ModelProject(files(["a": "select {{ x }}", "b": "selct 1"]), entities: [])
        } catch {
            #expect(error.kind == .configuration)
            #expect(error.problem.hasPrefix("The models have 2 errors:\n  models/a.sql:1:11: "))
        }
    }

    @Test func `calls that nobody checks by rendering are checked all the same`() {
        var texts = files(["a": "select 1"])
        texts.macros = [.init(path: "macros/m.sql", text: "{% macro m() %}{{ reff('a') }}{% endmacro %}")]
        #expect(
            errors(texts) == ["macros/m.sql:1:19: There's no function or macro 'reff'. Did you mean 'ref'?"])
    }

    @Test func `a model renders to a SELECT that may stand in parentheses`() throws {
        let model = try #require(
            try project(
                "-- top\nselect * from {{ source('customer', 'stream') }} limit {{ var('limit') }}; -- end\n"
            )
            .model("m"))
        #expect(try model.render(TestScope()) == "select * from raw_customer_stream limit 10")
    }

    @Test func `what the scope can't give is told with its place`() throws {
        struct Empty: TemplateScope {
            func ref(_ model: String) throws -> String { throw Missing() }
            func source(_ entity: String, _ table: String) throws -> String { throw Missing() }
            var this: String { "" }
            func variable(_ name: String) -> TemplateValue? { nil }
            var isIncremental: Bool { false }
            func columns(_ entity: String) throws -> String { throw Missing() }
            var runNow: String { "" }
            var runToday: String { "" }
            var isFullRefresh: Bool { false }
        }
        struct Missing: ELTError {
            var code: String { "test.missing" }
            var kind: ErrorKind { .failed }
            var problem: String { "Nothing is loaded yet." }
            var remedy: String { "Load first." }
        }
        let model = try #require(try project("select {{ columns('customer') }}").model("m"))
        #expect {
            try model.render(Empty())
        } throws: {
            "\($0)" == "models/m.sql:1:11: Nothing is loaded yet.\nLoad first."
        }
    }

    @Test func `a digest changes with what the model is made of and with nothing else`() throws {
        func digest(
            _ text: String = "select {{ m() }}, {{ var('v', 0) }}", macro: String = "1", other: String = "2",
            variables: [String: TemplateValue] = [:], schema: String = ""
        ) throws -> String? {
            let files = ModelFiles(
                models: [.init(path: "models/m.sql", text: text)],
                schemas: [.init(path: "models/s.yml", text: schema)],
                macros: [
                    .init(
                        path: "macros/m.sql",
                        text: "{% macro m() %}\(macro){% endmacro %}{% macro n() %}\(other){% endmacro %}")
                ])
            return try ModelProject(files, entities: [], variables: variables).model("m")?.digest
        }
        let base = try digest()
        #expect(base?.count == 32)
        #expect(try digest(other: "3") == base)
        #expect(try digest(variables: ["w": 1]) == base)
        #expect(try digest(schema: "models: [{name: m, description: d}]") == base)
        #expect(try digest("select {{ m() }}, {{ var('v', 0) }}\r\n") != base)
        #expect(try digest(macro: "2") != base)
        #expect(try digest(variables: ["v": 1]) != base)
        #expect(try digest(schema: "models: [{name: m, config: {materialized: table}}]") != base)
    }

    @Test func `a lineage digest changes with what is read`() throws {
        func digest(_ a: String) throws -> String? {
            try ModelProject(
                files(["a": a, "b": "select * from {{ ref('a') }}", "c": "select 1"]), entities: []
            ).lineageDigest(of: "b")
        }
        #expect(try digest("select 1") == digest("select 1"))
        #expect(try digest("select 1") != digest("select 2"))
    }

    @Test func `a project is read from its folders`() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent(
            "models-\(UInt64.random(in: 0...(.max)))")
        defer { try? FileManager.default.removeItem(at: root) }
        func write(_ path: String, _ bytes: [UInt8]) throws {
            let url = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: url)
        }
        let folder = root.appendingPathComponent("models").path
        #expect(throws: ModelError.unreadable(path: folder, reason: "there's no such folder")) {
            try ModelProject.load(folder: folder, entities: [])
        }
        try write("models/a.sql", Array("select {{ one() }}".utf8))
        try write("models/deep/er/b.sql", Array("select * from {{ ref('a') }}".utf8))
        try write("models/deep/schema.yml", Array("models: [{name: b, description: B}]".utf8))
        try write("models/.hidden.sql", Array("nonsense".utf8))
        try write("models/notes.md", Array("nonsense".utf8))
        try write("macros/one.sql", Array("{% macro one() %}1{% endmacro %}".utf8))
        try write("tests/t.sql", Array("select * from {{ ref('b') }} where 0".utf8))
        let project = try ModelProject.load(folder: folder, entities: [])
        #expect(project.models.map(\.path) == ["models/a.sql", "models/deep/er/b.sql"])
        #expect(project.model("b")?.description == "B")
        #expect(project.tests.map(\.name) == ["t"])
        try write("models/bad.sql", [0x73, 0xFF])
        try write("models/c.py", [])
        #expect {
            try ModelProject.load(folder: folder, entities: [])
        } throws: {
            ($0 as? ModelError)?.issues.map(\.description) == [
                "models/bad.sql: The file isn't UTF-8 text. Save it as UTF-8.",
                "models/c.py: Models in Python aren't supported. Write it as a SELECT in a .sql file.",
            ]
        }
    }
}
