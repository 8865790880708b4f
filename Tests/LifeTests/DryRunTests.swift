import ELTCore
import ELTExtract
import ELTLoad
import ELTRun
import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import SQLite
import Testing

@Suite struct DryRunTests {
    private func dryRun(_ project: ReplayProject, hours: Int, models: String? = nil) throws -> RunReport {
        var options = RunOptions()
        options.dryRun = true
        return try project.engine(hours: hours, models: models).run(options)
    }

    /// All files below the project with their sizes, and what the ledger says.
    private func trace(_ project: ReplayProject) throws -> [String] {
        var found: [String] = []
        for case let name as String in FileManager.default.enumerator(atPath: project.folder) ?? .init() {
            // SQLite's own files beside the warehouse come and go with connections.
            if name.hasSuffix("-wal") || name.hasSuffix("-shm") { continue }
            let path = project.folder + "/" + name
            found.append("\(name) \(try FileManager.default.attributesOfItem(atPath: path)[.size] ?? 0)")
        }
        let ledger = ["elt_runs", "elt_segments", "elt_offsets", "elt_quarantine", "elt_meta", "elt_tests"]
        if FileManager.default.fileExists(atPath: project.settings.warehousePath) {
            let reader = try WarehouseReader(path: project.settings.warehousePath)
            for table in ledger {
                found += try reader.rows("SELECT * FROM \(table)").map { "\(table) \($0)" }.sorted()
            }
        }
        return found.filter { !$0.hasPrefix("warehouse ") && !$0.hasPrefix("archive ") }.sorted()
    }

    private func project() throws -> ReplayProject {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("create", key: "b", name: "B", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        project.produce("create", key: "c", name: "C", hour: 26)
        project.produce("create", key: "a", name: "A again", hour: 26)
        return project
    }

    @Test func `A dry run that fails leaves nothing`() throws {
        let project = try project()
        let tests = project.folder + "/failing"
        try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
        try "select 1".write(toFile: tests + "/never.sql", atomically: true, encoding: .utf8)
        project.source.produce(
            to: TopicPartition("create", 1), timestamp: project.start.milliseconds, key: nil,
            value: Array("no JSON".utf8))
        let before = try trace(project)
        #expect(throws: TransformError.self) { try dryRun(project, hours: 27, models: tests) }
        #expect(try trace(project) == before)
        project.settings.limits.maxQuarantined.count = 0
        #expect(throws: LoadError.self) { try dryRun(project, hours: 27) }
        #expect(try trace(project) == before)
        project.settings.limits.maxQuarantined.count = nil
        #expect(try dryRun(project, hours: 27).status == "rolled back")
        #expect(try trace(project) == before)
        project.source.forget(before: 4, of: TopicPartition("create", 1))
        #expect(throws: ExtractError.self) { try dryRun(project, hours: 27) }
        #expect(try trace(project) == before)
    }

    @Test func `A dry run of a new project leaves nothing`() throws {
        let project = try ReplayProject()
        let before = try trace(project)
        project.produce("create", key: "a", name: "A", hour: 0)
        #expect(try dryRun(project, hours: 1).models.first?.inserted == 1)
        #expect(try trace(project) == before)
        #expect(!FileManager.default.fileExists(atPath: project.folder + "/warehouse"))
        #expect(!FileManager.default.fileExists(atPath: project.folder + "/archive"))
    }

    @Test func `A dry run tells the offsets, the days and the rows`() throws {
        let project = try project()
        let report = try dryRun(project, hours: 27)
        #expect(
            report.extract.ranges == [
                RunReport.Range(topic: "create", partition: 0, incarnation: 1, from: 1, to: 1),
                RunReport.Range(topic: "create", partition: 1, incarnation: 1, from: 1, to: 3),
                RunReport.Range(topic: "delete", partition: 0, incarnation: 1, from: 0, to: 0),
                RunReport.Range(topic: "delete", partition: 1, incarnation: 1, from: 0, to: 0),
            ])
        let days = [0, 1].map { project.settings.zone.day(of: project.start + .seconds($0 * 86_400)) }
        #expect(Set(report.models.flatMap(\.days)).isSuperset(of: [days[1].description]))
        let current = try #require(report.models.first { $0.name == "current_customer" })
        #expect((current.inserted, current.updated, current.removed) == (1, 1, 0))
        #expect(try project.engine(hours: 27).run(RunOptions()).models == report.models)
    }
}
