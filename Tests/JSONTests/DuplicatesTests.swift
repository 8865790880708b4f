import JSON
import Testing

@Suite struct DuplicatesTests {
    @Test(arguments: [
        (#"{"a":1,"a":2}"#, #"{"a":2}"#),
        (#"{"a":1,"b":[],"a":{"c":null,"c":true}}"#, #"{"b":[],"a":{"c":true}}"#),
        (#"[{"a":[1.50],"a":"\"\u00fc\n"}, 12345678901234567890, -0]"#, #"[{"a":"\"ü\n"},12345678901234567890,-0]"#),
        (#"{"a":1,"a":2}"#, #"{"a":2}"#),
    ])
    func `Of names that stand twice the last is left`(text: String, expected: String) throws {
        let bytes = try JSONDocument(Array(text.utf8)).withoutDuplicates()
        #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test(arguments: ["1", #""a""#, "[]", "{}", #"{"a": {"a": [{"a": 1}, {"a": 2}]}, "b": 1.0}"#])
    func `Where none stands twice nothing is written anew`(text: String) throws {
        #expect(try JSONDocument(Array(text.utf8)).withoutDuplicates() == nil)
    }
}
