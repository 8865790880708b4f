import ELTCore
import Foundation
import Testing

@testable import ELTTesting

/// The folder `fixtures` of the repository.
private let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "fixtures").path()

@Suite struct `Golden cases` {
    static let cases = Result { try GoldenCase.all(in: fixtures + "/cases") }

    @Test func `there are at least forty of them and each says what it shows`() throws {
        let cases = try Self.cases.get()
        #expect(cases.count >= 40)
        for golden in cases {
            #expect(!golden.about.isEmpty, "\(golden.name)")
            #expect(golden.steps.contains { if case .expect = $0 { true } else { false } }, "\(golden.name)")
        }
    }

    @Test(arguments: [true, false])
    func `the reference model gives what was worked out by hand`(fullLoadExtracts: Bool) throws {
        for golden in try Self.cases.get() {
            let life = ReferenceLife(
                golden.settings, partitions: golden.partitions, fullLoadExtracts: fullLoadExtracts)
            let failures = try LifePlayer.play(golden.steps, on: life)
            #expect(failures.isEmpty, "\(golden.name): \(failures.joined(separator: "\n"))")
        }
    }

    @Test func `a wrong expectation is found`() throws {
        let golden = try GoldenCase(
            name: "wrong",
            text: """
                zone: UTC
                produce
                  create/0 2026-03-10T10:00:00Z {"id":"a","name":"Ann"}
                run 2026-03-10T11:00:00Z
                expect current
                  id | name
                  a | Bea
                expect history
                  day | id | changed
                  2026-03-10 | a | 1
                  2026-03-11 | a | 0
                expect quarantine 1
                """)
        let life = ReferenceLife(golden.settings, partitions: 1, fullLoadExtracts: false)
        let failures = try LifePlayer.play(golden.steps, on: life)
        #expect(
            failures == [
                "line 5: too much (1): id=a, name=Ann", "line 5: missing (1): id=a, name=Bea",
                "line 8: missing (1): day=2026-03-11, id=a, changed=0",
                "line 12: 0 in quarantine, expected 1",
            ])
    }

    @Test func `a case that is written and read again is the same`() throws {
        for golden in try Self.cases.get() {
            let again = try GoldenCase(name: golden.name, text: golden.description)
            #expect(again.steps == golden.steps, "\(golden.name)")
            #expect(again.description == golden.description, "\(golden.name)")
        }
    }

    @Test(arguments: [
        "dance", "produce\n  create/0", "produce\n  create/0 noon {}", "run noon",
        "topics: make\nrun 2026-01-01",
        "expect tables", "produce\n  create/0 2026-03-10T10:00:00Z what",
    ])
    func `what can't be read is refused with its line`(text: String) {
        #expect(throws: CaseError.self) { try GoldenCase(name: "odd", text: text) }
    }
}
