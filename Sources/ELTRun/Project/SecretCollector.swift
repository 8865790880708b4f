import ELTCore
import Foundation

/// Gathers what must never be printed, and whether a secret stands in the file itself.
final class SecretCollector {
    private var values: Set<String> = []
    /// Settings whose secret is written out in `elt.yml`.
    private(set) var literals: [(place: Place, path: String)] = []

    func add(_ text: ConfigText, at node: ConfigNode) {
        add(text.value)
        if text.isLiteral { literals.append((node.place, node.path)) }
    }

    func add(_ value: String) {
        if !value.isEmpty { values.insert(value) }
    }

    /// What HTTP Basic sends is the secret in another dress.
    func addBasic(username: String, password: String) {
        add(Data("\(username):\(password)".utf8).base64EncodedString())
    }

    /// Longest first, so that a secret that contains another one is removed whole.
    var sorted: [String] { values.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) } }

    /// Whether a setting of this name holds a secret, by the words that people use for them.
    static func isSecretName(_ name: String) -> Bool {
        let name = name.lowercased()
        if publicNames.contains(name) { return false }
        return [
            "password", "passwd", "secret", "token", "credential", "jaas", "authorization", "cookie",
            "apikey",
            "api-key", "api_key", "key.pem", "oauthbearer.config", "x-auth",
        ]
        .contains { name.contains($0) }
    }

    /// Properties of librdkafka that only sound like one.
    private static let publicNames: Set<String> = [
        "sasl.oauthbearer.token.endpoint.url", "enable.sasl.oauthbearer.unsecure.jwt",
    ]
}
