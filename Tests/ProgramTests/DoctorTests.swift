import Foundation
import Testing

@Test func `a healthy project without declared columns and without data has nothing wrong`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    let before = try project.elt(["doctor"])
    #expect(before.status == 0, "\(before.out)")
    let run = try project.elt(["run"])
    #expect(run.status == 0, "\(run.err)")
    let after = try project.elt(["doctor", "--json"])
    #expect(after.status == 0, "\(after.out)")
    try broker.send([.customer("c-1", "\"city\":\"Hamburg\"")])
    #expect(try project.elt(["run"]).status == 0)
    #expect(try project.elt(["query", "--format", "csv", "select id, city from current_customer"]).out.hasSuffix("\r\nc-1,Hamburg\r\n"))
    #expect(try project.elt(["doctor"]).status == 0)
}

@Test func `a warehouse that a first run has only begun is no trouble`() throws {
    let project = try ProgramProject(ProgramProject.settings(top: "limits: { deadline: 1s }"))
    #expect(try project.elt(["run"]).status == 69)
    let doctor = try project.elt(["doctor"])
    // The broker is away, and that's all.
    #expect(doctor.status == 69, "\(doctor.out)")
    #expect(doctor.out.contains("1 failed"))
}

@Test func `columns that the data has still to bring are no trouble`() throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    try project.write(
        "models/towns.sql",
        "select city, count(*) as customers from {{ source('customer', 'winners') }} group by city")
    try project.write("models/towns.yml", """
        models:
          - name: towns
            columns: [{ name: city, tests: [not_null] }]
        """)
    try project.write("tests/named.sql", "select id from {{ ref('current_customer') }} where name = ''")
    for _ in 0..<2 {
        #expect(try project.elt(["doctor"]).status == 0)
        let run = try project.elt(["run"])
        #expect(run.status == 0, "\(run.err)")
    }
    try broker.send([.customer("c-1", "\"city\":\"Hamburg\",\"name\":\"M\"")])
    #expect(try project.elt(["run"]).status == 0)
    #expect(try project.elt(["doctor"]).status == 0)
    #expect(try project.elt(["query", "--format", "csv", "select * from towns"]).out.hasSuffix("\r\nHamburg,1\r\n"))
}

@Test func `nobody waits long for a broker that isn't there, and never longer than the deadline`() throws {
    for (top, most) in [("", 9.0), ("limits: { deadline: 1s }", 4.0)] {
        let project = try ProgramProject(ProgramProject.settings(top: top))
        for command in [["lag"], ["doctor"], ["offsets", "--at", "2026-11-20T09:30:00Z"]] {
            let outcome = try project.elt(command)
            #expect(outcome.status == 69, "\(outcome.err)")
            #expect(outcome.seconds < most, "\(command) took \(outcome.seconds) s")
            #expect((outcome.out + outcome.err).contains("127.0.0.1:1"))
        }
    }
}

// MARK: Broken files

/// A project with one customer, and a file that's broken.
private func broken(_ name: String, _ text: String) throws -> (ProgramProject, ProgramBroker) {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    try project.write(name, text)
    try broker.send([.customer("c-1", "\"city\":\"Hamburg\"")])
    return (project, broker)
}

private let brokenFiles: [(file: String, text: String, place: String, beforeData: Bool)] = [
    ("tests/a.sql", "-- a rule\nselect id\nfrom {{ ref('current_customer') }} whre id = 1", "tests/a.sql:3:41", true),
    ("tests/a.sql", "select id from {{ ref('current_customer') }}\nwhere nope = 1", "tests/a.sql:2:7", false),
    ("tests/a.sql", "select nope(id) from {{ ref('current_customer') }}", "tests/a.sql:1:8", true),
    ("tests/a.sql", "select id from {{ ref('nope') }}", "tests/a.sql:1:19", true),
    ("tests/a.sql", "select id from {{ ref('current_customer') }", "tests/a.sql:1", true),
    ("tests/a.sql", "delete from {{ ref('current_customer') }}", "tests/a.sql:1:1", true),
    ("models/b.sql", "select id,\n  nope(id) from {{ ref('current_customer') }}", "models/b.sql:2:3", true),
    ("models/b.sql", "select id, nope\nfrom {{ ref('current_customer') }}", "models/b.sql:1:12", false),
    ("models/b.sql", "select id fro m {{ ref('current_customer') }}", "models/b.sql:1", true),
    (
        "models/c.yml", "models:\n  - name: current_customer\n", "models/c.yml:2", true
    ),
    (
        "models/schema.yml",
        "models:\n  - name: current_customer\n    columns:\n      - name: citty\n        tests:\n          - not_null\n",
        "models/schema.yml:4:9", false
    ),
    (
        "models/schema.yml",
        "models:\n  - name: current_customer\n    columns:\n      - name: id\n        tests:\n          - not_null: { where: \"nope = 1\" }\n",
        "models/schema.yml:6:13", false
    ),
    ("models/schema.yml", "models:\n  - name: current_custmer\n", "models/schema.yml:2:5", true),
    ("models/schema.yml", "models: [\n", "models/schema.yml:2", true),
]

@Test(arguments: brokenFiles)
func `a broken file is named with its line, by a run and by the doctor`(
    _ file: String, _ text: String, _ place: String, _ beforeData: Bool
) throws {
    let (project, broker) = try broken(file, text)
    defer { withExtendedLifetime(broker) {} }
    let before = try project.elt(["doctor"])
    if beforeData {
        #expect(before.status == 78, "\(before.out)")
        #expect(before.out.contains(place), "\(before.out)")
    } else {
        #expect(before.status == 0, "\(before.out)")
    }
    let run = try project.elt(["run"])
    #expect([65, 78].contains(run.status), "\(run.out)\(run.err)")
    #expect(run.err.contains(place), "\(run.err)")
    let after = try project.elt(["doctor", "--json"])
    #expect(after.status == 78, "\(after.out)")
    #expect(after.out.contains(place), "\(after.out)")
}

@Test func `a described column that no record has had is pointed at, and no error`() throws {
    let (project, broker) = try broken(
        "models/schema.yml", "models:\n  - name: current_customer\n    columns:\n      - name: id\n      - name: citty\n")
    defer { withExtendedLifetime(broker) {} }
    #expect(try project.elt(["run"]).status == 0)
    let doctor = try project.elt(["doctor"])
    #expect(doctor.status == 0)
    #expect(doctor.out.contains("models/schema.yml:5:9"))
    #expect(doctor.out.contains("Did you mean 'city'?"))
}
