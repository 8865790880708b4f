import ELTCore
import ELTReport
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

    @Test func `Status doesn't go back when an earlier hour is done again`() throws {
        let project = try ReplayProject()
        func hour() throws -> Int64? {
            let status = try StatusReader(
                settings: project.settings, reader: WarehouseReader(path: project.settings.warehousePath),
                clock: project.start + .seconds(9 * 3600), newestSequence: nil, countsAll: false
            ).read()
            guard let instant = status.completeThrough.flatMap({ Zone.utc.instant($0) }) else { return nil }
            #expect(status.ageSeconds == Double(project.start.milliseconds - instant.milliseconds) / 1000 + 9 * 3600)
            return (instant.milliseconds - project.start.milliseconds) / 3_600_000
        }
        _ = try project.engine(hours: 1).build(RunOptions(), days: nil)
        #expect(try hour() == 1)
        for (now, through) in [(3, 3), (2, 3), (4, 4)] {
            project.produce("create", key: "a", name: "A", hour: now - 1)
            _ = try project.engine(hours: now).run(RunOptions())
            #expect(try hour() == Int64(through))
        }
        // The ledger of runs goes with the warehouse.
        try FileManager.default.removeItem(atPath: project.settings.warehousePath)
        _ = try project.engine(hours: 6).rebuild(at: true)
        #expect(try hour() == 4)
    }

    @Test func `The report and the status tell the hours until retention bites`() throws {
        let project = try ReplayProject()
        project.source.kept = ["create": .time(.seconds(168 * 3600)), "delete": .unlimited]
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("delete", key: "b", name: nil, hour: 0)
        func status(hours: Int) throws -> Status {
            try StatusReader(
                settings: project.settings, reader: WarehouseReader(path: project.settings.warehousePath),
                clock: project.start + .seconds(hours * 3600), newestSequence: nil, countsAll: false
            ).read()
        }
        var dry = RunOptions()
        dry.dryRun = true
        for options in [dry, RunOptions()] {
            let report = try project.engine(hours: 1).run(options)
            #expect(report.lag.filter { $0.topic == "create" }.allSatisfy { $0.hoursLeft == 168 })
            #expect(report.lag.filter { $0.topic == "delete" }.allSatisfy { $0.hoursLeft == nil })
        }
        // Commands that don't read the stream change nothing of it.
        _ = try project.engine(hours: 20).build(RunOptions(), days: nil)
        let soon = try status(hours: 25)
        #expect(soon.hoursLeft == 144)
        #expect(soon.topics.map(\.hoursLeft) == [144, nil])
        #expect(soon.text.contains("retention bites in 6.0 d"), "\(soon.text)")
        #expect(try status(hours: 170).hoursLeft == 0)
        #expect(try status(hours: 170).text.contains("see 'elt lag'"))
        project.source.kept = [:]
        _ = try project.engine(hours: 30).run(RunOptions())
        #expect(try status(hours: 31).hoursLeft == nil)
    }
}
