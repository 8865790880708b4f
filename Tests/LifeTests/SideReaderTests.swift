import ELTCore
import ELTRun
@testable import ELTSQLite
import ELTTesting
import Foundation
import SQLite
import Testing

/// The connection that evaluates models' queries while another merges their rows.
@Suite struct SideReaderTests {
    private struct Refused: Error {}

    /// An hour with two customers is published, and the next one's events are there.
    private func project() throws -> ReplayProject {
        let project = try ReplayProject()
        project.produce("create", key: "a", name: "A", hour: 0)
        project.produce("create", key: "b", name: "B", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        return project
    }

    private func reader(_ project: ReplayProject, timeMax: Duration = .seconds(60)) throws -> SideReader {
        let reader = try SideReader(path: project.settings.warehousePath, modelTimeMax: timeMax)
        try reader.learn(of: "customer") { _ in }
        return reader
    }

    private func rows(_ query: String, _ reader: SideReader) throws -> [SQLKey?] {
        let statement = try #require(reader.statement(query, of: "customer"))
        var keys: [SQLKey?] = []
        try reader.rows(of: statement, model: "m", look: { _ in }) { buffer in
            for row in 0..<buffer.count {
                if case .integer(let number) = buffer.key(row, 0) { keys.append(.integer(number)) } else { keys.append(nil) }
            }
        }
        return keys
    }

    @Test(arguments: [
        "SELECT * FROM raw_customer_stream", "SELECT count(*) FROM raw_customer_stream_2026_11",
        "SELECT r.* FROM temp.elt_customer_changed w JOIN raw_customer_stream_2026_11 r ON r._id = w.place",
        "SELECT * FROM temp.elt_customer_changed_days", "WITH x AS (SELECT 1 AS y) SELECT y FROM x",
    ])
    func `Raw rows and what changed are for it`(_ query: String) throws {
        let project = try project()
        #expect(try reader(project).statement(query, of: "customer") != nil)
    }

    /// The transaction may have changed them.
    @Test(arguments: [
        "SELECT * FROM current_customer", "SELECT 1 FROM customer_history", "SELECT * FROM elt_customer_winners",
        "SELECT * FROM elt_runs", "SELECT * FROM sqlite_schema", "SELECT * FROM raw_customer_stream, current_customer",
        "SELECT (SELECT max(id) FROM current_customer) FROM raw_customer_stream", "SELECT * FROM temp.elt_stage",
        "DELETE FROM raw_customer_stream_2026_11", "SELECT nothing",
    ])
    func `Other tables aren't for it`(_ query: String) throws {
        let project = try project()
        #expect(try reader(project).statement(query, of: "customer") == nil)
    }

    @Test func `An entity it knows nothing of isn't for it`() throws {
        let project = try project()
        #expect(try reader(project).statement("SELECT 1", of: "order") == nil)
    }

    @Test func `It takes part in a run, once what it may not see is committed`() throws {
        let project = try project()
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        let entity = try #require(project.settings.entities.first)
        let id = try #require(try warehouse.database.value("SELECT max(_id) FROM raw_customer_stream_2026_11").integer)
        try warehouse.transaction {
            try warehouse.database.execute("INSERT INTO elt_pending (entity, low, high) VALUES ('customer', \(id), \(id))")
        }
        func side(_ warehouse: SQLiteWarehouse, afterLoad: Bool) throws -> SideReader? {
            try warehouse.transaction {
                if afterLoad { _ = warehouse.loadSession(settings: project.settings) }
                let session = SQLiteTransformSession(warehouse)
                _ = try session.resolve(entity, everything: false, maxClockSkew: .seconds(300), horizon: project.settings.zone.day(of: project.start))
                return session.side
            }
        }
        let reader = try #require(try side(warehouse, afterLoad: false))
        let query = try SQLiteTransformSession(warehouse).relation(SourceRelation(entity: "customer", table: "winners", binding: .changed))
        #expect(reader.statement("SELECT id FROM \(query)", of: "customer") != nil)
        #expect(try side(warehouse, afterLoad: true) == nil)
    }

    @Test func `Once a page has lost a merged row, the transaction is done again without`() throws {
        let project = try project()
        let warehouse = try SQLiteWarehouse(path: project.settings.warehousePath)
        let entity = try #require(project.settings.entities.first)
        let id = try #require(try warehouse.database.value("SELECT max(_id) FROM raw_customer_stream_2026_11").integer)
        try warehouse.transaction {
            try warehouse.database.execute("INSERT INTO elt_pending (entity, low, high) VALUES ('customer', \(id), \(id))")
        }
        var merges: [Bool] = []
        try warehouse.transaction {
            try warehouse.setMeta("tries", .integer(1 + (warehouse.meta("tries").integer ?? 0)))
            let session = SQLiteTransformSession(warehouse)
            _ = try session.resolve(entity, everything: false, maxClockSkew: .seconds(300), horizon: project.settings.zone.day(of: project.start))
            #expect(session.side != nil)
            merges.append(session.mergesPages)
            #expect(warehouse.warnings.isEmpty == session.mergesPages)
            if session.mergesPages { throw LostMergedRow() }
        }
        #expect(merges == [true, false])
        #expect(try warehouse.meta("tries") == .integer(1))
        #expect(warehouse.warnings.first?.contains("written one by one") == true)
    }

    /// More than change hands at once, and more than lie ready at a time.
    @Test(arguments: [0, 1, 255, 256, 257, 512, 5000])
    func `All rows come, in their order`(_ count: Int) throws {
        let reader = try reader(try project())
        let query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n LIMIT \(count)"
        let found = try rows(query, reader).map { key in if case .integer(let number) = key { Int(number) } else { -1 } }
        #expect(found == (0..<count).map { $0 + 1 })
    }

    /// A buffer is full of bytes before it's full of rows.
    @Test func `Large rows come a few at a time`() throws {
        let reader = try reader(try project())
        let query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, zeroblob(100000) FROM n LIMIT 100"
        let statement = try #require(reader.statement(query, of: "customer"))
        var (rows, most) = (0, 0)
        try reader.rows(of: statement, model: "m", look: { _ in }) { buffer in
            rows += buffer.count
            most = max(most, buffer.count)
        }
        #expect(rows == 100)
        #expect(most == 3)
    }

    @Test(.timeLimit(.minutes(30))) func `What's wrong with a row ends it, on either side`() throws {
        let reader = try reader(try project(), timeMax: .seconds(3600))
        let query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n LIMIT 5000"
        let statement = try #require(reader.statement(query, of: "customer"))
        #expect(throws: Refused.self) {
            try reader.rows(of: statement, model: "m", look: { if $0.int(0) == 3000 { throw Refused() } }, take: { _ in })
        }
        statement.reset()
        // The rows that come next take for ever.
        let slow = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 2000"
        let endless = try #require(reader.statement(slow, of: "customer"))
        #expect(throws: Refused.self) {
            try reader.rows(of: endless, model: "m", look: { _ in }, take: { _ in throw Refused() })
        }
        #expect(try rows("SELECT 7", reader).count == 1, "it goes on working")
    }

    @Test func `It knows no more of the time than other models, and takes no longer`() throws {
        let project = try project()
        let clock = #expect(throws: WarehouseError.self) { try rows("SELECT julianday('now')", try reader(project)) }
        #expect(clock?.code == WarehouseError.modelClock(name: "m").code)
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
        let long = #expect(throws: WarehouseError.self) { try rows(endless, try reader(project, timeMax: .milliseconds(50))) }
        #expect(long?.code == WarehouseError.modelTooLong(name: "m", seconds: 0).code)
    }
}
