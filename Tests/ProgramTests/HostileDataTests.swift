import Foundation
import SQLite
import Testing

/// Texts that would do harm wherever data became SQL, a path, a shell word or a terminal's command.
private let payloads: [String] = {
    let quotes = ["'", "\"", "`", "]", "\\", "';", "\";", "')", "\")", "');--", "' --", "'/*", "*/'", "%27", "\\'", "''"]
    let tails = [
        "drop table current_customer", "or 1=1", "union select 1,2", "; delete from elt_offsets", "|| char(0)",
        "; attach 'x' as x", "); pragma writable_schema=1; --", "and load_extension('x')", "' || sqlite_version() || '",
        "{{ ref('x') }}", "${HOME}",
    ]
    let rest = [
        "$(touch x)", "`touch x`", "; touch x", "| touch x", "../../etc/passwd", "..", ".", "/", "a/../b", "%2e%2e%2f", "~",
        "nul\u{1}", "\u{1B}[2J\u{1B}[1;1H", "\u{1B}]0;title\u{7}", "a\nerror: forged", "a\r\nb", "\u{202E}gnp", "\u{FEFF}x", "\u{2028}",
        "ａｄｍｉｎ", "аdmin", "x" + String(repeating: "y", count: 300), "=1+1", "@SUM(1)", "<script>", "NULL", "null", "0x41", "1e5", "01", "-0",
    ]
    return quotes.flatMap { quote in tails.map { quote + $0 } } + rest
}()

private func json(_ text: String) -> String {
    String(decoding: (try? JSONEncoder().encode(text)) ?? Data(), as: UTF8.self)
}

@Test func `hostile keys, values and field names are data and nothing else`() throws {
    #expect(payloads.count >= 200)
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address, top: "limits: { max_quarantined: 0 }"))
    try broker.send(
        payloads.enumerated().map { index, payload in
            .init(payload, "{\"id\":\(json(payload)),\"number\":\(index),\"v\":\(json(payload)),\(json(payload)):\(json(payload))}")
        })
    let run = try project.elt(["run"])
    #expect(run.status == 0, "\(run.err)")
    let database = try Database(path: project.folder + "/warehouse/elt.db", mode: .readOnly)
    let rows = try database.query("SELECT id, v FROM current_customer ORDER BY number")
    #expect(rows == payloads.map { [.text($0), .text($0)] })
    #expect(try database.value("PRAGMA integrity_check") == .text("ok"))
    // Nothing was made beside what a run makes.
    let made = try FileManager.default.contentsOfDirectory(atPath: project.folder).sorted()
    #expect(made == [".gitignore", "README.md", "archive", "elt.yml", "models", "warehouse"])
    for key in payloads.prefix(12) + payloads.suffix(20) where !key.hasPrefix("-") {
        let explained = try project.elt(["explain", "customer", key, "--json"])
        #expect(explained.status == 0, "\(key): \(explained.err)")
    }
    #expect(try project.elt(["rebuild", "--from-archive", "--verify"]).status == 0)
    // One event of the log is one line, and no line moves a cursor.
    for text in [run.err, try project.elt(["doctor"]).out, try project.elt(["explain", "customer", "a\nerror: forged"]).out] {
        #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" && $0 != "\t" || (0x7F...0x9F).contains($0.value) })
        #expect(!text.split(separator: "\n").contains { $0.hasPrefix("error: forged") })
    }
}

@Test(arguments: [
    "..", ".", "a/b", "../x", "/etc/passwd", "a\u{0}b", "a b", "x'; drop table t", "\u{1B}[2J", "ｔｏｐｉｃ", "töpic",
    String(repeating: "t", count: 300), "a\nb", "%2e%2e",
])
func `a topic's name that Kafka wouldn't take is refused before anything is made`(_ topic: String) throws {
    let project = try ProgramProject(ProgramProject.settings(topic: json(topic)))
    let outcome = try project.elt(["run"], within: .seconds(20))
    #expect(outcome.status == 78, "\(outcome.err)")
    #expect(!outcome.err.contains("\u{1B}"))
    #expect(!FileManager.default.fileExists(atPath: project.folder + "/archive"))
}

@Test(arguments: ["..", "a/b", "x'; drop table t; --", "a\"b", "Ａ", "x y", "1x", String(repeating: "e", count: 300), "a\u{1B}[2J", "sqlite_x"])
func `an entity's name that isn't a plain word is refused`(_ name: String) throws {
    let settings = ProgramProject.settings().replacing("  customer:\n", with: "  \(json(name)):\n")
    let project = try ProgramProject(settings)
    let outcome = try project.elt(["run"], within: .seconds(20))
    #expect(outcome.status == 78, "\(outcome.err)")
    #expect(!outcome.err.contains("\u{1B}"))
}

@Test func `a link in the archive's folder leads nowhere else`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    let outside = project.folder + "/outside"
    try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
        atPath: project.folder + "/archive", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try FileManager.default.createSymbolicLink(
        atPath: project.folder + "/archive/entity=customer", withDestinationPath: outside)
    try broker.send([.customer("c-1")])
    let outcome = try project.elt(["run"])
    #expect(outcome.status == 74, "\(outcome.err)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty)
}
