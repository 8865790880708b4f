import ELTCore

/// A record on its way to be the winner of its key from some day on.
struct Winner {
    /// The order's bytes as big-endian words, so that comparing words compares bytes.
    var words: (UInt64, UInt64, UInt64, UInt64)
    var day: Int32
    var removed: Bool
    /// The month whose table holds the row, as `202611`; 0 for a full load's rows and for absences.
    var origin: Int32
    var place: Int64

    init(order: RecordOrder, day: Int32, removed: Bool, origin: Int32, place: Int64) {
        words = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { buffer in
            buffer.storeBytes(of: 0, toByteOffset: 24, as: UInt64.self)
            order.write(to: buffer.baseAddress!)
            return Self.load(UnsafeRawBufferPointer(buffer))
        }
        self.day = day
        self.removed = removed
        self.origin = origin
        self.place = place
    }

    /// As it was stored.
    init(stored order: UnsafeRawBufferPointer, day: Int32, removed: Bool, origin: Int32, place: Int64) {
        words = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { buffer in
            buffer.storeBytes(of: 0, toByteOffset: 24, as: UInt64.self)
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: order.prefix(RecordOrder.byteCount)))
            return Self.load(UnsafeRawBufferPointer(buffer))
        }
        self.day = day
        self.removed = removed
        self.origin = origin
        self.place = place
    }

    private static func load(_ buffer: UnsafeRawBufferPointer) -> (UInt64, UInt64, UInt64, UInt64) {
        (
            UInt64(bigEndian: buffer.load(as: UInt64.self)),
            UInt64(bigEndian: buffer.load(fromByteOffset: 8, as: UInt64.self)),
            UInt64(bigEndian: buffer.load(fromByteOffset: 16, as: UInt64.self)),
            UInt64(bigEndian: buffer.load(fromByteOffset: 24, as: UInt64.self))
        )
    }

    @inline(__always) func isLess(than other: Winner) -> Bool { words < other.words }
    @inline(__always) func isSameRecord(as other: Winner) -> Bool { words == other.words }

    /// Equal up to the topic's rank, and yet two records. Rows of one full load are told apart by their place in it.
    @inline(__always) func ties(with other: Winner) -> Bool {
        words.0 == other.words.0 && words.1 == other.words.1 && !isSameRecord(as: other)
            && kind == RecordOrder.Kind.event.rawValue
    }

    private var kind: UInt8 { UInt8(truncatingIfNeeded: words.0 >> 24) }
    var isAbsence: Bool { kind == RecordOrder.Kind.absence.rawValue }

    func withOrder<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        var bytes = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return try withUnsafeBytes(of: &bytes) {
            try body(UnsafeRawBufferPointer(rebasing: $0.prefix(RecordOrder.byteCount)))
        }
    }
}

/// The winners of one key by day: each beats the one before it and holds from its day on.
///
/// The winner at the end of day D is the greatest record of days up to D, so over the days winners only
/// grow. That's why a list of the days on which the winner changes is all that need be kept, and why a new
/// record can be laid into it without looking at any older one again.
struct Timeline {
    private(set) var winners: [Winner] = []
    private(set) var ties: Int64 = 0

    /// Makes the list from records in any order; `pool` is sorted on the way. The list may be the end of a
    /// longer one: then `continues` says so, and it may begin with an absence.
    mutating func build(from pool: inout [Winner], continues: Bool = false) {
        winners.removeAll(keepingCapacity: true)
        ties = 0
        if pool.count == 1 {
            if !pool[0].isAbsence || continues { winners.append(pool[0]) }
            return
        }
        countTies(&pool)
        pool.sort { $0.day != $1.day ? $0.day < $1.day : $0.isLess(than: $1) }
        var greatest: Winner?
        var index = 0
        while index < pool.count {
            // The last of a day is the greatest of the day.
            while index + 1 < pool.count, pool[index + 1].day == pool[index].day { index += 1 }
            let candidate = pool[index]
            index += 1
            if let greatest, !greatest.isLess(than: candidate) { continue }
            greatest = candidate
            // A key that's absent before it ever was there isn't worth a row.
            if candidate.isAbsence && winners.isEmpty && !continues { continue }
            winners.append(candidate)
        }
    }

    private mutating func countTies(_ pool: inout [Winner]) {
        pool.sort { $0.isLess(than: $1) }
        for index in pool.indices.dropFirst() where pool[index].ties(with: pool[index - 1]) { ties += 1 }
    }
}
