import ELTArchive
import ELTCore
import ELTExtract
import ELTLoad
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import SQLite
import Testing

/// What a broker or a service may say and nobody expects, through whole runs.
@Suite struct ForeignInputTests {
    private func run(_ project: ReplayProject, _ hour: Int) throws -> RunReport {
        try project.engine(hours: hour).run(RunOptions())
    }

    /// A broker keeps any number as a timestamp. Once archived it's there for ever.
    static let timestamps: [Int64] = [
        .max, 9_223_372_036_854_775_806, 4_611_686_018_427_387_904, 253_402_300_800_000, -2, -100_000_000_000_001,
        -4_611_686_018_427_387_904, .min,
    ]

    @Test(arguments: timestamps)
    func `No timestamp of a message ends a run, nor any later one`(timestamp: Int64) throws {
        let project = try ReplayProject()
        project.settings.entities[0].eventTime = ["at"]
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: timestamp, key: Array("a".utf8),
            value: Array(#"{"id":"a","name":"A","at":"2026-11-18T10:00:00Z"}"#.utf8))
        project.source.produce(
            to: TopicPartition("create", 0), timestamp: timestamp, key: Array("b".utf8),
            value: Array(#"{"id":"b","name":"B"}"#.utf8))
        _ = try run(project, 1)
        #expect(try project.names() == ["a A"])
        #expect(try project.ids().count == 1)
        _ = try run(project, 2)
        try project.verify()
        _ = try project.engine(hours: 3).rebuild(at: false)
        #expect(try project.names() == ["a A"])
        for case .segment(let segment) in try LocalArchive(path: project.settings.archivePath).entries(after: 0).map(\.content) {
            #expect(segment.lastTimestamp.map { Instant(milliseconds: $0).description.utf8.count } ?? 24 == 24)
        }
    }

    @Test func `A full load that its service dates before 1970 counts from then`() throws {
        let project = try ReplayProject()
        project.snapshot.pages = [[#"{"id":"a","name":"A"}"#]]
        project.snapshot.date = Instant(milliseconds: -1000)
        // A history of twenty thousand days isn't what this is about.
        for name in ["customer_history.sql", "schema.yml"] {
            try FileManager.default.removeItem(atPath: project.folder + "/models/" + name)
        }
        _ = try project.engine(hours: 1).fullLoad([], acceptShrink: true)
        #expect(try project.names() == ["a A"])
        _ = try run(project, 2)
        _ = try project.engine(hours: 3).rebuild(at: false)
        #expect(try project.names() == ["a A"])
    }

    /// The first records of a topic may be gone before a run saw any.
    @Test(arguments: [true, false])
    func `What a topic that was empty has lost before its first record was read is a gap`(isFullyLoaded: Bool) throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        if isFullyLoaded {
            project.snapshot.pages = [[#"{"id":"a","name":"A"}"#]]
            _ = try project.engine(hours: 1).fullLoad([], acceptShrink: true)
        } else {
            _ = try run(project, 1)
        }
        let partition = TopicPartition("delete", 1)
        for key in ["a", "c"] { project.produce("delete", key: key, name: nil, hour: 2) }
        project.source.forget(before: 1, of: partition)
        #expect { try run(project, 3) } throws: { error in
            guard case ExtractError.gap(let gaps)? = error as? ExtractError else { return false }
            return gaps.map(\.partition) == [partition] && gaps.map(\.lost) == [OffsetRange(first: 0, next: 1)]
        }
        var options = RunOptions()
        options.acceptGap = true
        _ = try project.engine(hours: 3).run(options)
        #expect(try project.rows("SELECT count(*) FROM elt_gaps") == ["1"])
        // Whatever the warehouse has forgotten the archive tells.
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        _ = try project.engine(hours: 4).rebuild(at: false)
        #expect(try project.rows("SELECT count(*) FROM elt_gaps") == ["1"])
    }

    /// A run may die between the manifest and the ledger.
    @Test func `What the archive tells of an empty partition counts before it's loaded`() {
        func started(_ offset: Int64, incarnation: Int = 1) -> ManifestEntry {
            let place = SegmentPlace(entity: "customer", topic: "delete", incarnation: incarnation, partition: 1)
            let start = PartitionStart(place: place, offset: offset)
            return ManifestEntry(sequence: 1, content: .run(RunEntry(command: "run", now: .least, starts: [start])))
        }
        let partition = TopicPartition("delete", 1)
        var positions = Positions()
        positions.apply(started(4, incarnation: 2))
        #expect(positions.partitions.isEmpty, "of a life that isn't")
        positions.apply(started(4))
        #expect(positions.partitions == [partition: Position(incarnation: 1, next: 4)])
        positions.partitions[partition]?.next = 9
        positions.apply(started(4))
        #expect(positions.partitions[partition]?.next == 9, "a start is where nothing was known")
    }

    @Test(arguments: [Int64.max, 1 << 62, 1_795_000_000_000])
    func `A gap beside a message of any timestamp can be accepted and rebuilt`(timestamp: Int64) throws {
        let project = try ReplayProject()
        let partition = TopicPartition("create", 0)
        func produce(_ key: String) {
            project.source.produce(
                to: partition, timestamp: timestamp, key: Array(key.utf8), value: Array(#"{"id":"\#(key)","name":"A"}"#.utf8))
        }
        produce("a")
        _ = try run(project, 1)
        for key in ["b", "c", "d"] { produce(key) }
        project.source.forget(before: 3, of: partition)
        var options = RunOptions()
        options.acceptGap = true
        _ = try project.engine(hours: 2).run(options)
        #expect(try project.rows("SELECT count(*) FROM elt_gaps") == ["1"])
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        _ = try project.engine(hours: 3).rebuild(at: false)
        #expect(try project.rows("SELECT count(*) FROM elt_gaps") == ["1"])
    }

    @Test(arguments: [1025, 4097, 20_000])
    func `A listing's row that's too long goes to quarantine, however long it is`(_ length: Int) throws {
        let project = try ReplayProject()
        project.settings.limits.maxMessageBytes = 1024
        let name = String(repeating: "x", count: length)
        project.snapshot.pages = [[#"{"id":"a","name":"A"}"#, #"{"id":"b","name":"\#(name)"}"#], [#"{"id":"c","name":"C"}"#]]
        _ = try project.engine(hours: 1).fullLoad([], acceptShrink: true)
        #expect(try project.names() == ["a A", "c C"])
        #expect(try project.rows("SELECT reason FROM elt_quarantine") == ["too-large"])
        project.settings.limits.maxMessageBytes = 1 << 20
        _ = try run(project, 2)
        #expect(try project.names() == ["a A", "b \(name)", "c C"])
    }

    @Test func `A topic that was recreated between a full load and the first run is another one`() throws {
        let project = try ReplayProject()
        for name in ["A", "B", "C"] { project.produce("create", key: "a", name: name, hour: 0) }
        project.snapshot.pages = [[#"{"id":"a","name":"C"}"#]]
        _ = try project.engine(hours: 1).fullLoad([], acceptShrink: true)
        project.source.recreate("create")
        project.produce("create", key: "a", name: "D", hour: 2)
        let report = try run(project, 3)
        #expect(report.warnings.contains { $0.contains("create was recreated") }, "\(report.warnings)")
        #expect(try project.names() == ["a D"])
        try project.verify()
    }

    /// Under the name that they had, or they'd be in two files.
    @Test func `What a renamed entity reads again lies where it lay, and its lost rows come back`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("create", key: "c", name: "C", hour: 0)
        _ = try run(project, 1)
        try rename(project)
        _ = try run(project, 2)
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        try warehouse.database.execute("DELETE FROM raw_client_stream_2026_11 WHERE _key='a'")
        _ = try project.engine(hours: 3).rewind(RewindRequest(to: .instant(project.start - .seconds(3600))))
        // One of the partitions has new events besides.
        project.produce("create", key: "c", name: "later", hour: 2)
        _ = try run(project, 4)
        #expect(try LocalArchive(path: project.settings.archivePath).verify(progress: SilentProgress()).isEmpty)
        #expect(try project.rows("SELECT count(*) FROM raw_client_stream") == ["3"])
        #expect(try project.names() == ["a A", "c later"])
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        _ = try project.engine(hours: 5).rebuild(at: false)
        #expect(try project.names() == ["a A", "c later"])
    }

    private func rename(_ project: ReplayProject, to name: String = "client") throws {
        project.settings.entities[0].name = name
        for model in ["current_customer", "customer_history"] {
            let path = project.folder + "/models/\(model).sql"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try text.replacing("'customer'", with: "'\(name)'").write(toFile: path, atomically: true, encoding: .utf8)
        }
        try FileManager.default.removeItem(atPath: project.folder + "/models/schema.yml")
        project.entityNames = [name]
    }

    /// Names of tables are made of an entity's, and some are fixed.
    @Test(arguments: ["old", "touched", "winners", "before", "changed", "full", "stream"], ["", ", storage='intervals'"])
    func `An entity may have any name`(_ name: String, storage: String) throws {
        let project = try ReplayProject()
        try rename(project, to: name)
        let path = project.folder + "/models/customer_history.sql"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacing("partition_by='day'", with: "partition_by='day'\(storage)")
            .write(toFile: path, atomically: true, encoding: .utf8)
        for day in 0..<3 {
            project.produce("create", key: "a", name: "A\(day)", hour: day * 24)
            _ = try run(project, day * 24 + 1)
        }
        project.snapshot.pages = [[#"{"id":"a","name":"full"}"#]]
        _ = try project.engine(hours: 50).fullLoad([], acceptShrink: true)
        #expect(try project.rows("SELECT name FROM customer_history ORDER BY day") == ["A0", "A1", "full"])
        try project.verify(hours: 50)
    }

    @Test func `A position of an empty partition outlives the warehouse`() throws {
        let project = try ReplayProject()
        _ = try run(project, 1)
        _ = try run(project, 2)
        #expect(try project.rows("SELECT next_offset FROM elt_offsets") == ["0", "0", "0", "0"])
        let starts = try LocalArchive(path: project.settings.archivePath).entries(after: 0).map { entry -> Int in
            if case .run(let run) = entry.content { run.starts.count } else { -1 }
        }
        #expect(starts == [4, 0])
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        _ = try project.engine(hours: 3).rebuild(at: false)
        project.produce("create", key: "a", name: "A", hour: 2)
        project.source.forget(before: 1, of: TopicPartition("create", 1))
        #expect(throws: ExtractError.self) { try run(project, 4) }
    }

    @Test func `Events that only their offsets tell apart are a tie, rows of one full load aren't`() throws {
        let project = try ReplayProject()
        project.snapshot.pages = [[#"{"id":"a","name":"1"}"#, #"{"id":"a","name":"2"}"#], [#"{"id":"a","name":"3"}"#]]
        #expect(try project.engine(hours: 1).fullLoad([], acceptShrink: true).ties == 0)
        #expect(try project.names() == ["a 3"])
        for name in ["4", "5"] { project.produce("create", key: "a", name: name, hour: 2) }
        #expect(try run(project, 3).ties == 1)
        #expect(try project.names() == ["a 5"])
    }

    @Test func `Another archive with as many entries isn't taken for ours`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try run(project, 1)
        let copy = project.folder + "/copy"
        try FileManager.default.copyItem(atPath: project.settings.archivePath, toPath: copy)
        project.produce("create", key: "b", name: "B", hour: 1)
        _ = try run(project, 2)
        // The copy goes on by itself, without the second record.
        let other = try LocalArchive(path: copy)
        for hour in 2..<6 {
            try other.append([.run(RunEntry(command: "run", now: project.start + .seconds(hour * 3600)))])
        }
        try FileManager.default.removeItem(atPath: project.settings.archivePath)
        try FileManager.default.moveItem(atPath: copy, toPath: project.settings.archivePath)
        let before = try LocalArchive(path: project.settings.archivePath).newestSequence
        for command in [{ _ = try run(project, 9) }, { _ = try project.engine(hours: 9).rebuild(at: false) }] {
            #expect { try command() } throws: { ($0 as? RunError)?.code == "run.other-archive" }
        }
        #expect { try project.verify() } throws: { ($0 as? RunError)?.code == "run.other-archive" }
        #expect(try LocalArchive(path: project.settings.archivePath).newestSequence == before)
        #expect(try project.names() == ["a A", "b B"])
    }

    @Test func `A topic's events are those of the entity that has it now`() throws {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("create", key: "b", name: nil, hour: 0)
        _ = try run(project, 1)
        #expect(try project.names() == ["a A"])
        try rename(project)
        project.produce("create", key: "c", name: "C", hour: 1)
        _ = try run(project, 2)
        #expect(try project.names() == ["a A", "c C"])
        #expect(try project.rows("SELECT DISTINCT entity FROM elt_segments") == ["client"])
        try project.verify()
    }

    @Test func `A full load that began before the last hour doesn't set models back`() throws {
        let project = try ReplayProject()
        try "{{ config(materialized='table') }}\nselect id, '{{ run.now }}' as seen from {{ ref('current_customer') }}"
            .write(toFile: project.folder + "/models/seen.sql", atomically: true, encoding: .utf8)
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try run(project, 5)
        let latest = try project.rows("SELECT seen FROM seen")
        project.snapshot.pages = [[#"{"id":"a","name":"A"}"#]]
        _ = try project.engine(hours: 2).fullLoad([], acceptShrink: true)
        #expect(try project.rows("SELECT seen FROM seen") == latest)
        try project.verify(hours: 2)
    }
}
