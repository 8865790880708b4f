import ELTCore
import ELTLoad
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import Testing

/// A run that a limit stopped isn't let pass by being run again.
@Suite struct LimitTests {
    /// An hour that was published, and one that brings more than the limit lets pass.
    private func project(_ limit: (inout QuarantineLimit) -> Void) throws -> ReplayProject {
        let project = try ReplayProject()
        limit(&project.settings.limits.maxQuarantined)
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        for key in ["b", "c", "d"] { poison(project, key) }
        project.produce("create", key: "e", name: "E", hour: 1)
        expectRefusal(project, hours: 2)
        return project
    }

    private func poison(_ project: ReplayProject, _ key: String) {
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: Array(key.utf8),
            value: Array(#"{"id":"\#(key)","name":"rather long and no JSON"#.utf8))
    }

    private func expectRefusal(
        _ project: ReplayProject, hours: Int, _ code: String = "load.quarantine-limit",
        _ location: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: LoadError.self, sourceLocation: location) {
            try project.engine(hours: hours).run(RunOptions())
        }
        #expect(error?.code == code, sourceLocation: location)
    }

    @Test(arguments: [true, false])
    func `A run over the limit keeps failing until the limit is raised`(byCount: Bool) throws {
        let project = try project { if byCount { $0.count = 2 } else { $0.share = 0.5 } }
        expectRefusal(project, hours: 3)
        // Good records of later hours don't make up for it.
        for key in ["f", "g", "h", "i", "j", "k"] { project.produce("create", key: key, name: "N", hour: 3) }
        expectRefusal(project, hours: 4)
        #expect(throws: LoadError.self) { try project.engine(hours: 4).build(RunOptions(), days: nil) }
        #expect(throws: LoadError.self) { try project.engine(hours: 4).fullLoad([], acceptShrink: true) }
        #expect(try project.names() == ["a A"])

        project.settings.limits.maxQuarantined = QuarantineLimit()
        project.settings.limits.maxQuarantined.count = 3
        _ = try project.engine(hours: 5).run(RunOptions())
        #expect(try project.names().count == 8)
        try project.verify()
    }

    @Test func `A lost warehouse doesn't let pass what comes with the run that finds it lost`() throws {
        let project = try ReplayProject()
        project.settings.limits.maxQuarantined.count = 2
        for hour in 0..<2 {
            poison(project, "a\(hour)")
            poison(project, "b\(hour)")
            _ = try project.engine(hours: hour + 1).run(RunOptions())
        }
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        for key in ["c", "d", "e"] { poison(project, key) }
        expectRefusal(project, hours: 4)
        project.settings.limits.maxQuarantined.count = 3
        _ = try project.engine(hours: 5).run(RunOptions())
    }

    @Test func `What was published once isn't counted again`() throws {
        let project = try project { $0.count = 2 }
        project.settings.limits.maxQuarantined.count = 3
        _ = try project.engine(hours: 3).run(RunOptions())
        project.settings.limits.maxQuarantined.count = 2
        _ = try project.engine(hours: 4).run(RunOptions())
        poison(project, "f")
        _ = try project.engine(hours: 5).run(RunOptions())
        // Nor when everything is loaded again.
        project.settings.limits.maxClockSkew = .seconds(600)
        _ = try project.engine(hours: 6).run(RunOptions())
        _ = try project.engine(hours: 6).rebuild(at: false)
        _ = try project.engine(hours: 7).run(RunOptions())
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        _ = try project.engine(hours: 8).run(RunOptions())
    }

    @Test func `Hours that failed for another reason don't add up`() throws {
        let project = try ReplayProject()
        project.settings.limits.maxQuarantined.count = 2
        let tests = project.folder + "/failing"
        try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
        try "select 1".write(toFile: tests + "/never.sql", atomically: true, encoding: .utf8)
        for hour in 1...3 {
            for _ in 1...2 { poison(project, "x") }
            _ = try? project.engine(hours: hour, models: tests).run(RunOptions())
        }
        _ = try project.engine(hours: 4).run(RunOptions())
    }

    @Test func `Settings that load everything again don't let pass what failed`() throws {
        let project = try project { $0.count = 2 }
        project.settings.limits.maxClockSkew = .seconds(600)
        expectRefusal(project, hours: 3)
    }

    @Test func `A replay that brings it below the limit lets the run pass`() throws {
        let project = try ReplayProject()
        project.settings.limits.maxQuarantined.count = 1
        try project.withOlderProgram {
            for key in ["a", "b"] { project.produce("create", key: key, name: "Rather long a name", hour: 0) }
            expectRefusal(project, hours: 1)
        }
        expectRefusal(project, hours: 2)
        let first = try project.ids()[0]
        #expect(try project.engine(hours: 2).replay(ids: [first]).released.count == 1)
        #expect(try project.names().count == 1)
        _ = try project.engine(hours: 3).run(RunOptions())
        #expect(try project.engine(hours: 4).replay(ids: nil).released.count == 1)
        try project.verify()
    }

    @Test func `A replay that leaves too much doesn't publish either`() throws {
        let project = try project { $0.count = 2 }
        #expect(throws: LoadError.self) { try project.engine(hours: 3).replay(ids: nil) }
        expectRefusal(project, hours: 3)
    }

    @Test func `A forbidden field keeps failing until the policy is changed`() throws {
        let project = try ReplayProject()
        project.settings.entities[0].columnPolicy = .fail
        project.settings.entities[0].columns = [
            ColumnSettings(name: "id", type: .text), ColumnSettings(name: "name", type: .text),
        ]
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: nil,
            value: Array(#"{"id":"b","name":"B","more":1}"#.utf8))
        for hour in 2...3 { expectRefusal(project, hours: hour, "load.forbidden-fields") }
        project.produce("create", key: "c", name: "C", hour: 3)
        expectRefusal(project, hours: 4, "load.forbidden-fields")
        project.settings.entities[0].columnPolicy = .ignore
        _ = try project.engine(hours: 5).run(RunOptions())
        #expect(try project.names() == ["a A", "b B", "c C"])
        // It was let pass once, so the policy doesn't find it again.
        project.settings.entities[0].columnPolicy = .fail
        _ = try project.engine(hours: 6).run(RunOptions())
    }
}
