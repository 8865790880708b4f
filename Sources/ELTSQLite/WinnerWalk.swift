import SQLite

/// Tells for one winner after another on which day the next of its key begins.
///
/// Winners are asked for nearly in the order of keys, so a walk beside them finds most a step or two ahead; the
/// others are looked up.
final class WinnerWalk {
    private let winners: Statement
    /// Whether the walk stands at a winner.
    private var isOn = false

    private static let stepsMost = 4

    init(_ database: Database, _ entity: String) throws {
        winners = try database.prepare(
            """
            SELECT key, from_day FROM \(Names.quoted(Names.winners(entity)))
            WHERE (key, from_day) >= (?1, ?2) ORDER BY key, from_day
            """)
    }

    /// The first day of the key's next winner; `found` is false if none begins on `day`.
    func next(of key: UnsafeRawBufferPointer, after day: Int64) throws -> (found: Bool, next: Int64?) {
        var steps = 0
        while isOn, steps < Self.stepsMost, !isAt(key, day) {
            isOn = try winners.step()
            steps += 1
        }
        if !isOn || !isAt(key, day) {
            winners.reset()
            // Copied: it is compared with each row of the walk.
            winners.bind(1, String(decoding: key, as: UTF8.self))
            winners.bind(2, day)
            isOn = try winners.step()
        }
        guard isOn, isAt(key, day) else { return (false, nil) }
        isOn = try winners.step()
        return (true, isOn && winners.bytes(0).elementsEqual(key) ? winners.int(1) : nil)
    }

    private func isAt(_ key: UnsafeRawBufferPointer, _ day: Int64) -> Bool {
        winners.int(1) == day && winners.bytes(0).elementsEqual(key)
    }
}
