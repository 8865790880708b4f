import ELTCore
import Foundation

/// `full_load:` of an entity: where the listing is and how it's read.
struct FullLoadReader {
    let faults: ProjectFaults
    let secrets: SecretCollector

    private static let names = [
        "url", "records", "pagination", "auth", "headers", "parallel", "rate_limit", "absent",
        "min_rows_ratio", "max_pages", "max_page_bytes",
    ]

    func read(_ node: ConfigNode, key: [String]) -> FullLoadSettings? {
        guard let fields = ConfigFields(node, allowed: Self.names, faults) else { return nil }
        let urlNode = fields.required("url", "write the listing's address: 'url: https://…'")
        let url = urlNode.flatMap(address)
        var load = FullLoadSettings(url: url ?? "")
        load.records = fields.path("records") ?? []
        if let node = fields.node("pagination") {
            load.pagination = PaginationReader(faults: faults).read(node, entityKey: key)
        }
        if let node = fields.node("auth") {
            load.auth = AuthReader(faults: faults, secrets: secrets).read(node)
        }
        if let node = fields.node("headers") { load.headers = headers(node, load.auth) }
        load.parallel = fields.integer("parallel", in: 1...64) ?? 1
        load.rateLimit = fields.value("rate_limit", "a rate such as 20/s, 100/m or 5000/h") { text in
            Quantities.rate(text).flatMap { $0 > 0 ? $0 : nil }
        }
        // Where rows can slip from page to page while we read, a missing one may be alive.
        load.absent = fields.word("absent") ?? (load.pagination.canDrift ? .keep : .remove)
        load.minRowsRatio =
            fields.value("min_rows_ratio", "a share from 0 to 1, such as 0.5", Quantities.share) ?? 0.5
        load.maxPages = fields.integer("max_pages", in: 1...1_000_000_000) ?? load.maxPages
        load.maxPageBytes = fields.bytes("max_page_bytes", in: 1024...(1 << 40)) ?? load.maxPageBytes
        if let url, let urlNode { checkTogether(load, url, urlNode, fields) }
        return load
    }

    // MARK: Address

    private func address(_ node: ConfigNode) -> String? {
        guard let text = ConfigFields.text(node, "an address that begins with https:// or http://", faults)
        else { return nil }
        // The address itself isn't shown where it may hold a password.
        guard let parts = URLComponents(string: text.value), let scheme = parts.scheme?.lowercased() else {
            faults.error(node.place, "\(node.path): this isn't an address such as https://host/path.")
            return nil
        }
        guard ["http", "https"].contains(scheme) else {
            faults.error(
                node.place,
                "\(node.path): expected an address that begins with https:// or http://, "
                    + "found \(Wording.quoted(scheme + ":")).")
            return nil
        }
        guard let host = parts.host, !host.isEmpty else {
            faults.error(node.place, "\(node.path): the address names no host.")
            return nil
        }
        guard parts.user == nil, parts.password == nil else {
            faults.error(
                node.place,
                "\(node.path): an address can't hold a user or password, because it's logged; use 'auth'.")
            return nil
        }
        guard parts.fragment == nil else {
            faults.error(node.place, "\(node.path): an address can't have a part after '#'.")
            return nil
        }
        for name in (parts.queryItems ?? []).map(\.name) where SecretCollector.isSecretName(name) {
            secrets.add(text.value)
            faults.error(
                node.place,
                "\(node.path): an address can't hold the secret '\(name)', because it's logged; "
                    + "use 'auth: { kind: api_key, name: \(name), value: …, in: query }'.")
            return nil
        }
        return text.value
    }

    /// Settings that are each good and don't fit each other.
    private func checkTogether(
        _ load: FullLoadSettings, _ url: String, _ urlNode: ConfigNode, _ fields: ConfigFields
    ) {
        let parts = URLComponents(string: url)
        let asked = Set((parts?.queryItems ?? []).map(\.name))
        for name in load.pagination.parameters where asked.contains(name) {
            faults.error(
                urlNode.place,
                "\(urlNode.path): the address already has '\(name)=', which 'pagination' adds; remove it.")
        }
        let host = parts?.host ?? ""
        let isLocal = host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
        if parts?.scheme?.lowercased() == "http", load.auth != .none, !isLocal {
            faults.warn(urlNode.place, "\(urlNode.path): with http:// the credentials travel unencrypted.")
        }
        if load.parallel > 1, !load.pagination.canJump, let node = fields.node("parallel") {
            faults.warn(
                node.place,
                "\(node.path): pages are fetched one after another, because each tells "
                    + "where the next one is; "
                    + "'page' and 'offset' with 'total' can be fetched side by side.")
        }
        if load.absent == .remove, load.pagination.canDrift, let node = fields.node("absent") {
            faults.warn(
                node.place,
                "\(node.path): rows can slip between pages while the service is written to, "
                    + "and 'remove' takes such a row for deleted.")
        }
    }

    // MARK: Headers

    private static let reservedHeaders: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "accept-encoding", "range", "te",
        "trailer",
        "upgrade", "proxy-authorization",
    ]

    private func headers(_ node: ConfigNode, _ auth: Auth) -> [String: Secret] {
        guard !node.isNothing, let fields = ConfigFields.mapping(node, "headers by name", faults) else {
            return [:]
        }
        var headers: [String: Secret] = [:]
        for field in fields {
            let shown = Wording.quoted(field.name)
            let lower = field.name.lowercased()
            if let complaint = NameRules.token(field.name) {
                faults.error(field.place, "\(node.path): \(shown) can't be a header's name: \(complaint).")
            } else if Self.reservedHeaders.contains(lower) {
                faults.error(field.place, "\(node.path): \(shown) can't be set; the client sets it itself.")
            } else if lower == "authorization", auth != .none {
                faults.error(field.place, "\(node.path): \(shown) is what 'auth' sets; keep one of them.")
            } else if headers.keys.contains(where: { $0.lowercased() == lower }) {
                faults.error(field.place, "\(node.path): \(shown) is set twice.")
            }
            guard let text = ConfigFields.text(field.value, "a header's value", faults) else { continue }
            if SecretCollector.isSecretName(field.name) { secrets.add(text, at: field.value) }
            if text.value.unicodeScalars.contains(where: { $0.value < 32 && $0 != "\t" || $0.value == 127 }) {
                faults.error(
                    field.value.place, "\(field.value.path): a header can't hold control characters.")
            }
            headers[field.name] = Secret(text.value)
        }
        return headers
    }
}

extension Pagination {
    /// Query parameters that a request gets.
    fileprivate var parameters: [String] {
        switch self {
        case .none: []
        case .page(let page, let size, _, _, _): [page, size].compactMap { $0 }
        case .offset(let offset, let limit, _, _): [offset, limit].compactMap { $0 }
        case .cursor(_, let cursor, let size, _): [cursor, size].compactMap { $0 }
        case .link(_, let size, _): [size].compactMap { $0 }
        case .keyset(_, let parameter, let size, _): [parameter, size].compactMap { $0 }
        }
    }

    /// Whether the place of every page is known from the first.
    fileprivate var canJump: Bool {
        switch self {
        case .page(_, _, _, _, let total), .offset(_, _, _, let total): total != nil
        case .none, .cursor, .link, .keyset: false
        }
    }
}
