import Foundation
import Testing

@Test func `a healthy project without declared columns and without data has nothing wrong`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    try FileManager.default.removeItem(atPath: project.folder + "/models/schema.yml")
    let before = try project.elt(["doctor"])
    #expect(before.status == 0, "\(before.out)")
    let run = try project.elt(["run"])
    #expect(run.status == 0, "\(run.err)")
    let after = try project.elt(["doctor", "--json"])
    #expect(after.status == 0, "\(after.out)")
    try broker.send([.customer("c-1", "\"city\":\"Hamburg\"")])
    #expect(try project.elt(["run"]).status == 0)
    #expect(try project.elt(["query", "--format", "csv", "select id, city from current_customer"]).out.hasSuffix("\r\nc-1,Hamburg\r\n"))
    #expect(try project.elt(["doctor"]).status == 0)
}
