import ELTTesting
import ELTTransform
import Foundation
import Testing

private let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "fixtures").path()

@Suite struct `Golden cases on the engine` {
    @Test(arguments: HistoryStorage.allCases)
    func `every case gives the tables that were worked out by hand`(storage: HistoryStorage) throws {
        for golden in try GoldenCase.all(in: fixtures + "/cases") {
            let life = try EngineLife(golden.settings, partitions: golden.partitions, storage: storage)
            do {
                let failures = try LifePlayer.play(golden.steps, on: life)
                #expect(failures.isEmpty, "\(golden.name): \(failures.joined(separator: "\n"))")
                try life.rebuild(verify: true)
            } catch {
                Issue.record("\(golden.name): \(error)")
            }
        }
    }
}
