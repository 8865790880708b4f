import ELTArchive
import ELTCore
import ELTReport
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import SQLite
import Testing

@Suite struct ExplanationTests {
    private func reader(_ project: ReplayProject) throws -> ExplanationReader {
        ExplanationReader(
            reader: try WarehouseReader(path: project.settings.warehousePath),
            entity: project.settings.entities[0],
            archive: try LocalArchive(path: project.settings.archivePath, creating: false))
    }

    @Test(arguments: [FullLoadSettings.Absent.keep, .remove])
    func `The winner of every key on every day is the one that the tables were made of`(
        absent: FullLoadSettings.Absent
    ) throws {
        let project = try QuarantineReplayTests.project(absent)
        _ = try project.engine(hours: 22).replay(ids: nil)
        let reader = try reader(project)
        let rows = try reader.reader.rows("SELECT key, from_day, removed FROM elt_customer_winners")
        #expect(rows.count >= 5)
        for row in rows {
            let day = Day(daysSinceEpoch: Int32(row[1].integer ?? 0))
            let explanation = try reader.explain(row[0].text ?? "", day: day)
            #expect(explanation.isPublished)
            #expect((explanation.outcome == .living) == (row[2] == .integer(0)))
            #expect(explanation.losers.allSatisfy { $0.rule != nil })
        }
    }

    @Test func `What was loaded and isn't published yet is told as such`() throws {
        let project = try QuarantineReplayTests.project(.keep)
        #expect(try reader(project).explain("c", day: nil).winner?.kind == "full_load")
        let tests = project.folder + "/failing"
        try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
        try "select id from {{ ref('current_customer') }}".write(
            toFile: tests + "/never.sql", atomically: true, encoding: .utf8)
        _ = try? project.engine(hours: 22, models: tests).replay(ids: nil)
        let explanation = try reader(project).explain("c", day: nil)
        #expect(explanation.winner?.kind == "event")
        #expect(!explanation.isPublished)
        #expect(explanation.losers.map(\.rule) == ["row of full load 1; the winner is an event after it"])
    }

    @Test func `A key that was gone on the day it came is published as gone`() throws {
        let project = try ReplayProject(absent: .remove)
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        project.snapshot.pages = [[#"{"id":"b","name":"B"}"#]]
        _ = try project.engine(hours: 2).fullLoad([], acceptShrink: true)
        let explanation = try reader(project).explain("a", day: nil)
        #expect(explanation.outcome == .absent)
        #expect(explanation.isPublished)
    }

    @Test func `The winner's line in the archive is where its record stands`() throws {
        let project = try QuarantineReplayTests.project(.remove)
        _ = try project.engine(hours: 22).replay(ids: nil)
        let gone = try reader(project).explain("d", day: nil)
        #expect(gone.outcome == .removed)
        #expect(gone.winner?.operation == "delete")
        #expect(gone.winner?.line == 1)
        #expect(gone.winner?.file?.hasSuffix("00000000000000000000-00000000000000000000.ndjson.zst") == true)
        #expect(gone.losers.map(\.operation) == ["create", "create"])

        let absent = try reader(project).explain("e", day: nil)
        #expect(absent.outcome == .absent)
        #expect(absent.losers.map(\.rule) == ["full load 1, which came later, doesn't list the key"])
        #expect(throws: ReportError.noSuchKey(entity: "customer")) {
            try reader(project).explain("nobody", day: nil)
        }
        let before = Day(daysSinceEpoch: 0)
        #expect(try reader(project).explain("e", day: before).outcome == .notYet)
    }
}
