import Foundation
import Testing

/// What becomes of a value of the field `v`, as docs/semantics.md tells: a row, or a reason in quarantine.
private let odd: [(name: String, message: [UInt8], becomes: String)] = {
    func message(_ value: String) -> [UInt8] { Array("{\"id\":\"k\",\"v\":\(value)}".utf8) }
    func bytes(_ before: String, _ bytes: [UInt8], _ after: String) -> [UInt8] {
        Array(before.utf8) + bytes + Array(after.utf8)
    }
    let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    let many = (0..<100_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    return [
        ("lists 100,000 deep", message(deep), "quarantine too-deep"),
        ("a text of 10 MB", message("\"" + String(repeating: "x", count: 10_000_000) + "\""), "text 10000000"),
        ("100,000 names", message("{\(many)}"), "json 99999"),
        ("a name that stands twice", Array(#"{"id":"k","v":1,"v":2}"#.utf8), "integer 2"),
        // SQLite's own functions would read the first.
        ("a name that stands twice, deeper", message(#"{"k99999":1,"k99999":2}"#), "json 2"),
        ("2^53 + 1", message("9007199254740993"), "integer 9007199254740993"),
        ("2^63", message("9223372036854775808"), "text 9223372036854775808"),
        ("-2^63", message("-9223372036854775808"), "integer -9223372036854775808"),
        ("1e999", message("1e999"), "text 1e999"),
        ("-0", message("-0"), "text -0"),
        ("0.1", message("0.1"), "text 0.1"),
        ("a lone surrogate", message(#""\ud800""#), "quarantine lone-surrogate"),
        ("NUL as an escape", message(#""a\u0000b""#), "hex 610062"),
        ("a bare control character", bytes(#"{"id":"k","v":"a"#, [1], #"b"}"#), "quarantine control-character"),
        ("bytes that aren't UTF-8", bytes(#"{"id":"k","v":"a"#, [0xFF], #"b"}"#), "quarantine not-utf8"),
        ("nothing at all", [], "quarantine empty"),
        ("null", Array("null".utf8), "quarantine null-body"),
        ("a list", Array("[1,2]".utf8), "quarantine no-record"),
        ("two documents", Array(#"{"id":"k"}{"id":"k"}"#.utf8), "quarantine trailing"),
        ("a byte order mark", bytes("", [0xEF, 0xBB, 0xBF], #"{"id":"k","v":1}"#), "quarantine not-json"),
    ]
}()

@Test(arguments: Array(odd.indices))
func `odd JSON has one result, the same for the loader and for SQL`(_ index: Int) throws {
    let (name, message, becomes) = odd[index]
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    var sent = ProgramBroker.Message("k", nil)
    sent.value = message
    try broker.send([sent])
    let run = try project.elt(["run"])
    #expect(run.status == 0, "\(name): \(run.err)")
    func ask(_ sql: String) throws -> String {
        let outcome = try project.elt(["query", "--format", "csv", sql])
        #expect(outcome.status == 0, "\(name): \(outcome.err)")
        return outcome.out.split(separator: "\r\n").last.map(String.init) ?? ""
    }
    let kind = becomes.split(separator: " ")
    switch kind[0] {
    case "quarantine":
        #expect(try ask("select 'quarantine ' || reason from elt_quarantine") == becomes, "\(name)")
        #expect(try ask("select count(*) from current_customer") == "0")
    case "hex": #expect(try ask("select 'hex ' || hex(v) from current_customer") == becomes, "\(name)")
    case "json": #expect(try ask("select 'json ' || json_extract(v, '$.k99999') from current_customer") == becomes, "\(name)")
    case "text" where kind[1].count > 7 && message.count > 1000:
        #expect(try ask("select 'text ' || length(v) from current_customer") == becomes, "\(name)")
    default: #expect(try ask("select typeof(v) || ' ' || v from current_customer") == becomes, "\(name)")
    }
    // The archive has the very bytes, whatever became of them.
    let cat = try project.elt(["archive", "cat", "--topic", "customers"])
    #expect(cat.status == 0)
    #expect(try project.elt(["rebuild", "--from-archive", "--verify"]).status == 0)
}
