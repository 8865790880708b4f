import ELTCore
import Testing

@testable import ELTRun

extension ProjectCase {
    static let all = shape + variables + paths + limits + kafka + entities + columns + fullLoads
}

@Test(arguments: ProjectCase.all)
func `what is wrong in a project's file is told with its place`(_ item: ProjectCase) throws {
    #expect(try item.found() == item.errors)
}

@Test func `the cases of wrong files are many and no two have the same name`() {
    #expect(ProjectCase.all.count >= 60)
    #expect(Set(ProjectCase.all.map(\.name)).count == ProjectCase.all.count)
    #expect(ProjectCase.all.allSatisfy { !$0.errors.isEmpty })
}

@Test func `all errors are told at once, in the order of the file, and what to do next`() throws {
    let yaml = """
        name: shop
        timezone: Europe/Berln
        entities:
          order:
            kee: id
            full_load: { url: "ftp://h/", parallel: many }

        """
    let error = #expect(throws: ProjectError.self) { try ProjectCase.load(yaml) }
    #expect(error?.kind == .configuration)
    #expect(error?.code == "project.invalid")
    #expect(
        error?.description == """
            /project/elt.yml has 5 errors:
              /project/elt.yml:2:11: timezone: 'Europe/Berln' isn't an IANA time zone such as Europe/Berlin \
            or UTC (did you mean 'Europe/Berlin'?).
              /project/elt.yml:4:3: 'key' is missing in entities.order; write the path of the key in the \
            record, such as 'key: id'.
              /project/elt.yml:5:5: unknown setting 'kee' in entities.order (did you mean 'key'?). Allowed \
            here: column_policy, columns, event_time, full_load, key, record, topics.
              /project/elt.yml:6:23: entities.order.full_load.url: expected an address that begins with \
            https:// or http://, found 'ftp:'.
              /project/elt.yml:6:45: entities.order.full_load.parallel: expected a whole number from 1 to \
            64, found 'many'.
            Correct the lines above, then check them with 'elt doctor'.
            """)
}

@Test func `a very wrong file doesn't fill the screen`() {
    let wrong = (0..<80).map { "colour\($0): blue" }.joined(separator: "\n")
    let error = #expect(throws: ProjectError.self) { try ProjectCase.load(.atTop(wrong)) }
    let lines = error?.problem.split(separator: "\n") ?? []
    #expect(lines.count == 52)
    #expect(lines.first == "/project/elt.yml has 80 errors:")
    #expect(lines.last == "  … and 30 more.")
}

@Test func `bytes that aren't UTF-8 are told with their place`() {
    let bytes = Array("name: shop\ntimezone: é".utf8) + [0xFF] + Array("\n".utf8)
    let error = #expect(throws: ProjectError.self) {
        try ProjectFile.read(bytes, path: "elt.yml", mode: 0o600, environment: [:])
    }
    #expect(
        error?.problem
            == "elt.yml has an error:\n  elt.yml:2:12: these bytes aren't UTF-8; save the file as UTF-8.")
}

@Test func `characters that we use ourselves are refused`() throws {
    let item = ProjectCase("", .atTop("vars: { a: \"\u{E002}\" }"), [])
    #expect(try item.found() == ["8:13: the private-use character U+E002 isn't allowed here."])
}

// MARK: Files made to harm

@Test(.timeLimit(.minutes(30)))
func `aliases of aliases end with an error and not with the machine's memory`() throws {
    var yaml = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
    for level in 1...12 {
        let uses = Array(repeating: "*x\(level - 1)", count: 10).joined(separator: ", ")
        yaml += "x\(level): &x\(level) [\(uses)]\n"
    }
    let errors = try ProjectCase("", yaml, []).found()
    #expect(
        errors.contains {
            $0.hasSuffix("the file has more than 20000 values, counting each use of an alias.")
        })
}

@Test(
    .timeLimit(.minutes(30)),
    arguments: ["? *x12\n: 1\n", "*x12 : 1\n", "{ [*x12]: 1 }\n", "{ {a: *x12}: 1 }\n"])
func `an alias of aliases as a name is refused before it's parsed`(name: String) throws {
    var yaml = "- &x0 [a, a, a, a, a, a, a, a, a, a]\n"
    for level in 1...12 {
        let uses = Array(repeating: "*x\(level - 1)", count: 10).joined(separator: ", ")
        yaml += "- &x\(level) [\(uses)]\n"
    }
    yaml += "- " + name.split(separator: "\n").joined(separator: "\n  ") + "\n"
    let errors = try ProjectCase("", yaml, []).found()
    #expect(errors.count == 1)
    #expect(errors.first?.contains("a list, mapping or alias can't be a name") == true)
}

@Test func `names within names are refused before they're parsed`() throws {
    let nested = String(repeating: "? ", count: 40) + "a\n"
    let errors = try ProjectCase("", nested, []).found()
    #expect(errors.count == 1)
    #expect(errors.first?.contains("1:41: a list, mapping or alias can't be a name") == true)
    // A few of them are told apart, one by one.
    let few = try ProjectCase("", .atTop("? [a]\n: 1\n? {b: c}\n: 2"), []).found()
    #expect(few.count { $0.contains("expected a name, found a list or a mapping.") } == 2)
}

@Test func `deep nesting is refused`() throws {
    let errors = try ProjectCase(
        "",
        .atTop("vars: " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500)), []
    )
    .found()
    #expect(errors.contains { $0.hasSuffix("this is nested more than 32 levels deep.") })
    let deeper = String(repeating: "[", count: 100_000)
    #expect(try ProjectCase("", deeper, []).found().first?.contains("this isn't YAML") == true)
}

// MARK: Secrets

@Test func `no error shows a secret, wherever it stands`() throws {
    let yaml = """
        name: shop
        timezone: ${file:/dev/null}
        kafka: { bootstrap.servers: b, sasl.password: "${PASSWORD}", client.id: "${PASSWORD}" }
        entities:
          order:
            key: id
            topics: { create: "${PASSWORD}/x" }
            full_load:
              url: https://me:${PASSWORD}@h/
              rate_limit: ${PASSWORD}
              absent: ${TOKEN}
              auth: { kind: bearer, token: "${TOKEN}" }

        """
    let error = #expect(throws: ProjectError.self) {
        try ProjectCase.load(yaml, environment: ["PASSWORD": "hunter2222", "TOKEN": "t0ken-t0ken"]) {
            "\($0) can't be \($1)"
        }
    }
    let text = error?.description ?? ""
    #expect(!text.contains("hunter2222"))
    #expect(!text.contains("t0ken-t0ken"))
    #expect(text.contains("entities.order.full_load.rate_limit: expected a rate"))
    #expect(text.contains("found '***'"))
}
