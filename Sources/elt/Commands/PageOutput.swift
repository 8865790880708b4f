import Foundation

/// Prints a page: its value as one document for machines, or its text for people.
struct PageOutput {
    let console: Console

    func show(_ page: some Encodable, text: @autoclosure () -> String) throws {
        console.clearProgress()
        let sink = FileSink.standardOutput()
        try sink.write(console.settings.json ? try Self.document(page) + "\n" : text())
        try sink.flush()
    }

    static func document(_ page: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(page), as: UTF8.self)
    }
}
