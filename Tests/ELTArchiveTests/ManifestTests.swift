import ELTCore
import Foundation
import JSON
import Testing

@testable import ELTArchive

private func sample(_ archive: LocalArchive) throws -> [ManifestEntry.Content] {
    let mark = Watermark(partition: TopicPartition("t\"ü", 3), incarnation: 2, offset: .max)
    let instant = Instant(milliseconds: 1_763_630_000_123)
    return [
        .segment(try archive.write([event(0), event(5)], at: place(), next: 9)),
        .segment(try archive.segment(at: place("empty"), first: 0).seal(next: 4)),
        .fullLoad(
            FullLoadEntry(
                entity: "customer", number: 3, startedAt: instant, finishedAt: instant + .seconds(5),
                w0: [mark], w1: [],
                files: [
                    .init(path: "a/b", bytes: 1, textBytes: 2, sha256: "x"),
                    .init(path: "c", bytes: 3, textBytes: 4, sha256: "y"),
                ],
                pages: 7, rows: 8, total: nil, drift: "5 \"rows\" more", records: ["a \"b\"", "c"])),
        .fullLoad(
            FullLoadEntry(
                entity: "customer", number: 4, startedAt: instant, finishedAt: instant, w0: [], w1: [], files: [],
                pages: 0, rows: 0, total: nil, drift: nil, records: [])),
        .run(RunEntry(command: "run", now: instant)),
        .gap(
            GapEntry(
                place: place(), lost: OffsetRange(first: 9, next: 12), after: nil, before: -5,
                acceptedAt: instant)),
        .incarnation(IncarnationEntry(topic: "t", number: 2, reason: "gone\nand back")),
    ]
}

@Suite struct ManifestTests {
    @Test func `entries come back in order and as they were`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let contents = try sample(archive)
        #expect(try archive.newestSequence == 0)
        let appended = try archive.append(contents)
        #expect(appended.map(\.content) == contents)
        #expect(appended.map(\.sequence) == [1, 2, 3, 4, 5, 6, 7])
        for number in 0...60 {
            try archive.append([
                .run(RunEntry(command: "run \(number)", now: Instant(milliseconds: Int64(number))))
            ])
        }
        let again = try scratch.archive()
        #expect(try again.newestSequence == 68)
        let all = try again.entries(after: 0)
        #expect(all.prefix(7) == appended[...])
        #expect(all.map(\.sequence) == Array(1...68))
        for sequence in [0, 1, 5, 60, 67, 68, 100] as [Int64] {
            #expect(try again.entries(after: sequence) == all.filter { $0.sequence > sequence })
        }
    }

    /// What elt wrote before it kept the place of the list.
    @Test func `a full load of before reads and is written as it was`() throws {
        let written =
            #"{"kind":"full_load","entity":"customer","number":2,"started_at":"2026-11-20T09:30:00.000Z","#
            + #""finished_at":"2026-11-20T09:31:00.000Z","w0":[],"w1":[],"files":[],"pages":1,"rows":8,"total":9,"#
            + "\"drift\":null}\n"
        let entry = try #require(FullLoadEntry(JSONDocument(Array(written.utf8)).root))
        #expect(entry.records == nil && entry.rows == 8)
        #expect(LoadFolder.text(entry) == Array(written.utf8))
    }

    @Test func `the newest entries cost the same after years`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let entry = try archive.write([event(0)], at: place())
        try archive.append(Array(repeating: .segment(entry), count: 50_000))
        try archive.append([.run(RunEntry(command: "run", now: Instant(milliseconds: 0)))])
        let time = try ContinuousClock().measure {
            for _ in 0..<100 {
                let entries = try archive.entries(after: 50_000)
                #expect(entries.count == 1)
            }
        }
        // Reading it all takes hundreds of times as long as this allows.
        #expect(time < .seconds(2))
        #expect(try archive.entries(after: 0).count == 50_001)
    }

    @Test func `a manifest torn at any byte loses the torn append alone`() throws {
        let whole = Scratch()
        let archive = try whole.archive()
        let first = try archive.append([.run(RunEntry(command: "first", now: Instant(milliseconds: 1)))])
        let begin = whole.files()["manifest.ndjson"]!.count
        let last = try archive.append(
            (0..<3).map { .run(RunEntry(command: "run \($0)", now: Instant(milliseconds: $0))) })
        let text = whole.files()["manifest.ndjson"]!
        for size in 0...text.count where size % 5 == 0 || size >= begin {
            let scratch = Scratch()
            try scratch.put(Array(text.prefix(size)), "manifest.ndjson")
            let torn = try scratch.archive()
            let expected = size == text.count ? first + last : size >= begin ? first : []
            // Whoever only reads needs no recovery.
            #expect(try torn.entriesBeforeTear() == expected, "\(size)")
            #expect(scratch.files()["manifest.ndjson"] == Array(text.prefix(size)))
            try torn.recover()
            #expect(try torn.entries(after: 0) == expected, "\(size)")
            let next = try torn.append([.run(RunEntry(command: "next", now: Instant(milliseconds: 9)))])
            #expect(try scratch.archive().entries(after: 0) == expected + next)
            #expect(try torn.verify(progress: SilentProgress()).isEmpty)
        }
        // Blocks that never reached the disk are zeros, at the end or in the midst of the last append.
        for start in stride(from: begin, to: text.count, by: 41) {
            for length in [2, 60, 400, text.count] {
                let scratch = Scratch()
                let end = min(start + length, text.count)
                try scratch.put(
                    text[..<start] + [UInt8](repeating: 0, count: end - start) + text[end...],
                    "manifest.ndjson")
                let torn = try scratch.archive()
                try torn.recover()
                #expect(try torn.entries(after: 0) == first, "\(start) \(length)")
            }
        }
    }

    @Test func `without recovery a torn manifest is neither read nor appended to`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        try archive.append((0..<2).map { .run(RunEntry(command: "run", now: Instant(milliseconds: $0))) })
        let text = scratch.files()["manifest.ndjson"]!
        for size in [text.count - 1, text.count / 2 + 40, 5] {
            try scratch.put(Array(text.prefix(size)), "manifest.ndjson")
            #expect(throws: ArchiveError.self) { try archive.entries(after: 0) }
            #expect(throws: ArchiveError.self) { try archive.newestSequence }
            #expect(throws: ArchiveError.self) {
                try archive.append([.run(RunEntry(command: "run", now: Instant(milliseconds: 5)))])
            }
        }
    }

    @Test func `damage before the last append isn't cut but refused`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        for number in 0..<5 {
            try archive.append([.run(RunEntry(command: "\(number)", now: Instant(milliseconds: 0)))])
        }
        var text = scratch.files()["manifest.ndjson"]!
        text[text.count / 2] ^= 1
        try scratch.put(text, "manifest.ndjson")
        try archive.recover()
        #expect(scratch.files()["manifest.ndjson"] == text)
        #expect(throws: ArchiveError.self) { try archive.entries(after: 0) }
        #expect(try archive.entries(after: 4).count == 1)
        #expect(try archive.verify(progress: SilentProgress()).map(\.kind).contains(.manifest))
    }

    @Test func `a lost manifest isn't an empty archive`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        try archive.append([.segment(try archive.write([event(0)], at: place()))])
        try scratch.remove("manifest.ndjson")
        #expect(throws: ArchiveError.manifestMissing(path: scratch.archivePath)) { try archive.recover() }
        #expect(scratch.files().count == 1)
        #expect(try archive.verify(progress: SilentProgress()).map(\.kind) == [.extra])
    }

    @Test func `an archive that isn't there is an error to whoever only reads`() {
        let scratch = Scratch()
        #expect(throws: ArchiveError.missing(path: scratch.archivePath)) {
            try LocalArchive(path: scratch.archivePath, creating: false)
        }
    }
}
