import ELTCore
import SQLite

/// The keys whose intervals a run changes, and the winners that their rows are made of.
struct TouchedKeys {
    static let keys = "elt_touched"
    /// The living winners from the first day on that may be another one.
    static let winners = "elt_winners_touched"
    /// The keys that have none.
    static let gone = "elt_touched_gone"

    let database: Database
    let history: IntervalHistory

    private var timelines: String { Names.quoted(Names.winners(history.entity)) }
    private var names: IntervalNames { IntervalNames(history: history) }

    /// Notes each key that may be another one, with the first day on which it may, and lays its winners ready.
    /// Gives the keys of the living ones.
    ///
    /// A winner that changed in a standing day was noted by the resolver; one of a day that no history had yet wasn't,
    /// and is found by its day. What comes before that day stays as it is: over the days winners only grow.
    func find(_ reach: IntervalReach) throws -> KeySum {
        try database.execute(
            """
            DROP TABLE IF EXISTS temp.\(Self.keys);
            DROP TABLE IF EXISTS temp.\(Self.winners);
            DROP TABLE IF EXISTS temp.\(Self.gone);
            CREATE TEMP TABLE \(Self.keys) (key TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TEMP TABLE \(Self.winners) (
                key TEXT, from_day INTEGER, origin INTEGER, place INTEGER, last_day INTEGER, since INTEGER, next INTEGER,
                PRIMARY KEY (key, from_day)) WITHOUT ROWID;
            CREATE TEMP TABLE \(Self.gone) (key TEXT PRIMARY KEY, since INTEGER, next INTEGER) WITHOUT ROWID;
            """)
        try findKeys(reach)
        return try layReady()
    }

    private func findKeys(_ reach: IntervalReach) throws {
        let (begin, end) = (reach.known.lowerBound.daysSinceEpoch, reach.known.upperBound.daysSinceEpoch)
        try add("SELECT key, from_day FROM temp.\(Names.quoted(Names.changedDays(history.entity))) WHERE on_day <= \(end)")
        try add("SELECT key, from_day FROM \(timelines) WHERE from_day < \(begin)")
        try add("SELECT key, from_day FROM \(timelines) WHERE from_day > \(end)")
        let first = "(\(names.first) - \(IntervalNames.shift))"
        let last = "(\(names.last) - \(IntervalNames.shift))"
        if let asked = reach.asked {
            let days = "\(asked.lowerBound.daysSinceEpoch) AND \(asked.upperBound.daysSinceEpoch)"
            try add("SELECT key, from_day FROM \(timelines) WHERE from_day BETWEEN \(days)")
            try add("SELECT CAST(\(names.key) AS TEXT), \(first) FROM \(names.rows) WHERE \(first) BETWEEN \(days)")
        }
        guard let from = reach.fullFrom?.daysSinceEpoch else { return }
        try add("SELECT key, from_day FROM \(timelines) WHERE from_day >= \(from)")
        // Also what began or ended there and may not do so any more.
        try add(
            """
            SELECT CAST(\(names.key) AS TEXT), max(\(first), min(\(last) + 1, \(from))) FROM \(names.rows)
            WHERE \(first) >= \(from) OR \(last) BETWEEN \(from - 1) AND \(IntervalNames.open - 1)
            """)
    }

    private func add(_ rows: String) throws {
        try database.execute(
            "INSERT INTO temp.\(Self.keys) \(rows) ON CONFLICT (key) DO UPDATE SET since = min(since, excluded.since)")
    }

    private func layReady() throws -> KeySum {
        var living = KeySum()
        let keys = try database.prepare("SELECT key, since FROM temp.\(Self.keys) ORDER BY key")
        let timeline = try database.prepare(
            "SELECT from_day, removed, origin, place FROM \(timelines) WHERE key = ?1 AND from_day >= ?2 ORDER BY from_day")
        let winner = try database.prepare("INSERT INTO temp.\(Self.winners) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        let gone = try database.prepare("INSERT INTO temp.\(Self.gone) VALUES (?1, ?2, ?3)")
        var winners: [(day: Int64, isLiving: Bool, origin: Int64, place: Int64)] = []
        var count = 0
        while try keys.step() {
            count += 1
            if count & 0xFFFF == 0 { try Interruption.check() }
            let (key, since) = (keys.bytes(0), keys.int(1))
            winners.removeAll(keepingCapacity: true)
            timeline.bindBorrowed(1, text: key)
            timeline.bind(2, since)
            while try timeline.step() {
                winners.append((timeline.int(0), timeline.int(1) == 0, timeline.int(2), timeline.int(3)))
            }
            timeline.reset()
            let next = winners.first?.day ?? IntervalNames.open + 1
            for (index, found) in winners.enumerated() where found.isLiving {
                living.add(key)
                winner.bindBorrowed(1, text: key)
                winner.bind(2, found.day)
                winner.bind(3, found.origin)
                winner.bind(4, found.place)
                winner.bind(5, index + 1 < winners.count ? winners[index + 1].day - 1 : IntervalNames.open)
                winner.bind(6, since)
                winner.bind(7, next)
                try winner.run()
            }
            if winners.contains(where: { $0.isLiving }) { continue }
            gone.bindBorrowed(1, text: key)
            gone.bind(2, since)
            gone.bind(3, next)
            try gone.run()
        }
        return living
    }
}
