import ELTCore
import ELTTesting
import Foundation
import HTTP
import JSON
import Testing

@testable import ELTArchive
@testable import ELTRun
@testable import ELTSources
@testable import ELTTransform

private let braces = ["{", "}", "[", "]", "\"", ":", ",", "\\", "null", "true", "{\"a\":", "[[", "\"id\"", " ", "\n"]

private let messages = [
    #"{"event_type":"update","event_time":"2026-11-20T09:30:00.123Z","customer":{"id":"c-1","n":1.50,"b":true,"x":null}}"#,
    #"{"customer":{"id":9007199254740993,"tags":["a",{"b":[1,2]}],"name":"M\u00fcller\ud83d\ude00"},"event_time":1763630000123}"#,
    #"{"customer":{"id":"a","id":"b"},"customer":{"id":"c"}}"#, "null", "[1]",
]

/// Reads everything that a field says.
private func look(_ field: JSONField) -> Int { field.text.count &+ field.name.count &+ Int(truncatingIfNeeded: field.integer) }

@Suite struct ParserFuzzTests {
    @Test func `messages of topics`() throws {
        let decoder = RecordDecoder(record: ["customer"], key: ["id"], eventTime: ["event_time"])
        try Fuzzer("message", samples: messages, words: braces).run { bytes, _ in
            try bytes.withUnsafeBytes { bytes in
                let record = try decoder.decode(bytes)
                var sum = record.key.map(look) ?? 0
                for field in record.fields { sum &+= look(field) }
                if let time = record.eventTime, let text = String(validating: time.text, as: UTF8.self) {
                    _ = Zone.utc.instant(text)
                }
            }
        }
    }

    @Test func `bodies of listings, in pieces`() throws {
        let samples = [
            #"{"items":[{"id":1},{"id":"ü","a":[1,{"b":"]"}]}],"page":0,"total":2,"next":"abc"}"#,
            "[{\"id\":1},\n{\"id\":2}]", "{\"id\":1}\n{\"id\":2}\n", #"{"data":{"rows":[1,2,[3]]},"next":null}"#,
        ]
        for path in [[], ["items"], ["data", "rows"]] {
            try Fuzzer("listing", samples: samples, words: braces).run { bytes, numbers in
                let splitter = ListSplitter(path: path, maxElementBytes: 200)
                var rest = bytes[...]
                while !rest.isEmpty {
                    let piece = Array(rest.prefix(numbers.within(1...40)))
                    rest = rest.dropFirst(piece.count)
                    try piece.withUnsafeBytes { try splitter.feed($0) { _ = JSONScalar(in: $0, at: ["id"]) } }
                }
                let skeleton = try splitter.finish()
                for path in [["next"], ["total"], ["page", "total"], ["items"]] { _ = skeleton.value(at: path) }
            }
        }
    }

    @Test func `lines of the manifest`() throws {
        let place = SegmentPlace(entity: "customer", topic: "t", incarnation: 1, partition: 0)
        let instant = Instant(milliseconds: 1_763_630_000_123)
        let contents: [ManifestEntry.Content] = [
            .run(RunEntry(command: "run", now: instant)),
            .incarnation(IncarnationEntry(topic: "t", number: 2, reason: "gone")),
            .gap(GapEntry(place: place, lost: OffsetRange(first: 9, next: 12), after: nil, before: 5, acceptedAt: instant)),
            .fullLoad(
                FullLoadEntry(
                    entity: "customer", number: 3, startedAt: instant, finishedAt: instant,
                    w0: [Watermark(partition: TopicPartition("t", 0), incarnation: 1, offset: 5)], w1: [],
                    files: [.init(path: "a/b", bytes: 1, textBytes: 2, sha256: "x")], pages: 7, rows: 8, total: nil,
                    drift: nil, records: ["items"])),
        ]
        let lines = contents.map {
            let (text, _) = ManifestLine.text(
                ManifestEntry(sequence: 1, content: $0), previous: ManifestLine.noPrevious, part: 1, parts: 1)
            return String(decoding: text, as: UTF8.self)
        }
        try Fuzzer("manifest", samples: lines, words: braces).run { bytes, numbers in
            var bytes = bytes
            // Behind the check nothing would ever be looked at: most lines are signed anew.
            let tail = #","check":""#.utf8.count + 66
            if bytes.count > tail, !numbers.once(in: 4) {
                let head = Array(bytes[..<(bytes.count - tail)])
                let check = head.withUnsafeBytes { sha256($0) }
                bytes = head + Array(#","check":"\#(check)"}"#.utf8)
            }
            _ = try bytes.withUnsafeBytes { try ManifestLine($0) }
        }
    }

    @Test func `lines of the archive`() throws {
        let place = SegmentPlace(entity: "customer", topic: "t", incarnation: 1, partition: 0)
        let samples = [
            #"{"topic":"t","partition":0,"offset":5,"timestamp":"2026-11-20T09:30:00.123Z","timestamp_type":"create","key":"k","headers":[["a","b"],["c",null]],"value":"{}"}"#,
            #"{"topic":"t","partition":0,"offset":5,"timestamp":null,"timestamp_type":"none","key":null,"key_base64":"/w==","headers":[],"value":null,"value_base64":"AP8="}"#,
            #"{"page":0,"part":0,"last":true,"url":"http://x/","status":200,"date":null,"etag":"x","fetched_at":"2026-11-20T09:30:00.123Z","body":"{}"}"#,
        ]
        let events = EventReader(place)
        let pages = PageLineReader()
        let words = braces + ["key_base64", "value_base64", "headers", "====", "timestamp"]
        try Fuzzer("archive", samples: samples, words: words).run { bytes, _ in
            bytes.withUnsafeBytes { line in
                try? events.read(line) { _ = Change(copying: $0) }
                _ = try? pages.read(line)
            }
        }
    }

    @Test func `files of settings`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "elt-fuzz-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try ProjectTemplate.write(to: folder, entity: "customer")
        let template = String(decoding: try Data(contentsOf: URL(filePath: folder + "/elt.yml")), as: UTF8.self)
        let short = """
            name: x
            timezone: UTC
            vars: { a: [1, 2], b: &x {c: 1}, d: *x }
            limits: { deadline: 90s, max_quarantined: { count: 5, share: 5% }, max_message_bytes: 16MiB }
            kafka: { bootstrap.servers: "${A:-b}", sasl.password: '${file:/nowhere}' }
            entities: { c: { key: a.b, topics: { create: [x, {name: y, mode: remove}] }, full_load: { url: http://x/,
              auth: { kind: oauth2, token_url: http://y/, client_id: a, client_secret: b }, rate_limit: 20/s,
              pagination: { kind: keyset, key: id, param: after } } } }
            """
        let words = [
            "${", "}", "${file:", ":-", "&a ", "*a", "<<: ", "- ", ": ", "{", "[", "]", "|\n", ">-\n", "!!int ", "'", "\"",
            "#", "\t", "---\n", "...\n", "%YAML 9\n", "? ", "full_load", "topics", "deadline", "1d", "5%", "/s", "GiB",
        ]
        try Fuzzer("settings", samples: [template, short, short], words: words).run { bytes, _ in
            _ = try ProjectFile.read(bytes, path: folder + "/elt.yml", mode: 0o600, environment: ["A": "b"])
        }
    }

    @Test func `texts of models`() throws {
        let samples = [
            "{{ config(materialized='incremental', unique_key=['id']) }} select {{ columns('customer') }} from {{ this }}",
            "{% for x in range(3) %}{{ x * 2 }}{{ ',' if not loop.last }}{% endfor %} select date('now')",
            "{% set x = {'a': [1, (2, 3)]} %}{{ x.a[1] | join(', ') | upper }}{% raw %}{{ }}{% endraw %} select 1",
            "{% macro m(a, b='c') %}{{ a ~ b }}{% endmacro %}{{ m('x', b=2) }} select 'x''y', [a], `b` -- c",
            "with a as (select 1.5e3 x) select * from a where {{ var('limit') + 1 }} % 2 == 1; ",
        ]
        let words = [
            "{{", "}}", "{%", "%}", "{#", "#}", "-%}", "'", "(", ")", "[", "]", "|", "~", " if ", " else ", "endif",
            "endfor", "for x in ", "range(9223372036854775807)", " * 9223372036854775807", " // 0", " % 0", " ** 99",
            "[-9223372036854775808]", "| round(99)", "| truncate(-1)", "/*", "*/", "--", "select", "with", "replace(",
        ]
        try Fuzzer("model", samples: samples, words: words).run { bytes, _ in
            var files = ModelFiles()
            files.models = [.init(path: "models/m.sql", text: String(decoding: bytes, as: UTF8.self))]
            let project = try ModelProject(files, entities: ["customer"], variables: ["limit": 10])
            _ = try project.models.first?.render(FuzzScope())
        }
    }

    @Test func `headers and addresses of services`() throws {
        let samples = [
            #"<http://x.example/a?b=c>; rel="next", <http://x.example/>; rel=prev"#,
            #"<?page=2>; title="a, b;<c>"; rel="last next""#, "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994", "120", "http://user:pass@[::1]:80/a/../b?c=d#e", "2026-11-20T09:30:00.123+01:00",
            "2026-11-20T09:30", "90m", "1.5%", "20/s", "16MiB",
        ]
        let words = [
            "<", ">", ";", ",", "=", "\"", "rel=", "next", "http://", "//", "@", ":", "%2e", "%", "/../", "?", "#", "GMT",
            "-", "T", "Z", "+14:00", "Nov", "Sun,",
        ]
        let base = try HTTPURL("http://x.example/rows")
        let now = Instant(milliseconds: 1_763_630_000_123)
        let zone = try #require(Zone("Europe/Berlin"))
        try Fuzzer("header", samples: samples, words: words).run { bytes, _ in
            let text = String(decoding: bytes, as: UTF8.self)
            var head = HTTPHead(status: 429, url: base, headers: [])
            for name in ["Link", "Retry-After", "X-RateLimit-Reset", "Date"] { head.headers.append(.init(name, text)) }
            head.headers.append(.init("X-RateLimit-Remaining", "0"))
            let waits = RESTWaits(head: head, clock: RESTClock { now })
            _ = (waits.retryAfter, waits.untilReset, Instant(httpDate: text, now: now), zone.instant(text), Day(text))
            _ = (Quantities.duration(text), Quantities.share(text), Quantities.integer(text))
            if let link = RESTListing.nextLink(in: head) { _ = try? base.resolving(link) }
            let url = try HTTPURL(text)
            _ = (url.description, url.origin, base.maySendCredentials(to: url), url.setting("a", to: text).removing("a"))
        }
    }
}

private struct FuzzScope: TemplateScope {
    func ref(_ model: String) throws -> String { "\"\(model)\"" }
    func source(_ entity: String, _ table: String) throws -> String { "raw_\(entity)_\(table)" }
    var this: String { "\"me\"" }
    func variable(_ name: String) -> TemplateValue? { nil }
    func columns(_ entity: String) throws -> String { "id, name" }
    var runNow: String { "2026-11-20T09:30:00.123Z" }
    var runToday: String { "2026-11-20" }
    var isIncremental: Bool { false }
    var isFullRefresh: Bool { false }
}
