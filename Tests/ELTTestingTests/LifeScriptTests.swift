import ELTCore
import Foundation
import Testing

@testable import ELTTesting

@Suite struct `Random lives` {
    @Test func `the same seed gives the same life and another seed another`() {
        #expect(LifeScript(seed: 7).description == LifeScript(seed: 7).description)
        #expect(LifeScript(seed: 7).description != LifeScript(seed: 8).description)
    }

    @Test func `the generator of numbers is the published one`() {
        // The first outputs of splitmix64.c for seed 1234567.
        var random = SplitMix64(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
        #expect(random.next() == 9_817_491_932_198_370_423)
    }

    @Test func `a life can be played, and printed and read again is the same life`() throws {
        for seed in UInt64(0)..<20 {
            let script = LifeScript(seed: seed)
            let life = ReferenceLife(script.settings, partitions: script.partitions, fullLoadExtracts: false)
            #expect(try LifePlayer.play(script.steps, on: life).isEmpty)
            let read = try GoldenCase(name: script.life.name, text: script.description)
            let again = ReferenceLife(read.settings, partitions: read.partitions, fullLoadExtracts: false)
            #expect(try LifePlayer.play(read.steps, on: again).isEmpty)
            #expect(try LifePlayer.differences(reference: life, target: again).isEmpty, "seed \(seed)")
            #expect(life.quarantined() == again.quarantined())
        }
    }

    @Test func `lives have in them what they are for`() {
        var found: Set<String> = []
        for seed in UInt64(0)..<60 {
            let script = LifeScript(seed: seed)
            found.insert(script.settings.zone)
            found.insert(script.settings.absent.rawValue)
            for step in script.steps {
                switch step {
                case .produce(let events):
                    for event in events where event.value == nil { found.insert("tombstone") }
                case .fullLoad(let load):
                    for case .during(.run) in load.parts { found.insert("run during load") }
                case .recreate: found.insert("recreate")
                case .rebuild: found.insert("rebuild")
                case .outage: found.insert("outage")
                default: break
                }
            }
        }
        let wanted: Set = [
            "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC", "keep", "remove",
            "tombstone", "run during load", "recreate", "rebuild", "outage",
        ]
        #expect(found.isSuperset(of: wanted), "missing: \(wanted.subtracting(found))")
    }

    @Test func `a difference between two tables is found, row for row and column for column`() throws {
        let script = LifeScript(seed: 3)
        let life = ReferenceLife(script.settings, partitions: script.partitions, fullLoadExtracts: false)
        let other = ReferenceLife(script.settings, partitions: script.partitions, fullLoadExtracts: false)
        _ = try LifePlayer.play(script.steps, on: life)
        _ = try LifePlayer.play(script.steps, on: other)
        let late = ProducedEvent(
            topic: "update", partition: 0, timestamp: Instant(milliseconds: 4_102_444_800_000), key: nil,
            value: Array("{\"customer\":{\"id\":\"c-0\",\"name\":\"changed\"}}".utf8))
        other.produce([late])
        other.run(at: Instant(milliseconds: 0))
        #expect(!(try LifePlayer.differences(reference: life, target: other)).isEmpty)
    }

    /// Not a test of its own: writes lives with what the reference expects, for
    /// `Tests/life/compare.sh`, which has the oracle in Python check them.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["ELT_WRITE_LIVES"] != nil))
    func `lives are written for the other oracle`() throws {
        let environment = ProcessInfo.processInfo.environment
        let folder = try #require(environment["ELT_WRITE_LIVES"])
        let first = environment["ELT_WRITE_LIVES_FROM"].flatMap { UInt64($0) } ?? 0
        for seed in first..<(first + (environment["ELT_WRITE_LIVES_COUNT"].flatMap { UInt64($0) } ?? 100)) {
            var life = LifeScript(seed: seed).life
            let reference = ReferenceLife(life.settings, partitions: life.partitions, fullLoadExtracts: false)
            var steps: [LifeStep] = []
            for step in life.steps {
                _ = try LifePlayer.play(step, on: reference)
                steps.append(step)
                // What is expected may not depend on whether a full load extracts, so only after a run.
                if case .run = step { steps += expectations(of: reference) }
            }
            life.steps = steps
            try life.description.write(
                toFile: "\(folder)/seed-\(seed).case", atomically: true, encoding: .utf8)
        }
    }

    private func expectations(of life: ReferenceLife) -> [LifeStep] {
        let tables: [(LifeTable, LifeExpectation.Subject)] = [
            (.current, .current), (.history, .history(days: nil)),
        ]
        return tables.map { table, subject in
            let rows = life.rows(of: table)
            let columns = Set(rows.flatMap(\.keys)).union(["id"]).sorted()
            let cells = rows.map { row in columns.map { (row[$0] ?? .null).description } }
            return .expect(LifeExpectation(subject, columns: columns, rows: cells))
        } + [.expect(LifeExpectation(.quarantine(life.quarantined())))]
    }
}
