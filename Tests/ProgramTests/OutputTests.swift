import Foundation
import Testing

private func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

@Test func `a damaged archive is told in lines of their own`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    try broker.send([.customer("c-1")])
    #expect(try project.elt(["run"]).status == 0)
    #expect(try project.elt(["archive", "verify"]).status == 0)
    let archive = project.folder + "/archive"
    let file = try #require(FileManager.default.subpaths(atPath: archive)?.first { $0.hasSuffix(".zst") })
    let path = archive + "/" + file
    var bytes = try Data(contentsOf: URL(filePath: path))
    bytes[bytes.count / 2] ^= 1
    try FileManager.default.removeItem(atPath: path)
    try bytes.write(to: URL(filePath: path))
    let text = try project.elt(["archive", "verify"])
    #expect(text.status == 65)
    #expect(!text.err.contains("\\n"), "\(text.err)")
    #expect(text.err.contains("error: The archive has "))
    #expect(text.err.contains("Restore the named files from a backup"))
    let json = try project.elt(["archive", "verify", "--json"])
    #expect(json.status == 65)
    #expect((json.document?["faults"] as? [Any])?.isEmpty == false, "\(json.out)")
}

@Test func `an older archive that's whole by itself isn't the warehouse's`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    try broker.send([.customer("c-1")])
    #expect(try project.elt(["run"]).status == 0)
    let manifest = project.folder + "/archive/manifest.ndjson"
    let older = try String(contentsOfFile: manifest, encoding: .utf8)
    #expect(try project.elt(["run"]).status == 0)
    try older.write(toFile: manifest, atomically: true, encoding: .utf8)
    for command in [["archive", "verify"], ["doctor"], ["run"], ["rebuild", "--from-archive", "--verify"]] {
        let told = try project.elt(command)
        #expect(told.status == 74, "\(command): \(told.err)")
        #expect((told.out + told.err).contains("this isn't its archive"), "\(command): \(told.err)")
    }
}

@Test func `a gap that a person accepts is told by the run, and stays told`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    // Only what's kept of the topic is told: the mock broker drops what it has too much of.
    try broker.send([.customer("c-1")])
    #expect(try project.elt(["run"]).status == 0)
    try broker.overflow()
    let refused = try project.elt(["run"])
    #expect(refused.status == 80, "\(refused.err)")
    let accepted = try project.elt(["run", "--accept-gap"])
    #expect(accepted.status == 0, "\(accepted.err)")
    #expect(accepted.err.contains("warning: ") && accepted.err.contains("customers/0: offsets 1..<"), "\(accepted.err)")
    #expect(accepted.out.contains("  gap        customers/0: offsets 1..<"), "\(accepted.out)")
    let next = try project.elt(["run", "--accept-gap"])
    #expect(!next.out.contains("  gap "))
}

@Test func `a replay after a change of elt yml tells how many records became rows`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(
        broker: broker.address, entity: "    columns: [{ name: born, type: date }]"))
    try broker.send([.customer("c-1", "\"born\":\"soon\""), .customer("c-2", "\"born\":\"2000-01-01\""), .init("x", "{")])
    #expect(try project.elt(["run"]).status == 0)
    try project.write("elt.yml", ProgramProject.settings(broker: broker.address))
    let replay = try project.elt(["quarantine", "replay", "--all"])
    #expect(replay.status == 0, "\(replay.err)")
    #expect(replay.out.hasPrefix("1 record is a row now; 1 record stays:"), "\(replay.out)")
}

@Test func `quiet leaves out what nobody asked for, and nothing else`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    try broker.send([.customer("c-1")])
    let help = try project.elt(["run", "--help"])
    let words = help.out.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("No summary and no notes: only warnings, errors and what was asked for."))
    for command in [["run"], ["build"], ["rebuild", "--from-archive"], ["test"]] {
        let outcome = try project.elt(command + ["--quiet"])
        #expect(outcome.status == 0)
        #expect(outcome.out == "", "\(command): \(outcome.out)")
        #expect(outcome.err == "", "\(command): \(outcome.err)")
        #expect(try project.elt(command + ["--quiet", "--json"]).document != nil)
    }
    #expect(try project.elt(["query", "-q", "select id from current_customer"]).out.contains("c-1"))
    #expect(try project.elt(["status", "--quiet"]).out != "")
    let failed = try project.elt(["run", "--at", "x", "--quiet"])
    #expect(failed.status == 64)
    #expect(failed.err != "")
}
