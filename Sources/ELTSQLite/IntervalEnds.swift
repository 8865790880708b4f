import ELTCore
import SQLite

/// Ends, reopens and removes the standing intervals of touched keys, as their timelines say.
final class IntervalEnds {
    /// A touched key's winners: the first day that may be another one, the day of the first winner from then on,
    /// and a day on which a living one begins.
    struct Key {
        let name: UnsafeRawBufferPointer
        let since: Int64
        let next: Int64
        let begins: Int64?
    }

    private let standing: Statement
    private let begins: Statement
    private let end: Statement
    private let remove: Statement
    private(set) var changes = TableChanges()

    /// The standing intervals of a key, and the key as a number if that's what it's stored as.
    private var intervals: [(first: Int64, last: Int64)] = []
    private var number: Int64?

    init(_ database: Database, _ history: IntervalHistory) throws {
        let names = IntervalNames(history: history)
        // An integer key is an integer in the table and its text in the ledger.
        standing = try database.prepare(
            """
            SELECT \(names.first) - \(IntervalNames.shift), \(names.last) - \(IntervalNames.shift) FROM \(names.rows)
            WHERE \(names.key) = ?1 AND CAST(\(names.key) AS TEXT) = ?2 ORDER BY \(names.first) DESC
            """)
        begins = try database.prepare("SELECT 1 FROM temp.\(TouchedKeys.winners) WHERE key = ?1 AND from_day = ?2")
        end = try database.prepare("UPDATE \(names.rows) SET \(names.last) = ?3 WHERE \(names.key) = ?1 AND \(names.first) = ?2")
        remove = try database.prepare("DELETE FROM \(names.rows) WHERE \(names.key) = ?1 AND \(names.first) = ?2")
    }

    /// Done twice it's as done once.
    func run(_ key: Key) throws {
        try find(key)
        for interval in intervals {
            if interval.first >= key.since {
                if try begins(interval.first, key) { continue }
                bind(key, interval.first, to: remove)
                try remove.run()
                changes.removed += 1
            } else if interval.last >= key.since - 1, interval.last != key.next - 1 {
                bind(key, interval.first, to: end)
                end.bind(3, key.next - 1 + IntervalNames.shift)
                try end.run()
                changes.updated += 1
            }
        }
    }

    private func begins(_ day: Int64, _ key: Key) throws -> Bool {
        guard let known = key.begins else { return false }
        if day == known { return true }
        begins.bindBorrowed(1, text: key.name)
        begins.bind(2, day)
        defer { begins.reset() }
        return try begins.step()
    }

    private func bind(_ key: Key, _ first: Int64, to statement: Statement) {
        if let number { statement.bind(1, number) } else { statement.bindBorrowed(1, text: key.name) }
        statement.bind(2, first + IntervalNames.shift)
    }

    /// Finds those from a day on, and the one before.
    private func find(_ key: Key) throws {
        number = nil
        standing.bindBorrowed(2, text: key.name)
        standing.bindBorrowed(1, text: key.name)
        try find(since: key.since)
        guard intervals.isEmpty, let integer = Int64(String(decoding: key.name, as: UTF8.self)) else { return }
        number = integer
        standing.bind(1, integer)
        try find(since: key.since)
    }

    private func find(since: Int64) throws {
        defer { standing.reset() }
        intervals.removeAll(keepingCapacity: true)
        while try standing.step() {
            intervals.append((standing.int(0), standing.int(1)))
            if standing.int(0) < since { break }
        }
    }
}
