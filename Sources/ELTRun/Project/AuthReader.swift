import ELTCore
import Foundation

/// `auth:`; its secrets are gathered, and never shown.
struct AuthReader {
    let faults: ProjectFaults
    let secrets: SecretCollector

    private static let kinds: [(name: String, settings: [String])] = [
        ("none", []),
        ("basic", ["username", "password"]),
        ("bearer", ["token"]),
        ("api_key", ["name", "value", "in"]),
        ("oauth2", ["token_url", "client_id", "client_secret", "scope", "audience", "secret_in"]),
    ]

    func read(_ node: ConfigNode) -> Auth {
        let kindNode: ConfigNode?
        switch node.content {
        case .mapping(let fields):
            kindNode = fields.first { $0.name == "kind" }?.value
            if kindNode == nil {
                let names = Self.kinds.map(\.name)
                faults.error(
                    node.namePlace,
                    "'kind' is missing in \(node.path); write one of \(Wording.choice(names)).")
            }
        default: kindNode = node
        }
        guard let kindNode, let kind = ConfigFields.word(kindNode, Self.kinds.map(\.name), faults),
            let settings = Self.kinds.first(where: { $0.name == kind })?.settings
        else { return .none }
        var mapping = node
        if case .text = node.content { mapping.content = .mapping([]) }
        guard let fields = ConfigFields(mapping, allowed: ["kind"] + settings, faults) else { return .none }
        return auth(kind, fields)
    }

    private func auth(_ kind: String, _ fields: ConfigFields) -> Auth {
        switch kind {
        case "basic":
            let username = required("username", fields) ?? ""
            let password = secret("password", fields) ?? ""
            secrets.addBasic(username: username, password: password)
            return .basic(username: Secret(username), password: Secret(password))
        case "bearer":
            return .bearer(token: Secret(secret("token", fields) ?? ""))
        case "api_key":
            let name = fields.value("name", "the name of a header or query parameter") {
                NameRules.token($0) == nil ? $0 : nil
            }
            return .apiKey(
                name: name ?? "X-API-Key", value: Secret(secret("value", fields) ?? ""),
                inQuery: place("in", ["header", "query"], fields) == "query")
        case "oauth2":
            let clientID = required("client_id", fields) ?? ""
            let clientSecret = secret("client_secret", fields) ?? ""
            secrets.addBasic(username: clientID, password: clientSecret)
            return .oauth2(
                tokenURL: tokenAddress(fields) ?? "", clientID: Secret(clientID),
                clientSecret: Secret(clientSecret),
                scope: fields.text("scope"), audience: fields.text("audience"),
                secretInBody: place("secret_in", ["header", "body"], fields) == "body")
        default: return .none
        }
    }

    private func required(_ name: String, _ fields: ConfigFields) -> String? {
        fields.required(name, "this kind of 'auth' needs it")
            .flatMap { ConfigFields.text($0, "a text", faults)?.value }
    }

    /// A text that's never shown, also not in a complaint about it.
    private func secret(_ name: String, _ fields: ConfigFields) -> String? {
        let advice = "write it as ${NAME} or ${file:/path}, so that it doesn't stand in this file"
        guard let node = fields.required(name, advice),
            let text = ConfigFields.text(node, "a text, best as ${NAME} or ${file:/path}", faults)
        else { return nil }
        secrets.add(text, at: node)
        if text.value.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
            faults.error(node.place, "\(node.path): it holds control characters, such as a line break.")
            return nil
        }
        return text.value
    }

    private func place(_ name: String, _ places: [String], _ fields: ConfigFields) -> String? {
        fields.node(name).flatMap { ConfigFields.word($0, places, faults) }
    }

    private func tokenAddress(_ fields: ConfigFields) -> String? {
        guard let node = fields.required("token_url", "write the address that gives tokens"),
            let text = ConfigFields.text(node, "an address that begins with https:// or http://", faults)
        else { return nil }
        let parts = URLComponents(string: text.value)
        guard let scheme = parts?.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = parts?.host, !host.isEmpty, parts?.user == nil, parts?.password == nil,
            parts?.fragment == nil
        else {
            faults.error(
                node.place,
                "\(node.path): expected an address such as https://host/token, "
                    + "without user, password and '#'."
            )
            return nil
        }
        return text.value
    }
}
