/// Which of the open ranges are fetched at the same time.
///
/// Those that are done are fetched no further: a busy topic goes on behind the end of its range. And not all begin at once: a
/// broker may answer with all it has of each partition, whatever it was asked for, and that lies in memory then.
struct ReadingWindow {
    /// So many partitions are fetched together in any case: they may lie on as many brokers.
    static let partitionsMin = 4
    /// Beyond them, only so many records are.
    static let recordsMax: Int64 = 200_000
    /// The same until the first record has come. What a broker answers with later it puts together while that's taken.
    static let firstPartitionsMin = 3
    static let firstRecordsMax: Int64 = 50_000

    /// Ranges that haven't begun; the next one last.
    private var waiting: [Int]
    private var fetched: Set<Int> = []

    init(_ reading: Reading) { waiting = reading.openIndices.reversed() }

    /// Ranges to begin with now.
    mutating func admit(_ reading: Reading) -> [Int] {
        var admitted: [Int] = []
        let hasBegun = reading.steps > 0
        let partitionsMin = hasBegun ? Self.partitionsMin : Self.firstPartitionsMin
        let recordsMax = hasBegun ? Self.recordsMax : Self.firstRecordsMax
        var records = fetched.reduce(0) { $0 + reading.rest($1) }
        while let next = waiting.last, fetched.count < partitionsMin || records + reading.rest(next) <= recordsMax {
            waiting.removeLast()
            records += reading.rest(next)
            fetched.insert(next)
            admitted.append(next)
        }
        return admitted
    }

    /// Ranges that are done since it was last asked.
    mutating func dismiss(_ reading: Reading) -> [Int] {
        let done = fetched.filter { !reading.isOpen($0) }
        fetched.subtract(done)
        return done.sorted()
    }
}
