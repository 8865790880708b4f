import ELTCore
import Foundation
import Testing

@testable import ELTArchive

@Suite struct SegmentTests {
    @Test func `every key, value and header comes back byte for byte`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let written = oddEvents()
        let entry = try archive.write(written, at: place(), next: .max - 1)
        #expect(try archive.changes(entry) == written)
        #expect(entry.rows == Int64(written.count))
        try archive.append([.segment(entry)])
        #expect(try archive.verify(progress: SilentProgress()).isEmpty)
    }

    @Test func `every line is JSON as people expect it`() throws {
        let line = EventLine(place("t"))
        func text(_ change: Change) throws -> String {
            try withExtendedLifetime(line) {
                try change.withView { String(decoding: try line.write($0), as: UTF8.self) }
            }
        }
        #expect(
            try text(Change(offset: 7, timestamp: 5, key: Array("k".utf8), value: Array(#"{"a":1}"#.utf8)))
                == #"{"topic":"t","partition":0,"offset":7,"timestamp":5,"timestamp_type":"create","key":"k","#
                + #""headers":[],"value":"{\"a\":1}"}"#)
        let odd = Change(
            offset: 8, timestamp: -1, timestampType: .none, key: [0xFF], value: nil,
            headers: [
                Header(name: "h", value: nil), Header(name: "i", value: [0xFF]), Header(name: "j", value: []),
            ])
        #expect(
            try text(odd)
                == #"{"topic":"t","partition":0,"offset":8,"timestamp":null,"timestamp_type":"none","key":null,"#
                + #""key_base64":"/w==","headers":[["h",null],["i",null,"/w=="],["j",""]],"value":null}"#)
    }

    @Test func `the same range gives the same name and bytes, whatever was written before`() throws {
        var seen: Set<[String: [UInt8]]> = []
        for warmUp in [0, 1, 3] {
            let scratch = Scratch()
            let archive = try scratch.archive()
            for round in 0..<warmUp {
                let other = try archive.segment(at: place("other"), first: 0)
                let long = String(repeating: "discarded", count: 300_000)
                try event(Int64(round), long).withView { try other.append($0) }
                other.discard()
            }
            let changes = (0..<9000).map {
                event($0, $0 % 7 == 0 ? String(repeating: "x\($0)", count: 99) : nil)
            }
            try archive.write(changes, at: place())
            seen.insert(scratch.files())
        }
        #expect(seen.count == 1)
        #expect(
            seen.first?.keys.first
                == "entity=customer/topic=customer-update/incarnation=1/partition=0/month=2025-11/"
                + "00000000000000000000-00000000000000008999.ndjson.zst")
    }

    @Test func `writing the same range again is no error, another content is`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let first = try archive.write([event(0), event(1)], at: place())
        #expect(try archive.write([event(0), event(1)], at: place()) == first)
        let files = scratch.files(hidden: true)
        #expect(throws: ArchiveError.self) { try archive.write([event(0), event(1, "other")], at: place()) }
        #expect(scratch.files(hidden: true) == files)
    }

    @Test func `a range of holes only is a file with no rows`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let entry = try archive.segment(at: place(), first: 5).seal(next: 9)
        #expect(entry.rows == 0)
        #expect(entry.anchorOffset == nil)
        #expect(
            entry.path.contains("month=__HIVE_DEFAULT_PARTITION__/00000000000000000005-00000000000000000008"))
        #expect(try archive.changes(entry).isEmpty)
    }

    @Test func `the anchor's digest is that of the last record and of no other`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let entry = try archive.write([event(0), event(4)], at: place(), next: 9)
        #expect(entry.anchorOffset == 4)
        #expect(event(4).withView { archive.digest(of: $0, at: place()) } == entry.anchorDigest)
        #expect(event(4, "other").withView { archive.digest(of: $0, at: place()) } != entry.anchorDigest)
    }

    @Test func `offsets that go back or beyond the range are refused`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let writer = try archive.segment(at: place(), first: 5)
        #expect(throws: ArchiveError.self) { try event(4).withView { try writer.append($0) } }
        try event(6).withView { try writer.append($0) }
        #expect(throws: ArchiveError.self) { try event(6).withView { try writer.append($0) } }
        #expect(throws: ArchiveError.self) { try writer.seal(next: 6) }
        #expect(try writer.seal(next: 7).range == OffsetRange(first: 5, next: 7))
    }

    @Test func `a discarded segment leaves nothing`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let writer = try archive.segment(at: place(), first: 0)
        for offset in 0..<20_000 { try event(Int64(offset)).withView { try writer.append($0) } }
        writer.discard()
        #expect(scratch.files(hidden: true).isEmpty)
    }

    @Test func `what zstd reads is what was written`() throws {
        let scratch = Scratch()
        let entry = try scratch.archive().write((0..<100).map { event($0) }, at: place())
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["zstd", "-dc", scratch.archivePath + "/" + entry.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // Where the tool isn't installed, env answers 127.
        if process.terminationStatus == 127 { return }
        #expect(Int64(text.count) == entry.textBytes)
        #expect(text.split(separator: 10).count == 100)
    }

    @Test func `a file that unpacks to more than it should is refused while it does`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        var entry = try archive.write([event(0, String(repeating: " ", count: 50_000_000))], at: place())
        #expect(entry.bytes < 20_000)
        entry.textBytes = 1000
        #expect(throws: ArchiveError.self) { try archive.read(entry) { _ in } }
    }

    @Test(arguments: ["..", ".", "/", "a/b", "../../etc", "a\u{0}b", "%2e%2e", "ünï", " ", "-", "a\nb"])
    func `no name leads out of the archive`(name: String) throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        let where_ = SegmentPlace(entity: name, topic: name, incarnation: 1, partition: 0)
        let entry = try archive.write([event(0)], at: where_)
        #expect(try archive.changes(entry) == [event(0)])
        #expect(SegmentPath(entry.path)?.place == where_)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["archive"])
        #expect(entry.path.split(separator: "/").count == 6)
    }

    @Test func `names that no file system takes are refused`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        for name in ["", String(repeating: "x", count: 300), String(repeating: "/", count: 90)] {
            #expect(throws: ArchiveError.self) { try archive.segment(at: place(name), first: 0) }
        }
        _ = try archive.write([event(0)], at: place(String(repeating: "x", count: 249)))
    }

    @Test(arguments: [
        "../outside", "/etc/passwd", "entity=customer/../x", "a//b", "", ".", "entity=customer/link",
    ])
    func `a path in the manifest leads nowhere else`(path: String) throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        var entry = try archive.write([event(0)], at: place())
        try scratch.put(scratch.files()[entry.path]!, "../outside")
        symlink("../../outside", scratch.archivePath + "/entity=customer/link")
        entry.path = path
        #expect(throws: ArchiveError.self) { try archive.read(entry) { _ in } }
    }

    @Test func `links in the archive aren't followed`() throws {
        let scratch = Scratch()
        let archive = try scratch.archive()
        mkdir(scratch.path + "/elsewhere", 0o700)
        symlink("../elsewhere", scratch.archivePath + "/entity=customer")
        #expect(throws: ArchiveError.self) { try archive.write([event(0)], at: place()) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/elsewhere").isEmpty)
    }

    @Test(arguments: [1, 7])
    func `a segment that's read again is compared and mended, never changed`(level: Int32) throws {
        let scratch = Scratch()
        let events = (0..<200).map { event(Int64($0), "text \($0 * 7919)") }
        let sealed = try scratch.archive().write(events, at: place())
        let before = scratch.files()
        var compression = Compression()
        compression.level = level
        let archive = try LocalArchive(path: scratch.archivePath, compression: compression)
        func restore(_ events: [Change]) throws -> Bool {
            let writer = try archive.segment(at: place(), first: 0)
            for event in events { try event.withView { try writer.append($0) } }
            return try writer.restore(sealed)
        }
        #expect(try restore(events))
        #expect(try !restore(events.dropLast()))
        #expect(scratch.files() == before)
        for damage in [[], [UInt8(1)]] {
            try scratch.put(damage, sealed.path)
            if damage.isEmpty { try scratch.remove(sealed.path) }
            // Other bytes of the same text are no file of this archive.
            #expect(try restore(events) == (level == 1))
            #expect((scratch.files() == before) == (level == 1))
        }
        #expect(scratch.files(hidden: true).keys.filter { $0.hasPrefix(".partial/") }.isEmpty)
    }
}
