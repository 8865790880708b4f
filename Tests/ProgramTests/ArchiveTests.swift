import Foundation
import Testing

@Test func `what commands that only read say of a torn manifest mends it`() throws {
    let project = try ProgramProject(ProgramProject.settingsWithoutBroker)
    #expect(try project.elt(["run"]).status == 0)
    let whole = try project.read("archive/manifest.ndjson")
    try project.write("archive/manifest.ndjson", whole + whole.prefix(40))
    for command in [["archive", "list"], ["run", "--dry-run"], ["rebuild", "--from-archive", "--verify"]] {
        for _ in 0..<2 {
            let torn = try project.elt(command + ["--json"])
            #expect(torn.status == 74, "\(command): \(torn.err)")
            #expect(torn.error?["code"] as? String == "archive.manifest-torn")
            #expect((torn.error?["remedy"] as? String)?.contains("'elt build'") == true, "\(torn.err)")
        }
    }
    #expect(try project.elt(["build"]).status == 0)
    #expect(try project.elt(["archive", "list"]).status == 0)
}
