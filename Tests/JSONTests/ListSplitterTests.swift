import CSimdJSON
import JSON
import Testing

/// Feeds a text in pieces of `piece` bytes and collects what comes.
private func split(
    _ text: [UInt8], path: [String] = ["items"], piece: Int = .max, limit: Int = 1 << 20,
    validates: Bool = true
) throws -> (elements: [String], skeleton: Skeleton) {
    let splitter = ListSplitter(path: path, maxElementBytes: limit, validates: validates)
    var elements: [String] = []
    var at = 0
    while at < text.count {
        let end = at + min(piece, text.count - at)
        // A copy of its own: what's read behind a piece must not be the next one.
        let part = Array(text[at..<end])
        try part.withUnsafeBytes {
            try splitter.feed($0) { elements.append(String(decoding: $0, as: UTF8.self)) }
        }
        at = end
    }
    return (elements, try splitter.finish())
}

private func split(_ text: String, path: [String] = ["items"], piece: Int = .max) throws -> (
    elements: [String], skeleton: Skeleton
) {
    try split(Array(text.utf8), path: path, piece: piece)
}

private func fault(_ text: [UInt8], path: [String] = ["items"], piece: Int = .max) -> ListSplitterError? {
    do {
        _ = try split(text, path: path, piece: piece)
        return nil
    } catch { return error as? ListSplitterError }
}

private func fault(_ text: String, path: [String] = ["items"], piece: Int = .max) -> ListSplitterError? {
    fault(Array(text.utf8), path: path, piece: piece)
}

struct ListSplitterTests {
    private static let page = #"""
        { "page": 0, "odd": {"items":[1]}, "q\"k": "]}[{\\", "items" : [ {"a":"x\\","b":[1,{"c":"}"}]},
        [] , "t\"e]x,t" ,-1.5e+3, true,null,"",{"ü":"\u00fc\\\\"} ], "total": 1e3, "next":"/a\u002fb" }
        """#

    @Test func `a document cut at any place gives the same elements and skeleton`() throws {
        let text = Array(Self.page.utf8)
        let whole = try split(text)
        #expect(
            whole.elements == [
                #"{"a":"x\\","b":[1,{"c":"}"}]}"#, "[]", #""t\"e]x,t""#, "-1.5e+3", "true", "null", #""""#,
                #"{"ü":"\u00fc\\\\"}"#,
            ])
        for piece in 1...text.count {
            let parts = try split(text, piece: piece)
            #expect(parts.elements == whole.elements)
            #expect(parts.skeleton == whole.skeleton)
        }
    }

    @Test func `the skeleton is the document with the list emptied`() throws {
        let skeleton = try split(Self.page).skeleton
        #expect(skeleton.shape == .envelope && skeleton.rows == 8)
        #expect(String(decoding: skeleton.bytes, as: UTF8.self).contains(#""items" : [], "total": 1e3"#))
        #expect(skeleton.value(at: ["total"]) == .number("1e3"))
        #expect(skeleton.value(at: ["next"]) == .string("/a/b"))
        #expect(skeleton.value(at: ["odd", "items"]) == .container)
        #expect(skeleton.value(at: ["odd", "none"]) == .absent)
        #expect(skeleton.value(at: ["page", "x"]) == .absent)
    }

    @Test func `of keys that occur twice the last one counts`() throws {
        let skeleton = try split(#"{"total":1,"items":[],"total":2}"#).skeleton
        #expect(skeleton.value(at: ["total"]) == .number("2"))
    }

    @Test func `scalars of every kind are looked up`() throws {
        let text =
            #"{"items":[],"n":null,"t":true,"f":false,"i":-12345678901234567890,"s":"a\ud83d\ude00\ud800\n"}"#
        let skeleton = try split(text).skeleton
        #expect(skeleton.value(at: ["n"]) == .null)
        #expect(skeleton.value(at: ["t"]) == .boolean(true))
        #expect(skeleton.value(at: ["f"]) == .boolean(false))
        #expect(skeleton.value(at: ["i"]) == .number("-12345678901234567890"))
        #expect(skeleton.value(at: ["s"]) == .string("a😀\u{FFFD}\n"))
    }

    @Test func `the list may lie deep, and its keys may be written with escapes`() throws {
        let text = #"{"a":[{"b":{"c":[9]}}],"d":{"a":1},"\u0061":0}"#
        #expect(fault(text, path: ["a", "b", "c"]) == .notAList(path: "a.b.c", offset: 6))
        let deep = #"{"x":{"b":[0]},"\u0061":{"y":{},"b":[1,2],"z":[3]},"b":[4]}"#
        #expect(try split(deep, path: ["a", "b"]).elements == ["1", "2"])
        for piece in 1...9 {
            #expect(try split(deep, path: ["a", "b"], piece: piece).elements == ["1", "2"])
        }
    }

    @Test func `a bare list and lines are lists too`() throws {
        let list = try split(#" [{"a":1} ,2] "#, path: [])
        #expect(list.elements == [#"{"a":1}"#, "2"] && list.skeleton.shape == .array)
        let sequence = "\u{1E}{\"a\":1}\n\u{1E}\u{1E}{\"b\":2}\n"
        for text in ["{\"a\":1}\n{\"b\":2}\r\n\n", "{\"a\":1}{\"b\":2}", sequence] {
            for piece in 1...text.utf8.count {
                let lines = try split(text, path: [], piece: piece)
                #expect(lines.elements == [#"{"a":1}"#, #"{"b":2}"#] && lines.skeleton.shape == .lines)
            }
        }
        // A record separator is nothing but that: no list, no space, and no part of a record.
        for text in ["\u{1E}[1]", "[1,\u{1E}2]", "\u{1E}{\"a\":\u{1E}1}", "\u{1E}{\"a\":1\u{1E}{\"b\":2}"] {
            #expect(fault(text, path: []) != nil)
        }
        #expect(fault("\u{1E}{\"items\":[1]}") == .notJSON(offset: 0))
        #expect(fault("\u{1E}{\"a\":1}\n\u{1E}{\"b\"", path: []) == .truncated(bytes: 14))
        #expect(try split(" \n", path: []).skeleton.shape == .empty)
        #expect(try split("[]", path: []).elements.isEmpty)
    }

    @Test(arguments: [1, 7, .max])
    func `what isn't a whole document with one list is refused`(piece: Int) {
        func check(_ text: String, path: [String] = ["items"], _ isExpected: (ListSplitterError) -> Bool) {
            let fault = fault(text, path: path, piece: piece)
            #expect(fault.map(isExpected) == true, "\(text): \(String(describing: fault))")
        }
        let isNotJSON = { (fault: ListSplitterError) in if case .notJSON = fault { true } else { false } }
        let isTruncated = { (fault: ListSplitterError) in if case .truncated = fault { true } else { false } }
        let isTrailing = { (fault: ListSplitterError) in if case .trailing = fault { true } else { false } }
        let isNotAList = { (fault: ListSplitterError) in if case .notAList = fault { true } else { false } }
        let isTwoLists = { (fault: ListSplitterError) in if case .twoLists = fault { true } else { false } }
        for text in [
            "<html>", "\"text\"", "12", #"{"items":[1,]}"#, #"{"items":[,1]}"#, #"{"items":[1 2]}"#,
            #"{"items":[01]}"#,
            #"{"items":[{"a":1,}]}"#, #"{"items":[{a:1}]}"#, #"{"items":[{"a" 1}]}"#, #"{"items":[{]}]}"#,
            #"{"items":[{"a":tru}]}"#, #"{"items":[nul]}"#, #"{"items":[]"x":1}"#, #"{"x":01,"items":[]}"#,
            #"{"items":[],}"#, #"{"items":[]]"#, #"{"items" []}"#, #"{"items":["a\x"]}"#,
            "{\"items\":[\"a\tb\"]}",
            #"{"items":["\u12g4"]}"#, #"{"items":[+1]}"#, #"{"items":[.5]}"#, #"{"items":[1.]}"#,
            #"{"items":[1e]}"#,
            #"{"items":[-]}"#, #"{"items":[NaN]}"#, #"{"items":[{"a":1}}]"#, #"{"x":{"y":1],"items":[]}"#,
            #"{"items":[{"a":[1,2}]]}"#, #"{"items":[[1}]}"#, #"{x:1,"items":[]}"#, #"{"\u":1,"items":[]}"#,
        ] { check(text, isNotJSON) }
        for text in [
            "{", #"{"ite"#, #"{"items"#, #"{"items":["#, #"{"items":[1"#, #"{"items":[1,"#,
            #"{"items":[{"a":"#,
            #"{"items":["a"#, #"{"items":[]"#, #"{"items":[],"x":"#,
        ] { check(text, isTruncated) }
        for text in [#"{"items":[]} x"#, #"{"items":[]}{}"#, #"{"items":[]}]"#] { check(text, isTrailing) }
        check("[1]{}", path: [], isTrailing)
        check("{}[1]", path: [], isNotJSON)
        check("{}1", path: [], isNotJSON)
        check(#"{"a":1}{"b""#, path: [], isTruncated)
        for text in [#"{"items":null}"#, #"{"items":{}}"#, #"{"items":"[]"}"#, #"{"items":7}"#] {
            check(text, isNotAList)
        }
        check(#"{"items":[],"items":[]}"#, isTwoLists)
        check(#"{"items":[],"\u0069tems":0}"#, isTwoLists)
        check(#"{"a":{"b":[]},"a":{"b":[]}}"#, path: ["a", "b"], isTwoLists)
        for text in ["{}", #"{"x":{"items":[]}}"#, #"{"error":"no"}"#, "[1]"] {
            check(text) { $0 == .noList(path: "items") }
        }
        check("") { $0 == .empty }
        check(" \r\n") { $0 == .empty }
    }

    @Test func `only UTF-8 without a mark is text`() {
        let list = Array(#"{"items":[]}"#.utf8)
        #expect(fault([0xEF, 0xBB, 0xBF] + list) == .byteOrderMark)
        #expect(fault([0xFF, 0xFE, 0x7B, 0]) == .byteOrderMark)
        #expect(fault([0xFE, 0xFF, 0, 0x7B]) == .byteOrderMark)
        let isNotUTF8 = { (fault: ListSplitterError?) in if case .notUTF8 = fault { true } else { false } }
        #expect(isNotUTF8(fault(list.flatMap { [$0, 0] })))
        #expect(isNotUTF8(fault(list.flatMap { [0, $0] })))
        for bad: [UInt8] in [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF8], [0xE2, 0x82]] {
            #expect(isNotUTF8(fault(Array(#"{"items":[""#.utf8) + bad + Array(#""]}"#.utf8))))
            #expect(isNotUTF8(fault(Array(#"{"x":""#.utf8) + bad + Array(#"","items":[]}"#.utf8))))
        }
    }

    @Test func `what is JSON is taken, however odd`() throws {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        let mixed = String(repeating: #"{"a":["#, count: 500) + String(repeating: "]}", count: 500)
        for element in [
            deep, mixed, "123456789012345678901234567890.123456789e+999", "-0", "1E999", #""\ud800""#,
            #""\u0000""#,
            #"{"a":1,"a":2}"#, "\"" + String(repeating: "x", count: 100_000) + "\"", "\"\u{7F}\u{2028}😀\"",
        ] {
            #expect(try split("{\"items\":[\(element)]}").elements == [element])
        }
        #expect(fault("[" + mixed.dropLast() + "]]", path: []) != nil)
    }

    @Test func `too long an element or envelope is refused`() throws {
        let row = "{\"a\":\"" + String(repeating: "x", count: 1000) + "\"}"
        let text = Array("[1,\(row),2]".utf8)
        for piece in [1, 100, .max] {
            #expect(try split(text, path: [], piece: piece, limit: row.utf8.count).elements.count == 3)
            let fault = #expect(throws: ListSplitterError.self) {
                try split(text, path: [], piece: piece, limit: row.utf8.count - 1)
            }
            guard case .elementTooLong(row: 1, _) = fault else {
                return #expect(Bool(false), "\(String(describing: fault))")
            }
        }
        let envelope =
            "{\"x\":\"" + String(repeating: "x", count: ListSplitter.envelopeBytesMax) + "\",\"items\":[]}"
        #expect(fault(envelope, piece: 65536) == .envelopeTooLong(limit: ListSplitter.envelopeBytesMax))
    }

    @Test func `an error of the caller comes out as it is`() {
        struct Full: Error {}
        let splitter = ListSplitter(path: [], maxElementBytes: 100)
        #expect(throws: Full.self) {
            try Array("[1,2 ]".utf8).withUnsafeBytes { try splitter.feed($0) { _ in throw Full() } }
        }
    }

    /// Against a generator that knows where it put its elements. Quotes, backslashes and brackets in
    /// strings are what the masks of 64 bytes could get wrong.
    @Test(arguments: 0..<200)
    func `random documents in random pieces come apart where they were put together`(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let elements = (0..<Int.random(in: 0...30, using: &random)).map { _ in random.value(depth: 0) }
        let separators = ["", " ", "\n", "\t  "]
        let body = elements.map { $0 + separators.randomElement(using: &random)! }.joined(separator: ",")
        let text = Array(
            "{\"k\":\(random.value(depth: 2)),\"items\":[\(body)],\"z\":\(random.value(depth: 1))}".utf8)
        for validates in [true, false] {
            let piece = Int.random(in: 1...200, using: &random)
            let parts = try split(text, piece: piece, validates: validates)
            #expect(parts.elements == elements)
            #expect(try split(text, validates: validates).elements == elements)
        }
    }

    @Test(arguments: 0..<100)
    func `a document with one byte changed is refused or has other content`(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let elements = (0..<5).map { _ in random.value(depth: 1) }
        var text = Array("{\"items\":[\(elements.joined(separator: ","))]}".utf8)
        let place = Int.random(in: 0..<text.count, using: &random)
        text[place] = UInt8.random(in: 0...255, using: &random)
        let whole = try? split(text).elements
        for piece in [1, 3, 64, 65] { #expect((try? split(text, piece: piece).elements) == whole) }
    }

    /// Keys are compared before the text around the list is checked, in a buffer of their own length.
    @Test(arguments: ["\\u", "\\u1", "a\\u12", "\\u123", "\\", "\\ud83d\\u", "\\uffff", "\\uzzzz", "\\ud83d\\ude00"])
    func `a text without its escapes is never longer than before`(text: String) {
        let bytes = Array(text.utf8)
        var out = [UInt8](repeating: 0, count: bytes.count + 8)
        #expect(elt_list_unescape(bytes, bytes.count, &out) <= bytes.count)
        #expect(out[bytes.count...].allSatisfy { $0 == 0 })
    }
}

/// Numbers that are the same for the same seed on every machine (splitmix64).
private struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func string() -> String {
        let parts = [
            "\\\\", "\\\"", "{", "}", "[", "]", ",", ":", "a", "ü", "😀", "\\u005c", "\\n", " ", "bcdefghijkl",
        ]
        return "\""
            + (0..<Int.random(in: 0...40, using: &self)).map { _ in parts.randomElement(using: &self)! }
            .joined()
            + "\""
    }

    mutating func value(depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 3 ? 4 : 8), using: &self) {
        case 0: return "\(Int.random(in: -1000...1000, using: &self))"
        case 1: return ["true", "false", "null", "1.5e-7"].randomElement(using: &self)!
        case 2, 3: return string()
        case 4, 5:
            return "["
                + (0..<Int.random(in: 0...5, using: &self)).map { _ in value(depth: depth + 1) }.joined(
                    separator: ", ") + "]"
        default:
            return "{"
                + (0..<Int.random(in: 0...5, using: &self)).map { _ in
                    string() + " :" + value(depth: depth + 1)
                }
                .joined(separator: ",\n") + "}"
        }
    }
}
