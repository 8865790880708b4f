import ELTArchive
import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import SQLite
import Testing

/// Raw rows that a new warehouse gets as pages are those that it would get by INSERT, whatever the archive holds.
@Suite struct GraftedLoadTests {
    /// All that's loaded and built.
    private func tables(_ project: ReplayProject) throws -> [String] {
        let full = try project.rows("SELECT name FROM sqlite_schema WHERE name='raw_customer_full'")
        return try (["raw_customer_stream", "elt_quarantine", "elt_pending", "elt_offsets", "current_customer", "customer_history"] + full)
            .flatMap { table in try project.rows("SELECT * FROM \(table)").sorted().map { "\(table): \($0)" } }
    }

    /// Has the warehouse lost and made again of the archive, by a rebuild and by a run.
    private func expectSameWhenLost(_ project: ReplayProject, hours: Int, isGrafted: Bool) throws {
        let before = try tables(project)
        try project.verify(hours: hours)
        for rebuilds in [true, false] {
            try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
            _ = try rebuilds ? project.engine(hours: hours).rebuild(at: false) : project.engine(hours: hours).run(RunOptions())
            let after = try tables(project)
            #expect(after == before, "\(rebuilds ? "rebuilt" : "run")")
            try project.verify(hours: hours)
            let database = try Database(path: project.settings.warehousePath, mode: .readOnly)
            #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
            // Of the room that SQLite is given most is left.
            let free = try database.value("PRAGMA freelist_count").integer ?? 0
            #expect((free > 20) == isGrafted, "\(free) free pages")
        }
    }

    @Test func `Rows of several months, topics and full loads`() throws {
        let project = try ReplayProject(absent: .remove)
        project.snapshot.pages = [[#"{"id":"a","name":"Full"}"#, #"{"id":"c","name":"Full"}"#], [#"{"id":"d","name":"Full"}"#]]
        for day in 0..<40 {
            for key in ["a", "b", "c", "d"] where day % 3 != 0 || key != "c" { project.produce("create", key: key, name: "day \(day)", hour: day * 24) }
            if day % 7 == 2 { project.produce("delete", key: "b", name: nil, hour: day * 24) }
            if day % 10 == 4 {
                // An hour that runs during the full load brings events that come after it.
                project.snapshot.between = { [unowned project] page in
                    guard page == 1 else { return }
                    project.produce("create", key: "a", name: "meanwhile", hour: day * 24 + 1)
                    _ = try project.engine(hours: day * 24 + 2).run(RunOptions())
                }
                _ = try project.engine(hours: day * 24 + 1).run(RunOptions())
                _ = try project.engine(hours: day * 24 - 24).fullLoad([], acceptShrink: true)
            }
        }
        project.snapshot.between = nil
        _ = try project.engine(hours: 1000).run(RunOptions())
        #expect(try project.rows("SELECT DISTINCT _epoch FROM raw_customer_stream WHERE name = 'meanwhile'").count == 4)
        try expectSameWhenLost(project, hours: 1000, isGrafted: true)
    }

    /// Rows that are there already become texts, which pages can't.
    @Test func `A number that becomes a text while it's loaded`() throws {
        let project = try ReplayProject()
        for (hour, value) in ["1", "2", #""x""#, "3"].enumerated() {
            let text = #"{"id":"k\#(hour)","name":"N","size":\#(value),"extra\#(hour)":true}"#
            project.source.produce(
                to: TopicPartition("create", 0), timestamp: (project.start + .seconds(hour * 3600)).milliseconds, key: nil, value: Array(text.utf8))
            _ = try project.engine(hours: hour + 1).run(RunOptions())
        }
        #expect(try project.rows("SELECT DISTINCT typeof(size) FROM raw_customer_stream").count == 1)
        try expectSameWhenLost(project, hours: 5, isGrafted: false)
    }

    @Test func `New columns while it's loaded`() throws {
        let project = try ReplayProject()
        for hour in 0..<6 {
            let text = #"{"id":"k\#(hour % 3)","name":"N\#(hour)","extra\#(hour)":\#(hour)}"#
            project.source.produce(
                to: TopicPartition("create", Int32(hour % 2)), timestamp: (project.start + .seconds(hour * 3600)).milliseconds, key: nil,
                value: Array(text.utf8))
        }
        _ = try project.engine(hours: 7).run(RunOptions())
        try expectSameWhenLost(project, hours: 7, isGrafted: true)
    }

    @Test func `Offsets that were read again`() throws {
        let project = try ReplayProject()
        for hour in 0..<4 {
            for key in ["a", "b"] { project.produce("create", key: key, name: "\(hour)", hour: hour) }
            _ = try project.engine(hours: hour + 1).run(RunOptions())
        }
        _ = try project.engine(hours: 5).rewind(RewindRequest(to: .instant(project.start + .seconds(3600))))
        _ = try project.engine(hours: 5).run(RunOptions())
        try expectSameWhenLost(project, hours: 5, isGrafted: false)
    }

    /// They need more room than SQLite is given among the pages of the rows.
    @Test func `More in quarantine than there's room for`() throws {
        let project = try ReplayProject()
        project.settings.limits.maxQuarantined.count = 100_000
        for number in 0..<30_000 {
            let value = number % 300 == 0 ? #"{"id":"k\#(number)","name":"N"}"# : "no JSON \(number)"
            project.source.produce(to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: nil, value: Array(value.utf8))
        }
        let report = try project.engine(hours: 1).run(RunOptions())
        #expect(report.load.quarantined == 29_900)
        #expect(try project.names().count == 100)
        try expectSameWhenLost(project, hours: 1, isGrafted: false)
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        #expect(try project.engine(hours: 1).rebuild(at: false).load.quarantined == 29_900)
    }

    @Test func `A load that fails leaves no pages behind`() throws {
        let project = try ReplayProject()
        for number in 0..<3000 { project.produce("create", key: "k\(number)", name: "N", hour: 0) }
        let path = project.settings.warehousePath
        let warehouse = try SQLiteWarehouse(path: path)
        struct Ended: Error {}
        let before = try FileManager.default.attributesOfItem(atPath: path + "-new")[.size] as? Int
        #expect(throws: Ended.self) {
            try warehouse.loading {
                let session = warehouse.loadSession(settings: project.settings)
                try session.expect(entries: 1, records: 3000)
                let writer = try session.streamWriter(for: SegmentPlace(entity: "customer", topic: "create", incarnation: 1, partition: 0))
                let text = Array(repeating: UInt8(ascii: "x"), count: 20_000)
                try text.withUnsafeBytes { text in
                    for offset in 0..<500 as Range<Int64> {
                        try writer.insert(
                            StreamRow(
                                offset: offset, key: text, time: 0, kafkaTime: 0, isClockCorrected: false, day: Day(daysSinceEpoch: 0), epoch: 0,
                                removes: true, cells: UnsafeBufferPointer(start: nil, count: 0)))
                    }
                }
                #expect(try FileManager.default.attributesOfItem(atPath: path + "-new")[.size] as? Int ?? 0 > 5_000_000)
                throw Ended()
            }
        }
        #expect(try FileManager.default.attributesOfItem(atPath: path + "-new")[.size] as? Int == before)
        try warehouse.install()
        #expect(try Database(path: path, mode: .readOnly).query("PRAGMA integrity_check") == [[.text("ok")]])
    }
}
