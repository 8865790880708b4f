import ELTCore

/// `pagination:`; each kind has its own parameters and defaults.
struct PaginationReader {
    let faults: ProjectFaults

    private static let kinds: [(name: String, settings: [String])] = [
        ("none", []),
        ("page", ["page_param", "size_param", "size", "first", "total"]),
        ("offset", ["offset_param", "limit_param", "limit", "total"]),
        ("cursor", ["cursor", "cursor_param", "size_param", "size"]),
        ("link", ["next", "size_param", "size"]),
        ("keyset", ["key", "param", "size_param", "size"]),
    ]
    private static let sizes = 1...1_000_000

    func read(_ node: ConfigNode, entityKey: [String]) -> Pagination {
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
        return pagination(kind, fields, entityKey)
    }

    private func pagination(_ kind: String, _ fields: ConfigFields, _ entityKey: [String]) -> Pagination {
        switch kind {
        case "page":
            return .page(
                pageParam: parameter("page_param", fields) ?? "page",
                sizeParam: optionalParameter("size_param", fields, default: "size"),
                size: fields.integer("size", in: Self.sizes) ?? 1000,
                first: fields.integer("first", in: 0...1) ?? 0, total: fields.path("total"))
        case "offset":
            return .offset(
                offsetParam: parameter("offset_param", fields) ?? "offset",
                limitParam: optionalParameter("limit_param", fields, default: "limit"),
                limit: fields.integer("limit", in: Self.sizes) ?? 1000, total: fields.path("total"))
        case "cursor":
            let (sizeParam, size) = size(fields)
            let cursor = fields.required("cursor", "write the path of the next cursor in the body")
                .flatMap { ConfigFields.path($0, faults) }
            return .cursor(
                cursor: cursor ?? [], cursorParam: parameter("cursor_param", fields) ?? "cursor",
                sizeParam: sizeParam, size: size)
        case "link":
            let (sizeParam, size) = size(fields)
            return .link(next: fields.path("next"), sizeParam: sizeParam, size: size)
        case "keyset":
            let (sizeParam, size) = size(fields)
            return .keyset(
                key: fields.path("key") ?? entityKey, param: parameter("param", fields) ?? "after",
                sizeParam: sizeParam, size: size)
        default: return .none
        }
    }

    /// Where the service has its own idea of a page's size, both are left out.
    private func size(_ fields: ConfigFields) -> (parameter: String?, size: Int?) {
        guard let size = fields.integer("size", in: Self.sizes) else {
            if let node = fields.node("size_param"), !fields.has("size") {
                faults.error(node.place, "\(node.path): 'size_param' needs 'size'.")
            }
            return (nil, nil)
        }
        return (parameter("size_param", fields) ?? "size", size)
    }

    private func parameter(_ name: String, _ fields: ConfigFields) -> String? {
        fields.value(name, "the name of a query parameter") { NameRules.parameter($0) == nil ? $0 : nil }
    }

    /// `~` leaves the parameter out.
    private func optionalParameter(_ name: String, _ fields: ConfigFields, default fallback: String)
        -> String?
    {
        guard let node = fields.node(name) else { return fallback }
        return node.isNothing ? nil : parameter(name, fields)
    }
}

extension NameRules {
    /// Query parameters; brackets and dollars are usual: `page[number]`, `$top`.
    static func parameter(_ name: String) -> String? {
        let allowed = Set("[]$@!'()*,;:".utf8)
        let rest = String(decoding: name.utf8.filter { !allowed.contains($0) }, as: UTF8.self)
        return token(rest)
    }
}
