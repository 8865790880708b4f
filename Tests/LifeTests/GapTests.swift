import ELTCore
import ELTRun
import ELTTesting
import Testing

@Suite struct GapTests {
    /// Four events of one partition, of which one is archived and two are lost then.
    private func project() throws -> ReplayProject {
        let project = try ReplayProject()
        project.snapshot.pages = [[#"{"id":"a","name":"Full"}"#]]
        project.produce("create", key: "a", name: "1", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        for hour in 1...3 { project.produce("create", key: "a", name: "\(hour + 1)", hour: hour) }
        return project
    }

    @Test(arguments: [true, false])
    func `A gap is told as healed by a full load, or as accepted`(_ isHealed: Bool) throws {
        let project = try project()
        if isHealed { _ = try project.engine(hours: 4).fullLoad([], acceptShrink: true) }
        project.source.forget(before: 3, of: TopicPartition("create", 1))
        var options = RunOptions()
        options.acceptGap = !isHealed
        let report = try project.engine(hours: 5).run(options)
        #expect(report.gaps.count == 1)
        let warning = try #require(report.warnings.first { $0.contains("create/1: offsets 1..<3 are lost") })
        #expect(warning.contains("heals the gap") == isHealed)
        #expect(warning.contains("is accepted") == !isHealed)
    }
}
