import CCurl

/// An address of http or https, taken apart by libcurl itself: what's checked here is what's asked later.
package struct HTTPURL: Sendable, Equatable {
    package let scheme: String
    /// In lower case, IPv6 in brackets.
    package let host: String
    package let port: Int
    package let path: String
    /// Without the question mark; nil if there's none.
    package let query: String?

    /// Throws if it isn't an absolute address of http or https, or carries a user name.
    package init(_ text: String) throws(HTTPError) {
        guard let handle = curl_url() else { throw .invalidURL(reason: "there's no memory for it") }
        defer { curl_url_cleanup(handle) }
        let result = curl_url_set(handle, CURLUPART_URL, text, UInt32(CURLU_URLENCODE))
        guard result == CURLUE_OK else {
            throw .invalidURL(reason: String(cString: curl_url_strerror(result)).lowercased())
        }
        try self.init(handle)
    }

    /// The address that a reference in a document at this address means (RFC 3986 §5).
    package func resolving(_ reference: String) throws(HTTPError) -> HTTPURL {
        guard let handle = curl_url() else { throw .invalidURL(reason: "there's no memory for it") }
        defer { curl_url_cleanup(handle) }
        var result = curl_url_set(handle, CURLUPART_URL, text, 0)
        if result == CURLUE_OK {
            result = curl_url_set(handle, CURLUPART_URL, reference, UInt32(CURLU_URLENCODE))
        }
        guard result == CURLUE_OK else {
            throw .invalidURL(reason: String(cString: curl_url_strerror(result)).lowercased())
        }
        return try HTTPURL(handle)
    }

    private init(_ handle: OpaquePointer) throws(HTTPError) {
        func part(_ name: CURLUPart, _ flags: Int32 = 0) -> String? {
            var text: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, name, &text, UInt32(flags)) == CURLUE_OK, let text else { return nil }
            defer { curl_free(text) }
            return String(cString: text)
        }
        let scheme = part(CURLUPART_SCHEME)?.lowercased() ?? ""
        guard scheme == "http" || scheme == "https" else {
            throw .invalidURL(reason: "only http and https are asked")
        }
        guard part(CURLUPART_USER) == nil, part(CURLUPART_PASSWORD) == nil else {
            throw .invalidURL(reason: "it carries a user name or a password")
        }
        guard let host = part(CURLUPART_HOST)?.lowercased(), !host.isEmpty,
            let port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT).flatMap({ Int($0) })
        else { throw .invalidURL(reason: "it has no host") }
        self.scheme = scheme
        self.host = host
        self.port = port
        path = part(CURLUPART_PATH) ?? "/"
        query = part(CURLUPART_QUERY)
    }

    private init(scheme: String, host: String, port: Int, path: String, query: String?) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.query = query
    }

    /// Scheme, host and port. Credentials are for one origin and go to no other.
    package var origin: String {
        port == (scheme == "https" ? 443 : 80) ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }

    /// Whether what's meant for this origin may be sent to `target`: the same origin, or the same host
    /// by TLS, on the same port or the usual ones, which is no worse than what was asked.
    package func maySendCredentials(to target: HTTPURL) -> Bool {
        if target.origin == origin { return true }
        return scheme == "http" && target.scheme == "https" && host == target.host
            && (port == target.port || (port == 80 && target.port == 443))
    }

    /// The whole address, as it's asked.
    package var text: String { origin + path + (query.map { "?" + $0 } ?? "") }
}

extension HTTPURL: CustomStringConvertible {
    /// For people and logs: without the query's values, which may be secrets or personal.
    package var description: String { origin + path + (query == nil ? "" : "?…") }
}

extension HTTPURL {
    /// This address with `name=value` in its query. A parameter of that name is replaced.
    package func setting(_ name: String, to value: String) -> HTTPURL {
        let added = Self.escaped(name) + "=" + Self.escaped(value)
        let rest = removing(name).query
        return with(query: rest.map { $0.isEmpty ? added : $0 + "&" + added } ?? added)
    }

    /// This address without the parameter `name`.
    package func removing(_ name: String) -> HTTPURL {
        guard let query else { return self }
        let kept = query.split(separator: "&", omittingEmptySubsequences: true).filter { pair in
            let key = pair.prefix { $0 != "=" }
            return Self.unescaped(key) != name
        }
        return with(query: kept.isEmpty ? nil : kept.joined(separator: "&"))
    }

    private func with(query: String?) -> HTTPURL {
        HTTPURL(scheme: scheme, host: host, port: port, path: path, query: query)
    }

    /// Everything but RFC 3986's unreserved characters becomes `%XX`.
    package static func escaped(_ text: String) -> String {
        var escaped: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: escaped.append(byte)
            default: escaped += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    private static func unescaped(_ text: some StringProtocol) -> String {
        let bytes = Array(text.utf8)
        var plain: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x25, index + 2 < bytes.count,
                let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                plain.append(value)
                index += 3
            } else {
                plain.append(bytes[index] == 0x2B ? 0x20 : bytes[index])
                index += 1
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }
}
