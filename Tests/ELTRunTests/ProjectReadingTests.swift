import ELTCore
import Testing

@testable import ELTRun

private let documented = """
    name: kundenservice
    timezone: Europe/Berlin
    warehouse: { path: warehouse/elt.db }     # SQLite
    archive:   { path: archive, compression: zstd }
    models:    models
    kafka:                                    # every librdkafka property passes through
      bootstrap.servers: ${KAFKA_BOOTSTRAP}   # ${VAR}, ${VAR:-default}; secrets also as ${file:/path}
    entities:
      customer:
        key: id                               # path in the record
        record: customer                      # path of the record in the message; default: the whole value
        event_time: event_time                # path in the message; default: the Kafka timestamp
        topics:
          create: kundenservice-kunde-create
          update: kundenservice-kunde-update
          delete: { name: kundenservice-kunde-delete, mode: deactivate }
        columns:                              # optional: default is discovered from the data
          - { name: id, type: text, test: [not_null, unique] }
          - { name: created_at, type: timestamp }
        full_load:
          url: https://kunden.example/api/customers
          records: items                      # path of the list; default: the body is the list, or NDJSON
          pagination: { kind: page, page_param: page, size_param: size, size: 1000, total: total }
                                              # none | page | offset | cursor | link | keyset
          auth: { kind: bearer, token: ${API_TOKEN} }   # none | basic | bearer | api_key | oauth2
          parallel: 4
          rate_limit: 20/s
          absent: keep                        # or remove, semantics §4

    """

private func entity(_ yaml: String) throws -> EntitySettings {
    try #require(try ProjectCase.load(yaml).settings.entities.first)
}

private func fullLoad(_ text: String) throws -> FullLoadSettings {
    try #require(try entity(.inFullLoad(text)).fullLoad)
}

@Test func `the documented file is read as documented`() throws {
    let loaded = try ProjectCase.load(
        documented, environment: ["KAFKA_BOOTSTRAP": "k1:9092,k2:9092", "API_TOKEN": "s3cret-s3cret"])
    let settings = loaded.settings
    #expect(loaded.warnings == [])
    #expect(loaded.secrets == ["s3cret-s3cret"])
    #expect(settings.name == "kundenservice")
    #expect(settings.zone.name == "Europe/Berlin")
    #expect(settings.folder == "/project")
    #expect(settings.warehousePath == "/project/warehouse/elt.db")
    #expect(settings.archivePath == "/project/archive")
    #expect(settings.modelsPath == "/project/models")
    #expect(settings.kafka == ["bootstrap.servers": "k1:9092,k2:9092", "group.id": "elt-kundenservice"])
    let customer = try #require(settings.entities.first)
    #expect(customer.name == "customer")
    #expect(customer.key == ["id"])
    #expect(customer.record == ["customer"])
    #expect(customer.eventTime == ["event_time"])
    #expect(customer.topics.map(\.operation) == [.create, .update, .delete])
    #expect(customer.topics.map(\.mode) == [.deactivate, .deactivate, .deactivate])
    #expect(customer.columns.map(\.name) == ["id", "created_at"])
    #expect(customer.columns.map(\.type) == [.text, .timestamp])
    #expect(customer.columns[0].tests == ["not_null", "unique"])
    let load = try #require(customer.fullLoad)
    #expect(load.url == "https://kunden.example/api/customers")
    #expect(load.records == ["items"])
    #expect(
        load.pagination
            == .page(pageParam: "page", sizeParam: "size", size: 1000, first: 0, total: ["total"]))
    #expect(load.auth == .bearer(token: Secret("s3cret-s3cret")))
    #expect(load.parallel == 4)
    #expect(load.rateLimit == 20)
    #expect(load.absent == .keep)
    #expect(load.minRowsRatio == 0.5)
}

@Test func `what isn't said has its default`() throws {
    let settings = try ProjectCase.load(
        "name: s\ntimezone: UTC\nentities: { order: { key: a.id, full_load: { url: 'http://h/' } } }\n"
    ).settings
    #expect(settings.warehousePath == "/project/warehouse/elt.db")
    #expect(settings.limits == Limits())
    #expect(settings.compression == Compression())
    #expect(settings.kafka == ["group.id": "elt-s"])
    let order = try #require(settings.entities.first)
    #expect(order.key == ["a", "id"])
    #expect(order.keyColumn == "a_id")
    #expect(order.record == [])
    #expect(order.eventTime == nil)
    #expect(order.columnPolicy == .evolve)
    #expect(order.fullLoad?.auth == Auth.none)
    #expect(order.fullLoad?.pagination == Pagination.none)
    #expect(order.fullLoad?.parallel == 1)
    #expect(order.fullLoad?.rateLimit == nil)
}

@Test func `limits stand at the top or under limits`() throws {
    let top = try ProjectCase.load(
        .atTop("max_clock_skew: 90s\nmax_message_bytes: 1MB\nmax_quarantined: 7")
    ).settings.limits
    #expect(top.maxClockSkew == .seconds(90))
    #expect(top.maxMessageBytes == 1_000_000)
    #expect(top.maxQuarantined.count == 7)
    #expect(top.maxQuarantined.share == nil)
    let below = try ProjectCase.load(
        .atTop(
            """
            limits:
              max_clock_skew: 0s
              max_message_bytes: 16MiB
              max_quarantined: { count: 5, share: 5% }
              deadline: 2h
              stall: 1.5m
              request_timeout: 500ms
            """)
    ).settings.limits
    #expect(below.maxClockSkew == .zero)
    #expect(below.maxMessageBytes == 16_777_216)
    #expect(below.maxQuarantined.count == 5)
    #expect(below.maxQuarantined.share == 0.05)
    #expect(below.deadline == .seconds(7200))
    #expect(below.stall == .seconds(90))
    #expect(below.requestTimeout == .milliseconds(500))
    #expect(
        try ProjectCase.load(.atTop("max_quarantined: 2.5%")).settings.limits.maxQuarantined.share == 0.025)
}

@Test func `topics are a name, a mapping or a list, in the order of the file`() throws {
    let order = try entity(
        .inEntities(
            """
              order:
                key: id
                event_time: { path: meta.at, unit: ms }
                column_policy: fail
                topics:
                  delete: { name: d, mode: remove }
                  create: [c1, { name: c2, mode: remove }]
                  update: u

            """))
    #expect(order.topics.map(\.name) == ["d", "c1", "c2", "u"])
    #expect(order.topics.map(\.operation) == [.delete, .create, .create, .update])
    #expect(order.topics.map(\.mode) == [.remove, .deactivate, .remove, .deactivate])
    #expect(order.eventTime == ["meta", "at"])
    #expect(order.eventTimeUnit == .milliseconds)
    #expect(order.columnPolicy == .fail)
}

@Test func `tests of columns are values, and text as in schema.yml`() throws {
    let columns = try entity(
        .inEntity(
            """
            columns:
                  - id
                  - name: state
                    type: text
                    test:
                      - not_null
                      - accepted_values: { values: [open, "1", 2, true, 007, it's] }
                  - { name: customer_id, test: { relationships: { to: "ref('current_customer')", field: id } } }
            """)
    ).columns
    #expect(columns.map(\.name) == ["id", "state", "customer_id"])
    #expect(
        columns[1].checks == [
            .notNull,
            .acceptedValues([
                .text("open"), .text("1"), .number("2"), .boolean(true), .text("007"), .text("it's"),
            ]),
        ])
    #expect(columns[2].checks == [.relationships(to: "current_customer", field: "id")])
    #expect(
        columns.map(\.tests) == [
            [], ["not_null", "{accepted_values: {values: ['open', '1', 2, true, '007', 'it''s']}}"],
            ["{relationships: {to: \"ref('current_customer')\", field: id}}"],
        ])
}

@Test func `every kind of pagination has its defaults`() throws {
    func pagination(_ text: String) throws -> Pagination { try fullLoad("pagination: \(text)").pagination }
    #expect(try pagination("none") == Pagination.none)
    #expect(
        try pagination("page")
            == .page(pageParam: "page", sizeParam: "size", size: 1000, first: 0, total: nil))
    #expect(
        try pagination("{ kind: page, first: 1, size_param: ~, size: 50, page_param: 'page[number]' }")
            == .page(pageParam: "page[number]", sizeParam: nil, size: 50, first: 1, total: nil))
    #expect(
        try pagination("{ kind: offset, total: meta.total }")
            == .offset(offsetParam: "offset", limitParam: "limit", limit: 1000, total: ["meta", "total"]))
    #expect(
        try pagination("{ kind: cursor, cursor: meta.next }")
            == .cursor(cursor: ["meta", "next"], cursorParam: "cursor", sizeParam: nil, size: nil))
    #expect(
        try pagination("{ kind: link, size: 10 }") == .link(next: nil, sizeParam: "size", size: 10))
    #expect(
        try pagination("keyset") == .keyset(key: ["id"], param: "after", sizeParam: nil, size: nil))
    #expect(
        try pagination("{ kind: keyset, key: seq, param: since, size: 5, size_param: n }")
            == .keyset(key: ["seq"], param: "since", sizeParam: "n", size: 5))
}

@Test(arguments: [
    ("none", FullLoadSettings.Absent.remove), ("{ kind: cursor, cursor: c }", .remove), ("keyset", .remove),
    ("link", .remove), ("page", .keep), ("offset", .keep),
])
func `absence removes only where no row can slip between pages`(
    pagination: String, absent: FullLoadSettings.Absent
) throws {
    #expect(try fullLoad("pagination: \(pagination)").absent == absent)
}

@Test func `every kind of authentication is read, and its secrets are hidden`() throws {
    func auth(_ text: String) throws -> (Auth, [String]) {
        let loaded = try ProjectCase.load(.inFullLoad("auth: \(text)"), environment: ["S": "secret-1"])
        return (try #require(loaded.settings.entities.first?.fullLoad).auth, loaded.secrets)
    }
    #expect(try auth("none") == (.none, []))
    #expect(
        try auth("{ kind: basic, username: me, password: ${S} }")
            == (
                .basic(username: Secret("me"), password: Secret("secret-1")),
                ["bWU6c2VjcmV0LTE=", "secret-1"]
            ))
    #expect(
        try auth("{ kind: api_key, value: ${S} }")
            == (.apiKey(name: "X-API-Key", value: Secret("secret-1"), inQuery: false), ["secret-1"]))
    #expect(
        try auth("{ kind: api_key, name: key, value: ${S}, in: query }").0
            == .apiKey(name: "key", value: Secret("secret-1"), inQuery: true))
    let oauth =
        "{ kind: oauth2, token_url: https://t/x, client_id: me, client_secret: ${S}, scope: a, secret_in: body }"
    #expect(
        try auth(oauth).0
            == .oauth2(
                tokenURL: "https://t/x", clientID: Secret("me"), clientSecret: Secret("secret-1"), scope: "a",
                audience: nil, secretInBody: true))
}

@Test func `properties of librdkafka pass through as text`() throws {
    let loaded = try ProjectCase.load(
        .inKafka(
            """
            fetch.min.bytes: 100
              enable.ssl.certificate.verification: true
              isolation.level: read_committed
              group.id: mine
              sasl.password: ${P}
              ssl.key.password: "${K}"
            """), environment: ["P": "pass-word", "K": "key-word"])
    #expect(
        loaded.settings.kafka == [
            "bootstrap.servers": "b:9092", "fetch.min.bytes": "100",
            "enable.ssl.certificate.verification": "true", "isolation.level": "read_committed",
            "group.id": "mine", "sasl.password": "pass-word", "ssl.key.password": "key-word",
        ])
    #expect(Set(loaded.secrets) == ["pass-word", "key-word"])
}

@Test func `entities share settings through aliases`() throws {
    let settings = try ProjectCase.load(
        .inEntities(
            """
              order:
                key: id
                full_load: &api
                  url: https://h/orders
                  parallel: 2
                  pagination: &pages { kind: page, total: total }
              line:
                key: id
                full_load:
                  <<: *api
                  url: https://h/lines
                  pagination: *pages

            """)
    ).settings
    #expect(settings.entities.map { $0.fullLoad?.url } == ["https://h/orders", "https://h/lines"])
    #expect(settings.entities.map { $0.fullLoad?.parallel } == [2, 2])
    #expect(settings.entities[0].fullLoad?.pagination == settings.entities[1].fullLoad?.pagination)
}
