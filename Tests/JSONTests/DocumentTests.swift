import ELTTesting
import JSON
import Testing

@Suite struct DocumentTests {
    @Test func `scalars are found by their path`() throws {
        let text =
            #"{"total":12,"page":{"next":"abc","more":true,"next":"def"},"items":[1,[2,3],{"a":null}],"x":1.5}"#
        let document = try JSONDocument(Array(text.utf8))
        #expect(document.value(at: ["total"]) == .integer(12))
        #expect(document.value(at: ["page", "next"]) == .string("def"))
        #expect(document.value(at: ["page", "more"]) == .bool(true))
        #expect(document.value(at: ["x"]) == .number("1.5"))
        #expect(document.value(at: ["items"]) == .array(Array(#"[1,[2,3],{"a":null}]"#.utf8)))
        #expect(document.value(at: ["page", "none"]) == nil)
        #expect(document.value(at: ["total", "none"]) == nil)
        #expect(document.value(at: []) == .object(Array(text.utf8)))
    }

    @Test func `elements and members are walked in order`() throws {
        let document = try JSONDocument(Array(#"[1,[2,3],{"a":null,"b":[]},"x",{}]"#.utf8))
        let elements = document.root.elements
        #expect(elements.map(\.kind) == [.integer, .array, .object, .string, .object])
        #expect(elements[1].elements.map(\.integer) == [2, 3])
        #expect(elements[2].elements.map(\.name) == ["a", "b"])
        #expect(elements[4].elements.isEmpty)
        #expect(elements[2]["b"]?.elements.isEmpty == true)
        #expect(elements[3].string == "x")
    }

    @Test func `a document that isn't valid isn't looked into`() {
        #expect(throws: JSONFault(reason: .trailing, offset: 3)) { try JSONDocument(Array("{} 1".utf8)) }
        #expect(throws: JSONFault(reason: .empty, offset: 0)) { try JSONDocument([]) }
    }
}

@Suite struct TextTests {
    @Test func `bytes survive base64, and nothing else is taken for it`() {
        for count in 0..<70 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
            let text = JSONText()
            bytes.withUnsafeBytes { appendBase64String($0, to: text) }
            let inside = Array(text.contents.dropFirst().dropLast())
            #expect(inside.withUnsafeBytes(decodeBase64) == bytes)
        }
        for text in ["A", "AA", "AAA", "A===", "====", "AB==", "AAB=", "AA=A", "A A=", "AAAA=", "AA==AAAA"] {
            #expect(Array(text.utf8).withUnsafeBytes(decodeBase64) == nil, "\(text)")
        }
    }

    @Test func `numbers are written in full`() {
        let text = JSONText()
        for number in [0, -1, 7, 10, .max, .min] as [Int64] {
            text.removeAll()
            text.append(number)
            #expect(String(decoding: text.contents, as: UTF8.self) == "\(number)")
        }
    }

    /// Blocks of bytes are escaped together, wherever what's to be escaped lies in them.
    @Test func `a text is escaped as its bytes are one by one`() {
        func escape(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
            let text = JSONText()
            bytes.withUnsafeBytes { appendJSONString($0, to: text) }
            return Array(text.contents)
        }
        let single = (0..<128 as Range<UInt8>).map { escape([$0]).dropFirst().dropLast() }
        var random = SplitMix64(seed: 5)
        let alphabets: [[UInt8]] = [
            Array("\"\\".utf8), Array(#"{"id":"a","n":1}"#.utf8), Array("abcdefghijklmnopqrstuvwxyz\"".utf8), Array(0..<128),
            Array("plain text without any".utf8), Array("\"\u{1}\u{1f} ~\u{7f}".utf8),
        ]
        for round in 0..<3000 {
            let alphabet = alphabets[round % alphabets.count]
            let bytes = (0..<Int.random(in: 0...90, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
            let begin = Int.random(in: 0...bytes.count, using: &random)
            let expected: [UInt8] = bytes[begin...].flatMap { single[Int($0)] }
            #expect(escape(bytes[begin...]).dropFirst().dropLast() == expected[...], "\(bytes[begin...])")
        }
        for set in 0..<(1 << 16) where set % 7 == 0 || set < 600 {
            let bytes: [UInt8] = (0..<16).map { place in set >> place & 1 == 1 ? 0x22 : UInt8(place + 0x41) }
            let expected: [UInt8] = bytes.flatMap { byte -> [UInt8] in byte == 0x22 ? [0x5C, 0x22] : [byte] }
            #expect(escape(bytes[...]).dropFirst().dropLast() == expected[...])
        }
    }

    /// Blocks of bytes lose their backslashes together, wherever these lie in them.
    @Test func `a text loses its escapes as it would one by one`() throws {
        let escapes = [#"\""#: "\"", #"\\"#: "\\", #"\/"#: "/", #"\n"#: "\n", #"\u00e9"#: "é", #"\ud83d\ude00"#: "😀"].sorted { $0.key < $1.key }
        var random = SplitMix64(seed: 7)
        for round in 0..<6000 {
            let known = escapes.shuffled(using: &random).prefix(1 + round % escapes.count)
            let plain = [1, 3, 20, 60][round % 4]
            var (written, meant) = ("", "")
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                if Int.random(in: 0..<plain, using: &random) > 0 {
                    let letter = ["a", "b", "7", " ", "é"].randomElement(using: &random)!
                    written += letter
                    meant += letter
                } else {
                    let escape = known.randomElement(using: &random)!
                    written += escape.key
                    meant += escape.value
                }
            }
            let document = try JSONDocument(Array((#"["before\"",""# + written + #"","\/after"]"#).utf8))
            #expect(document.root.elements.map(\.string) == ["before\"", meant, "/after"], "\(written)")
        }
        for set in 0..<(1 << 16) where set % 7 == 0 || set < 600 {
            let written = (0..<16).map { place in set >> place & 1 == 1 ? #"\""# : "x" }.joined()
            #expect(try JSONDocument(Array(#""\#(written)""#.utf8)).root.string == written.replacing(#"\""#, with: "\""))
        }
    }

    @Test func `all bytes below 128 are escaped as RFC 8259 wants`() throws {
        let all = String(decoding: 0..<128 as Range<UInt8>, as: UTF8.self)
        let text = JSONText()
        text.append(string: all)
        #expect(try JSONDocument(text.contents).root.string == all)
        #expect(String(decoding: text.contents, as: UTF8.self).hasPrefix(#""\u0000\u0001"#))
    }
}
