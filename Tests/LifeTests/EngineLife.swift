import ELTArchive
import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import SQLite

/// The real engine, on real files, with a broker and a service from memory.
final class EngineLife: LifeTarget {
    let folder: String
    private let reference: ReferenceSettings
    let source = ScriptedChangeSource()
    let snapshot = ScriptedSnapshotSource()
    private let settings: ProjectSettings
    private let models: ModelProject
    private var latest = Instant(milliseconds: 0)
    /// Every so many runs an earlier stretch of the stream is read again.
    var runsBetweenRewinds: Int?
    private var runs = 0

    /// `storage` is that of the shipped history.
    init(_ reference: ReferenceSettings, partitions: Int32, storage: HistoryStorage = .days) throws {
        self.reference = reference
        folder = FileManager.default.temporaryDirectory.path + "/elt-life-\(UUID().uuidString)"
        for topic in reference.topics { source.create(topic.name, partitions: partitions) }
        guard let zone = Zone(reference.zone) else { preconditionFailure("no zone \(reference.zone)") }
        var entity = EntitySettings(name: "customer", key: reference.key)
        entity.record = reference.record
        entity.eventTime = reference.eventTime
        entity.topics = reference.topics
        entity.columns = reference.declared.sorted { $0.key < $1.key }.map { ColumnSettings(name: $0.key, type: $0.value) }
        var full = FullLoadSettings(url: "http://127.0.0.1/api/customers")
        full.records = ["items"]
        full.absent = reference.absent
        entity.fullLoad = full
        var settings = ProjectSettings(
            name: "life", zone: zone, folder: folder, warehousePath: folder + "/warehouse/elt.db",
            archivePath: folder + "/archive", modelsPath: folder + "/models", kafka: [:], entities: [entity])
        settings.limits.maxClockSkew = reference.maxClockSkew
        self.settings = settings
        try ProjectTemplate.write(to: folder)
        try OtherModels.write(to: folder + "/models", storage)
        models = try ModelProject.load(folder: folder + "/models", entities: ["customer"])
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func engine(at now: Instant) -> Engine {
        let (archivePath, warehousePath) = (settings.archivePath, settings.warehousePath)
        return Engine(
            settings: settings, models: models,
            context: RunContext(now: now, zone: settings.zone, deadline: ContinuousClock.now + .seconds(60)),
            startedAt: now, makeArchive: { try LocalArchive(path: archivePath) },
            makeScratchArchive: { try LocalArchive(path: archivePath + "/.dry-run") },
            removeScratchArchive: { try? FileManager.default.removeItem(atPath: archivePath + "/.dry-run") },
            makeWarehouse: { try SQLiteWarehouse(path: warehousePath) },
            setWarehouseAside: { try SQLiteWarehouse.setAside(warehousePath) },
            lookAtWarehouse: { try SQLiteWarehouse.look(at: warehousePath) }, makeChangeSource: { [source] in source },
            makeSnapshotSource: { [snapshot] _ in snapshot })
    }

    func produce(_ events: [ProducedEvent]) throws {
        for event in events {
            source.produce(
                to: TopicPartition(event.topic, event.partition), offset: event.offset,
                timestamp: event.timestamp.milliseconds, key: event.key, value: event.value)
        }
    }

    func recreate(topic: String) { source.recreate(topic) }

    func run(at now: Instant) throws {
        latest = max(latest, now)
        runs += 1
        if let count = runsBetweenRewinds, runs % count == 0 {
            // Back by hours, days or everything.
            let back = [7200, 200_000, 4_000_000_000][runs / count % 3]
            _ = try engine(at: now).rewind(RewindRequest(to: .instant(now - .seconds(back))))
        }
        _ = try engine(at: now).run(RunOptions())
        try checkOtherModels()
    }

    func dryRun(at now: Instant) throws -> RunReport {
        var options = RunOptions()
        options.dryRun = true
        return try engine(at: now).run(options)
    }

    func fullRefresh(at now: Instant) throws {
        latest = max(latest, now)
        var options = RunOptions()
        options.fullRefresh = true
        _ = try engine(at: now).run(options)
        try checkOtherModels()
    }

    func fullLoad(at now: Instant, date: Instant?, pages: [[String]], between: (Int) throws -> Void) throws {
        latest = max(latest, now)
        snapshot.pages = pages
        snapshot.date = date
        try withoutActuallyEscaping(between) { between in
            snapshot.between = between
            defer { snapshot.between = nil }
            _ = try engine(at: now).fullLoad([], acceptShrink: true)
        }
        try checkOtherModels()
    }

    func rebuild(verify: Bool) throws {
        guard verify else {
            _ = try engine(at: latest).rebuild(at: false)
            try checkOtherModels()
            return
        }
        let path = folder + "/verify.db"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let scratch = try SQLiteWarehouse(scratch: path)
        let comparison = TableComparison(path: settings.warehousePath)
        _ = try engine(at: latest).verify(scratch: scratch) { table, key in
            try comparison.difference(table: table, key: key, other: path)
        }
    }

    /// As if the file had been lost.
    func loseWarehouse() throws { try FileManager.default.removeItem(atPath: folder + "/warehouse") }

    func rows(of table: LifeTable) throws -> [[String: Value]] {
        try query("SELECT * FROM \(table == .current ? "current_customer" : "customer_history")")
    }

    func quarantined() throws -> Int { try query("SELECT * FROM elt_quarantine").count }

    func query(_ sql: String) throws -> [[String: Value]] {
        guard FileManager.default.fileExists(atPath: settings.warehousePath) else { return [] }
        let reader = try WarehouseReader(path: settings.warehousePath)
        let statement = try reader.query(sql)
        let names = (0..<statement.columnCount).map(statement.columnName)
        var rows: [[String: Value]] = []
        while try reader.step(statement) {
            let values = statement.row.map { value -> Value in
                switch value {
                case .null: .null
                case .integer(let number): .integer(number)
                case .text(let text): .text(text)
                case .real(let number): .text("real \(number)")
                case .blob: .text("blob")
                }
            }
            rows.append(Dictionary(uniqueKeysWithValues: zip(names, values)))
        }
        return rows
    }
}

/// Models beside the shipped ones, to see that what's merged by key is what the whole query would give.
enum OtherModels {
    static func write(to folder: String, _ storage: HistoryStorage) throws {
        // A key comes and goes here as the day of its winner changes.
        let even = "where substr(_day, 10) % 2 = 0"
        let evenMerge = """
            {{ config(materialized='incremental', incremental_strategy='merge', unique_key='_key', by_key='customer') }}
            select _key, {{ columns('customer') }} from {{ source('customer', 'winners') }} \(even)
            """
        let all = """
            {{ config(materialized='view') }}
            select _key, _day, {{ columns('customer') }} from {{ source('customer', 'winners') }}
            """
        try evenMerge.write(toFile: folder + "/even_customer.sql", atomically: true, encoding: .utf8)
        try all.write(toFile: folder + "/all_customer.sql", atomically: true, encoding: .utf8)
        let other = HistoryStorage.allCases.first { $0 != storage } ?? .days
        for (name, storage, condition) in [
            ("customer_history", storage, ""), ("twin_history", other, ""),
            ("even_history", storage, even), ("even_twin", other, even),
        ] {
            try Self.history(storage, condition).write(
                toFile: folder + "/\(name).sql", atomically: true, encoding: .utf8)
        }
    }

    /// The shipped history; in the others what isn't set anew on carried days must be carried.
    static func history(_ storage: HistoryStorage, _ condition: String) -> String {
        """
        {{ config(
            materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', storage='\(storage)',
            unique_key='id', by_key='customer', carry_forward={'changed': 0}
        ) }}
        select _on_day as day, _day = _on_day as changed, {{ columns('customer') }}
        from {{ source('customer', 'daily_winners') }} \(condition)
        """
    }

    struct Differs: Error { let table: String }
}

extension EngineLife {
    func checkOtherModels() throws {
        let statement = try WarehouseReader(path: folder + "/warehouse/elt.db").query("SELECT * FROM current_customer")
        let columns = (0..<statement.columnCount).map { "\"\(statement.columnName($0))\"" }.joined(separator: ", ")
        for (left, right) in [("customer_history", "twin_history"), ("even_history", "even_twin")] {
            try checkEqual(left, right)
        }
        for (table, left, right) in [
            ("all_customer", "SELECT \(columns) FROM all_customer", "SELECT \(columns) FROM current_customer"),
            (
                "even_customer", "SELECT _key, \(columns) FROM even_customer",
                "SELECT _key, \(columns) FROM all_customer WHERE substr(_day, 10) % 2 = 0"
            ),
        ] {
            for (one, other) in [(left, right), (right, left)] {
                guard try query("SELECT * FROM (\(one) EXCEPT \(other)) LIMIT 1").isEmpty else {
                    throw OtherModels.Differs(table: table)
                }
            }
        }
    }

    /// The same columns in the same order with the same types, and the same rows as often.
    private func checkEqual(_ left: String, _ right: String) throws {
        let reader = try WarehouseReader(path: folder + "/warehouse/elt.db")
        let shapes = try [left, right].map { table -> [String] in
            let statement = try reader.query("SELECT * FROM \(table)")
            return (0..<statement.columnCount).map { "\(statement.columnName($0)) \(statement.declaredType($0) ?? "")" }
        }
        guard shapes[0] == shapes[1] else { throw OtherModels.Differs(table: "\(left): \(shapes)") }
        let names = shapes[0].map { "\"\($0.prefix { $0 != " " })\"" }
        let list = (names + names.map { "typeof(\($0))" }).joined(separator: ", ")
        for (one, other) in [(left, right), (right, left)] {
            let extra = try query("SELECT \(list) FROM \(one) EXCEPT SELECT \(list) FROM \(other) LIMIT 3")
            guard extra.isEmpty else { throw OtherModels.Differs(table: "only in \(one): \(extra)") }
        }
        let counts = try [left, right].map { try query("SELECT count(*) AS n FROM \($0)") }
        guard counts[0] == counts[1] else { throw OtherModels.Differs(table: "\(left): \(counts)") }
    }
}
