import JSON
import Testing

/// Whatever is refused is refused at every place: alone, in the record, and in values that nobody asks for.
private let places: [(before: String, after: String)] = [
    ("", ""), (#"{"r":{"x":"#, "}}"), (#"{"skipped":"#, #","r":{}}"#),
    (#"{"r":{},"skipped":[1,{"a":"#, "}]}"),
    (#"{"r":{"deep":[[{"a":"#, #"}]],"b":1}}"#),
]

@Suite struct StrictnessTests {
    @Test(
        arguments: [
            ("", .notJSON), ("tru", .notJSON), ("nul", .notJSON), ("True", .notJSON), ("truex", .notJSON),
            ("true\"\"", .notJSON), ("nan", .notJSON), ("Infinity", .notJSON), ("-Infinity", .badNumber),
            ("undefined", .notJSON), ("'a'", .notJSON), ("{a:1}", .notJSON), ("{'a':1}", .notJSON),
            ("{\"a\" 1}", .notJSON), ("{\"a\":}", .notJSON), ("{\"a\":1,}", .notJSON), ("{,}", .notJSON),
            ("{1:2}", .notJSON), ("{\"a\"}", .notJSON), ("[1,]", .notJSON), ("[,1]", .notJSON),
            ("[,]", .notJSON),
            ("[1 2]", .notJSON), ("[1}", .notJSON), ("{\"a\":1]", .notJSON), ("[\"a\":1]", .notJSON),
            ("\u{C}1", .notJSON), ("\u{A0}1", .notJSON), ("\u{FEFF}1", .notJSON), ("/* c */ 1", .notJSON),
            ("\"a\"\\", .notJSON), ("\\\"a\"", .notJSON), ("#", .notJSON), ("\u{0}", .notJSON),
            ("\u{1A}", .notJSON),
            ("01", .badNumber), ("-", .badNumber), ("-01", .badNumber), ("1.", .badNumber), (".5", .notJSON),
            ("1.e3", .badNumber), ("1e", .badNumber), ("1e+", .badNumber), ("+1", .notJSON),
            ("0x10", .badNumber),
            ("1_000", .badNumber), ("1a", .badNumber), ("1.5.2", .badNumber), ("--1", .badNumber),
            ("1e5.5", .badNumber),
            ("1\"a\"", .badNumber), ("1\u{C}", .notJSON), ("1\\", .badNumber), ("00", .badNumber),
            ("1-2", .badNumber),
            (#""\x""#, .badEscape), (#""\u12""#, .badEscape), (#""\u12G4""#, .badEscape),
            (#""\U0041""#, .badEscape),
            (#""\ud800""#, .loneSurrogate), (#""\udc00""#, .loneSurrogate),
            (#""\ud800\u0041""#, .loneSurrogate),
            (#""\ud800x""#, .loneSurrogate), (#""\udc00\ud800""#, .loneSurrogate),
            (#""\ud800\ud800""#, .loneSurrogate),
            (#""\ud800\uZZZZ""#, .badEscape), ("\"a\nb\"", .controlCharacter),
            ("\"\u{0}\"", .controlCharacter),
            ("\"\u{1F}\"", .controlCharacter), ("\"\t\"", .controlCharacter),
            ("1e10001", .numberTooBig), ("1e-99999999999999999999", .numberTooBig),
            (String(repeating: "9", count: 1001), .numberTooBig),
            ("0.\(String(repeating: "1", count: 1000))", .numberTooBig),
        ] as [(String, JSONFault.Reason)])
    func `is refused everywhere`(text: String, expected: JSONFault.Reason) {
        for place in places {
            let found = reason(place.before + text + place.after, record: ["r"])
            // An empty place or a lone word may make another fault of the surroundings, never none.
            if text.isEmpty {
                #expect(found == (place.before.isEmpty ? .empty : .notJSON))
                continue
            }
            if expected == .notJSON, place.before.isEmpty {
                #expect(found == .notJSON || found == .trailing)
                continue
            }
            #expect(found == expected, "\(place.before)…\(place.after)")
        }
    }

    @Test func `the offset points at the trouble`() {
        #expect(fault(#"{"a":tru}"#) == JSONFault(reason: .notJSON, offset: 5))
        #expect(fault(#"{"a":[1,02]}"#) == JSONFault(reason: .badNumber, offset: 8))
        #expect(fault(#"{"a":"x\q"}"#) == JSONFault(reason: .badEscape, offset: 7))
        #expect(fault("{} {}") == JSONFault(reason: .trailing, offset: 3))
        #expect(fault("{}x") == JSONFault(reason: .trailing, offset: 2))
        #expect(fault(#"{"a":1"#) == JSONFault(reason: .notJSON, offset: 6))
        #expect(fault(#"{"a":"x"#) == JSONFault(reason: .notJSON, offset: 5))
        #expect(fault("{\"a\":\"x\u{1}\"}") == JSONFault(reason: .controlCharacter, offset: 7))
        #expect(
            fault(Array(#"{"a":"ü"#.utf8) + [0xFF] + Array(#""}"#.utf8))
                == JSONFault(reason: .notUTF8, offset: 8))
        #expect(fault("  \n") == JSONFault(reason: .empty, offset: 0))
    }

    @Test(
        arguments: [
            [0xFF], [0xC3], [0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
            [0xF0, 0x9F, 0x98], [0xC1, 0xBF], [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func `bytes that aren't UTF-8 are refused, in strings and beside them`(bytes: [UInt8]) {
        for place in places {
            for quote in ["\"", ""] {
                let text = Array((place.before + quote).utf8) + bytes + Array((quote + place.after).utf8)
                #expect(fault(text, record: ["r"])?.reason == .notUTF8)
            }
        }
    }

    @Test func `512 containers in each other are read, 513 are not`() {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            func nested(_ depth: Int) -> String {
                String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
            }
            #expect(reason(#"{"r":{"# + #""x":"# + nested(510) + "}}", record: ["r"]) == nil)
            #expect(reason(#"{"r":{"# + #""x":"# + nested(511) + "}}", record: ["r"]) == .tooDeep)
            #expect(reason(nested(100_000)) == .tooDeep)
        }
        #expect(reason(String(repeating: "[", count: 1_000_000)) == .tooDeep)
    }

    @Test func `odd but valid numbers stay as they are written`() throws {
        let numbers: [(String, JSONValue)] = [
            ("0", .integer(0)), ("-0", .number("-0")), ("-0.0", .number("-0.0")), ("-5", .integer(-5)),
            ("9007199254740993", .integer(9_007_199_254_740_993)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number("9223372036854775808")),
            ("-9223372036854775809", .number("-9223372036854775809")),
            ("9999999999999999999", .number("9999999999999999999")),
            ("18446744073709551616", .number("18446744073709551616")),
            ("9007199254740993123456", .number("9007199254740993123456")),
            ("0.1", .number("0.1")), ("1.0", .number("1.0")), ("1e0", .number("1e0")),
            ("1E400", .number("1E400")),
            ("1e999", .number("1e999")), ("1e10000", .number("1e10000")), ("-1e-10000", .number("-1e-10000")),
            (String(repeating: "9", count: 1000), .number(String(repeating: "9", count: 1000))),
        ]
        for (text, value) in numbers {
            for space in ["", " ", "\n", "\t", "\r"] {
                let decoded = try decode(#"{"a":\#(text)\#(space)}"#)
                #expect(decoded.fields == [.init("a", value)], "\(text)")
            }
        }
    }

    @Test func `every string comes back, also with zeros, quotes and other planes`() throws {
        let odd = [
            "", "\u{0}", "x\u{0}y", "\"", "\\", "/", "\u{7F}", "\u{80}", "ÄÖÜ", "\u{FFFF}", "😀", "\u{10FFFF}",
            "\u{2028}", "a\"b\\c\nd\re\tf\u{8}g\u{C}h", "\\u0041", String(repeating: "\\", count: 33),
        ]
        for text in odd
            + (0..<70).map({ String(repeating: "x", count: $0) + "\"" + String(repeating: "y", count: $0) })
        {
            let written = JSONText()
            written.append(#"{"a":"#)
            written.append(string: text)
            written.append("}")
            let decoded = try decode(written.contents)
            #expect(decoded.fields == [.init("a", .string(text))])
            let escaped = text.utf16.map { unit in
                "\\u" + String(repeating: "0", count: 4 - String(unit, radix: 16).count)
                    + String(unit, radix: 16)
            }
            #expect(try decode(#"{"a":"\#(escaped.joined())"}"#).fields == [.init("a", .string(text))])
        }
        let big = String(repeating: "0123456789", count: 1_000_000)
        #expect(try decode(#"{"a":"\#(big)"}"#).fields == [.init("a", .string(big))])
        #expect(
            try decode(#"{"a":"\/\b\f\n\r\t\"\\"}"#).fields == [.init("a", .string("/\u{8}\u{C}\n\r\t\"\\"))])
    }
}
