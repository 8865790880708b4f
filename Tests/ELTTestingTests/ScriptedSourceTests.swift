import ELTCore
import Testing

@testable import ELTTesting

private let place = TopicPartition("update", 0)
private var soon: ContinuousClock.Instant { .now + .seconds(10) }

@Suite struct `Scripted change source` {
    let source = ScriptedChangeSource()

    init() {
        source.create("update", partitions: 2)
        for number in 0..<5 {
            source.produce(to: place, timestamp: Int64(number) * 10, key: [1], value: [UInt8(number)])
        }
        source.produce(to: TopicPartition("update", 1), timestamp: 7, key: nil, value: nil)
    }

    private func read(_ range: OffsetRange) throws -> [Int64] {
        var offsets: [Int64] = []
        try source.read(
            [(place, range)], stall: .seconds(1), deadline: soon, each: { offsets.append($1.offset) },
            finished: { _ in })
        return offsets
    }

    @Test func `it names every partition and refuses a topic that is missing`() throws {
        let bounds = try source.bounds(of: ["update"], deadline: soon)
        #expect(bounds.map(\.partition.partition) == [0, 1])
        #expect(bounds.map(\.end) == [5, 1])
        #expect(throws: ScriptedSourceError.topicMissing("delete")) {
            try source.bounds(of: ["update", "delete"], deadline: soon)
        }
    }

    @Test func `it brings each record of each range once and in order, over holes and markers`() throws {
        source.compact([1, 2], of: place)
        source.addMarkers(3, to: place)
        #expect(try source.bounds(of: ["update"], deadline: soon)[0].end == 8)
        var found: [[Int64]] = [[], []]
        var finished: [Int] = []
        let ranges = [
            (place, OffsetRange(first: 0, next: 8)),
            (TopicPartition("update", 1), OffsetRange(first: 0, next: 1)),
        ]
        try source.read(
            ranges.map { (partition: $0.0, range: $0.1) }, stall: .seconds(1), deadline: soon,
            each: { found[$0].append($1.offset) }, finished: { finished.append($0) })
        #expect(found == [[0, 3, 4], [0]])
        #expect(finished.sorted() == [0, 1])
    }

    @Test func `null and empty values are told apart`() throws {
        source.produce(to: TopicPartition("update", 1), timestamp: 8, key: [], value: [])
        let null = try #require(try source.record(of: TopicPartition("update", 1), at: 0, deadline: soon))
        let empty = try #require(try source.record(of: TopicPartition("update", 1), at: 1, deadline: soon))
        #expect(null.value == nil && null.key == nil)
        #expect(empty.value == [] && empty.key == [])
    }

    @Test func `an offset that is gone is an error and never a jump`() throws {
        source.forget(before: 2, of: place)
        #expect(throws: ScriptedSourceError.offsetGone(place, offset: 1, low: 2, end: 5)) {
            try read(OffsetRange(first: 1, next: 5))
        }
        #expect(try read(OffsetRange(first: 2, next: 5)) == [2, 3, 4])
        source.truncate(to: 3, of: place)
        #expect(throws: ScriptedSourceError.self) { try read(OffsetRange(first: 2, next: 5)) }
    }

    @Test func `a recreated topic counts from zero`() throws {
        source.recreate("update")
        #expect(try source.bounds(of: ["update"], deadline: soon).map(\.end) == [0, 0])
        #expect(try source.record(of: place, at: 4, deadline: soon) == nil)
    }

    @Test func `it fails as often as it was told to, and breaks off in the middle`() throws {
        source.fail(.bounds)
        #expect(throws: ScriptedSourceError.self) { try source.bounds(of: ["update"], deadline: soon) }
        _ = try source.bounds(of: ["update"], deadline: soon)
        source.breakOff(afterRecords: 2)
        #expect(throws: ScriptedSourceError.self) { try read(OffsetRange(first: 0, next: 5)) }
        #expect(try read(OffsetRange(first: 0, next: 5)).count == 5)
        #expect(throws: ScriptedSourceError.self) {
            try source.bounds(of: ["update"], deadline: .now - .seconds(1))
        }
    }

    @Test func `it finds the offset of an instant`() throws {
        func offset(_ ms: Int64) throws -> Int64? {
            try source.offsets(of: [place], at: Instant(milliseconds: ms), deadline: soon)[place]
        }
        #expect(try offset(0) == 0)
        #expect(try offset(11) == 2)
        #expect(try offset(41) == 5)
    }
}

/// A draft in memory.
private final class Draft: SnapshotDraft {
    var bodies: [Int: [UInt8]] = [:]
    var notes: [Int: PageNote] = [:]
    var dates: [Instant?] = []
    var keptPages: Set<Int> { Set(notes.keys) }
    var keptRows: Int64 { notes.values.reduce(0) { $0 + Int64($1.rows) } }
    func note(ofPage index: Int) -> PageNote? { notes[index] }
    func began(date: Instant?) { dates.append(date) }
    func page(_ index: Int, head: PageHead) -> any PageWriter { Writer(self, index) }

    final class Writer: PageWriter {
        let draft: Draft
        let index: Int
        var bytes: [UInt8] = []
        init(_ draft: Draft, _ index: Int) {
            self.draft = draft
            self.index = index
        }
        func write(_ piece: UnsafeRawBufferPointer) { bytes += piece }
        func finish(_ note: PageNote) {
            draft.bodies[index] = bytes
            draft.notes[index] = note
        }
        func discard() {}
    }
}

@Suite struct `Scripted snapshot source` {
    let source = ScriptedSnapshotSource(pages: [["{\"id\":\"a\"}", "{\"id\":\"ü\"}"], ["{\"id\":\"c\"}"]])
    let context = RunContext(now: Instant(milliseconds: 1000), zone: .utc, deadline: .now + .seconds(60))

    @Test func `every page reaches the draft whole, with its note`() throws {
        let draft = Draft()
        let summary = try source.download(into: draft, context: context)
        #expect(summary == SnapshotSummary(pages: 2, rows: 3, total: 3, drift: nil, retries: 0))
        #expect(
            String(decoding: draft.bodies[0] ?? [], as: UTF8.self)
                == "{\"items\":[{\"id\":\"a\"},{\"id\":\"ü\"}],\"page\":0,\"size\":2,\"total\":3}")
        #expect(draft.notes[1] == PageNote(rows: 1, total: 3, next: nil, isLast: true))
    }

    @Test(arguments: [false, true])
    func `broken off it leaves whole pages only and goes on at the first missing one`(halfway: Bool) throws {
        let draft = Draft()
        source.breakOff(atPage: 1, halfway: halfway)
        #expect(throws: ScriptedSourceError.self) { try source.download(into: draft, context: context) }
        #expect(draft.keptPages == [0])
        let summary = try source.download(into: draft, context: context)
        #expect(source.served == [0, 1])
        #expect(summary.rows == 3)
    }

    @Test func `things can happen between the pages, and after the last`() throws {
        var asked: [Int] = []
        source.between = { asked.append($0) }
        _ = try source.download(into: Draft(), context: context)
        #expect(asked == [0, 1, 2])
    }
}
