import ELTCore

/// Something that lives a life: the engine, or the reference model.
///
/// Times and topics are those of the life; a target gives topics whatever names it likes.
package protocol LifeTarget: AnyObject {
    /// Appends events to the broker's partitions.
    func produce(_ events: [ProducedEvent]) throws
    /// Deletes a topic and makes it again, empty.
    func recreate(topic: String) throws
    func run(at now: Instant) throws
    /// Downloads the pages and publishes them. `between` is called right before page `index` is served
    /// and, with the number of pages, after the last; by then the end offsets W0 are noted. It may
    /// call back `produce`, `run` and `rows`.
    func fullLoad(
        at now: Instant, date: Instant?, pages: [[String]], between: (_ index: Int) throws -> Void
    ) throws
    /// Builds everything from the archive; with `verify` beside the tables, and throws if they differ.
    func rebuild(verify: Bool) throws
    func rows(of table: LifeTable) throws -> [[String: Value]]
    /// Messages in quarantine.
    func quarantined() throws -> Int
}

package enum LifeTable: String, Sendable, CaseIterable { case current, history }

/// Plays a life on a target.
package enum LifePlayer {
    /// Plays one step. Brings what an expectation didn't find, in words; other steps bring nothing.
    package static func play(_ step: LifeStep, on target: some LifeTarget) throws -> [String] {
        switch step {
        case .produce(let events): try target.produce(events)
        case .run(let now): try target.run(at: now)
        case .recreate(let topic): try target.recreate(topic: topic)
        case .outage: break
        case .rebuild:
            try target.rebuild(verify: true)
            try target.rebuild(verify: false)
        case .fullLoad(let load):
            var failures: [String] = []
            try target.fullLoad(at: load.at, date: load.date, pages: load.pages) { index in
                for step in load.steps(beforePage: index) { failures += try play(step, on: target) }
            }
            return failures
        case .expect(let expectation): return try failures(of: expectation, on: target)
        }
        return []
    }

    package static func play(_ steps: [LifeStep], on target: some LifeTarget) throws -> [String] {
        try steps.flatMap { try play($0, on: target) }
    }

    private static func failures(
        of expectation: LifeExpectation, on target: some LifeTarget
    ) throws -> [String] {
        var found: [[String: Value]]
        switch expectation.subject {
        case .quarantine(let count):
            let found = try target.quarantined()
            return found == count
                ? [] : ["line \(expectation.line): \(found) in quarantine, expected \(count)"]
        case .current: found = try target.rows(of: .current)
        case .history(let days):
            found = try target.rows(of: .history)
            if let days { found = found.filter { days.contains(($0["day"] ?? .null).description) } }
        }
        let rows = found.map { row in expectation.columns.map { (row[$0] ?? .null).description } }
        return LifeComparison.differences(
            expected: expectation.rows, found: rows, columns: expectation.columns
        ).map { "line \(expectation.line): \($0)" }
    }

    /// Where the tables of two targets differ; empty if they're equal, row for row and column for column.
    /// A column that one of them lacks counts as null, so that a warehouse may have more of its own;
    /// those are compared only if the reference names them.
    package static func differences(
        reference: some LifeTarget, target: some LifeTarget
    ) throws -> [String] {
        try LifeTable.allCases.flatMap { table in
            let expected = try reference.rows(of: table)
            let found = try target.rows(of: table)
            let columns = Set(expected.flatMap(\.keys)).sorted()
            func cells(_ rows: [[String: Value]]) -> [[String]] {
                rows.map { row in columns.map { (row[$0] ?? .null).description } }
            }
            return LifeComparison.differences(
                expected: cells(expected), found: cells(found), columns: columns
            ).map { "\(table.rawValue): \($0)" }
        }
    }
}

enum LifeComparison {
    /// Compares two bags of rows.
    static func differences(expected: [[String]], found: [[String]], columns: [String]) -> [String] {
        var counts: [[String]: Int] = [:]
        for row in expected { counts[row, default: 0] += 1 }
        for row in found { counts[row, default: 0] -= 1 }
        return counts.filter { $0.value != 0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map {
            row, count in
            let cells = zip(columns, row).map { "\($0)=\($1)" }.joined(separator: ", ")
            return "\(count > 0 ? "missing" : "too much") (\(abs(count))): \(cells)"
        }
    }
}
