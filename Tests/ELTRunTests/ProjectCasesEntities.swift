/// What `elt.yml` may get wrong: entities and topics. Each text gives exactly these errors.
extension ProjectCase {
    static let entities: [ProjectCase] = [
        ProjectCase(
            "a name with capitals",
            .inEntities("  Order: { key: id, topics: { create: orders } }\n"),
            [
                "5:3: entities: 'Order' can't be an entity's name: only a-z, 0-9 and '_' are "
                    + "allowed, and a letter first; write 'order'."
            ]),
        ProjectCase(
            "a name with a dash",
            .inEntities("  order-line: { key: id, topics: { create: orders } }\n"),
            [
                "5:3: entities: 'order-line' can't be an entity's name: only a-z, 0-9 and "
                    + "'_' are allowed, and a letter first."
            ]),
        ProjectCase(
            "a name that belongs to the program",
            .inEntities("  elt_order: { key: id, topics: { create: orders } }\n"),
            [
                "5:3: entities: 'elt_order' can't be an entity's name: names that begin with "
                    + "'elt_' are taken."
            ]),
        ProjectCase(
            "a name that belongs to SQLite",
            .inEntities("  sqlite_order: { key: id, topics: { create: orders } }\n"),
            [
                "5:3: entities: 'sqlite_order' can't be an entity's name: names that begin "
                    + "with 'sqlite_' are taken."
            ]),
        ProjectCase(
            "a name that begins with an underscore",
            .inEntities("  _order: { key: id, topics: { create: orders } }\n"),
            [
                "5:3: entities: '_order' can't be an entity's name: names that begin with "
                    + "'_' are the program's own."
            ]),
        ProjectCase(
            "a name of 64 characters",
            .inEntities("  \(String(repeating: "o", count: 64)): { key: id, topics: { create: orders } }\n"),
            [
                "5:3: entities: "
                    + "'oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo…' can't be an "
                    + "entity's name: it has 64 characters, at most 63 are allowed."
            ]),
        ProjectCase(
            "names that differ in case only",
            .inEntities(
                "  order: { key: id, topics: { create: a } }\n  ORDER: { key: id, topics: { create: b } }\n"),
            [
                "6:3: entities: 'ORDER' can't be an entity's name: only a-z, 0-9 and '_' are "
                    + "allowed, and a letter first; write 'order'.",
                "6:3: entities: 'ORDER' and 'order' differ in case only.",
            ]),
        ProjectCase(
            "no key",
            .inEntities("  order: { topics: { create: orders } }\n"),
            [
                "5:3: 'key' is missing in entities.order; write the path of the key in the "
                    + "record, such as 'key: id'."
            ]),
        ProjectCase(
            "a key with an empty part",
            .inEntities("  order: { key: a..b, topics: { create: orders } }\n"),
            [
                "5:17: entities.order.key: expected a path such as id or customer.id, found "
                    + "'a..b'."
            ]),
        ProjectCase(
            "neither topics nor full load",
            .inEntities("  order: { key: id }\n"),
            [
                "5:3: entities.order: expected 'topics', 'full_load' or both, found neither."
            ]),
        ProjectCase(
            "no operation at all",
            .inEntities("  order: { key: id, topics: {} }\n"),
            [
                "5:29: entities.order.topics: expected at least one topic, found none."
            ]),
        ProjectCase(
            "a misspelt operation",
            .inEntities("  order: { key: id, topics: { craete: orders } }\n"),
            [
                "5:31: unknown setting 'craete' in entities.order.topics (did you mean "
                    + "'create'?). Allowed here: create, delete, update."
            ]),
        ProjectCase(
            "an empty list of topics",
            .inEntities("  order: { key: id, topics: { create: [] } }\n"),
            [
                "5:39: entities.order.topics.create: expected at least one topic, found none."
            ]),
        ProjectCase(
            "the same topic twice",
            .inEntities("  order: { key: id, topics: { create: orders, update: orders } }\n"),
            [
                "5:55: entities.order.topics.update: topic 'orders' is named twice, first in "
                    + "line 5; each topic belongs to one entity and one operation."
            ]),
        ProjectCase(
            "the same topic in two entities",
            .inEntities(
                "  order: { key: id, topics: { create: orders } }\n  line: { key: id, topics: { create: [lines, orders] } }\n"
            ),
            [
                "6:46: entities.line.topics.create[1]: topic 'orders' is named twice, first "
                    + "in line 5; each topic belongs to one entity and one operation."
            ]),
        ProjectCase(
            "a topic with a slash",
            .inEntities("  order: { key: id, topics: { create: a/b } }\n"),
            [
                "5:39: entities.order.topics.create: 'a/b' can't be a topic's name: Kafka "
                    + "allows only a-z, A-Z, 0-9, '.', '_' and '-'."
            ]),
        ProjectCase(
            "a topic named by two dots",
            .inEntities("  order: { key: id, topics: { create: .. } }\n"),
            [
                "5:39: entities.order.topics.create: '..' can't be a topic's name: Kafka "
                    + "forbids '.' and '..'."
            ]),
        ProjectCase(
            "a topic of 250 characters",
            .inEntities("  order: { key: id, topics: { create: \(String(repeating: "t", count: 250)) } }\n"),
            [
                "5:39: entities.order.topics.create: "
                    + "'tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt…' can't be a "
                    + "topic's name: it has 250 characters, Kafka allows at most 249."
            ]),
        ProjectCase(
            "a misspelt mode",
            .inEntities("  order: { key: id, topics: { delete: { name: orders, mode: deactivated } } }\n"),
            [
                "5:61: entities.order.topics.delete.mode: expected deactivate or remove, "
                    + "found 'deactivated' (did you mean 'deactivate'?)."
            ]),
        ProjectCase(
            "a topic without its name",
            .inEntities("  order: { key: id, topics: { delete: { mode: remove } } }\n"),
            [
                "5:31: 'name' is missing in entities.order.topics.delete; write the topic's "
                    + "name."
            ]),
        ProjectCase(
            "nothing as a topic",
            .inEntities("  order:\n    key: id\n    topics:\n      create:\n"),
            [
                "8:14: entities.order.topics.create: expected a topic's name, a mapping of "
                    + "name and mode, or a list of those, found nothing."
            ]),
        ProjectCase(
            "a unit of time that does not exist",
            .inEntity("event_time: { path: at, unit: min }"),
            [
                "8:35: entities.order.event_time.unit: expected s, ms, us or ns, found 'min'."
            ]),
        ProjectCase(
            "a unit of time without its path",
            .inEntity("event_time: { unit: ms }"),
            [
                "8:5: 'path' is missing in entities.order.event_time; write the path of the "
                    + "time in the message."
            ]),
        ProjectCase(
            "a misspelt column policy",
            .inEntity("column_policy: evolv"),
            [
                "8:20: entities.order.column_policy: expected evolve, ignore or fail, found "
                    + "'evolv' (did you mean 'evolve'?)."
            ]),
    ]
}
