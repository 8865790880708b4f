import Testing

@testable import ELTTransform

@Suite struct SchemaTests {
    static let whole = """
        version: 2
        models:
          - name: m
            description: All orders.
            columns:
              - name: id
                description: The order's number.
                data_type: text
                tests: [not_null, unique]
              - name: status
                data_tests:
                  - accepted_values:
                      values: [open, 'yes', 1]
                      config: {severity: warn, where: "day = '{{ run.today }}'"}
                  - accepted_values: {name: by_number, arguments: {values: ['1', 2.5], quote: false}}
              - name: customer_id
                tests:
                  - relationships: {to: ref('customers'), field: id, where: id > {{ var('limit') }}}
                  - relationships: {arguments: {to: "source('customer', 'full')", field: id}, name: raw}
                  - not_null: {enabled: false}
        sources:
          - name: customer
            description: From the service.
            tables:
              - {name: stream, description: Events., columns: [{name: id, description: Key.}]}
        """

    private func files(_ schema: String, tests: [ModelFiles.File] = []) -> ModelFiles {
        ModelFiles(
            models: [
                .init(
                    path: "models/m.sql",
                    text: "{{ config(materialized='incremental', unique_key=['id', 'line']) }} select 1"),
                .init(path: "models/customers.sql", text: "select 1"),
            ], schemas: [.init(path: "models/schema.yml", text: schema)], tests: tests)
    }

    private func problems(_ schema: String) -> [String] { errors(files(schema)) }

    @Test func `descriptions and tests are read`() throws {
        // YAML reads `{{ … }}` in a flow as mappings, as dbt's users know; there it must be quoted.
        let text = Self.whole.replacing("id > {{ var('limit') }}", with: "\"id > {{ var('limit') }}\"")
            .replacing(", {enabled: false}", with: "").replacing(
                "- not_null: {enabled: false}", with: "- not_null: {config: {enabled: false}}")
        let project = try ModelProject(files(text), entities: ["customer"], variables: ["limit": 5])
        let model = try #require(project.model("m"))
        #expect(model.description == "All orders.")
        #expect(model.columns.map(\.name) == ["id", "status", "customer_id"])
        #expect(model.columns[0].dataType == "text")
        #expect(model.columns[0].place.description == "models/schema.yml:6:9")
        #expect(project.sources.first?.tables.first?.columns.first?.description == "Key.")
        #expect(
            project.tests.map(\.name) == [
                "not_null_m_id", "unique_m_id", "accepted_values_m_status", "by_number",
                "relationships_m_customer_id",
                "raw",
            ])
        #expect(project.tests[2].kind == .acceptedValues(["'open'", "'yes'", "1"]))
        #expect(project.tests[2].severity == .warn)
        #expect(project.tests[3].kind == .acceptedValues(["1", "2.5"]))
        #expect(project.tests[4].kind == .relationships(to: .model("customers"), field: "id"))
        #expect(project.tests[4].references == ["m", "customers"])
        #expect(project.tests(of: ["customers"]).isEmpty)
        #expect(project.tests(of: ["m"]).count == 6)
    }

    static let queries: [(Int, String, String)] = [
        (
            0,
            "SELECT count(*) FROM (SELECT coalesce(CAST(tested.\"id\" AS TEXT), 'NULL') || ', ' || "
                + "coalesce(CAST(tested.\"line\" AS TEXT), 'NULL') AS sample FROM \"m\" AS tested "
                + "WHERE tested.\"id\" IS NULL) AS failing", "ORDER BY 1 LIMIT 10"
        ),
        (
            1,
            "SELECT count(*) FROM (SELECT CAST(tested.\"id\" AS TEXT) AS sample FROM \"m\" AS tested "
                + "WHERE tested.\"id\" IS NOT NULL GROUP BY tested.\"id\" HAVING count(*) > 1) AS failing",
            "LIMIT 10"
        ),
        (
            2,
            "SELECT count(*) FROM (SELECT coalesce(CAST(tested.\"id\" AS TEXT), 'NULL') || ', ' || "
                + "coalesce(CAST(tested.\"line\" AS TEXT), 'NULL') AS sample FROM "
                + "(SELECT * FROM \"m\" WHERE (day = '2026-11-20')) AS tested "
                + "WHERE tested.\"status\" NOT IN ('open', 'yes', 1)) AS failing", "LIMIT 10"
        ),
    ]

    @Test(arguments: queries)
    func `a test becomes a question for its failing rows`(_ index: Int, _ count: String, _ end: String) throws
    {
        let text = Self.whole.replacing("id > {{ var('limit') }}", with: "id > 1")
            .replacing("- not_null: {enabled: false}", with: "")
        let project = try ModelProject(files(text), entities: ["customer"], variables: ["limit": 5])
        let query = try project.tests[index].query(TestScope())
        #expect(query.count == count)
        #expect(query.samples.hasSuffix(end))
    }

    @Test func `a test of a column that elt.yml declares needs no file`() throws {
        let kind = try #require(DataTest.Kind(plain: "unique"))
        let test = DataTest(model: "current_customer", column: "id", kind: kind)
        #expect(test.name == "unique_current_customer_id")
        #expect(
            try test.query(TestScope()).samples
                == "SELECT * FROM (SELECT CAST(tested.\"id\" AS TEXT) AS sample FROM \"current_customer\" "
                    + "AS tested "
                + "WHERE tested.\"id\" IS NOT NULL GROUP BY tested.\"id\" HAVING count(*) > 1) AS failing "
                + "ORDER BY 1 LIMIT 10")
        let daily = DataTest(model: "h", column: "id", kind: .unique(per: "day"))
        #expect(try daily.query(TestScope()).count.contains("GROUP BY tested.\"day\", tested.\"id\""))
        #expect(DataTest.Kind(plain: "accepted_values") == nil)
    }

    @Test func `a singular test is a SELECT in a file of its own`() throws {
        let text = "{{ config(severity='warn') }}\nselect id from {{ ref('m') }} where total < 0 -- none;\n"
        let project = try ModelProject(
            files("", tests: [.init(path: "tests/no_debts.sql", text: text)]), entities: [])
        let test = try #require(project.tests.first)
        #expect(test.name == "no_debts")
        #expect(test.severity == .warn)
        #expect(test.model == nil)
        #expect(project.tests(of: ["m"]).count == 1)
        #expect(project.tests(of: ["customers"]).isEmpty)
        #expect(
            try test.query(TestScope()).count
                == "SELECT count(*) FROM (select id from \"m\" where total < 0) AS failing")
        #expect(
            errors(
                files(
                    "",
                    tests: [
                        .init(
                            path: "tests/t.sql", text: "{{ config(warn_if='x') }}select {{ this }}, random()")
                    ])) == [
                    "tests/t.sql:1:11: There's no setting 'warn_if'. The settings are: description, "
                        + "enabled, severity.",
                    "tests/t.sql:1:36: A test has no table of its own. Write ref('model').",
                    "tests/t.sql:1:45: random() gives other rows each time. "
                        + "Remove it, or derive the value from the row's key.",
                ])
    }

    @Test func `columns that a model doesn't give can be told once they're known`() throws {
        let model = try #require(
            try ModelProject(
                files("models: [{name: m, columns: [{name: Id}, {name: stat}]}]"), entities: []
            ).model("m"))
        #expect(
            model.issues(givenColumns: ["id", "status"]).map(\.description) == [
                "models/schema.yml:1:42: The model 'm' gives no column 'stat'. Did you mean 'status'?"
            ])
        #expect(model.issues(givenColumns: ["ID", "stat"]).isEmpty)
    }

    static let wrong: [(String, [String])] = [
        ("version: 1", ["models/schema.yml:1:10: The version is '1', not 2. Write 'version: 2'."]),
        (
            "modles: []",
            ["models/schema.yml:1:1: There's no key 'modles' in the file. Did you mean 'models'?"]
        ),
        (
            "seeds: []",
            [
                "models/schema.yml:1:1: 'seeds' isn't supported: there are no seeds. "
                    + "Write the rows as a model: SELECT … UNION ALL …"
            ]
        ),
        (
            "models: {name: m}",
            [
                "models/schema.yml:1:9: 'models' is a mapping, not a list. Correct the value; "
                    + "docs/models.md has an example."
            ]
        ),
        (
            "models:\n  - name: n",
            ["models/schema.yml:2:5: There's no model 'n'. The models are: customers, m."]
        ),
        (
            "models:\n  - description: n",
            ["models/schema.yml:2:5: The key 'name' is missing in a model. Add 'name:'."]
        ),
        (
            "models:\n  - name: m\n  - name: m",
            [
                "models/schema.yml:3:5: The model 'm' is also described at models/schema.yml:2:5. Put the "
                    + "two into one."
            ]
        ),
        (
            "models:\n  - {name: m, colums: []}",
            ["models/schema.yml:2:15: There's no key 'colums' in a model. Did you mean 'columns'?"]
        ),
        (
            "models:\n  - {name: m, tests: [unique]}",
            [
                "models/schema.yml:2:15: 'tests' isn't supported: here it would test no column. "
                    + "Put it under a column, or write a SELECT of the failing rows into tests/."
            ]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [uniqe]}]}]",
            ["models/schema.yml:1:49: There's no test 'uniqe'. Did you mean 'unique'?"]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [dbt_utils.x: {a: 1}]}]}]",
            [
                "models/schema.yml:1:49: There's no test 'dbt_utils.x'. The tests are: accepted_values, "
                    + "not_null, "
                    + "relationships, unique. Any other rule is a SELECT of the failing rows in tests/."
            ]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [accepted_values]}]}]",
            [
                "models/schema.yml:1:49: The key 'values' is missing in the test 'accepted_values'. Add "
                    + "'values:'."
            ]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [unique: {severity: fatal}]}]}]",
            ["models/schema.yml:1:68: The severity can't be 'fatal'. Write 'error' or 'warn'."]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [relationships: {to: ref('n'), field: x}]}]}]",
            ["models/schema.yml:1:49: There's no model 'n'. The models are: customers, m."]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [relationships: {to: x, field: x}]}]}]",
            ["models/schema.yml:1:69: 'x' names no table. Write ref('model') or source('entity', 'table')."]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [accepted_values: {values: [a b], quote: "
                + "false}]}]}]",
            [
                "models/schema.yml:1:76: With quote: false the value 'a b' would be SQL. "
                    + "Write a number, or remove 'quote'."
            ]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [unique: {where: \"x > date('now')\"}]}]}]",
            [
                "models/schema.yml:1:49: date('now') reads the wall clock: a rebuild from the archive "
                    + "would give other "
                    + "rows. Use '{{ run.today }}'."
            ]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [unique: {where: \"x) or (1\"}]}]}]",
            ["models/schema.yml:1:49: The ')' closes nothing. Remove it, or add '('."]
        ),
        (
            "models: [{name: m, columns: [{name: id, tests: [unique, unique]}]}]",
            [
                "models/schema.yml:1:57: There's another test 'unique_m_id' at models/schema.yml:1:49. "
                    + "Remove one of the two, or give it another 'name:'."
            ]
        ),
        (
            "models: [{name: m, config: {materialised: view}}]",
            ["models/schema.yml:1:29: There's no setting 'materialised'. Did you mean 'materialized'?"]
        ),
        (
            "sources:\n  - {name: custmer}",
            ["models/schema.yml:2:5: The project has no entity 'custmer'. Did you mean 'customer'?"]
        ),
        (
            "sources:\n  - {name: customer, tables: [{name: streams}]}",
            ["models/schema.yml:2:31: The entity 'customer' has no table 'streams'. Did you mean 'stream'?"]
        ),
        (
            "models: [}",
            [
                "models/schema.yml:1:10: The YAML can't be read: did not find expected node content. "
                    + "Correct the file; docs/models.md has an example."
            ]
        ),
        (
            "models: []\nmodels: []",
            [
                "models/schema.yml:1:1: The YAML can't be read: the key 'models' stands there "
                    + "twice. Correct the file; docs/models.md has an example."
            ]
        ),
        ("", []), ("# only a comment", []), ("version: 2\nmodels:", []),
    ]

    @Test(arguments: wrong)
    func `a wrong schema file is refused at its place`(_ schema: String, _ expected: [String]) {
        #expect(problems(schema) == expected)
    }
}
