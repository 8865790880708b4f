import ELTCore
import ELTRun
import ELTSQLite
import ELTTesting
import ELTTransform
import Foundation
import Testing

/// `build --select` builds what was selected, and leaves the rest to the next run.
@Suite struct SelectTests {
    private func write(_ project: ReplayProject, _ model: String, _ text: String) throws {
        try text.write(toFile: project.folder + "/models/\(model).sql", atomically: true, encoding: .utf8)
    }

    /// An hour is published; the models tell when they were built.
    private func project() throws -> ReplayProject {
        let project = try ReplayProject()
        try write(
            project, "cities",
            "{{ config(materialized='table') }} select '{{ run.now }}' as at, name from {{ ref('current_customer') }}")
        try write(
            project, "seen",
            """
            {{ config(materialized='incremental', unique_key='name') }}
            select name, 1 as number from {{ ref('cities') }}
            """)
        project.produce("create", key: "a", name: "A", hour: 0)
        _ = try project.engine(hours: 1).run(RunOptions())
        return project
    }

    private func build(_ project: ReplayProject, _ select: String, hours: Int) throws -> [String] {
        let engine = try project.engine(hours: hours)
        var options = RunOptions()
        options.select = Set(try engine.models.select(select).map(\.name))
        return try engine.build(options, days: nil).models.map(\.name)
    }

    @Test func `Only what is selected is built`() throws {
        let project = try project()
        let builtAt = try project.rows("SELECT at FROM cities")
        #expect(try build(project, "current_customer", hours: 2) == ["current_customer"])
        #expect(try build(project, "seen", hours: 2) == ["seen"])
        #expect(try build(project, "+seen", hours: 2) == ["current_customer", "cities", "seen"])
        #expect(try project.rows("SELECT at FROM cities") != builtAt)
        let later = try project.rows("SELECT at FROM cities")
        #expect(try build(project, "current_customer customer_history", hours: 3).count == 2)
        #expect(try project.rows("SELECT at FROM cities") == later)
        #expect(try build(project, "cities+", hours: 4) == ["cities", "seen"])
    }

    @Test func `What it reads and was never built is built too`() throws {
        let project = try project()
        try write(project, "one", "{{ config(materialized='table') }} select 1 as number")
        try write(project, "two", "{{ config(materialized='table') }} select * from {{ ref('one') }}")
        #expect(try build(project, "two", hours: 2) == ["one", "two"])
        #expect(try build(project, "two", hours: 2) == ["two"])
    }

    @Test func `What is loaded and unpublished waits for the run that publishes it`() throws {
        let project = try project()
        let tests = project.folder + "/failing"
        try FileManager.default.createDirectory(atPath: tests, withIntermediateDirectories: true)
        try "select 1".write(toFile: tests + "/never.sql", atomically: true, encoding: .utf8)
        project.snapshot.pages = [[#"{"id":"f","name":"F"}"#]]
        project.produce("create", key: "b", name: "B", hour: 2)
        #expect(throws: TransformError.self) { try project.engine(hours: 3, models: tests).run(RunOptions()) }
        project.produce("create", key: "a", name: "A again", hour: 2)
        #expect(throws: TransformError.self) {
            try project.engine(hours: 4, models: tests).fullLoad([], acceptShrink: true)
        }
        #expect(throws: TransformError.self) { try project.engine(hours: 5, models: tests).run(RunOptions()) }
        for select in ["current_customer", "customer_history", "cities", "current_customer+"] {
            _ = try build(project, select, hours: 5)
        }
        #expect(try project.names() == ["a A"])
        #expect(try project.rows("SELECT complete_through FROM elt_freshness") == ["2026-11-18T12:06:40.000Z"])
        _ = try project.engine(hours: 6).run(RunOptions())
        #expect(try project.names() == ["a A again", "b B", "f F"])
        #expect(try project.rows("SELECT name FROM seen ORDER BY 1") == ["A again", "B", "F"])
    }

    @Test func `Settings that load everything again build everything`() throws {
        let project = try project()
        project.settings.limits.maxClockSkew = .seconds(600)
        #expect(try build(project, "cities", hours: 2).count == 4)
    }

    @Test func `What reads a model that was built anew is built anew by the next run`() throws {
        let project = try project()
        try write(
            project, "base",
            "{{ config(materialized='incremental', unique_key='name') }} select name, 1 as n from {{ ref('cities') }}")
        try write(
            project, "top",
            """
            {{ config(materialized='incremental', unique_key='name') }}
            select name, n from {{ ref('base') }} {% if is_incremental() %} where false {% endif %}
            """)
        _ = try project.engine(hours: 2).run(RunOptions())
        try write(
            project, "base",
            "{{ config(materialized='incremental', unique_key='name') }} select name, 2 as n from {{ ref('cities') }}")
        #expect(try build(project, "base", hours: 3) == ["base"])
        #expect(try project.rows("SELECT n FROM top") == ["1"])
        _ = try project.engine(hours: 4).run(RunOptions())
        #expect(try project.rows("SELECT n FROM top") == ["2"])
    }

    @Test func `Tests of what isn't selected aren't run`() throws {
        let project = try project()
        try write(project, "bad", "{{ config(materialized='table') }} select null as id")
        try """
        version: 2
        models:
          - name: bad
            columns: [{ name: id, tests: [not_null] }]
        """.write(toFile: project.folder + "/models/bad.yml", atomically: true, encoding: .utf8)
        #expect(try build(project, "cities", hours: 2) == ["cities"])
        #expect(throws: TransformError.self) { try build(project, "bad", hours: 2) }
        #expect(throws: TransformError.self) { try project.engine(hours: 2).run(RunOptions()) }
    }
}
