import Testing
import ELTReport

@testable import elt

private let columns = ["id", "name", "n", "share", "raw"]
private let rows: [[Cell]] = [
    [.text("c-1"), .text("Müller"), .integer(3), .real(0.5), .blob([0, 255])],
    [.text("c-10"), .text("東京"), .integer(-1200), .null, .null],
    [.text(""), .text("a\tb\u{1B}[31m\n\u{202E}"), .null, .real(1e300), .blob([])],
]

private func written(_ format: OutputFormat, _ columns: [String] = columns, _ rows: [[Cell]] = rows) throws
    -> String
{
    let sink = MemorySink()
    var writer = format.writer(sink)
    try writer.begin(columns)
    for row in rows { try writer.row(row) }
    try writer.end()
    return sink.text
}

@Test func `a table aligns what people see and shows control characters`() throws {
    #expect(
        try written(.table) == #"""
            id    name                          n   share  raw
            ----  ------------------------  -----  ------  ----
            c-1   Müller                        3     0.5  00ff
            c-10  東京                      -1200       ∅  ∅
                  a\tb\u{1b}[31m\n\u{202e}      ∅  1e+300

            """#)
}

@Test func `a table without rows still has its head`() throws {
    #expect(try written(.table, ["a", "long name"], []) == "a  long name\n-  ---------\n")
    #expect(try TableText.text(["a"], [[.integer(1)]]) == "a\n-\n1\n")
}

@Test func `a long table keeps the widths of its first rows`() throws {
    let many = (0..<1500).map { [Cell.integer(Int64($0)), .text($0 == 1400 ? "wider than before" : "x")] }
    let lines = try written(.table, ["n", "t"], many).split(separator: "\n")
    #expect(lines.count == 1502)
    #expect(lines[2] == "  0  x")
    #expect(lines[1402] == "1400  wider than before")
}

@Test func `CSV follows RFC 4180 and tells null from an empty text`() throws {
    let csv = try written(
        .csv, ["id", "a,b"],
        [[.null, .text("")], [.text("say \"hi\""), .text("two\nlines")], [.integer(1), .text(" x")]])
    #expect(csv == "id,\"a,b\"\r\n,\"\"\r\n\"say \"\"hi\"\"\",\"two\nlines\"\r\n1,\" x\"\r\n")
}

@Test func `JSON is one array with a row a line`() throws {
    #expect(
        try written(.json)
            == #"""
            [
            {"id":"c-1","name":"Müller","n":3,"share":0.5,"raw":"00ff"},
            {"id":"c-10","name":"東京","n":-1200,"share":null,"raw":null},
            {"id":"","name":"a\tb\u001b[31m\n‮","n":null,"share":1e+300,"raw":""}
            ]

            """#.replacing("‮", with: "\u{202E}"))
    #expect(try written(.json, ["a"], []) == "[]\n")
}

@Test func `NDJSON is an object a line`() throws {
    #expect(
        try written(
            .ndjson, ["a", "b"], [[.integer(.max), .real(.infinity)], [.integer(.min), .text("\"\\")]])
                == #"""
                {"a":9223372036854775807,"b":null}
                {"a":-9223372036854775808,"b":"\"\\"}

                """#)
}

@Test func `columns of one name stay apart in JSON`() throws {
    #expect(
        try written(.ndjson, ["a", "a", "a_2", "a"], [[.integer(1), .integer(2), .integer(3), .integer(4)]])
            == "{\"a\":1,\"a_3\":2,\"a_2\":3,\"a_4\":4}\n")
}

@Test func `a document keeps its order and escapes what moves cursors`() {
    let document = JSONValue.object([
        .init("z", .array([.boolean(true), .null, .real(1.5)])), .init("a", .string("\u{0}\u{7F}\u{9B}/é")),
    ])
    #expect(document.text == #"{"z":[true,null,1.5],"a":"\u0000\u007f\u009b/é"}"#)
}

@Test func `widths are those of a terminal`() {
    #expect(TextWidth.of("abc") == 3)
    #expect(TextWidth.of("Müller") == 6)
    #expect(TextWidth.of("Mu\u{308}ller") == 6)
    #expect(TextWidth.of("東京") == 4)
    #expect(TextWidth.of("👍🏽") == 2)
    #expect(TextWidth.cut("東京都庁", to: 6) == "東京…")
    #expect(TextWidth.cut("abc", to: 3) == "abc")
}

@Test func `what's escaped is what could do harm`() {
    #expect(ConsoleEscape.line("a\r\nb\u{9B}é👨‍👩‍👧") == #"a\r\nb\u{9b}é👨‍👩‍👧"#)
    #expect(ConsoleEscape.block("a\n\tb\u{7}") == "a\n\tb\\u{7}")
}
