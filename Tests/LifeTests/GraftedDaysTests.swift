import ELTCore
import ELTRun
import ELTSQLite
import Foundation
import SQLite
import Testing

/// A first history is part of a new warehouse before the models that follow it are built; what fails afterwards takes it away again.
@Suite struct GraftedDaysTests {
    private static let days = 5

    private func project() throws -> ReplayProject {
        let project = try ReplayProject()
        for day in 0..<Self.days {
            for number in 0..<60 where day == 0 || number % 10 == day {
                project.produce("create", key: "c\(number)", name: "Name \(number) of day \(day)", hour: day * 24)
            }
        }
        project.produce("delete", key: "c7", name: nil, hour: 49)
        return project
    }

    private func run(_ project: ReplayProject) throws { _ = try project.engine(hours: 100).run(RunOptions()) }

    private func write(_ text: String, _ name: String, _ project: ReplayProject) throws {
        try text.write(toFile: project.folder + "/models/\(name)", atomically: true, encoding: .utf8)
    }

    private func free(_ project: ReplayProject) throws -> Int64 {
        let database = try Database(path: project.settings.warehousePath, mode: .readOnly)
        #expect(try database.query("PRAGMA integrity_check") == [[.text("ok")]])
        return try database.value("PRAGMA freelist_count").integer ?? 0
    }

    /// All that the warehouse holds, but for what runs were told.
    private func content(_ project: ReplayProject) throws -> [String] {
        let tables = try project.rows("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%' AND name <> 'elt_runs'")
        return try project.rows("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_auto%'").sorted()
            + tables.sorted().flatMap { table in try project.rows("SELECT * FROM \(table)").sorted().map { "\(table): \($0)" } }
    }

    @Test func `The days are pages of the warehouse, and what a rebuild makes`() throws {
        let project = try project()
        try run(project)
        #expect(try free(project) > 400)
        #expect(try project.rows("SELECT count(*) FROM customer_history") == ["297"])
        try project.verify(hours: 100)
        // It goes on as any other.
        project.produce("create", key: "c3", name: "late", hour: 30)
        project.produce("create", key: "c4", name: "new", hour: 124)
        _ = try project.engine(hours: 126).run(RunOptions())
        try project.verify(hours: 126)
        _ = try free(project)
        try FileManager.default.removeItem(atPath: project.folder + "/warehouse")
        _ = try project.engine(hours: 126).rebuild(at: false)
        #expect(try free(project) > 400)
        try project.verify(hours: 126)
    }

    private static let failing = "{{ config(materialized='table') }} select id, json_extract('{', '$') as x from {{ ref('current_customer') }}"
    private static let empty = """
        version: 2
        models:
          - name: z_last
            columns:
              - name: id
                tests: [accepted_values: { values: [nobody] }]
        """

    /// Models of that name are built before the history, or after it.
    @Test(arguments: [
        ("z_last", failing, nil), ("z_last", "{{ config(materialized='table') }} select id from {{ ref('customer_history') }}", empty),
    ] as [(String, String, String?)])
    func `What fails after it leaves what a failure before it does`(_ model: String, _ text: String, _ tests: String?) throws {
        let (early, late) = (try project(), try project())
        try write("{{ config(materialized='table') }} select json_extract('{', '$') as x from {{ source('customer', 'winners') }}", "a_first.sql", early)
        #expect(throws: (any Error).self) { try run(early) }
        try write(text, "\(model).sql", late)
        if let tests { try write(tests, "z.yml", late) }
        let error = #expect(throws: (any Error).self) { try run(late) }
        #expect((error as? any ELTError)?.problem.contains(model) == true, "\(String(describing: error))")
        #expect(try content(late) == content(early))
        // Its pages were made, and are free.
        #expect(try free(late) > free(early) + 400)
        #expect(try late.rows("SELECT status FROM elt_runs") == ["failed"])
        for name in ["\(model).sql", "z.yml"] { try? FileManager.default.removeItem(atPath: late.folder + "/models/" + name) }
        try run(late)
        try late.verify(hours: 100)
    }

    @Test func `Where other models need more room it's made with INSERT`() throws {
        let project = try project()
        try write(
            "{{ config(materialized='table') }} select id, hex(zeroblob(150000)) as wide from {{ ref('current_customer') }}", "b_wide.sql", project)
        try run(project)
        #expect(try free(project) < 200)
        try project.verify(hours: 100)
    }
}
