import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import SQLite
import Testing

@Suite struct FreshnessTests {
    private func completeThrough(_ project: ReplayProject) throws -> [Int64?] {
        try WarehouseReader(path: project.settings.warehousePath).rows(
            "SELECT complete_through FROM elt_freshness ORDER BY topic"
        ).map { row in
            row[0].text.flatMap { Zone.utc.instant($0) }.map {
                ($0.milliseconds - project.start.milliseconds) / 3_600_000
            }
        }
    }

    @Test func `Only runs that read the stream say through when it's complete`() throws {
        let project = try ReplayProject()
        project.snapshot.pages = [[#"{"id":"a","name":"Full"}"#]]
        _ = try project.engine(hours: 1).fullLoad([], acceptShrink: true)
        project.produce("create", key: "a", name: "A", hour: 2)
        project.produce("delete", key: "b", name: nil, hour: 2)
        _ = try project.engine(hours: 3).run(RunOptions())
        #expect(try completeThrough(project) == [3, 3])
        _ = try project.engine(hours: 5).fullLoad([], acceptShrink: true)
        _ = try project.engine(hours: 6).build(RunOptions(), days: nil)
        _ = try project.engine(hours: 7).rebuild(at: true)
        #expect(try completeThrough(project) == [3, 3])
        // An hour that is done again says nothing of what came after it.
        _ = try project.engine(hours: 2).run(RunOptions())
        #expect(try completeThrough(project) == [3, 3])
        _ = try project.engine(hours: 8).run(RunOptions())
        #expect(try completeThrough(project) == [8, 8])
    }

    @Test func `What a run read and another command published counts from then on`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        let tests = project.folder + "/failing"
        try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
        try "select 1".write(toFile: tests + "/never.sql", atomically: true, encoding: .utf8)
        _ = try? project.engine(hours: 2, models: tests).run(RunOptions())
        #expect(try completeThrough(project) == [1])
        _ = try project.engine(hours: 4).build(RunOptions(), days: nil)
        #expect(try completeThrough(project) == [2])
    }
}
