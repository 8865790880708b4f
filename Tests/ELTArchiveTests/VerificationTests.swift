import ELTCore
import Foundation
import Testing

@testable import ELTArchive

/// Two segments of a partition, one of another, a full load of two pages.
private func small() throws -> (scratch: Scratch, segments: [SegmentEntry], load: FullLoadEntry) {
    let scratch = Scratch()
    let archive = try scratch.archive()
    let segments = [
        try archive.write([event(0), event(1)], at: place()), try archive.write([event(2)], at: place()),
        try archive.write([event(0), event(1)], at: place(partition: 1)),
    ]
    try archive.append(segments.map(ManifestEntry.Content.segment))
    let draft = try archive.newDraft(of: "customer", plan: plan)
    try draft.put(0, Array("[1]".utf8))
    try draft.put(1, Array("[2]".utf8))
    let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(2))
    try archive.append([.fullLoad(load), .run(RunEntry(command: "run", now: plan.now))])
    return (scratch, segments, load)
}

private func readsAll(_ archive: LocalArchive) throws {
    for entry in try archive.entries(after: 0) {
        switch entry.content {
        case .segment(let segment): _ = try archive.changes(segment)
        case .fullLoad(let load): _ = try archive.pages(load)
        default: break
        }
    }
}

@Suite(.serialized) struct VerificationTests {
    @Test func `an archive as it should be has no faults`() throws {
        let (scratch, _, _) = try small()
        let archive = try scratch.archive()
        #expect(try archive.verify(progress: SilentProgress()).isEmpty)
        try readsAll(archive)
    }

    @Test func `missing, extra and swapped files are found and named`() throws {
        let (whole, segments, load) = try small()
        for name in whole.files().keys where name != "manifest.ndjson" {
            let scratch = try whole.copy()
            try scratch.remove(name)
            let faults = try scratch.archive().verify(progress: SilentProgress())
            #expect(faults.map(\.kind) == [.missing] && faults.map(\.path) == [name])
        }
        let extra = try whole.copy()
        try extra.put([1], "entity=customer/topic=x/file")
        try extra.put([1], "stray")
        #expect(try extra.archive().verify(progress: SilentProgress()).map(\.kind) == [.extra, .extra])

        let swapped = try whole.copy()
        let files = swapped.files()
        try swapped.put(files[segments[0].path]!, segments[2].path)
        try swapped.put(files[segments[2].path]!, segments[0].path)
        let faults = try swapped.archive().verify(progress: SilentProgress())
        #expect(Set(faults.map(\.path)) == [segments[0].path, segments[2].path])
        #expect(faults.allSatisfy { $0.kind == .changed })
        #expect(throws: ArchiveError.self) { try swapped.archive().read(segments[0]) { _ in } }
        #expect(load.files.count == 1)
    }

    @Test func `lines of the manifest that are left out, doubled or moved are found`() throws {
        let (whole, _, _) = try small()
        let lines = whole.files()["manifest.ndjson"]!.split(separator: 10).map { Array($0) + [10] }
        var variants: [[[UInt8]]] = []
        for index in lines.indices {
            var removed = lines
            removed.remove(at: index)
            variants.append(removed)
            variants.append(Array(lines[...index]) + Array(lines[index...]))
            for other in lines.indices where other > index {
                var moved = lines
                moved.swapAt(index, other)
                variants.append(moved)
            }
        }
        for variant in variants {
            let scratch = try whole.copy()
            try scratch.put(variant.flatMap { $0 }, "manifest.ndjson")
            #expect(!(try scratch.archive().verify(progress: SilentProgress())).isEmpty)
        }
    }

    @Test func `holes and overlaps between segments are found, accepted gaps are none`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let entries = try [0, 5, 9, 8].map { try archive.write([event($0)], at: place(), next: $0 + 2) }
        let gap = GapEntry(
            place: place(), lost: OffsetRange(first: 2, next: 5), after: nil, before: nil,
            acceptedAt: plan.now)
        try archive.append([.segment(entries[0]), .gap(gap)] + entries[1...].map { .segment($0) })
        let faults = try archive.verify(progress: SilentProgress())
        #expect(faults.map(\.kind) == [.hole, .overlap])
        #expect(faults[0].detail.contains("7..<9"))
        #expect(faults[1].detail.contains("8..<10"))
    }

    @Test func `errors name the file and the offsets, and are about storage`() throws {
        let (scratch, segments, _) = try small()
        try scratch.put([0], segments[1].path)
        do {
            try scratch.archive().read(segments[1]) { _ in }
            Issue.record("it was read")
        } catch let error as ArchiveError {
            #expect(error.kind == .storage)
            #expect(error.problem.contains(segments[1].path))
            #expect(error.problem.contains("offsets 2..<3 of customer-update/0"))
            #expect(!error.remedy.isEmpty)
        }
    }
}
