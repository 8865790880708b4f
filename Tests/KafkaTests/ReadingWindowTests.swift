import ELTCore
@testable import ELTSources
import Testing

/// Which ranges are fetched together.
@Suite struct ReadingWindowTests {
    private func reading(_ lengths: [Int64]) -> Reading {
        Reading(lengths.enumerated().map { (TopicPartition("t", Int32($0.offset)), OffsetRange(first: 0, next: $0.element)) })
    }

    @Test func `Many short ranges begin at once, and of long ones a few, fewer before the first record`() throws {
        let short = reading(Array(repeating: 10, count: 500))
        var window = ReadingWindow(short)
        #expect(window.admit(short) == Array(0..<500))
        var long = reading(Array(repeating: ReadingWindow.recordsMax, count: 10))
        window = ReadingWindow(long)
        #expect(window.admit(long) == [0, 1, 2])
        #expect(window.admit(long).isEmpty)
        try long.reach(1, end: .max) { _ in }
        #expect(window.dismiss(long) == [1])
        #expect(window.admit(long) == [3, 4])
        #expect(window.admit(long).isEmpty)
        var middle = reading(Array(repeating: 10_000, count: 30))
        window = ReadingWindow(middle)
        #expect(window.admit(middle) == Array(0..<5))
        try middle.reach(0, end: .max) { _ in }
        #expect(window.admit(middle) == Array(5..<21))
    }

    @Test func `Each range has its turn, also one that's empty between others`() throws {
        var reading = reading([90_000, 0, 90_000, 90_000, 90_000, 0, 90_000, 5, 90_000, 300_000, 7])
        var window = ReadingWindow(reading)
        var open = window.admit(reading)
        var begun = open
        while let next = open.first {
            try reading.reach(next, end: .max) { _ in }
            #expect(window.dismiss(reading) == [next])
            #expect(window.dismiss(reading).isEmpty)
            open.removeFirst()
            let more = window.admit(reading)
            open += more
            let records = open.reduce(0) { $0 + reading.rest($1) }
            #expect(open.count <= ReadingWindow.partitionsMin || records <= ReadingWindow.recordsMax)
            begun += more
        }
        #expect(reading.isDone)
        #expect(begun == [0, 2, 3, 4, 6, 7, 8, 9, 10])
    }
}
