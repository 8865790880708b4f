import ELTCore
import Foundation
import Testing

@testable import ELTRun

/// `docs/settings.md` beside the readers. Their source is what's asked for names, so no list here can go stale.
@Suite struct SettingsPageTests {
    private let page: String
    /// Every second part of the page is a block of code.
    private let parts: [String]
    private let examples: [String]
    /// What the readers have in quotes and could be a name (settings, kinds, values), and what enumerations add.
    /// Of librdkafka's names those that are refused.
    private let names: Set<String>

    init() throws {
        let repository = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        page = try String(contentsOf: repository.appending(path: "docs/settings.md"), encoding: .utf8)
        parts = page.components(separatedBy: "```")
        examples = parts.filter { $0.hasPrefix("yaml\n") }.map { String($0.dropFirst(5)) }

        var names = Set(ELTCore.Operation.allCases.map(\.word) + TimeUnit.allCases.map(\.rawValue))
        names.formUnion(ColumnPolicy.allCases.map(\.rawValue) + ColumnType.allCases.map(\.rawValue))
        names.formUnion(TopicSettings.Mode.allCases.map(\.rawValue))
        names.formUnion(FullLoadSettings.Absent.allCases.map(\.rawValue))
        let folder = repository.appending(path: "Sources/ELTRun/Project")
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where file.hasSuffix("Reader.swift") {
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            let name = file == "KafkaReader.swift" ? /"([a-z.]+)":/ : /"([a-z_]+)"/
            names.formUnion(text.matches(of: name).map { String($0.1) })
        }
        self.names = names
    }

    @Test func `every example is read without errors and warnings`() throws {
        let folder = try TemporaryFolder()
        var environment: [String: String] = [:]
        for match in page.matches(of: /\$\{([A-Z_]+)\}/) { environment[String(match.1)] = "text-of-a-variable" }
        for match in page.matches(of: /\$\{file:([a-z\/]+)\}/) { try folder.write(String(match.1), "text-of-a-file") }
        let projects = examples.filter { $0.hasPrefix("name:") }
        let lines = examples.filter { !$0.hasPrefix("name:") }.flatMap { $0.split(separator: "\n").map(String.init) }
        #expect(projects.count == 1 && lines.count > 1)
        for text in projects + lines.map({ String.inFullLoad($0) }) {
            try folder.write("elt.yml", text)
            let loaded = try ProjectFile.load(path: folder.path + "/elt.yml", environment: environment)
            #expect(loaded.warnings == [])
        }
    }

    @Test func `every setting of the readers is on the page`() {
        let prose = parts.enumerated().filter { $0.offset % 2 == 0 }.map(\.element).joined()
        let code = prose.matches(of: /`([^`\n]+)`/).map { String($0.1) } + examples
        let words = Set(code.flatMap { text in text.matches(of: /[a-z_.]+/).map { String($0.0) } })
        #expect(names.contains("timezone") && names.contains("auto.offset.reset"))
        #expect(names.subtracting(words).sorted() == [])
    }

    @Test func `every setting of the page is one of the readers`() {
        for line in page.split(separator: "\n") where line.hasPrefix("|") {
            // A kind and its setting, or a setting and its meaning.
            for cell in line.split(separator: "|").prefix(2) {
                guard let match = cell.drop(while: { $0 == " " }).prefixMatch(of: /`([a-z_]+)`/) else { continue }
                #expect(names.contains(String(match.1)), "\(line)")
            }
        }
    }
}
