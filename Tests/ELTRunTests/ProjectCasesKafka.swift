/// What `elt.yml` may get wrong: properties of librdkafka. Each text gives exactly these errors.
extension ProjectCase {
    static let kafka: [ProjectCase] = [
        ProjectCase(
            "automatic commits",
            .inKafka("enable.auto.commit: false"),
            [
                "5:3: kafka: 'enable.auto.commit' can't be set: offsets are kept in the "
                    + "warehouse, with the rows; committing before that would lose messages."
            ]),
        ProjectCase(
            "automatic storing of offsets",
            .inKafka("enable.auto.offset.store: true"),
            [
                "5:3: kafka: 'enable.auto.offset.store' can't be set: offsets are kept in "
                    + "the warehouse, with the rows; storing them earlier would lose messages."
            ]),
        ProjectCase(
            "a reset of offsets",
            .inKafka("auto.offset.reset: earliest"),
            [
                "5:3: kafka: 'auto.offset.reset' can't be set: a lost offset must stop the "
                    + "run; jumping to another would lose messages in silence."
            ]),
        ProjectCase(
            "a reset of offsets by another name",
            .inKafka("topic.auto.offset.reset: latest"),
            ["5:3: kafka: 'topic.auto.offset.reset' can't be set: write 'auto.offset.reset', which means the same."]),
        ProjectCase(
            "events of the end of partitions",
            .inKafka("enable.partition.eof: false"),
            [
                "5:3: kafka: 'enable.partition.eof' can't be set: it's always on, because "
                    + "the end of a partition is how a run knows that it has read all."
            ]),
        ProjectCase(
            "uncommitted messages",
            .inKafka("isolation.level: read_uncommitted"),
            [
                "5:3: kafka: 'isolation.level: read_uncommitted' can't be set: messages of "
                    + "aborted transactions would be loaded."
            ]),
        ProjectCase(
            "topics that create themselves",
            .inKafka("allow.auto.create.topics: true"),
            [
                "5:3: kafka: 'allow.auto.create.topics: true' can't be set: a mistyped topic "
                    + "must be an error, not a new and empty topic."
            ]),
        ProjectCase(
            "tokens from nowhere",
            .inKafka("security.protocol: SASL_SSL\n  sasl.mechanisms: oauthbearer"),
            [
                "3:1: kafka: with OAUTHBEARER tokens must come from somewhere: "
                    + "'sasl.oauthbearer.method: oidc' and its 'sasl.oauthbearer.token.endpoint.url'."
            ]),
        ProjectCase(
            "unchecked checksums",
            .inKafka("check.crcs: false"),
            [
                "5:3: kafka: 'check.crcs: false' can't be set: a message damaged on its way "
                    + "would be archived as if it were whole."
            ]),
        ProjectCase(
            "unchecked certificates",
            .inKafka("enable.ssl.certificate.verification: False"),
            [
                "5:3: kafka: 'enable.ssl.certificate.verification: false' can't be set: "
                    + "anybody could pose as the broker; name the authority in 'ssl.ca.location'."
            ]),
        ProjectCase(
            "a static member of a group",
            .inKafka("group.instance.id: a"),
            [
                "5:3: kafka: 'group.instance.id' can't be set: partitions are assigned and "
                    + "no group is joined."
            ]),
        ProjectCase(
            "a strategy of assignment",
            .inKafka("partition.assignment.strategy: range"),
            [
                "5:3: kafka: 'partition.assignment.strategy' can't be set: partitions are "
                    + "assigned and no group is joined."
            ]),
        ProjectCase(
            "a misspelt property",
            .inKafka("boostrap.servers: b"), librdkafkaComplains: true,
            [
                "5:3: kafka: 'boostrap.servers': No such configuration property: "
                    + "\"boostrap.servers\" (value b) (did you mean 'bootstrap.servers'?)."
            ]),
        ProjectCase(
            "a value that librdkafka refuses, of a secret property",
            .inKafka("sasl.password: hunter22"), librdkafkaComplains: true,
            [
                "5:3: kafka: 'sasl.password': No such configuration property: "
                    + "\"sasl.password\" (value ***)."
            ]),
        ProjectCase(
            "a nested property",
            .inKafka("ssl: { ca.location: x }"),
            [
                "5:8: kafka.ssl: expected a value, found a mapping; write properties with "
                    + "their full names, such as 'ssl.ca.location'."
            ]),
        ProjectCase(
            "a list of brokers",
            #"""
            name: shop
            timezone: UTC
            kafka: { bootstrap.servers: [a, b] }
            entities: { order: { key: id, topics: { create: orders } } }

            """#,
            [
                "3:29: kafka.bootstrap.servers: expected a value, found a list; write "
                    + "several as one text with commas."
            ]),
        ProjectCase(
            "topics without brokers",
            #"""
            name: shop
            timezone: UTC
            entities: { order: { key: id, topics: { create: orders } } }

            """#,
            [
                "1:1: 'bootstrap.servers' is missing in kafka; entities with topics need it: "
                    + "'kafka: { bootstrap.servers: \"host:9092\" }'."
            ]),
        ProjectCase(
            "a property without a value",
            .inKafka("client.id:"),
            [
                "5:13: kafka.client.id: expected a value, found nothing."
            ]),
    ]
}
