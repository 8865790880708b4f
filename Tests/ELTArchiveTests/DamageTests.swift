import ELTCore
import Foundation
import Testing

@testable import ELTArchive

/// An archive that was damaged after it was written: `verify` finds it, and what is built from it is refused.
///
/// With `ELT_DAMAGE=every` each bit, each length, and many more random flips; else always the same part of them.
@Suite(.serialized) struct DamageTests {
    static let isThorough = ProcessInfo.processInfo.environment["ELT_DAMAGE"] == "every"

    /// Two segments of a partition, one of another, a full load of two pages, and a run: three appends.
    static func archive(events: Int64 = 2) throws -> Scratch {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let segments = [
            try archive.write((0..<events).map { event($0) }, at: place()),
            try archive.write([event(events)], at: place()),
            try archive.write([event(0), event(1)], at: place(partition: 1)),
        ]
        try archive.append(segments.map(ManifestEntry.Content.segment))
        let draft = try archive.newDraft(of: "customer", plan: plan)
        try draft.put(0, Array("[1]".utf8))
        try draft.put(1, Array("[2]".utf8))
        let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(2))
        try archive.append([.fullLoad(load), .run(RunEntry(command: "full-load", now: plan.now))])
        try archive.append([
            .segment(try archive.write([event(2)], at: place(partition: 1))),
            .run(RunEntry(command: "run", now: plan.now)),
        ])
        return scratch
    }

    /// What a rebuild asks of the archive before and while it loads it.
    static func rebuild(_ scratch: Scratch) throws {
        let archive = try scratch.archive()
        try archive.recover()
        try archive.checkListed()
        for entry in try archive.entries(after: 0) {
            switch entry.content {
            case .segment(let segment): try archive.read(segment) { _ in }
            case .fullLoad(let load): try archive.read(load, page: { _, _ in }, piece: { _ in }, end: {})
            default: break
            }
        }
    }

    static func faults(_ scratch: Scratch) throws -> [ArchiveFault] {
        try scratch.archive().verify(progress: SilentProgress())
    }

    @Test func `every flipped bit is found, named and not built from`() throws {
        let scratch = try Self.archive()
        let files = scratch.files()
        var flips = 0
        for (name, bytes) in files {
            // 31 has no divisor in common with 8: every bit of a byte has its turn.
            for flip in stride(from: 0, to: bytes.count * 8, by: Self.isThorough ? 1 : 31) {
                var changed = bytes
                changed[flip / 8] ^= 1 << UInt8(flip % 8)
                try scratch.put(changed, name)
                flips += 1
                #expect(try Self.faults(scratch).contains { $0.path == name }, "\(name) bit \(flip)")
                // Nobody reads the copy of the manifest's entry that lies beside the pages.
                if name.hasSuffix("load.json") { continue }
                #expect(throws: ArchiveError.self, "\(name) bit \(flip)") { try Self.rebuild(scratch) }
                #expect(scratch.files()[name] == changed, "\(name) bit \(flip): what was left was changed")
            }
            try scratch.put(bytes, name)
        }
        #expect(scratch.files() == files)
        #expect(try Self.faults(scratch).isEmpty)
        try Self.rebuild(scratch)
        #expect(flips > (Self.isThorough ? 30_000 : 1_000))
    }

    @Test func `random flips in a larger archive are found`() throws {
        let scratch = try Self.archive(events: 3_000)
        let files = scratch.files().sorted { $0.key < $1.key }
        var seed = Self.isThorough ? UInt64.random(in: .min ... .max) : 1
        func roll(_ limit: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((seed >> 33) % UInt64(limit))
        }
        let total = files.reduce(0) { $0 + $1.value.count }
        for _ in 0..<(Self.isThorough ? 20_000 : 300) {
            var position = roll(total * 8)
            guard let (name, bytes) = files.first(where: { file in
                if position < file.value.count * 8 { return true }
                position -= file.value.count * 8
                return false
            }) else { continue }
            var changed = bytes
            changed[position / 8] ^= 1 << UInt8(position % 8)
            try scratch.put(changed, name)
            #expect(try Self.faults(scratch).contains { $0.path == name }, "\(name) bit \(position), seed \(seed)")
            try scratch.put(bytes, name)
        }
    }

    @Test func `a file cut at any length is found, named and not built from`() throws {
        let whole = try Self.archive()
        for (name, bytes) in whole.files() {
            for length in stride(from: 0, to: bytes.count, by: Self.isThorough ? 1 : 23) {
                let scratch = try whole.copy()
                try scratch.put(Array(bytes[..<length]), name)
                let faults = try Self.faults(scratch)
                #expect(!faults.isEmpty, "\(name) cut to \(length)")
                // A manifest that's cut between two appends is a whole one, and an older: the files tell.
                if name != Manifest.name { #expect(faults.map(\.path).contains(name)) }
                if name.hasSuffix("load.json") { continue }
                #expect(throws: (any Error).self, "\(name) cut to \(length)") { try Self.refuseOrLoseNothing(scratch, whole) }
            }
        }
    }

    private struct NothingLost: Error {}

    /// A cut in the last append is what a crash leaves. Then segments are found again; only the runs may lack.
    private static func refuseOrLoseNothing(_ scratch: Scratch, _ whole: Scratch) throws {
        try rebuild(scratch)
        func content(_ scratch: Scratch) throws -> [ManifestEntry.Content] {
            try scratch.archive().entries(after: 0).map(\.content).filter { if case .run = $0 { false } else { true } }
        }
        if try content(scratch) == content(whole) { throw NothingLost() }
    }

    @Test func `an older manifest is found by the files that it doesn't list`() throws {
        let whole = try Self.archive()
        let lines = whole.files()[Manifest.name]!.split(separator: 10).map { Array($0) + [10] }
        for count in [0, 3, 5] {
            let scratch = try whole.copy()
            try scratch.put(lines[..<count].flatMap { $0 }, Manifest.name)
            #expect(try Self.faults(scratch).map(\.kind).contains(.extra))
            let before = scratch.files()
            #expect(throws: ArchiveError.self, "\(count) lines") { try Self.rebuild(scratch) }
            #expect(scratch.files() == before)
        }
    }

    @Test func `a missing, an added and two swapped files aren't built from`() throws {
        let whole = try Self.archive()
        let names = whole.files().keys.filter { $0 != Manifest.name && !$0.hasSuffix("load.json") }.sorted()
        for name in names {
            let missing = try whole.copy()
            try missing.remove(name)
            #expect(throws: ArchiveError.self) { try Self.rebuild(missing) }
            for other in names where other > name {
                let swapped = try whole.copy()
                let files = swapped.files()
                try swapped.put(files[name]!, other)
                try swapped.put(files[other]!, name)
                #expect(Set([name, other]).isSubset(of: try Self.faults(swapped).map(\.path)))
                #expect(throws: ArchiveError.self) { try Self.rebuild(swapped) }
            }
        }
        let added = try whole.copy()
        try added.put(whole.files()[names[0]]!, names[0] + ".copy")
        #expect(throws: ArchiveError.unlisted(path: names[0] + ".copy", count: 1)) { try Self.rebuild(added) }
        #expect(try Self.faults(added).map(\.path) == [names[0] + ".copy"])
    }

    @Test func `files that don't fit a cut manifest stay where they are`() throws {
        let scratch = try Self.archive()
        let lines = scratch.files()[Manifest.name]!.split(separator: 10).map { Array($0) + [10] }
        // The second append is torn, and the segment of the third isn't whole any more.
        try scratch.put(Array(lines[..<3].flatMap { $0 } + lines[3].dropLast(20)), Manifest.name)
        let newest = scratch.files().keys.filter { $0.contains("partition=1") }.sorted()[1]
        try scratch.put(scratch.files()[newest]!.dropLast(3), newest)
        let before = Set(scratch.files().keys)
        #expect(throws: ArchiveError.self) { try scratch.archive().recover() }
        #expect(Set(scratch.files().keys) == before)
    }
}
