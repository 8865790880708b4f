import Foundation
import Testing

@testable import ELTTransform

@Suite struct DocumentationTests {
    @Test func `every example of docs/models.md works`() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../docs/models.md")
        let parts = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```")
        var files = ModelFiles(models: [.init(path: "models/orders.sql", text: "select 1")])
        for (index, part) in parts.enumerated() {
            let text = part.drop { !$0.isNewline }.trimmingCharacters(in: .newlines)
            let path = "\(index).sql"
            if part.hasPrefix("yaml") { files.schemas.append(.init(path: "models/schema.yml", text: text)) }
            guard part.hasPrefix("sql") else { continue }
            if text.hasPrefix("-- macros/") {
                files.macros.append(.init(path: path, text: text))
            } else if text.hasPrefix("-- tests/") {
                files.tests.append(.init(path: path, text: text))
            } else {
                let name =
                    text.contains("'merge'")
                    ? "current_customer"
                    : (text.contains("'insert_overwrite'") ? "customer_history" : "example_\(index)")
                files.models.append(.init(path: "models/\(name).sql", text: text))
            }
        }
        let project = try ModelProject(files, entities: ["customer"])
        #expect(project.models.count == 5)
        #expect(project.tests.count == 6)
        #expect(project.model("customer_history")?.config.carryForward?.first?.column == "changed")
    }
}
