/// What `elt.yml` may get wrong: full loads. Each text gives exactly these errors.
extension ProjectCase {
    static let fullLoads: [ProjectCase] = [
        ProjectCase(
            "no address",
            .inEntities("  order: { key: id, full_load: { parallel: 2 } }\n"),
            [
                "5:21: 'url' is missing in entities.order.full_load; write the listing's "
                    + "address: 'url: https://…'."
            ]),
        ProjectCase(
            "an address of a file",
            .inEntities("  order:\n    key: id\n    full_load: { url: file:///etc/passwd }\n"),
            [
                "7:23: entities.order.full_load.url: expected an address that begins with "
                    + "https:// or http://, found 'file:'."
            ]),
        ProjectCase(
            "an address with a password",
            .inEntities("  order:\n    key: id\n    full_load: { url: https://me:hunter22@h/ }\n"),
            [
                "7:23: entities.order.full_load.url: an address can't hold a user or "
                    + "password, because it's logged; use 'auth'."
            ]),
        ProjectCase(
            "an address without a host",
            .inEntities("  order:\n    key: id\n    full_load: { url: https:///x }\n"),
            [
                "7:23: entities.order.full_load.url: the address names no host."
            ]),
        ProjectCase(
            "an address that is none",
            .inEntities("  order:\n    key: id\n    full_load: { url: not an address }\n"),
            [
                "7:23: entities.order.full_load.url: this isn't an address such as "
                    + "https://host/path."
            ]),
        ProjectCase(
            "an address with a secret in it",
            .inEntities("  order:\n    key: id\n    full_load: { url: https://h/x?api_key=hunter22 }\n"),
            [
                "7:23: entities.order.full_load.url: an address can't hold the secret "
                    + "'api_key', because it's logged; use 'auth: { kind: api_key, name: api_key, "
                    + "value: …, in: query }'."
            ]),
        ProjectCase(
            "an address with a fragment",
            .inEntities("  order:\n    key: id\n    full_load: { url: \"https://h/x#y\" }\n"),
            [
                "7:23: entities.order.full_load.url: an address can't have a part after '#'."
            ]),
        ProjectCase(
            "an address that has the parameter already",
            .inEntities(
                "  order:\n    key: id\n    full_load: { url: \"https://h/x?page=3\", pagination: page }\n"),
            [
                "7:23: entities.order.full_load.url: the address already has 'page=', which "
                    + "'pagination' adds; remove it."
            ]),
        ProjectCase(
            "a rate without its unit",
            .inFullLoad("rate_limit: 20"),
            [
                "9:19: entities.order.full_load.rate_limit: expected a rate such as 20/s, "
                    + "100/m or 5000/h, found '20'."
            ]),
        ProjectCase(
            "a rate of nothing",
            .inFullLoad("rate_limit: 0/s"),
            [
                "9:19: entities.order.full_load.rate_limit: expected a rate such as 20/s, "
                    + "100/m or 5000/h, found '0/s'."
            ]),
        ProjectCase(
            "no requests side by side",
            .inFullLoad("parallel: 0"),
            [
                "9:17: entities.order.full_load.parallel: expected a whole number from 1 to "
                    + "64, found '0'."
            ]),
        ProjectCase(
            "a ratio above one",
            .inFullLoad("min_rows_ratio: 2"),
            [
                "9:23: entities.order.full_load.min_rows_ratio: expected a share from 0 to "
                    + "1, such as 0.5, found '2'."
            ]),
        ProjectCase(
            "a word for absence",
            .inFullLoad("absent: delete"),
            [
                "9:15: entities.order.full_load.absent: expected keep or remove, found "
                    + "'delete'."
            ]),
        ProjectCase(
            "a kind of pages that does not exist",
            .inFullLoad("pagination: { kind: pages }"),
            [
                "9:27: entities.order.full_load.pagination.kind: expected none, page, "
                    + "offset, cursor, link or keyset, found 'pages' (did you mean 'page'?)."
            ]),
        ProjectCase(
            "pages without a kind",
            .inFullLoad("pagination: { size: 5 }"),
            [
                "9:7: 'kind' is missing in entities.order.full_load.pagination; write one of "
                    + "none, page, offset, cursor, link or keyset."
            ]),
        ProjectCase(
            "a parameter of another kind",
            .inFullLoad("pagination: { kind: offset, size: 5 }"),
            [
                "9:35: unknown setting 'size' in entities.order.full_load.pagination. "
                    + "Allowed here: kind, limit, limit_param, offset_param, total."
            ]),
        ProjectCase(
            "a cursor without its path",
            .inFullLoad("pagination: cursor"),
            [
                "9:7: 'cursor' is missing in entities.order.full_load.pagination; write the "
                    + "path of the next cursor in the body."
            ]),
        ProjectCase(
            "a list as pagination",
            .inFullLoad("pagination: [page]"),
            [
                "9:19: entities.order.full_load.pagination: expected none, page, offset, "
                    + "cursor, link or keyset, found a list."
            ]),
        ProjectCase(
            "a parameter for a size that is not set",
            .inFullLoad("pagination: { kind: link, size_param: n }"),
            [
                "9:45: entities.order.full_load.pagination.size_param: 'size_param' needs "
                    + "'size'."
            ]),
        ProjectCase(
            "a size of pages that is a list",
            .inFullLoad("pagination: { kind: page, size: [1000] }"),
            [
                "9:39: entities.order.full_load.pagination.size: expected a whole number "
                    + "from 1 to 1000000, found a list."
            ]),
        ProjectCase(
            "a kind of authentication that does not exist",
            .inFullLoad("auth: { kind: baerer, token: x }"),
            [
                "9:21: entities.order.full_load.auth.kind: expected none, basic, bearer, "
                    + "api_key or oauth2, found 'baerer' (did you mean 'bearer'?)."
            ]),
        ProjectCase(
            "a bearer without its token",
            .inFullLoad("auth: bearer"),
            [
                "9:7: 'token' is missing in entities.order.full_load.auth; write it as "
                    + "${NAME} or ${file:/path}, so that it doesn't stand in this file."
            ]),
        ProjectCase(
            "a token that is a list",
            .inFullLoad("auth: { kind: bearer, token: [x] }"),
            [
                "9:36: entities.order.full_load.auth.token: expected a text, best as ${NAME} "
                    + "or ${file:/path}, found a list."
            ]),
        ProjectCase(
            "a token with a line break",
            .inFullLoad("auth: { kind: bearer, token: \"hunter22\\nx\" }"),
            [
                "9:36: entities.order.full_load.auth.token: it holds control characters, "
                    + "such as a line break."
            ]),
        ProjectCase(
            "a place for the key that does not exist",
            .inFullLoad("auth: { kind: api_key, value: \"${K:-hunter22}\", in: body }"),
            [
                "9:59: entities.order.full_load.auth.in: expected header or query, found "
                    + "'body'."
            ]),
        ProjectCase(
            "an address of tokens without a host",
            .inFullLoad(
                "auth: { kind: oauth2, token_url: \"https:\", client_id: a, client_secret: hunter22 }"),
            [
                "9:40: entities.order.full_load.auth.token_url: expected an address such as "
                    + "https://host/token, without user, password and '#'."
            ]),
        ProjectCase(
            "a header that the client sets",
            .inFullLoad("headers: { Host: x }"),
            [
                "9:18: entities.order.full_load.headers: 'Host' can't be set; the client "
                    + "sets it itself."
            ]),
        ProjectCase(
            "a header with a space",
            .inFullLoad("headers: { \"A B\": x }"),
            [
                "9:18: entities.order.full_load.headers: 'A B' can't be a header's name: "
                    + "only letters, digits and !#$%&'*+-.^_`|~ are allowed."
            ]),
        ProjectCase(
            "authorization by two ways",
            .inFullLoad("auth: { kind: bearer, token: hunter22 }\n      headers: { Authorization: y }"),
            [
                "10:18: entities.order.full_load.headers: 'Authorization' is what 'auth' "
                    + "sets; keep one of them."
            ]),
    ]
}
