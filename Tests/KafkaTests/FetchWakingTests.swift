@testable import Kafka
import Testing

@Suite struct FetchWakingTests {
    /// librdkafka takes blanks off the begin of a value, and doesn't when it's told credentials later.
    @Test func `Waking leaves the credentials as they were`() throws {
        let settings = ClientSettings(properties: [
            "bootstrap.servers": "127.0.0.1:1", "group.id": "g", "security.protocol": "sasl_plaintext", "sasl.mechanisms": "PLAIN",
            "sasl.username": " user", "sasl.password": "\n pass word ",
        ])
        let client = try Client(.consumer, settings, log: nil)
        func credentials() -> [String] { ["sasl.username", "sasl.password"].map { FetchWaking.value(of: $0, client.handle) } }
        let before = credentials()
        #expect(before == ["user", "pass word "])
        var waking = try #require(FetchWaking(client.handle, settings))
        while !waking.wake() {}
        #expect(credentials() == before)
    }

    @Test(arguments: [
        ([:], true), (["security.protocol": "ssl"], true), (["sasl.mechanisms": "GSSAPI"], true),
        (["security.protocol": "SASL_SSL"], false), (["security.protocol": "sasl_plaintext", "sasl.mechanism": "gssapi"], false),
        (["security.protocol": "sasl_ssl", "sasl.mechanism": "scram-sha-512"], true), (["security.protocol": "sasl_ssl", "sasl.mechanisms": "OAUTHBEARER"], true),
        (["debug": "fetch,topic"], true), (["debug": "all"], false), (["debug": "fetch,broker"], false),
    ] as [([String: String], Bool)])
    func `It's done where it does no harm`(_ properties: [String: String], _ isDone: Bool) {
        #expect(FetchWaking.isHarmful(properties) != isDone)
    }
}
