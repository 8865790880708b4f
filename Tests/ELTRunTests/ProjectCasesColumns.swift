/// What `elt.yml` may get wrong: columns and their tests. Each text gives exactly these errors.
extension ProjectCase {
    static let columns: [ProjectCase] = [
        ProjectCase(
            "a mapping of columns",
            .inEntity("columns: { id: text }"),
            [
                "8:14: entities.order.columns: expected a list of columns such as { name: "
                    + "id, type: text }, found a mapping."
            ]),
        ProjectCase(
            "a misspelt type",
            .inEntity("columns: [{ name: id, type: string }, { name: n, type: integr }]"),
            [
                "8:33: entities.order.columns[0].type: expected text, integer, decimal, "
                    + "boolean, timestamp, date or json, found 'string'.",
                "8:60: entities.order.columns[1].type: expected text, integer, decimal, "
                    + "boolean, timestamp, date or json, found 'integr' (did you mean 'integer'?).",
            ]),
        ProjectCase(
            "a column without a name",
            .inEntity("columns: [{ type: text }]"),
            [
                "8:15: 'name' is missing in entities.order.columns[0]; write the column's "
                    + "name."
            ]),
        ProjectCase(
            "a column with a dash",
            .inEntity("columns: [a-b]"),
            [
                "8:15: entities.order.columns[0]: 'a-b' can't be a column's name: only a-z, "
                    + "0-9 and '_' are allowed, and a letter first."
            ]),
        ProjectCase(
            "a column named twice",
            .inEntity("columns: [id, { name: id }]"),
            [
                "8:27: entities.order.columns[1]: column 'id' is named twice."
            ]),
        ProjectCase(
            "a setting in the plural",
            .inEntity("columns: [{ name: id, tests: [unique] }]"),
            [
                "8:27: unknown setting 'tests' in entities.order.columns[0] (did you mean "
                    + "'test'?). Allowed here: name, test, type."
            ]),
        ProjectCase(
            "a misspelt test",
            .inEntity("columns: [{ name: id, test: [not_nul] }]"),
            [
                "8:34: entities.order.columns[0].test[0]: unknown test 'not_nul' (did you "
                    + "mean 'not_null'?). Allowed: not_null, unique, accepted_values, "
                    + "relationships."
            ]),
        ProjectCase(
            "a test that needs values",
            .inEntity("columns: [{ name: id, test: accepted_values }]"),
            [
                "8:33: entities.order.columns[0].test: write { accepted_values: { values: "
                    + "[a, b] } }."
            ]),
        ProjectCase(
            "a test without its values",
            .inEntity("columns: [{ name: id, test: [{ accepted_values: { value: [a] } }] }]"),
            [
                "8:36: 'values' is missing in "
                    + "entities.order.columns[0].test[0].accepted_values; write 'values: [a, b]'.",
                "8:55: unknown setting 'value' in "
                    + "entities.order.columns[0].test[0].accepted_values (did you mean 'values'?). "
                    + "Allowed here: values.",
            ]),
        ProjectCase(
            "a relationship to something strange",
            .inEntity("columns: [{ name: id, test: [{ relationships: { to: 'source(x)', field: id } }] }]"),
            [
                "8:57: entities.order.columns[0].test[0].relationships.to: expected a model "
                    + "as ref('name'), found 'source(x)'."
            ]),
        ProjectCase(
            "a relationship without the other model",
            .inEntity("columns: [{ name: id, test: [relationships, { relationships: { field: id } }] }]"),
            [
                "8:34: entities.order.columns[0].test[0]: write { relationships: { to: "
                    + "ref('model'), field: id } }.",
                "8:51: 'to' is missing in entities.order.columns[0].test[1].relationships; "
                    + "write the other model as ref('name').",
            ]),
        ProjectCase(
            "two tests in one mapping",
            .inEntity("columns: [{ name: id, test: [{ unique: , not_null: }] }]"),
            [
                "8:34: entities.order.columns[0].test[0]: expected one test, found a mapping "
                    + "of 2."
            ]),
    ]
}
