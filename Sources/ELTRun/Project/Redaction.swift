/// Takes secrets out of texts that people or machines will see.
package struct Redaction: Sendable {
    /// Shorter texts stay: they're part of too many words, and a secret that short protects nothing.
    package static let lengthMin = 4
    private let secrets: [String]

    package init(_ secrets: some Sequence<String>) {
        var parts: Set<String> = []
        for secret in secrets {
            parts.insert(secret)
            // A message may show one line of a key.
            for line in secret.split(whereSeparator: \.isNewline) where line.utf8.count >= 16 {
                parts.insert(String(line))
            }
        }
        // Longest first, so that a secret that contains another one goes whole.
        self.secrets = parts.filter { $0.utf8.count >= Self.lengthMin }
            .sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
    }

    /// This one's secrets and more of them.
    package func adding(_ more: some Sequence<String>) -> Redaction { Redaction(secrets + Array(more)) }

    package func apply(to text: String) -> String {
        var text = text
        for secret in secrets where text.contains(secret) {
            text = text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "***")
        }
        return text
    }
}
