import ELTCore
import SQLite

/// The first and the last of the days that the winners of an entity begin on.
///
/// Noted in the ledger, or all winners would have to be read for them. The first is exact, as over the days winners only
/// grow; a winner of the last one may have been beaten by a late record since.
struct WinnerDays {
    private(set) var first: Day?
    private(set) var last: Day?

    mutating func add(_ day: Int32) {
        let day = Day(daysSinceEpoch: day)
        first = min(first ?? day, day)
        last = max(last ?? day, day)
    }

    private static let prefix = "winner_days/"

    /// As they're noted; where they aren't, or a program that doesn't note them has published since, as they are.
    static func now(of entity: String, in warehouse: SQLiteWarehouse) throws -> WinnerDays {
        let words = try warehouse.meta(prefix + entity).text?.split(separator: " ").map(String.init) ?? []
        if words.count == 3, Int64(words[0]) == (try warehouse.publishedSequence), let first = Day(words[1]), let last = Day(words[2]) {
            return WinnerDays(first: first, last: last)
        }
        var days = WinnerDays()
        for bound in try warehouse.database.query("SELECT min(from_day), max(from_day) FROM \(Names.quoted(Names.winners(entity)))")[0] {
            if let day = bound.integer { days.add(Int32(truncatingIfNeeded: day)) }
        }
        return days
    }

    /// For who comes when all that's loaded is published.
    func note(of entity: String, in warehouse: SQLiteWarehouse) throws {
        let days = first.flatMap { first in last.map { "\(first) \($0)" } } ?? ""
        try warehouse.setMeta(Self.prefix + entity, .text("\(try warehouse.loadedSequence) \(days)"))
    }

    /// Forgets those of all entities.
    static let forget = "DELETE FROM elt_meta WHERE name LIKE '\(prefix)%'"
}
