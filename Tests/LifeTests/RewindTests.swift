import ELTArchive
import ELTCore
import ELTExtract
import ELTReport
import ELTRun
import ELTSQLite
import ELTTesting
import Foundation
import SQLite
import Testing

@Suite struct RewindTests {
    /// Three hours, a full load between them, and a poisoned event.
    private func project() throws -> ReplayProject {
        let project = try ReplayProject()
        project.snapshot.pages = [[#"{"id":"a","name":"Full"}"#, #"{"id":"c","name":"Full"}"#]]
        for hour in [0, 10, 30] {
            for key in ["a", "b", "c"] { project.produce("create", key: key, name: "\(hour)", hour: hour) }
            if hour == 10 { project.produce("delete", key: "b", name: nil, hour: hour) }
            if hour == 0 {
                project.source.produce(
                    to: TopicPartition("create", 0), timestamp: project.start.milliseconds, key: nil,
                    value: Array("no JSON".utf8))
            }
            _ = try project.engine(hours: hour + 1).run(RunOptions())
            if hour == 10 { _ = try project.engine(hours: 12).fullLoad([], acceptShrink: true) }
        }
        return project
    }

    private func instant(_ project: ReplayProject, _ hour: Int) -> RewindRequest.Target {
        .instant(project.start + .seconds(hour * 3600))
    }

    private func offsets(_ project: ReplayProject) throws -> [String] {
        try project.rows(
            "SELECT topic, \"partition\", next_offset, again_until FROM elt_offsets ORDER BY 1, 2")
    }

    /// What must not change by reading again.
    private func kept(_ project: ReplayProject) throws -> [String] {
        try ["raw_customer_stream", "elt_segments", "elt_quarantine", "current_customer", "customer_history"]
            .flatMap { try project.rows("SELECT * FROM \($0)").sorted() } + offsets(project) + archived(project)
    }

    private func archived(_ project: ReplayProject) throws -> [String] {
        let archive = try LocalArchive(path: project.settings.archivePath)
        #expect(try archive.verify(progress: SilentProgress()).isEmpty)
        return try archive.entries(after: 0).compactMap { entry in
            guard case .segment(let segment) = entry.content else { return nil }
            return "\(segment)"
        }
    }

    @Test func `Status tells of what waits to be read again, and not of entries to be published`() throws {
        let project = try project()
        func status() throws -> Status {
            try StatusReader(
                settings: project.settings, reader: WarehouseReader(path: project.settings.warehousePath),
                clock: project.start, newestSequence: nil, countsAll: false
            ).read()
        }
        _ = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 5)))
        let waiting = try status()
        #expect(waiting.rewound == 3)
        #expect(waiting.text.contains("3 partitions wait to be read again"))
        #expect(!waiting.text.contains("published yet"), "\(waiting.text)")
        _ = try project.engine(hours: 33).run(RunOptions())
        #expect(try status().rewound == 0)
        #expect(try !status().text.contains("read again"))
    }

    @Test func `Reading again changes nothing`() throws {
        let project = try project()
        let before = try kept(project)
        let report = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 5)))
        #expect(
            report.partitions.map { "\($0.topic)/\($0.partition) \($0.from) \($0.to)" } == [
                "create/0 4 2", "create/1 6 2", "delete/0 1 0",
            ])
        #expect(try offsets(project) == ["create 0 2 4", "create 1 2 6", "delete 0 0 1", "delete 1 0 "])
        let run = try project.engine(hours: 33).run(RunOptions())
        #expect(run.extract.events == 7 && run.load.events == 0 && run.load.quarantined == 0)
        #expect(run.extract.segments == 0 && run.warnings.isEmpty)
        #expect(run.lag.allSatisfy { $0.messages == 0 })
        #expect(try kept(project) == before)
        try project.verify()

        // With news behind what's read again.
        _ = try project.engine(hours: 33).rewind(RewindRequest(to: .offset(1), topic: "create", partition: 0))
        _ = try project.engine(hours: 33).rewind(RewindRequest(to: instant(project, 0)))
        project.produce("create", key: "b", name: "new", hour: 33)
        _ = try project.engine(hours: 34).run(RunOptions())
        #expect(try offsets(project) == ["create 0 5 ", "create 1 6 ", "delete 0 1 ", "delete 1 0 "])
        #expect(try project.rows("SELECT name FROM current_customer WHERE id='b'") == ["new"])
        #expect(try archived(project).count == Set(try archived(project)).count)
        try project.verify()
        _ = try project.engine(hours: 34).rebuild(at: false)
        #expect(try offsets(project) == ["create 0 5 ", "create 1 6 ", "delete 0 1 ", "delete 1 0 "])
    }

    @Test func `What was let pass isn't counted against the limit again`() throws {
        let project = try project()
        project.settings.limits.maxQuarantined.count = 0
        _ = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 0)))
        #expect(try project.engine(hours: 33).run(RunOptions()).status == "published")
        #expect(try project.ids().count == 1)
    }

    @Test func `Lost files and lost rows come back`() throws {
        let project = try project()
        let before = try kept(project)
        let files = FileManager.default
        let paths = (files.enumerator(atPath: project.settings.archivePath)?.compactMap { $0 as? String } ?? [])
            .filter { $0.hasSuffix(".zst") && $0.contains("topic=") }.sorted()
        #expect(paths.count == 7)
        try files.removeItem(atPath: project.settings.archivePath + "/" + paths[0])
        try Data("damaged".utf8).write(
            to: URL(filePath: project.settings.archivePath + "/" + paths[1]))
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        let month = try project.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'raw_customer_stream_%'")[0]
        try warehouse.database.execute("DELETE FROM \(month) WHERE _id % 2 = 0")
        _ = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 0)))
        _ = try project.engine(hours: 33).run(RunOptions())
        #expect(try kept(project) == before)
        try project.verify()
    }

    @Test func `Lost rows come back also if the run that read again was killed before it loaded`() throws {
        let project = try project()
        let before = try kept(project)
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        let month = try project.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'raw_customer_stream_%'")[0]
        try warehouse.database.execute("DELETE FROM \(month) WHERE _id % 2 = 0")
        _ = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 0)))
        // All that a run leaves that's killed between its archive and its load.
        let archive = try LocalArchive(path: project.settings.archivePath)
        try archive.append([.run(RunEntry(command: "run", now: project.start + .seconds(33 * 3600)))])
        _ = try project.engine(hours: 34).run(RunOptions())
        #expect(try kept(project) == before)
        try project.verify()
    }

    @Test func `What isn't what was archived stays out, and is told`() throws {
        let project = try project()
        let before = try kept(project)
        project.source.compact([0], of: TopicPartition("create", 1))
        _ = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 0)))
        let run = try project.engine(hours: 33).run(RunOptions())
        #expect(run.warnings.count == 1 && run.warnings[0].contains("create/1: offsets 0..<2"))
        #expect(try kept(project) == before)
    }

    @Test func `What the broker has forgotten isn't gone back to`() throws {
        let project = try project()
        let before = try kept(project)
        project.source.forget(before: 1, of: TopicPartition("create", 1))
        let error = #expect(throws: RewindError.self) {
            try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 0)))
        }
        #expect(
            error
                == .forgotten([.init(partition: TopicPartition("create", 1), needed: 0, low: 1, earliest: 2)]))
        #expect(try kept(project) == before)
        #expect(
            try project.engine(hours: 32).rewind(RewindRequest(to: .offset(3), topic: "create", partition: 1))
                .partitions.map(\.to) == [2])
        // Retention goes on before the run: what's archived is no gap.
        project.source.forget(before: 5, of: TopicPartition("create", 1))
        _ = try project.engine(hours: 33).run(RunOptions())
        #expect(try kept(project) == before)
    }

    @Test func `A run that breaks off leaves the rewind for the next one`() throws {
        let project = try project()
        let before = try offsets(project)
        _ = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 0)))
        let rewound = try offsets(project)
        project.source.breakOff(afterRecords: 4)
        #expect(throws: (any Error).self) { try project.engine(hours: 33).run(RunOptions()) }
        #expect(try offsets(project) == rewound)
        var dry = RunOptions()
        dry.dryRun = true
        #expect(try project.engine(hours: 33).run(dry).extract.events == 11)
        #expect(try offsets(project) == rewound)
        _ = try project.engine(hours: 33).fullLoad([], acceptShrink: true)
        #expect(try offsets(project) == rewound)
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        #expect(try project.engine(hours: 33).run(RunOptions()).extract.events == 11)
        #expect(try offsets(project) == before)
        try project.verify()
    }

    @Test func `A topic that was recreated since is another one`() throws {
        let project = try project()
        _ = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 0)))
        project.source.recreate("create")
        for key in ["x", "y", "z", "u", "v", "w", "q", "r"] {
            for _ in 0..<3 { project.produce("create", key: key, name: "new", hour: 33) }
        }
        _ = try project.engine(hours: 34).run(RunOptions())
        #expect(try project.rows("SELECT topic, incarnation FROM elt_incarnations") == ["create 2"])
        #expect(try offsets(project) == ["create 0 12 ", "create 1 12 ", "delete 0 1 ", "delete 1 0 "])
        try project.verify()
    }

    @Test func `Wrong use is refused`() throws {
        let project = try project()
        func refusal(_ request: RewindRequest) -> RewindError? {
            #expect(throws: RewindError.self) { try project.engine(hours: 32).rewind(request) }
        }
        #expect(refusal(RewindRequest(to: .offset(1)))?.code == "rewind.which-partition")
        #expect(refusal(RewindRequest(to: .offset(1), topic: "create"))?.code == "rewind.which-partition")
        #expect(
            refusal(RewindRequest(to: .offset(4), topic: "create", partition: 0))
                == .ahead(partition: TopicPartition("create", 0), offset: 4, next: 4))
        #expect(refusal(RewindRequest(to: instant(project, 0), topic: "creat"))?.code == "rewind.unknown-topic")
        #expect(
            refusal(RewindRequest(to: .offset(0), topic: "delete", partition: 1))
                == .ahead(partition: TopicPartition("delete", 1), offset: 0, next: 0))
        #expect(
            refusal(RewindRequest(to: .offset(0), topic: "delete", partition: 7))
                == .neverRead(topic: "delete", partition: 7))
        let none = try project.engine(hours: 32).rewind(RewindRequest(to: instant(project, 99)))
        #expect(none.partitions.isEmpty)
    }
}

extension ReplayProject {
    /// Each row as its values with spaces between them.
    func rows(_ sql: String) throws -> [String] {
        try WarehouseReader(path: settings.warehousePath).rows(sql).map { row in
            row.map { value in
                switch value {
                case .null: ""
                case .integer(let number): "\(number)"
                case .text(let text): text
                case .real(let number): "\(number)"
                case .blob: "blob"
                }
            }.joined(separator: " ")
        }
    }
}
