import JSON
import Testing

@Suite struct RecordDecoderTests {
    @Test func `the record of an event is taken apart in order`() throws {
        let message =
            #"{"event_type":"update","event_time":"2026-11-20T09:30:00.123Z","customer":{"#
            + #""id":"c-1","name":"M\u00fcller \ud83d\ude00","n":3,"d":-1.50e+2,"t":true,"f":false,"#
            + #""z":null,"o":{ "a" : [1, {}] },"l":[ ]} }"#
        let decoded = try decode(message, record: ["customer"], key: ["id"], eventTime: ["event_time"])
        #expect(
            decoded.fields == [
                .init("id", .string("c-1")), .init("name", .string("Müller 😀")), .init("n", .integer(3)),
                .init("d", .number("-1.50e+2")), .init("t", .bool(true)), .init("f", .bool(false)),
                .init("z", .null), .init("o", .object(Array(#"{ "a" : [1, {}] }"#.utf8))),
                .init("l", .array(Array("[ ]".utf8))),
            ])
        #expect(decoded.key == .string("c-1"))
        #expect(decoded.eventTime == .string("2026-11-20T09:30:00.123Z"))
        #expect(!decoded.isNull)
    }

    @Test func `a literal null is told from a record`() throws {
        let decoded = try decode(" null\n", record: ["customer"])
        #expect(decoded.isNull)
        #expect(decoded.fields.isEmpty)
    }

    @Test func `of names that stand twice the last counts, at the place of the first`() throws {
        let decoded = try decode(#"{"a":1,"b":2,"\u0061":{"x":1},"c":3,"b":null}"#, key: ["a", "x"])
        #expect(
            decoded.fields == [
                .init("a", .object(Array(#"{"x":1}"#.utf8))), .init("b", .null), .init("c", .integer(3)),
            ])
        #expect(decoded.key == .integer(1))
    }

    @Test func `of paths that stand twice the last counts whole`() throws {
        let twice = #"{"r":{"k":1,"a":1},"t":1,"r":{"b":2},"t":2}"#
        let decoded = try decode(twice, record: ["r"], key: ["k"], eventTime: ["t"])
        #expect(decoded.fields == [.init("b", .integer(2))])
        #expect(decoded.key == nil)
        #expect(decoded.eventTime == .integer(2))
        #expect(reason(#"{"r":{"k":1},"r":5}"#, record: ["r"]) == .noRecord)
    }

    @Test func `a hundred thousand names, each standing twice, are no trouble`() throws {
        let members = (0..<100_000).map { #""name\#($0)":\#($0)"# }.joined(separator: ",")
        let decoded = try decode("{\(members),\(members)}")
        #expect(decoded.fields.count == 100_000)
        #expect(decoded.fields[77_777] == .init("name77777", .integer(77_777)))
    }

    @Test func `the shape stays while names and order stay`() throws {
        let decoder = RecordDecoder(record: [], key: [], eventTime: nil)
        func shape(_ text: String) throws -> UInt64 {
            try Array(text.utf8).withUnsafeBytes { try decoder.decode($0).shape }
        }
        let first = try shape(#"{"a":1,"b":2}"#)
        #expect(try shape(#"{"a":"x","b":[]}"#) == first)
        let shorter = try shape(#"{"a":1}"#)
        #expect(shorter != first)
        #expect(try shape(#"{"b":1,"a":2}"#) != shorter)
        #expect(try shape(#"{}"#) != first)
    }

    @Test func `names that the record before had may still stand twice`() throws {
        let decoder = RecordDecoder(record: [], key: [], eventTime: nil)
        for text in [#"{"a":1,"b":2}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"a":3}"#] {
            try Array(text.utf8).withUnsafeBytes { bytes in
                let fields = Array(try decoder.decode(bytes).fields)
                #expect(fields[0].integer == (text.contains("3") ? 3 : 1))
                #expect(fields.count == (text.contains("b") ? 2 : 1))
            }
        }
    }

    @Test func `a record that isn't there or is no object is a fault`() {
        for text in ["{}", #"{"r":null}"#, #"{"r":[]}"#, "[]", "5", #""r""#, #"{"R":{}}"#] {
            #expect(reason(text, record: ["r"]) == .noRecord, "\(text)")
        }
        #expect(reason("[]") == .noRecord)
    }

    @Test func `nothing beyond the bytes is read`() throws {
        let text = Array(
            #"{"a":"xx","b":{"c":"\u00e4\n\"quoted\" and longer than a block"},"d":[1,2.5,true]}"#.utf8)
        let decoder = RecordDecoder(record: [], key: ["b", "c"], eventTime: nil)
        func passes(_ part: ArraySlice<UInt8>) -> Bool {
            withGuardPage(Array(part)) { bytes in (try? decoder.decode(bytes)) != nil }
        }
        for start in 0...text.count { #expect(passes(text[start...]) == (start == 0)) }
        for end in 0..<text.count { #expect(!passes(text[..<end])) }
        for scalar in ["12", "true", "\"x\"", "\"\\n\"", "-", "[", "\""] {
            #expect(!passes(Array(scalar.utf8)[...]))
        }
    }

    @Test func `random damage never crashes, and what passes is what was there`() throws {
        let text = Array(
            #"{"event_time":"2026","customer":{"id":"c\u0031","n":-12.5e3,"o":{"a":[1,2,{"b":null}]},"s":"ü"}}"#
                .utf8)
        let decoder = RecordDecoder(record: ["customer"], key: ["id"], eventTime: ["event_time"])
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200_000 {
            var bytes = text
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
                case 1 where !bytes.isEmpty:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                        in: 0...255, using: &random)
                case 2 where !bytes.isEmpty: bytes.remove(at: Int.random(in: 0..<bytes.count, using: &random))
                default:
                    let odd = Array(#"{}[]",:\u0e-+. tfn"#.utf8).randomElement(using: &random)!
                    bytes.insert(odd, at: Int.random(in: 0...bytes.count, using: &random))
                }
            }
            try bytes.withUnsafeBytes { bytes in
                do {
                    for field in try decoder.decode(bytes).fields {
                        #expect(isValidUTF8(field.text) && isValidUTF8(field.name))
                    }
                } catch let error as JSONFault {
                    #expect(error.offset <= bytes.count)
                }
            }
        }
    }
}
