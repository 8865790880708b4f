import ELTCore
import ELTRun
import ELTSQLite
import Foundation
import SQLite
import Testing

@Suite struct NumberingTests {
    private func ids(_ project: ReplayProject) throws -> [String] {
        try WarehouseReader(path: project.settings.warehousePath).rows(
            "SELECT _id, _topic, _key FROM raw_customer_stream ORDER BY _id"
        ).map { "\($0[0].integer ?? 0) \($0[1].text ?? "") \($0[2].text ?? "")" }
    }

    /// As a kill leaves it that comes after the files and before their entries.
    private func loseEntries(_ project: ReplayProject) throws {
        let files = FileManager.default
        try files.removeItem(atPath: project.settings.archivePath + "/manifest.ndjson")
        try files.removeItem(atPath: project.folder + "/warehouse")
        _ = files.createFile(atPath: project.settings.archivePath + "/.extracting", contents: nil)
    }

    @Test func `Raw rows have the same numbers whatever was loaded first`() throws {
        let project = try ReplayProject()
        // Files are adopted by name, and extracted in the order of the settings.
        project.settings.entities[0].topics.reverse()
        for key in ["a", "b"] { project.produce("create", key: key, name: "N", hour: 0) }
        for key in ["a", "b"] { project.produce("delete", key: key, name: nil, hour: 0) }
        _ = try project.engine(hours: 1).run(RunOptions())
        let before = try ids(project)
        #expect(before.count == 4)
        try loseEntries(project)
        _ = try project.engine(hours: 1).run(RunOptions())
        #expect(try ids(project) == before)

        // Nor does it matter which partition had its first event earlier.
        let other = try ReplayProject()
        other.settings.entities[0].topics.reverse()
        other.produce("create", key: "b", name: "N", hour: 0)
        _ = try other.engine(hours: 1).run(RunOptions())
        other.produce("create", key: "a", name: "N", hour: 0)
        for key in ["b", "a"] { other.produce("delete", key: key, name: nil, hour: 0) }
        _ = try other.engine(hours: 1).run(RunOptions())
        #expect(try ids(other) == before)
    }

    @Test func `Numbers are those of the place, and never given twice`() throws {
        var places: Set<Int64> = []
        for incarnation in 1...6 {
            for partition in Int32(0)..<50 {
                for topic in 0..<3 {
                    let number = try #require(
                        PartitionNumber.of(
                            topic: topic, of: 3, incarnation: incarnation, partition: partition))
                    #expect(places.insert(number).inserted && number > 0)
                }
            }
        }
        #expect(PartitionNumber.of(topic: 0, of: 3, incarnation: 1, partition: 20_000) != nil)
        #expect(PartitionNumber.of(topic: 0, of: 3, incarnation: 40, partition: 0) == nil)
        #expect(PartitionNumber.of(topic: 0, of: 3, incarnation: 1, partition: .max) == nil)
    }

    @Test func `A place beyond the numbers that places have gets one that's left`() throws {
        let project = try ReplayProject()
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        try warehouse.transaction {
            let session = warehouse.loadSession(settings: project.settings)
            for life in [1, 40, 41, 42, 41] {
                let place = SegmentPlace(entity: "customer", topic: "create", incarnation: life, partition: 0)
                _ = try session.streamWriter(for: place)
            }
        }
        try warehouse.install()
        let ids = try WarehouseReader(path: project.settings.warehousePath).rows(
            "SELECT id FROM elt_partitions ORDER BY incarnation"
        ).compactMap { $0[0].integer }
        #expect(ids == [1, (1 << 18) - 1, (1 << 18) - 2, (1 << 18) - 3])
    }
}
