import ELTCore
import ELTTesting
import ELTTransform
import Foundation
import Testing

/// Random weeks, cut at random into runs, full loads and rebuilds. The seed is in every failure; set
/// ELT_SEED to play one again and ELT_LIVES for more.
@Suite struct `Random lives on the engine` {
    @Test(arguments: HistoryStorage.allCases)
    func `after every step the tables are the reference model's`(storage: HistoryStorage) throws {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["ELT_SEED"].flatMap(UInt64.init) ?? 1
        let count = environment["ELT_SEED"] != nil ? 1 : environment["ELT_LIVES"].flatMap(UInt64.init) ?? 25
        for seed in first..<(first + count) {
            let script = LifeScript(seed: seed)
            let life = try EngineLife(script.settings, partitions: script.partitions, storage: storage)
            let reference = ReferenceLife(script.settings, partitions: script.partitions, fullLoadExtracts: false)
            do {
                for (index, step) in script.steps.enumerated() {
                    _ = try LifePlayer.play(step, on: reference)
                    _ = try LifePlayer.play(step, on: life)
                    let differences = try LifePlayer.differences(reference: reference, target: life)
                    let shown = differences.prefix(5).joined(separator: "\n")
                    try #require(differences.isEmpty, "seed \(seed), step \(index), \(step):\n\(shown)")
                }
            } catch let error as any ELTError {
                Issue.record("seed \(seed): \(error.problem)")
            }
        }
    }

    @Test(arguments: HistoryStorage.allCases)
    func `reading again at random changes no table`(storage: HistoryStorage) throws {
        for seed in UInt64(100)..<108 {
            let script = LifeScript(seed: seed)
            let life = try EngineLife(script.settings, partitions: script.partitions, storage: storage)
            life.runsBetweenRewinds = 2
            let reference = ReferenceLife(script.settings, partitions: script.partitions, fullLoadExtracts: false)
            for (index, step) in script.steps.enumerated() {
                _ = try LifePlayer.play(step, on: reference)
                _ = try LifePlayer.play(step, on: life)
                let differences = try LifePlayer.differences(reference: reference, target: life)
                let shown = differences.prefix(5).joined(separator: "\n")
                try #require(differences.isEmpty, "seed \(seed), step \(index), \(step):\n\(shown)")
            }
            try life.rebuild(verify: true)
        }
    }

    @Test func `a lost warehouse comes back from the archive with the next run`() throws {
        let script = LifeScript(seed: 4711)
        let life = try EngineLife(script.settings, partitions: script.partitions)
        for step in script.steps { _ = try LifePlayer.play(step, on: life) }
        let before = try (life.rows(of: .current), life.rows(of: .history))
        try life.loseWarehouse()
        try life.rebuild(verify: false)
        #expect(try life.rows(of: .current) == before.0)
        #expect(try life.rows(of: .history) == before.1)
    }
}
