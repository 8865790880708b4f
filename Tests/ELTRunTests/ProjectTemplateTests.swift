import ELTCore
import Foundation
import Testing

@testable import ELTRun

@Test(arguments: ["customer", "order_line"])
func `what init writes is a project without errors and warnings`(entity: String) throws {
    let folder = try TemporaryFolder()
    let target = folder.path + "/new/project"
    let paths = try ProjectTemplate.write(to: target, entity: entity)
    #expect(
        paths.map { $0.dropFirst(target.count + 1) } == [
            "elt.yml", "models/current_\(entity).sql", "models/\(entity)_history.sql", "models/schema.yml",
            "README.md", ".gitignore",
        ])
    let loaded = try ProjectFile.load(path: try ProjectFile.find(from: target + "/models"), environment: [:])
    #expect(loaded.warnings == [])
    #expect(loaded.settings.entities.map(\.name) == [entity])
    #expect(loaded.settings.kafka["bootstrap.servers"] == "127.0.0.1:39092")
    #expect(loaded.settings.entities[0].topics.count == 3)
    let url = "http://127.0.0.1:38080/api/\(entity == "customer" ? "customers" : "order_lines")"
    #expect(loaded.settings.entities[0].fullLoad?.url == url)
}

@Test(arguments: ["customer", "order_line"])
func `the schema that init writes is YAML and names both models`(entity: String) throws {
    let text = ModelTexts.schema(entity: entity, key: "id")
    let faults = ProjectFaults()
    var parser = ConfigParser(interpolation: Interpolation(environment: [:], folder: "/"), faults: faults)
    let parsed = parser.parse(Array(text.utf8))
    let root = try #require(parsed)
    #expect(faults.errors == [])
    let fields = try #require(ConfigFields(root, allowed: ["version", "models"], faults))
    let models = try #require(fields.node("models").flatMap { ConfigFields.list($0, "", faults) })
    let names = models.compactMap {
        ConfigFields($0, allowed: ["name", "description", "columns"], faults)?.text("name")
    }
    #expect(names == ["current_\(entity)", "\(entity)_history"])
    #expect(faults.errors == [])
}

@Test func `the repository's models are those that init writes`() throws {
    let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let written = ProjectTemplate.files(entity: "customer").filter { $0.path.hasPrefix("models/") }
    for file in written {
        let shipped = try String(contentsOf: repository.appendingPathComponent(file.path), encoding: .utf8)
        #expect(shipped == file.contents, "\(file.path) differs")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: repository.path + "/models")
    #expect(Set(names.map { "models/" + $0 }) == Set(written.map(\.path)))
}

@Test func `init overwrites nothing, names what's there and writes nothing`() throws {
    let folder = try TemporaryFolder()
    try folder.write("README.md", "mine")
    try folder.write("models/schema.yml", "mine too")
    let error = #expect(throws: ProjectError.self) { try ProjectTemplate.write(to: folder.path) }
    #expect(
        error?.description == """
            Nothing was written, because these files exist already: \(folder.path)/models/schema.yml, \
            \(folder.path)/README.md.
            Choose another folder: 'elt init DIR'.
            """)
    #expect(try folder.read("README.md") == "mine")
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/elt.yml"))
}

@Test func `an entity with a bad name isn't begun`() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: ProjectError.self) {
        try ProjectTemplate.write(to: folder.path + "/x", entity: "Order-Line")
    }
    #expect(error?.kind == .usage)
    #expect(
        error?.problem
            == "'Order-Line' can't be an entity's name: only a-z, 0-9 and '_' are allowed, and a letter first."
    )
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/x"))
}

// MARK: Finding the project

@Test func `the nearest file upwards is found`() throws {
    let folder = try TemporaryFolder()
    try folder.write("elt.yml", "outer")
    try folder.write("a/elt.yml", "inner")
    try folder.write("a/b/c/x", "")
    try folder.write("d/e/x", "")
    #expect(try ProjectFile.find(from: folder.path + "/a/b/c") == folder.path + "/a/elt.yml")
    #expect(try ProjectFile.find(from: folder.path + "/d/e/../e") == folder.path + "/elt.yml")
    #expect(try ProjectFile.find(in: folder.path + "/a") == folder.path + "/a/elt.yml")
    #expect(try ProjectFile.find(in: folder.path + "/a/elt.yml") == folder.path + "/a/elt.yml")
    #expect(throws: ProjectError.notFound(folder: folder.path + "/d", upwards: false, lookalike: nil)) {
        try ProjectFile.find(in: folder.path + "/d")
    }
}

@Test func `a file of nearly the right name is pointed at`() throws {
    let folder = try TemporaryFolder()
    try folder.write("elt.yaml", "x")
    let error = #expect(throws: ProjectError.self) { try ProjectFile.find(in: folder.path) }
    #expect(
        error?.description == """
            There's no elt.yml in \(folder.path). There is \(folder.path)/elt.yaml, which isn't read.
            Rename \(folder.path)/elt.yaml to elt.yml.
            """)
}

@Test func `a file that's missing, a folder or too large is an error of its own`() throws {
    let folder = try TemporaryFolder()
    #expect(throws: ProjectError.notFound(folder: folder.path, upwards: false, lookalike: nil)) {
        try ProjectFile.load(path: folder.path + "/elt.yml", environment: [:])
    }
    #expect(throws: ProjectError.unreadable(path: folder.path, reason: "it's a folder")) {
        try ProjectFile.load(path: folder.path, environment: [:])
    }
    try folder.write("elt.yml", String(repeating: "# much\n", count: 200_000))
    #expect(throws: ProjectError.tooLarge(path: folder.path + "/elt.yml", bytesMax: 1 << 20)) {
        try ProjectFile.load(path: folder.path + "/elt.yml", environment: [:])
    }
}
