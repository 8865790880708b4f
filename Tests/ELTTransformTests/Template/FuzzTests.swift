import Testing

@testable import ELTTransform

/// SplitMix64: the same seed gives the same inputs on every machine.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct FuzzTests {
    private static let seeds = [
        "{{ config(materialized='incremental', unique_key=['id'], tags=['a']) }}\nselect {{ "
            + "columns('customer') }}",
        "{% for x in [1, 2] %}{{ x }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}",
        "{%- set x = {'a': [1, (2, 3)]} -%}{{ x.a[1] | join(', ') | upper }}{# c #}{% raw %}{{ }}{% "
            + "endraw %}",
        "select date('now'), \"a\", [b], `c`, 'x''y' -- {{ ref('a') }}\n/* c */ from {{ "
            + "source('customer', 'stream') }}",
        "with a as (select 1.5e3 x, (2)) select * from a where {{ var('limit') + 1 }} % 2 == 1; ",
        "{% macro m(a, b='c') %}{{ a ~ b }}{% endmacro %}{{ m('x', b=2) }}{% set y %}a{% endset %}{{ y if "
            + "y else 1 }}",
    ]
    private static let yaml = """
        version: 2
        models:
          - name: a
            description: "text"
            config: {tags: [x], enabled: true}
            columns:
              - name: id
                tests: [not_null, unique,
                  {accepted_values: {values: [1, 'a'], severity: warn, where: "x > 1"}}]
                data_tests:
                  - relationships: {arguments: {to: ref('b'), field: id}, config: {severity: error}}
        sources: [{name: customer, tables: [{name: stream, description: d}]}]
        """
    private static let pieces = [
        "{{", "}}", "{%", "%}", "{#", "#}", "-%}", "{{-", "'", "\"", "(", ")", "[", "]", "{", "}", "|", "~",
        ".",
        " if ", " else ", " in ", "endif", "endfor", "for", "set", "ref('a')", "range(9)", "* 99", "\n", "ü",
        "\0", "--",
        "/*", "*/", "select", "with", "date(", "loop.last", "&a ", "*a", "- ", ": ", "!!x ",
    ]

    private func mutated(_ text: String, _ numbers: inout SeededNumbers) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &numbers) {
            let index = Int.random(in: 0...bytes.count, using: &numbers)
            switch Int.random(in: 0..<5, using: &numbers) {
            case 0: if index < bytes.count { bytes[index] = UInt8.random(in: 0...255, using: &numbers) }
            case 1:
                bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 0...8, using: &numbers)))
            case 2: bytes.insert(contentsOf: Self.pieces.randomElement(using: &numbers)!.utf8, at: index)
            case 3:
                let end = min(bytes.count, index + Int.random(in: 0...30, using: &numbers))
                bytes.insert(
                    contentsOf: bytes[index..<end], at: Int.random(in: 0...bytes.count, using: &numbers))
            default: if index < bytes.count { bytes.remove(at: index) }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `20,000 damaged projects end in a result or an error`() {
        var numbers = SeededNumbers(seed: 20_261_120)
        var (whole, broken) = (0, 0)
        for round in 0..<20_000 {
            let model: String
            switch round % 4 {
            case 0:
                let count = Int.random(in: 0...60, using: &numbers)
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) }
                model = String(decoding: bytes, as: UTF8.self)
            case 1:
                let count = Int.random(in: 1...25, using: &numbers)
                model = (0..<count).map { _ in Self.pieces.randomElement(using: &numbers)! }.joined()
            default: model = mutated(Self.seeds.randomElement(using: &numbers)!, &numbers)
            }
            var files = ModelFiles(models: [.init(path: "models/a.sql", text: model)])
            if round % 8 == 2 { files.macros = [.init(path: "macros/m.sql", text: model)] }
            if round % 8 == 3 {
                files.schemas = [.init(path: "models/s.yml", text: mutated(Self.yaml, &numbers))]
            }
            if round % 8 == 6 { files.tests = [.init(path: "tests/t.sql", text: model)] }
            do throws(ModelError) {
                _ = try ModelProject(files, entities: ["customer"], variables: ["limit": 3])
                whole += 1
            } catch {
                #expect(!error.issues.isEmpty)
                let vague = error.issues.filter { $0.problem.isEmpty || $0.remedy.isEmpty || $0.place == nil }
                #expect(vague.isEmpty, "\(model)")
                broken += 1
            }
        }
        // Both ends are reached, or the inputs are too wild or too tame to tell anything.
        #expect(whole > 100 && broken > 10_000)
    }
}
