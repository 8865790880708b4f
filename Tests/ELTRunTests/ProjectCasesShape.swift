/// What `elt.yml` may get wrong: its shape. Each text gives exactly these errors.
extension ProjectCase {
    static let shape: [ProjectCase] = [
        ProjectCase(
            "an empty file",
            "",
            [
                "1:1: the file is empty; 'elt init' writes an example."
            ]),
        ProjectCase(
            "a file with comments alone",
            #"""
            # nothing

            """#,
            [
                "1:1: the file is empty; 'elt init' writes an example."
            ]),
        ProjectCase(
            "a list instead of settings",
            #"""
            - a
            - b

            """#,
            [
                "1:1: expected a mapping, found a list."
            ]),
        ProjectCase(
            "a text instead of settings",
            #"""
            hello

            """#,
            [
                "1:1: expected a mapping, found 'hello'."
            ]),
        ProjectCase(
            "a broken flow mapping",
            #"""
            name: shop
            kafka: { a: 1
            entities: {}

            """#,
            [
                "3:9: this isn't YAML: did not find expected ',' or '}' (while parsing a "
                    + "flow mapping from line 2)."
            ]),
        ProjectCase(
            "a tab as indentation",
            "name: shop\nkafka:\n\tbootstrap.servers: b\n",
            [
                "3:1: this isn't YAML: found character that cannot start any token (while "
                    + "scanning for the next token from line 3)."
            ]),
        ProjectCase(
            "two documents",
            #"""
            name: a
            ---
            name: b

            """#,
            [
                "2:1: this isn't YAML: but found another document (expected a single "
                    + "document in the stream from line 1)."
            ]),
        ProjectCase(
            "a name that is set twice",
            #"""
            name: shop
            timezone: UTC
            name: store
            entities: { order: { key: id, full_load: { url: http://h/ } } }

            """#,
            [
                "3:1: 'name' is set twice; the first is in line 1."
            ]),
        ProjectCase(
            "two names that are set twice, and another error",
            #"""
            name: shop
            timezone: UTC
            timezone: UTC
            entities:
              order:
                key: id
                key: di
                full_load: { url: http://h/, parallel: no }

            """#,
            [
                "3:1: 'timezone' is set twice; the first is in line 2.",
                "7:5: 'key' is set twice; the first is in line 6.",
                "8:44: entities.order.full_load.parallel: expected a whole number from 1 to "
                    + "64, found 'no'.",
            ]),
        ProjectCase(
            "a name that is set twice in braces",
            #"""
            name: shop
            timezone: UTC
            entities: { order: { key: id, "key": no, full_load: { url: http://h/ } } }

            """#,
            [
                "3:32: 'key' is set twice; the first is in line 3."
            ]),
        ProjectCase(
            "a misspelt setting at the top",
            .atTop("timezon: UTC"),
            [
                "8:1: unknown setting 'timezon' in the project (did you mean 'timezone'?). "
                    + "Allowed here: archive, entities, kafka, limits, max_clock_skew, "
                    + "max_message_bytes, max_quarantined, models, name, timezone, vars, warehouse."
            ]),
        ProjectCase(
            "an unknown setting that resembles none",
            .atTop("colour: blue"),
            [
                "8:1: unknown setting 'colour' in the project. Allowed here: archive, "
                    + "entities, kafka, limits, max_clock_skew, max_message_bytes, "
                    + "max_quarantined, models, name, timezone, vars, warehouse."
            ]),
        ProjectCase(
            "a misspelt setting of an entity",
            .inEntity("topicz: {}"),
            [
                "8:5: unknown setting 'topicz' in entities.order (did you mean 'topics'?). "
                    + "Allowed here: column_policy, columns, event_time, full_load, key, record, "
                    + "topics."
            ]),
        ProjectCase(
            "a misspelt setting of a full load",
            .inFullLoad("pagnation: none"),
            [
                "9:7: unknown setting 'pagnation' in entities.order.full_load (did you mean "
                    + "'pagination'?). Allowed here: absent, auth, headers, max_page_bytes, "
                    + "max_pages, min_rows_ratio, pagination, parallel, rate_limit, records, url."
            ]),
        ProjectCase(
            "a missing name and zone",
            #"""
            entities: { order: { key: id, full_load: { url: http://h/ } } }

            """#,
            [
                "1:1: 'name' is missing in the project; write 'name: my-project'.",
                "1:1: 'timezone' is missing in the project; write the zone that decides what "
                    + "a day is, such as 'timezone: Europe/Berlin' or 'UTC'.",
            ]),
        ProjectCase(
            "no entities",
            #"""
            name: shop
            timezone: UTC

            """#,
            [
                "1:1: 'entities' is missing in the project; name what is loaded: 'entities: "
                    + "{ customer: { key: id, … } }'."
            ]),
        ProjectCase(
            "an empty mapping of entities",
            #"""
            name: shop
            timezone: UTC
            entities: {}

            """#,
            [
                "3:11: entities: expected at least one entity, found none."
            ]),
        ProjectCase(
            "entities as a list",
            #"""
            name: shop
            timezone: UTC
            entities: [order]

            """#,
            [
                "3:11: entities: expected a mapping of entities, found a list."
            ]),
        ProjectCase(
            "nothing after entities",
            #"""
            name: shop
            timezone: UTC
            entities:

            """#,
            [
                "3:10: entities: expected a mapping of entities, found nothing."
            ]),
        ProjectCase(
            "a list as a name",
            .atTop("? [a, b]\n: c"),
            [
                "8:3: expected a name, found a list or a mapping."
            ]),
        ProjectCase(
            "a tag",
            .atTop("vars: { a: !ENV x }"),
            [
                "8:12: the tag '!ENV' isn't supported; write the value without it."
            ]),
        ProjectCase(
            "a list for the name of the project",
            #"""
            name: [shop]
            timezone: UTC
            entities: { order: { key: id, full_load: { url: http://h/ } } }

            """#,
            [
                "1:7: name: expected the project's name, found a list."
            ]),
        ProjectCase(
            "a name of the project with a space",
            #"""
            name: my shop
            timezone: UTC
            entities: { order: { key: id, full_load: { url: http://h/ } } }

            """#,
            [
                "1:7: name: 'my shop' can't be a project's name: only a-z, A-Z, 0-9, '.', "
                    + "'_' and '-' are allowed."
            ]),
        ProjectCase(
            "a misspelt zone",
            #"""
            name: shop
            timezone: Europe/Berln
            entities: { order: { key: id, full_load: { url: http://h/ } } }

            """#,
            [
                "2:11: timezone: 'Europe/Berln' isn't an IANA time zone such as "
                    + "Europe/Berlin or UTC (did you mean 'Europe/Berlin'?)."
            ]),
        ProjectCase(
            "a zone in small letters",
            #"""
            name: shop
            timezone: europe/berlin
            entities: { order: { key: id, full_load: { url: http://h/ } } }

            """#,
            [
                "2:11: timezone: 'europe/berlin' isn't an IANA time zone such as "
                    + "Europe/Berlin or UTC (did you mean 'Europe/Berlin'?)."
            ]),
        ProjectCase(
            "a city alone as the zone",
            #"""
            name: shop
            timezone: Berlin
            entities: { order: { key: id, full_load: { url: http://h/ } } }

            """#,
            [
                "2:11: timezone: 'Berlin' isn't an IANA time zone such as Europe/Berlin or "
                    + "UTC (did you mean 'Europe/Berlin'?)."
            ]),
        ProjectCase(
            "an offset as the zone",
            #"""
            name: shop
            timezone: GMT+2
            entities: { order: { key: id, full_load: { url: http://h/ } } }

            """#,
            [
                "2:11: timezone: 'GMT+2' isn't an IANA time zone such as Europe/Berlin or "
                    + "UTC."
            ]),
        ProjectCase(
            "an alias that nobody defined",
            .atTop("vars: *none"),
            [
                "8:7: this isn't YAML: found undefined alias."
            ]),
    ]
}
