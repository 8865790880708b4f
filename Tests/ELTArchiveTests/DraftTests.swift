import ELTCore
import Foundation
import Testing

@testable import ELTArchive

private func body(_ index: Int) -> [UInt8] {
    Array(#"{"items":[{"id":"c-\#(index)","name":"Müller"}]}"#.utf8)
}

@Suite struct DraftTests {
    @Test func `pages come back in the order of their index, however they came`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let draft = try archive.newDraft(of: "customer", plan: plan)
        try draft.began(date: Instant(milliseconds: 5))
        try draft.began(date: Instant(milliseconds: 1))
        for index in [3, 0, 2, 1] { try draft.put(index, body(index), rows: index) }
        #expect(draft.keptPages == [0, 1, 2, 3])
        #expect(draft.keptRows == 6)
        let w1 = [Watermark(partition: TopicPartition("t", 1), incarnation: 1, offset: 8)]
        let load = try draft.complete(
            number: 1, w1: w1, finishedAt: Instant(milliseconds: 99), summary: summary(4, rows: 6))
        #expect(load.startedAt == Instant(milliseconds: 5))
        #expect(load.w0 == plan.w0 && load.w1 == w1 && load.rows == 6 && load.pages == 4 && load.total == 9)
        #expect(
            load.files.map(\.path) == ["entity=customer/full_load=000001/pages-00000000-00000003.ndjson.zst"])
        try archive.append([.fullLoad(load)])
        let pages = try archive.pages(load)
        #expect(pages.map(\.index) == [0, 1, 2, 3])
        #expect(pages.map(\.body) == (0..<4).map(body))
        #expect(pages.map(\.head) == (0..<4).map(head))
        #expect(try archive.openDraft(of: "customer") == nil)
        #expect(try archive.verify(progress: SilentProgress()).isEmpty)
        #expect(scratch.files(hidden: true).keys.filter { $0.hasPrefix(".") }.isEmpty)
    }

    @Test func `bodies come back byte for byte, at every length around a part's`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let part = PageLine.bodyBytesMax
        var bodies: [[UInt8]] = [[], [0], Array("ü".utf8), Array(0...255)]
        for shift in 0..<4 {
            bodies.append(
                [UInt8](repeating: 0x61, count: shift) + Array(String(repeating: "😀", count: part / 2).utf8))
        }
        for size in (part - 2)...(part + 2) { bodies.append([UInt8](repeating: 0x22, count: size)) }
        bodies.append((0..<(3 * part)).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        bodies.append([UInt8](repeating: 0x80, count: part + 9))
        let draft = try archive.newDraft(of: "customer", plan: plan)
        for (index, body) in bodies.enumerated() {
            try draft.put(index, body, pieces: index % 2 == 0 ? 99_991 : part * 2)
        }
        let load = try draft.complete(
            number: 1, w1: [], finishedAt: plan.now, summary: summary(bodies.count))
        #expect(try archive.pages(load).map(\.body) == bodies)
    }

    @Test func `a resumed draft has what was sealed and gets the rest`() throws {
        let scratch = Scratch()
        let first = try #require(try scratch.archive().newDraft(of: "customer", plan: plan) as? LocalDraft)
        try first.began(date: nil)
        try first.put(0, body(0), rows: 2)
        try first.put(2, body(2), rows: 5)
        try first.sealChunk()
        try first.put(1, body(1))
        let broken = try first.page(3, head: head(3))
        let half = [UInt8](repeating: 0x61, count: 3 << 20)
        try half.withUnsafeBytes { try broken.write($0) }
        try first.sealChunk()
        try first.put(4, body(4))

        let archive = try scratch.archive()
        try archive.recover()
        let draft = try #require(try archive.openDraft(of: "customer"))
        #expect(draft.plan == plan && draft.begunAt == first.begunAt && draft.startedAt == plan.now)
        #expect(draft.keptPages == [0, 1, 2])
        #expect(draft.keptRows == 8)
        #expect(draft.note(ofPage: 2) == PageNote(rows: 5, total: 9, next: "n2", isLast: false, offset: 14))
        #expect(draft.note(ofPage: 3) == nil)
        #expect(throws: ArchiveError.pagesMissing(entity: "customer", pages: 5, kept: 3)) {
            try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(5))
        }
        try draft.put(4, body(4))
        try draft.put(3, body(3))
        let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(5))
        #expect(try archive.pages(load).map(\.body) == (0..<5).map(body))
    }

    @Test func `what's flushed survives, and so does the first page and one after a pause`() throws {
        let scratch = Scratch()
        let first = try scratch.archive().newDraft(of: "customer", plan: plan)
        try first.put(0, body(0))
        #expect(try scratch.archive().openDraft(of: "customer")?.keptPages == [0])
        try first.put(1, body(1))
        try first.flush()
        try first.flush()
        #expect(try scratch.archive().openDraft(of: "customer")?.keptPages == [0, 1])
        // A page that comes alone doesn't wait for the next one.
        Thread.sleep(forTimeInterval: 2.1)
        try first.put(2, body(2))
        #expect(try scratch.archive().openDraft(of: "customer")?.keptPages == [0, 1, 2])
    }

    @Test func `a discarded page leaves no trace, also where parts of it were sealed`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let draft = try archive.newDraft(of: "customer", plan: plan)
        let long = [UInt8](repeating: 0x62, count: 20 << 20)
        let writer = try draft.page(0, head: head(0))
        try long.withUnsafeBytes { try writer.write($0) }
        #expect(scratch.files(hidden: true).keys.contains(".drafts/customer/" + DraftChunk.fileName(1)))
        writer.discard()
        #expect(draft.keptPages.isEmpty)
        try draft.put(0, body(0))
        let second = try draft.page(1, head: head(1))
        try body(7).withUnsafeBytes { try second.write($0) }
        second.discard()
        try draft.put(1, body(1))
        let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(2))
        #expect(try archive.pages(load).map(\.body) == [body(0), body(1)])
        #expect(load.files[0].textBytes < 1000)
    }

    @Test func `the same pages give the same files, in whatever order and chunks they came`() throws {
        var seen: Set<[String: [UInt8]]> = []
        for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
            for seals in [false, true] {
                let scratch = Scratch()
                let draft = try #require(
                    try scratch.archive().newDraft(of: "customer", plan: plan) as? LocalDraft)
                for index in order {
                    try draft.put(
                        index, [UInt8](repeating: 0x61 + UInt8(index), count: 900_000),
                        pieces: 1 + index * 5000)
                    if seals { try draft.sealChunk() }
                }
                _ = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(4))
                seen.insert(scratch.files())
            }
        }
        #expect(seen.count == 1)
    }

    @Test func `pages are put in order as they come, and one that comes again counts as it came last`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let draft = try #require(try archive.newDraft(of: "customer", plan: plan) as? LocalDraft)
        for index in [0, 2, 1] {
            try draft.put(index, body(index))
            try draft.sealChunk()
        }
        #expect(scratch.files(hidden: true).keys.contains(".drafts/customer/complete/.pages.partial"))
        try draft.put(1, body(7))
        let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(3))
        #expect(try archive.pages(load).map(\.body) == [body(0), body(7), body(2)])
        #expect(load.files.count == 1)
    }

    @Test func `what can't be put in order ends the download, and the next one goes on with its pages`() throws {
        let scratch = Scratch()
        let folder = scratch.archivePath + "/.drafts/customer/complete"
        do {
            let draft = try #require(try scratch.archive().newDraft(of: "customer", plan: plan) as? LocalDraft)
            // A file where a folder is to be.
            try scratch.put([1], ".drafts/customer/complete")
            #expect(throws: ArchiveError.self) {
                try draft.put(0, body(0))
                try draft.sealChunk()
            }
            #expect(throws: ArchiveError.self) { try draft.flush() }
        }
        try FileManager.default.removeItem(atPath: folder)
        let archive = try scratch.archive()
        let again = try #require(try archive.openDraft(of: "customer"))
        #expect(again.keptPages == [0])
        try again.put(1, body(1))
        let load = try again.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(2))
        #expect(try archive.pages(load).map(\.body) == [body(0), body(1)])
    }

    @Test func `a download that breaks off leaves its pages alone`() throws {
        let scratch = Scratch()
        do {
            let draft = try #require(try scratch.archive().newDraft(of: "customer", plan: plan) as? LocalDraft)
            for index in 0..<2 {
                try draft.put(index, body(index))
                try draft.sealChunk()
            }
            #expect(scratch.files(hidden: true).keys.contains { $0.contains("/complete/") })
        }
        #expect(!FileManager.default.fileExists(atPath: scratch.archivePath + "/.drafts/customer/complete"))
        #expect(try scratch.archive().openDraft(of: "customer")?.keptPages == [0, 1])
    }

    @Test func `a full load that was moved but not listed is adopted`() throws {
        let scratch = Scratch()
        let draft = try scratch.archive().newDraft(of: "customer", plan: plan)
        try draft.put(0, body(0))
        let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(1))
        let archive = try scratch.archive()
        #expect(try archive.openDraft(of: "customer") == nil)
        // Somebody may begin the next before anybody recovered.
        let next = try scratch.copy()
        _ = try next.archive().newDraft(of: "customer", plan: plan)
        for scratch in [scratch, next] {
            let archive = try scratch.archive()
            try archive.recover()
            #expect(try archive.entries(after: 0).map(\.content) == [.fullLoad(load)])
            try archive.recover()
            #expect(try archive.newestSequence == 1)
            #expect(try archive.verify(progress: SilentProgress()).isEmpty)
        }
        #expect(try archive.openDraft(of: "customer") == nil)
        #expect(try next.archive().openDraft(of: "customer") != nil)
    }

    @Test func `a crash before the move leaves a draft to resume`() throws {
        let scratch = Scratch()
        let draft = try scratch.archive().newDraft(of: "customer", plan: plan)
        try draft.put(0, body(0))
        let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(1))
        let final = scratch.archivePath + "/entity=customer/full_load=000001"
        rename(final, scratch.archivePath + "/.drafts/customer/complete")
        let archive = try scratch.archive()
        try archive.recover()
        #expect(try archive.newestSequence == 0)
        let again = try #require(try archive.openDraft(of: "customer"))
        #expect(again.keptPages == [0])
        #expect(try again.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(1)) == load)
    }

    @Test func `a mark that a crash left half written says nothing, and goes`() throws {
        let scratch = Scratch()
        let draft = try scratch.archive().newDraft(of: "customer", plan: plan)
        try draft.put(0, body(0))
        try draft.flush()
        for text in ["", #"{"number":1,"#] {
            try scratch.put(Array(text.utf8), ".adopt/.customer.partial")
            let archive = try scratch.archive()
            #expect(try archive.openDraft(of: "customer")?.keptPages == [0])
            try archive.recover()
            #expect(!FileManager.default.fileExists(atPath: scratch.archivePath + "/.adopt/.customer.partial"))
        }
    }

    @Test func `a draft whose plan can't be opened keeps its mark`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let draft = try archive.newDraft(of: "customer", plan: plan)
        try draft.put(0, body(0))
        let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(1))
        let planPath = scratch.archivePath + "/.drafts/customer/plan.json"
        try FileManager.default.removeItem(atPath: planPath)
        try FileManager.default.createDirectory(atPath: planPath, withIntermediateDirectories: false)
        #expect(throws: ArchiveError.self) { try archive.append([.fullLoad(load)]) }
        #expect(FileManager.default.fileExists(atPath: scratch.archivePath + "/.adopt/customer"))
        #expect(throws: ArchiveError.self) { try archive.openDraft(of: "customer") }
    }

    @Test func `a draft whose plan is far too large is begun anew`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let draft = try archive.newDraft(of: "customer", plan: plan)
        try draft.put(0, body(0))
        #expect(truncate(scratch.archivePath + "/.drafts/customer/plan.json", 65 << 20) == 0)
        try archive.recover()
        #expect(try archive.openDraft(of: "customer") == nil)
    }

    @Test func `drafts are discarded whole, and a new one replaces the old`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        #expect(try archive.openDraft(of: "customer") == nil)
        let draft = try archive.newDraft(of: "customer", plan: plan)
        try draft.put(0, body(0))
        try draft.discard()
        #expect(try archive.openDraft(of: "customer") == nil)
        #expect(scratch.files(hidden: true).isEmpty)
        try (try archive.newDraft(of: "customer", plan: plan)).put(0, body(0))
        #expect(try archive.newDraft(of: "customer", plan: plan).keptPages.isEmpty)
        #expect(try archive.openDraft(of: "other") == nil)
    }

    @Test func `damaged chunks cost their pages and nothing else`() throws {
        let whole = Scratch()
        let draft = try #require(try whole.archive().newDraft(of: "customer", plan: plan) as? LocalDraft)
        for index in 0..<3 {
            try draft.put(index, body(index))
            try draft.sealChunk()
        }
        let files = whole.files(hidden: true).filter { $0.key.contains(".drafts") }
        for (name, bytes) in files where !name.hasSuffix("plan.json") {
            for position in stride(from: 0, to: bytes.count, by: 3) {
                let scratch = try whole.copy()
                var changed = bytes
                changed[position] ^= 0x10
                try scratch.put(changed, name)
                guard let again = try scratch.archive().openDraft(of: "customer") else { continue }
                for index in 0..<3 where !again.keptPages.contains(index) {
                    try again.put(index, body(index))
                }
                do {
                    let load = try again.complete(
                        number: 1, w1: [], finishedAt: plan.now, summary: summary(again.keptPages.count))
                    #expect(try scratch.archive().pages(load).map(\.body) == (0..<3).map(body))
                } catch is ArchiveError {}
            }
        }
    }

    @Test func `a page that lost one of its parts is fetched again`() throws {
        let scratch = Scratch()
        let draft = try #require(try scratch.archive().newDraft(of: "customer", plan: plan) as? LocalDraft)
        let long = [UInt8](repeating: 0x63, count: 3 << 20)
        let writer = try draft.page(0, head: head(0))
        for _ in 0..<3 {
            try long.withUnsafeBytes { try writer.write($0) }
            try draft.sealChunk()
        }
        try writer.finish(PageNote(rows: 1, total: nil, next: nil, isLast: true))
        try draft.sealChunk()
        let whole = try scratch.archive().openDraft(of: "customer")
        #expect(whole?.keptPages == [0])
        try scratch.put([0], ".drafts/customer/" + DraftChunk.fileName(2))
        let again = try #require(try scratch.archive().openDraft(of: "customer"))
        #expect(again.keptPages.isEmpty)
        try again.put(0, body(0))
        let load = try again.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(1))
        #expect(try scratch.archive().pages(load).map(\.body) == [body(0)])
    }

    @Test func `a page of hundreds of megabytes needs little memory`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let before = residentBytes()
        let draft = try archive.newDraft(of: "customer", plan: plan)
        let writer = try draft.page(0, head: head(0))
        let piece = [UInt8](repeating: 0x61, count: 1 << 20)
        for _ in 0..<300 { try piece.withUnsafeBytes { try writer.write($0) } }
        try writer.finish(PageNote(rows: 1, total: nil, next: nil, isLast: true))
        let load = try draft.complete(number: 1, w1: [], finishedAt: plan.now, summary: summary(1))
        var count = 0
        try archive.read(load, page: { _, _ in }, piece: { count += $0.count }, end: {})
        #expect(count == 300 << 20)
        #expect(residentBytes() - before < 150 << 20)
    }
}

private func residentBytes() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
        let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return 0 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}
