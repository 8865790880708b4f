import ELTCore
import Testing

@testable import ELTRun

private func warnings(_ yaml: String, mode: UInt32 = 0o600, _ environment: [String: String] = [:]) throws
    -> [String]
{
    try ProjectCase.load(yaml, environment: environment, mode: mode).warnings
}

@Test(arguments: [UInt32(0o644), 0o640, 0o604, 0o660])
func `a secret written out in a file that others can read is told`(mode: UInt32) throws {
    let yaml = String.inFullLoad("auth: { kind: bearer, token: hunter2222 }")
    #expect(
        try warnings(yaml, mode: mode) == [
            "/project/elt.yml:9:36: entities.order.full_load.auth.token: the secret stands in a file that others "
                + "can read; write ${NAME} or ${file:/path}, or 'chmod 600 /project/elt.yml'."
        ])
    #expect(try warnings(yaml, mode: 0o600) == [])
}

@Test func `a default that is a secret stands in the file too`() throws {
    let yaml = String.inKafka("sasl.password: ${P:-hunter2222}")
    #expect(try warnings(yaml, mode: 0o644).count == 1)
    #expect(try warnings(yaml, mode: 0o644, ["P": "from-elsewhere"]) == [])
}

@Test func `what has no effect or opens a door is told`() throws {
    #expect(
        try warnings(.inKafka("session.timeout.ms: 1000")) == [
            "/project/elt.yml:5:3: kafka: 'session.timeout.ms' has no effect, because partitions are assigned and "
                + "no group is joined."
        ])
    #expect(
        try warnings(.inKafka("ssl.endpoint.identification.algorithm: none")) == [
            "/project/elt.yml:5:3: kafka: with 'ssl.endpoint.identification.algorithm' none, any host with a "
                + "valid certificate is trusted."
        ])
    #expect(
        try warnings(.inKafka("security.protocol: SASL_PLAINTEXT\n  sasl.password: ${P}"), ["P": "pppppp"])
            == [
                "/project/elt.yml:3:1: kafka: the password travels unencrypted; "
                    + "'security.protocol: sasl_ssl' hides it."
            ])
    #expect(
        try warnings(.inFullLoad("parallel: 4\n      pagination: link")) == [
            "/project/elt.yml:9:17: entities.order.full_load.parallel: pages are fetched one after another, "
                + "because each tells where the next one is; 'page' and 'offset' with 'total' can be fetched "
                + "side by side."
        ])
    #expect(
        try warnings(.inFullLoad("absent: remove\n      pagination: page")) == [
            "/project/elt.yml:9:15: entities.order.full_load.absent: rows can slip between pages while the "
                + "service is written to, and 'remove' takes such a row for deleted."
        ])
    #expect(
        try warnings(.inEntity("columns: [day]")) == [
            "/project/elt.yml:8:15: entities.order.columns[0]: the shipped history model has a column 'day' of "
                + "its own; rename one of them in the model."
        ])
}

@Test(arguments: [("http://example.org/", 1), ("https://example.org/", 0), ("http://127.0.0.1:8080/", 0)])
func `credentials over http are told, but not on the machine itself`(url: String, count: Int) throws {
    let yaml = String.inEntities(
        "  order: { key: id, full_load: { url: '\(url)', auth: { kind: bearer, token: '${T}' } } }\n")
    #expect(try warnings(yaml, mode: 0o600, ["T": "token-token"]).count == count)
}

@Test func `headers that sound like secrets are hidden, others aren't`() throws {
    let loaded = try ProjectCase.load(
        .inFullLoad("headers: { Accept: application/json, X-Api-Key: '${K}', Cookie: a=b }"),
        environment: ["K": "key-key"])
    #expect(Set(loaded.secrets) == ["key-key", "a=b"])
    #expect(loaded.settings.entities.first?.fullLoad?.headers.count == 3)
}

// MARK: What digests are taken of

private struct Digests: Equatable {
    var tables: String
    var listings: [String]
}

private func digests(_ yaml: String, _ environment: [String: String] = ["T": "one-token"]) throws -> Digests {
    let settings = try ProjectCase.load(yaml, environment: environment).settings
    return Digests(tables: settings.tableDigest, listings: settings.entities.map(\.listingDigest))
}

@Test func `the digest's text changes with what decides rows, and with nothing else`() throws {
    let base = try digests(.inFullLoad("parallel: 2"))
    #expect(try digests(.inFullLoad("rate_limit: 5/s  # slowly")) == base)
    #expect(try digests(.inFullLoad("auth: { kind: bearer, token: '${T}' }")) == base)
    #expect(try digests(.inFullLoad("absent: keep")).tables != base.tables)
    #expect(try digests(.inFullLoad("absent: keep")).listings == base.listings)
    #expect(try digests(.inFullLoad("pagination: page")).listings != base.listings)
    #expect(try digests(.inFullLoad("records: items")).tables != base.tables)
    let topics = try digests(.inEntity(""))
    #expect(try digests(.inEntity("event_time: at")).tables != topics.tables)
    #expect(try digests(.inEntity("columns: [{ name: a, type: text }]")).tables != topics.tables)
    #expect(try digests(.atTop("max_clock_skew: 1m")).tables != topics.tables)
    // Models that read a variable are built in full, which the models' own digests see to.
    #expect(try digests(.atTop("vars: { a: 1 }")) == topics)
    #expect(try digests(.atTop("limits: { stall: 10s }")) == topics)
}

@Test func `no text for a digest holds credentials`() throws {
    let inputs = try digests(
        .inFullLoad("auth: { kind: bearer, token: '${T}' }\n      headers: { X-Token: '${T}' }"))
    #expect(!(inputs.tables + inputs.listings.joined()).contains("one-token"))
}
