import ELTCore
import HTTP
import JSON

/// How this service writes its listing: addresses on the way out, pages on the way in.
struct RESTListing {
    let base: HTTPURL
    let settings: FullLoadSettings
    /// The query parameter that holds a secret; it's in no address that's kept or shown.
    let secretParameter: String?

    init(_ settings: FullLoadSettings) throws(RESTError) {
        self.settings = settings
        do {
            base = try HTTPURL(settings.url)
        } catch {
            throw .configuration("full_load.url can't be used. \(error.problem)")
        }
        if case .apiKey(let name, _, true) = settings.auth {
            secretParameter = name
        } else {
            secretParameter = nil
        }
        try check()
    }

    private func check() throws(RESTError) {
        if settings.parallel < 1 { throw .configuration("full_load.parallel is less than 1.") }
        if let rate = settings.rateLimit, !(rate > 0) {
            throw .configuration("full_load.rate_limit isn't positive.")
        }
        if let size, size < 1 { throw .configuration("full_load.pagination.size is less than 1.") }
        // A body that is the list itself has no room for a cursor.
        let beside: String? =
            switch settings.pagination {
            case .cursor: "cursor"
            case .link(.some, _, _): "next"
            default: nil
            }
        if let beside, settings.records.isEmpty {
            throw .configuration(
                "full_load.pagination.\(beside) is in the body beside the list, "
                    + "but full_load.records isn't set.")
        }
        if case .keyset(let key, _, _, _) = settings.pagination, key.isEmpty {
            throw .configuration("full_load.pagination.key is empty.")
        }
    }

    private var size: Int? {
        switch settings.pagination {
        case .none: nil
        case .page(_, _, let size, _, _), .offset(_, _, let size, _): size
        case .cursor(_, _, _, let size), .link(_, _, let size), .keyset(_, _, _, let size): size
        }
    }

    func plan(draft: any SnapshotDraft) throws(RESTError) -> any RESTPlan {
        switch settings.pagination {
        case .none: try RESTWalk(.single, draft: draft)
        case .cursor, .link: try RESTWalk(.toldNext, draft: draft)
        case .keyset: try RESTWalk(.untilEmpty, draft: draft)
        case .page(_, _, let size, _, let total):
            try RESTJump(size: size, hasTotal: total != nil, draft: draft)
        case .offset(_, _, let limit, let total):
            try RESTOffsets(limit: limit, hasTotal: total != nil, draft: draft)
        }
    }

    /// Whether pages may be in flight side by side.
    var jumps: Bool {
        switch settings.pagination {
        case .page(_, _, _, _, let total), .offset(_, _, _, let total): total != nil
        case .none, .cursor, .link, .keyset: false
        }
    }

    // MARK: Addresses

    /// The address of a page, without credentials.
    func url(of order: RESTOrder) throws(RESTError) -> HTTPURL {
        switch settings.pagination {
        case .none: return base
        case .page(let parameter, let sizeParameter, let size, let first, _):
            let url = base.setting(parameter, to: String(first + order.index))
            return sized(url, sizeParameter, size)
        case .offset(let parameter, let limitParameter, let limit, _):
            let url = base.setting(parameter, to: String(order.offset))
            return sized(url, limitParameter, order.limit ?? limit)
        case .cursor(_, let parameter, let sizeParameter, let size),
            .keyset(_, let parameter, let sizeParameter, let size):
            let url = sized(base, sizeParameter, size)
            return order.token.map { url.setting(parameter, to: $0) } ?? url
        case .link(_, let sizeParameter, let size):
            guard let token = order.token else { return sized(base, sizeParameter, size) }
            return try followed(token, from: base, page: order.index)
        }
    }

    private func sized(_ url: HTTPURL, _ parameter: String?, _ size: Int?) -> HTTPURL {
        guard let parameter, let size else { return url }
        return url.setting(parameter, to: String(size))
    }

    /// The address that a link means, if credentials may go there.
    private func followed(_ link: String, from url: HTTPURL, page: Int) throws(RESTError) -> HTTPURL {
        let target: HTTPURL
        do {
            target = try url.resolving(link)
        } catch {
            throw .otherOrigin(page: page, reason: "The next link can't be followed. \(error.problem)")
        }
        guard base.maySendCredentials(to: target) else {
            throw .otherOrigin(
                page: page,
                reason: "The next link leads to \(target.origin), and credentials stay at \(base.origin).")
        }
        return secretParameter.map { target.removing($0) } ?? target
    }

    // MARK: Pages

    /// What a whole page says. `lastRow` is its last row.
    func facts(
        of order: RESTOrder, head: HTTPHead, skeleton: Skeleton, lastRow: [UInt8], fingerprint: Int
    ) throws -> RESTFacts {
        try checkShape(of: skeleton, head: head)
        var facts = RESTFacts(rows: Int(skeleton.rows), total: nil, next: nil, fingerprint: fingerprint)
        switch settings.pagination {
        case .none: break
        case .page(_, _, _, _, let total), .offset(_, _, _, let total):
            if let total { facts.total = try self.total(at: total, skeleton, head) }
        case .cursor(let cursor, _, _, _):
            facts.next = try text(skeleton.value(at: cursor), name: cursor)
        case .link(let next, _, _):
            let link = try next.map { try text(skeleton.value(at: $0), name: $0) } ?? Self.nextLink(in: head)
            // Resolved from where the page came from, and kept as a whole address.
            do {
                facts.next = try link.map { try followed($0, from: head.url, page: order.index).text }
            } catch let error as RESTError {
                throw RESTFailure.fatal(error)
            }
        case .keyset(let key, _, _, _):
            if skeleton.rows > 0 { facts.next = try self.key(at: key, of: lastRow) }
        }
        return facts
    }

    /// A lone object is a list of one line where lines are promised; else it's most likely a message.
    private func checkShape(of skeleton: Skeleton, head: HTTPHead) throws {
        let type = head["Content-Type"]?.lowercased() ?? ""
        let isLines = ["ndjson", "jsonl", "json-seq", "json-lines", "stream+json"].contains {
            type.contains($0)
        }
        switch skeleton.shape {
        case .envelope, .array: return
        case .lines where skeleton.rows > 1 || isLines || !type.contains("json"): return
        case .empty where isLines: return
        case .lines:
            throw RESTFailure.malformed(
                found: "it's one object and not a list, and full_load.records isn't set")
        case .empty: throw RESTFailure.malformed(found: "the body is empty")
        }
    }

    private func total(at path: [String], _ skeleton: Skeleton, _ head: HTTPHead) throws -> Int64? {
        let text: String?
        switch skeleton.value(at: path) {
        case .absent, .null: text = head["X-Total-Count"]
        case .number(let number): text = number
        case .string(let string): text = string
        case .boolean, .container: text = ""
        }
        guard let text else { return nil }
        guard let total = Int64(text), total >= 0 else {
            throw RESTFailure.malformed(
                found: "the total at '\(path.joined(separator: "."))' isn't a whole number")
        }
        return total
    }

    /// A cursor or a link; nil where the listing ends.
    private func text(_ value: JSONScalar, name: [String]) throws -> String? {
        switch value {
        case .absent, .null: return nil
        case .string(let text): return text.isEmpty ? nil : text
        case .number(let text): return text
        case .boolean, .container:
            throw RESTFailure.malformed(
                found: "'\(name.joined(separator: "."))' is neither a text nor a number")
        }
    }

    private func key(at path: [String], of row: [UInt8]) throws -> String {
        let value = row.withUnsafeBytes { JSONScalar(in: $0, at: path) }
        guard let key = try text(value, name: path) else {
            throw RESTFailure.malformed(found: "its last row has no '\(path.joined(separator: "."))'")
        }
        return key
    }

    /// The target of `Link: <…>; rel="next"` (RFC 8288); nil if there's none.
    static func nextLink(in head: HTTPHead) -> String? {
        for value in head.all("Link") {
            var rest = value[...]
            while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
                let target = rest[rest.index(after: open)..<close]
                rest = rest[rest.index(after: close)...]
                let parameters = takeParameters(from: &rest)
                let isNext = parameters.contains {
                    $0.name == "rel" && $0.value.split(separator: " ").contains("next")
                }
                if isNext { return String(target) }
            }
        }
        return nil
    }

    /// Reads `; name=value; name="value"` up to the comma before the next link.
    private static func takeParameters(from rest: inout Substring) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = []
        var name = "", value = "", isValue = false, isQuoted = false
        func close() {
            let trimmed = name.filter { $0 != " " && $0 != "\t" }.lowercased()
            if !trimmed.isEmpty { parameters.append((trimmed, value.lowercased())) }
            (name, value, isValue) = ("", "", false)
        }
        while let character = rest.first {
            if character == ",", !isQuoted { break }
            rest.removeFirst()
            switch character {
            case "\"": isQuoted.toggle()
            case ";" where !isQuoted: close()
            case "=" where !isQuoted && !isValue: isValue = true
            case " " where !isQuoted, "\t" where !isQuoted: break
            default: if isValue { value.append(character) } else { name.append(character) }
            }
        }
        close()
        return parameters
    }
}
