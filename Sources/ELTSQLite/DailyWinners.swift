import ELTCore
import SQLite

/// Winners by the days that they begin on, put aside while timelines are written, for a connection that doesn't see those.
final class DailyWinners {
    private let entity: String
    private let path: String
    private let piles: WinnerPiles
    /// Whether all winners were added, and lie there.
    private(set) var isComplete = false
    private var isLost = false

    /// - Parameter path: Files begin with this, and lose their names at once.
    init(_ entity: String, path: String, batchBytes: Int = 2 << 20) throws {
        self.entity = entity
        self.path = path
        piles = try WinnerPiles(path: path, keepsKeys: true, batchBytes: batchBytes)
    }

    /// Where there's no room for them they aren't complete, which is no reason to end.
    /// - Parameter key: Not less than any before it. Winners of one key come in the order of their days.
    func add(_ key: UnsafeRawBufferPointer, _ winner: Winner) {
        if isLost { return }
        do { try piles.add(key, winner, to: winner.day) } catch { lose() }
    }

    private func lose() {
        isLost = true
        try? piles.empty(keepingKeys: false)
    }

    /// All winners were added.
    func finish() {
        if isLost { return }
        do { try piles.putAway() } catch { lose() }
        isComplete = !isLost
    }

    /// Gives the winners as a table of the same name as their timelines, in the order of days and places, that a connection which has no other reads
    /// from now on; nil if SQLite takes no further file, or if it's over. What they were put aside in is empty then.
    func attach(to database: Database, unless isOver: () -> Bool = { false }) throws -> String? {
        try piles.settle()
        let name = Names.winners(entity)
        let definition = """
            CREATE TABLE \(Names.quoted(name)) (
                from_day INTEGER NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, removed INTEGER NOT NULL, origin INTEGER NOT NULL,
                place INTEGER NOT NULL, PRIMARY KEY (from_day, number)) WITHOUT ROWID
            """
        guard let table = try SortedTable(database, table: name, definedBy: definition, path: path) else { return nil }
        var record = SortedRecord()
        defer { record.deallocate() }
        var number: Int64 = 0
        struct Over: Error {}
        do {
            for day in piles.piles {
                try piles.each(in: day) { key, winner in
                    number += 1
                    record.begin()
                    record.add(Int64(day))
                    record.add(number)
                    record.add(key, isText: true)
                    record.add(winner.removed ? 1 : 0)
                    record.add(Int64(winner.origin))
                    record.add(winner.place)
                    record.end()
                    try table.append(record.bytes)
                    if number & 0xFFFF == 0, isOver() || Interruption.isRequested { throw Over() }
                }
            }
        } catch is Over {
            table.discard()
            return nil
        }
        try? piles.empty(keepingKeys: true)
        return try table.attach()
    }

    /// The keys that have winners on a day, in their order.
    func eachKey(on day: Day, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try piles.eachKey(in: day.daysSinceEpoch, body)
    }
}
