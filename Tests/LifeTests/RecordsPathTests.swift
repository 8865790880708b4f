import ELTArchive
import ELTCore
import ELTReport
import ELTRun
import ELTSQLite
import ELTTesting
import Testing

@testable import ELTLoad

/// A service that calls the list in its pages something else one day.
@Suite struct RecordsPathTests {
    private static func loaded(_ name: String?) throws -> ReplayProject {
        let project = try ReplayProject()
        try project.fullLoad(
            name, [#"{"id":"a","name":"A"}"#, #"{"id":"b","name":"Too long for the limit"}"#], hours: 1)
        return project
    }

    @Test(arguments: ["items", nil], ["data", nil])
    func `archived pages are read by the setting that they came under`(then: String?, now: String?) throws {
        let project = try Self.loaded(then)
        project.settings.entities[0].fullLoad?.records = now.map { [$0] } ?? []
        _ = try project.engine(hours: 2).run(RunOptions())
        #expect(try project.names() == ["a A", "b Too long for the limit"])
        try project.verify()
        try project.fullLoad(now, [#"{"id":"a","name":"A2"}"#, #"{"id":"c","name":"C"}"#], hours: 3)
        #expect(try project.names() == ["a A2", "b Too long for the limit", "c C"])
        try project.verify()
    }

    @Test func `a quarantined row is shown and replayed by the setting that it came under`() throws {
        let project = try ReplayProject()
        try project.withOlderProgram {
            try project.fullLoad("items", [#"{"id":"a","name":"Too long for the limit"}"#], hours: 1)
        }
        try project.withOlderProgram {
            project.settings.entities[0].fullLoad?.records = ["data"]
            _ = try project.engine(hours: 2).run(RunOptions())
        }
        project.settings.entities[0].fullLoad?.records = ["data"]
        let reader = QuarantineReader(try WarehouseReader(path: project.settings.warehousePath))
        let record = try #require(try reader.list().first)
        _ = try reader.bytes(
            of: record, settings: project.settings, archive: try LocalArchive(path: project.settings.archivePath))
        #expect(try project.engine(hours: 3).replay(ids: nil).released.count == 1)
        #expect(try project.names() == ["a Too long for the limit"])
    }

    /// The manifest as an elt wrote it that didn't keep the setting.
    @Test(arguments: ["data", nil])
    func `a load that didn't keep its setting isn't read by one that doesn't fit`(now: String?) throws {
        let project = try Self.loaded("items")
        let archive = try LocalArchive(path: project.settings.archivePath)
        guard case .fullLoad(var load)? = try archive.entries(after: 0).first?.content else {
            return #expect(Bool(false), "no full load")
        }
        load.records = nil
        var entity = project.settings.entities[0]
        entity.fullLoad?.records = now.map { [$0] } ?? []
        let error = #expect(throws: LoadError.self) { try Self.rows(of: load, entity, archive) }
        #expect(error?.problem.hasPrefix("The pages of full load 1 of customer (entity=customer/full_load=000001/") == true)
        #expect(error?.remedy.contains("set full_load.records in elt.yml to what it was then") == true)
        #expect(try Self.rows(of: load, project.settings.entities[0], archive) == 2)
    }

    private static func rows(of load: FullLoadEntry, _ entity: EntitySettings, _ archive: LocalArchive) throws -> Int {
        var count = 0
        try ArchivedRecords.rows(of: load, entity, maxBytes: 1000, archive, page: { _ in }) { _, _ in count += 1 }
        return count
    }
}

extension ReplayProject {
    fileprivate func fullLoad(_ name: String?, _ rows: [String], hours: Int) throws {
        snapshot.recordsName = name
        settings.entities[0].fullLoad?.records = name.map { [$0] } ?? []
        snapshot.pages = [rows]
        _ = try engine(hours: hours).fullLoad([], acceptShrink: true)
    }
}
