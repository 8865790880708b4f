import ELTCore
import ELTLoad
import Foundation
import Testing

/// What a relayed session does to the real one.
@Suite struct LoadRelayTests {
    private struct Refused: Error, Equatable { var what: String }

    /// Writes down what it's asked, and refuses what it's told to.
    private final class Diary: LoadSession {
        var lines: [String] = []
        var refused = ""
        let thread = Thread.current
        weak var writer: DiaryWriter?
        /// A statement that ends on another thread while its connection works on this one is the end of the program.
        var isLetGoElsewhere = false

        func note(_ line: String) throws {
            #expect(Thread.current === thread, "the session is one thread's")
            if line == refused { throw Refused(what: line) }
            lines.append(line)
        }

        func columns(of entity: String) throws -> [Column] {
            try note("columns of \(entity)")
            return [Column(name: "id", field: "id", type: .text, isDeclared: true)]
        }
        func evolve(_ entity: String, to columns: [Column], integersToText: [String]) throws { try note("evolve \(columns.count)") }
        func fullLoads(of entity: String) throws -> [FullLoadMark] {
            try note("full loads")
            return []
        }
        func streamWriter(for place: SegmentPlace) throws -> any StreamWriter {
            try note("writer of \(place.topic)")
            let made = DiaryWriter(self)
            writer = made
            return made
        }
        func fullWriter(of entity: String, number: Int) throws -> any FullWriter {
            try note("writer of full load \(number)")
            return DiaryWriter(self)
        }
        func quarantine(_ item: QuarantineItem) throws { try note("quarantine \(item.offset ?? -1)") }
        func noteDrift(entity: String, field: String, what: String, at: String) throws -> Bool {
            try note("drift \(field)")
            return true
        }
        func note(_ entry: ManifestEntry, result: LoadedRows, day: Day?) throws { try note("entry \(entry.sequence), \(result.inserted)") }
        var rewound: [RewoundRange] { get throws { [] } }
        func noteRestored(_ segment: SegmentEntry) throws {}
    }

    private final class DiaryWriter: StreamWriter, FullWriter {
        let diary: Diary
        var rows: Int64 = 0
        init(_ diary: Diary) { self.diary = diary }
        deinit { if Thread.current !== diary.thread { diary.isLetGoElsewhere = true } }

        private func text(_ cells: UnsafeBufferPointer<Cell>) -> String {
            cells.map { cell in
                switch cell.kind {
                case .null: "null"
                case .integer: "\(cell.integer)"
                case .text: cell.text.count > 40 ? "\(cell.text.count) bytes" : String(decoding: cell.text, as: UTF8.self)
                }
            }.joined(separator: "|")
        }
        func insert(_ row: StreamRow) throws {
            try diary.note("event \(row.offset) \(String(decoding: row.key, as: UTF8.self)) \(text(row.cells))")
            rows += 1
        }
        func insert(_ row: FullRow) throws {
            try diary.note("row \(row.number) \(String(decoding: row.key, as: UTF8.self)) \(text(row.cells))")
            rows += 1
        }
        func inserted() throws -> Int64 { rows }
        func columnsChanged() throws { try diary.note("columns changed") }
    }

    private static let place = SegmentPlace(entity: "customer", topic: "created", incarnation: 1, partition: 0)

    /// A row whose key and text are gone after the call.
    private static func insert(_ offset: Int64, _ writer: any StreamWriter, bytes: Int = 3, cells: Int = 3) throws {
        let key = Array("key-\(offset)".utf8)
        let text = Array("\(offset)".utf8) + Array(repeating: UInt8(ascii: "x"), count: bytes)
        try key.withUnsafeBytes { key in
            try text.withUnsafeBytes { text in
                let given = [Cell.null, Cell(kind: .integer, integer: offset, text: Cell.null.text)]
                    + Array(repeating: Cell(kind: .text, integer: 0, text: text), count: cells - 2)
                try given.withUnsafeBufferPointer { cells in
                    try writer.insert(
                        StreamRow(
                            offset: offset, key: key, time: offset, kafkaTime: offset, isClockCorrected: false,
                            day: Day(daysSinceEpoch: 0), epoch: 0, removes: false, cells: cells))
                }
            }
        }
    }

    /// What a loader might ask of a session, with rows of all sizes in between.
    private static func work(_ session: any LoadSession) throws -> Int64 {
        _ = try session.columns(of: "customer")
        let writer = try session.streamWriter(for: place)
        for offset in 0..<3000 {
            try insert(Int64(offset), writer, bytes: offset % 500 == 0 ? 200_000 : offset % 90, cells: offset == 700 ? 9000 : 4)
            if offset == 1500 {
                try session.evolve("customer", to: [], integersToText: [])
                try writer.columnsChanged()
            }
        }
        for offset in 0..<20 { try insert(Int64(offset), try session.streamWriter(for: place)) }
        let full = try session.fullWriter(of: "customer", number: 2)
        try Array("k".utf8).withUnsafeBytes { try full.insert(FullRow(number: 7, key: $0, cells: UnsafeBufferPointer(start: nil, count: 0))) }
        try insert(3000, writer)
        _ = try session.noteDrift(entity: "customer", field: "f", what: "new", at: "")
        return try writer.inserted()
    }

    @Test func `The session sees the same calls, in the same order, on the caller's thread`() throws {
        let (plain, relayed) = (Diary(), Diary())
        let rows = try Self.work(plain)
        #expect(rows == 3001)
        #expect(try LoadRelay.run(relayed, Self.work) == rows)
        #expect(plain.lines.count > 3000)
        #expect(relayed.lines == plain.lines)
        // A statement that's still there would keep the connection open.
        #expect(relayed.writer == nil)
        #expect(!relayed.isLetGoElsewhere)
    }

    @Test func `All that can't be a row is in quarantine in its order before the entry is noted`() throws {
        let diary = Diary()
        try LoadRelay.run(diary) { session in
            for offset in 0..<2500 {
                try session.quarantine(
                    QuarantineItem(
                        entity: "customer", sequence: 1, offset: Int64(offset), path: "p", reason: "not-json", detail: ""))
            }
            try session.note(ManifestEntry(sequence: 9, content: .run(RunEntry(command: "run", now: Instant(milliseconds: 0)))), result: LoadedRows(), day: nil)
            try session.quarantine(
                QuarantineItem(entity: "customer", sequence: 1, offset: 2500, path: "p", reason: "not-json", detail: ""))
        }
        #expect(diary.lines == (0..<2500).map { "quarantine \($0)" } + ["entry 9, 0", "quarantine 2500"])
    }

    @Test(arguments: ["event 5 key-5 null|5|5xxx", "writer of created", "event 2999 key-2999 null|2999|2999xxx"])
    func `What the session refuses ends both sides with its error`(_ line: String) throws {
        let diary = Diary()
        diary.refused = line
        #expect(throws: Refused(what: line)) {
            try LoadRelay.run(diary) { session in
                let writer = try session.streamWriter(for: Self.place)
                for offset in 0..<100_000 { try Self.insert(Int64(offset), writer) }
                _ = try writer.inserted()
            }
        }
        #expect(diary.writer == nil)
    }

    @Test func `A refused answer may be dealt with, and the load goes on`() throws {
        let diary = Diary()
        diary.refused = "drift f"
        try LoadRelay.run(diary) { session in
            #expect(throws: Refused(what: "drift f")) { try session.noteDrift(entity: "", field: "f", what: "", at: "") }
            _ = try session.fullLoads(of: "customer")
        }
        #expect(diary.lines == ["full loads"])
    }

    @Test func `A maker that fails ends both sides with its error`() throws {
        let diary = Diary()
        #expect(throws: Refused(what: "the file ends")) {
            try LoadRelay.run(diary) { session in
                let writer = try session.streamWriter(for: Self.place)
                for offset in 0..<2000 { try Self.insert(Int64(offset), writer) }
                _ = try writer.inserted()
                throw Refused(what: "the file ends")
            }
        }
        #expect(diary.lines.count == 2001)
        #expect(diary.writer == nil)
    }
}
