import ELTCore
import Foundation
import Testing

@testable import ELTArchive

@Suite struct RecoveryTests {
    @Test func `whole files without an entry are adopted in order`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let start = PartitionStart(place: place("started"), offset: 70)
        try archive.append([.segment(try archive.write([event(0), event(1)], at: place()))])
        try archive.append([.run(RunEntry(command: "run", now: Instant(milliseconds: 0), starts: [start]))])
        try archive.beginExtraction()
        let orphans = [
            try archive.write([event(2), event(4)], at: place(), next: 6, first: 2),
            try archive.segment(at: place(), first: 6).seal(next: 8),
            try archive.write([event(0)], at: place(partition: 1)),
            try archive.write([event(70)], at: place("started")),
        ]
        let unfinished = try archive.segment(at: place(partition: 2), first: 0)
        try event(0).withView { try unfinished.append($0) }
        try scratch.put([1, 2, 3], ".partial/leftover")

        let again = try scratch.archive()
        try again.recover()
        let found = try again.entries(after: 2).map(\.content)
        #expect(found.count == 4)
        for orphan in orphans { #expect(found.contains(.segment(orphan))) }
        #expect(
            scratch.files(hidden: true).keys.filter { $0.hasPrefix(".partial") || $0 == ".extracting" }
                .isEmpty)
        #expect(try again.verify(progress: SilentProgress()).isEmpty)
        let before = scratch.files(hidden: true)
        try again.recover()
        #expect(scratch.files(hidden: true) == before)
        unfinished.discard()
    }

    @Test func `files that aren't due are removed and fetched again`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let listed = try archive.write([event(0), event(1)], at: place())
        try archive.append([.segment(listed)])
        try archive.beginExtraction()
        try archive.write([event(9)], at: place())
        try archive.write([event(1), event(2)], at: place())
        try archive.write([event(4)], at: place(partition: 1))
        // Nobody knows whether something was lost before it.
        try archive.write([event(70)], at: place("new"))
        try archive.write([event(0)], at: place(incarnation: 2))
        let cut = try archive.write((2..<2000).map { event($0) }, at: place())
        try scratch.put(Array(scratch.files()[cut.path]!.dropLast(5)), cut.path)
        try scratch.put([], "entity=customer/topic=customer-update/stray")
        try archive.recover()
        #expect(Set(scratch.files().keys) == ["manifest.ndjson", listed.path])
        #expect(try archive.entries(after: 0).map(\.content) == [.segment(listed)])
    }

    @Test func `a file under another's name isn't adopted`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        try archive.append([.run(RunEntry(command: "run", now: Instant(milliseconds: 0)))])
        try archive.beginExtraction()
        let entry = try archive.write([event(0), event(7)], at: place())
        let bytes = scratch.files()[entry.path]!
        try scratch.remove(entry.path)
        for path in [
            entry.path.replacingOccurrences(of: "partition=0", with: "partition=1"),
            entry.path.replacingOccurrences(of: "update", with: "create"),
            entry.path.replacingOccurrences(of: "007.", with: "006."),
            entry.path.replacingOccurrences(of: "2025-11", with: "2025-10"),
        ] {
            try scratch.put(bytes, path)
        }
        try archive.recover()
        #expect(scratch.files().count == 1)
        #expect(try archive.newestSequence == 1)
    }

    @Test func `without the mark of an extraction nothing is looked for`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        try archive.beginExtraction()
        try archive.append([.run(RunEntry(command: "run", now: Instant(milliseconds: 0)))])
        try archive.write([event(0)], at: place())
        try archive.recover()
        #expect(try archive.newestSequence == 1)
        #expect(try archive.verify(progress: SilentProgress()).map(\.kind) == [.extra])
    }

    @Test func `a torn append is made good from the files it listed`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        try archive.append([.run(RunEntry(command: "run", now: Instant(milliseconds: 0)))])
        let entry = try archive.write([event(0)], at: place())
        try archive.append([.segment(entry), .run(RunEntry(command: "run", now: Instant(milliseconds: 1)))])
        try scratch.put(scratch.files()["manifest.ndjson"]!.dropLast(10), "manifest.ndjson")
        try archive.recover()
        #expect(try archive.entries(after: 1).map(\.content) == [.segment(entry)])
    }

    @Test func `folders are 0700 and files 0600 under every umask`() throws {
        for mask in [0, 0o022, 0o077] as [mode_t] {
            let scratch = Scratch()
            let before = umask(mask)
            defer { umask(before) }
            let archive = try LocalArchive(path: scratch.path + "/deep/er/archive")
            try archive.beginExtraction()
            try archive.append([.segment(try archive.write([event(0)], at: place()))])
            let draft = try archive.newDraft(of: "customer", plan: plan)
            try draft.began(date: nil)
            try draft.put(0, Array("[]".utf8))
            let load = try draft.complete(
                number: 1, w1: [], finishedAt: Instant(milliseconds: 0), summary: summary(1))
            try archive.append([.fullLoad(load)])
            _ = try archive.newDraft(of: "customer", plan: plan)
            var count = 0
            let names =
                FileManager.default.enumerator(atPath: scratch.path)?.compactMap { $0 as? String } ?? []
            for name in names {
                var status = stat()
                #expect(lstat(scratch.path + "/" + name, &status) == 0)
                let expected: mode_t = status.st_mode & S_IFMT == S_IFDIR ? 0o700 : 0o600
                #expect(status.st_mode & 0o7777 == expected, "\(name) under \(mask)")
                count += 1
            }
            #expect(count > 12)
        }
    }

    @Test func `what a killed dry run left is removed`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        try scratch.put([1], ".dry-run-4711/entity=customer/file")
        try archive.recover()
        #expect(scratch.files(hidden: true).isEmpty)
    }

    @Test func `a file behind a rewind is fetched again, and one after the rewind's run is adopted`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        for offset in Int64(0)..<3 {
            try archive.append([.segment(try archive.write([event(offset)], at: place()))])
        }
        try archive.append([
            .rewind(RewindEntry(place: place(), offset: 1, at: Instant(milliseconds: 7)))
        ])
        let entries = try archive.entries(after: 0)
        try archive.beginExtraction()
        let lost = try archive.write([event(3)], at: place())
        try archive.recover()
        #expect(try archive.entries(after: 0) == entries)
        #expect(scratch.files()[lost.path] == nil)
        try archive.append([.run(RunEntry(command: "run", now: Instant(milliseconds: 9)))])
        try archive.beginExtraction()
        let kept = try archive.write([event(3)], at: place())
        try archive.recover()
        #expect(try archive.entries(after: 5).map(\.content) == [.segment(kept)])
        #expect(try archive.verify(progress: SilentProgress()).isEmpty)
    }
}
