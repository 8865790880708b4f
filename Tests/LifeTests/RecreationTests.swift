import ELTArchive
import ELTCore
import ELTReport
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import Testing

/// A topic that's deleted and made anew while a run reads it.
@Suite struct RecreationTests {
    private func produce(_ project: ReplayProject, _ life: String, _ numbers: Range<Int>, hour: Int) {
        for number in numbers { project.produce("create", key: "\(life)\(number)", name: "N", hour: hour) }
    }

    /// The connection is lost, and what's read on has as many records. The one partition is read whole by then.
    @Test(arguments: [0, 6])
    func `A topic that's made anew while it's read is read from its beginning`(archived: Int) throws {
        let project = try ReplayProject()
        if archived > 0 {
            produce(project, "a", 0..<archived, hour: 0)
            _ = try project.engine(hours: 1).run(RunOptions())
        }
        produce(project, "a", archived..<20, hour: 1)
        project.source.beforeRecord = { brought in
            guard brought == 12 else { return }
            project.source.beforeRecord = nil
            project.source.recreate("create")
            produce(project, "b", 0..<30, hour: 1)
            project.source.wasTroubled = true
        }
        let report = try project.engine(hours: 2).run(RunOptions())
        #expect(report.warnings.contains { $0.contains("create was recreated (while it was read") }, "\(report.warnings)")
        project.source.wasTroubled = false
        // As far as the topic reached when the run began, then the rest.
        _ = try project.engine(hours: 3).run(RunOptions())
        let expected = (0..<archived).map { "a\($0) N" } + (0..<30).map { "b\($0) N" }
        #expect(try project.names() == expected.sorted())
        try LocalArchive(path: project.settings.archivePath).checkListed()
        try project.verify(hours: 3)
    }

    @Test func `After trouble a topic that's the same is read on`() throws {
        let project = try ReplayProject()
        produce(project, "a", 0..<20, hour: 1)
        project.source.wasTroubled = true
        let report = try project.engine(hours: 2).run(RunOptions())
        #expect(report.warnings == [])
        #expect(try project.names().count == 20)
        try project.verify(hours: 2)
    }
}
