import ELTCore
import Foundation
import Testing

@testable import ELTArchive

/// A folder that's gone when the test is over.
final class Scratch {
    let path: String
    init() {
        path = NSTemporaryDirectory() + "elt-archive-" + UUID().uuidString
        mkdir(path, 0o700)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    var archivePath: String { path + "/archive" }
    func archive() throws -> LocalArchive { try LocalArchive(path: archivePath) }

    /// All files of the archive by their relative path.
    func files(hidden: Bool = false) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: archivePath) ?? .init() {
            let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
            guard hidden || !isHidden,
                let data = FileManager.default.contents(atPath: archivePath + "/" + name),
                !isFolder(name)
            else { continue }
            found[name] = Array(data)
        }
        return found
    }

    func isFolder(_ name: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: archivePath + "/" + name, isDirectory: &isFolder)
            && isFolder.boolValue
    }

    func put(_ bytes: [UInt8], _ name: String) throws {
        let path = archivePath + "/" + name
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let file = fopen(path, "w")!
        defer { fclose(file) }
        precondition(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: archivePath + "/" + name)
    }

    func copy() throws -> Scratch {
        let other = Scratch()
        try FileManager.default.copyItem(atPath: archivePath, toPath: other.archivePath)
        return other
    }
}

extension DraftLoad {
    func complete(number: Int, w1: [Watermark], finishedAt: Instant, summary: SnapshotSummary) throws -> FullLoadEntry {
        try complete(number: number, records: ["items"], w1: w1, finishedAt: finishedAt, summary: summary)
    }
}

func place(_ topic: String = "customer-update", partition: Int32 = 0, incarnation: Int = 1) -> SegmentPlace {
    SegmentPlace(entity: "customer", topic: topic, incarnation: incarnation, partition: partition)
}

func event(_ offset: Int64, _ text: String? = nil) -> Change {
    let value = text ?? #"{"event_type":"update","customer":{"id":"c-\#(offset)","name":"Müller"}}"#
    return Change(
        offset: offset, timestamp: 1_763_630_000_000 + offset, key: Array("c-\(offset)".utf8),
        value: Array(value.utf8))
}

/// Everything that a key, a value and headers may be.
func oddEvents() -> [Change] {
    let odd: [[UInt8]?] = [
        nil, [], [0], Array("plain".utf8), Array("q\"b\\s/n\nt\tNUL\u{0}\u{1f}\u{7f}ü😀\u{2028}".utf8), [0xFF],
        [0xC3], [0x80, 0], [0xED, 0xA0, 0x80], Array(0...255), Array("\u{FEFF}{".utf8), Array("null".utf8),
        [UInt8](repeating: 0x22, count: 100_000), (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) },
    ]
    var changes: [Change] = []
    for (index, value) in odd.enumerated() {
        for type in [TimestampType.create, .append, .none] {
            let headers = odd.prefix(11).enumerated().map { Header(name: "h\"\($0)\n", value: $1) }
            changes.append(
                Change(
                    offset: Int64(changes.count * 3), timestamp: type == .none ? -1 : Int64(index),
                    timestampType: type, key: odd[(index + 3) % 12], value: value,
                    headers: index % 2 == 0 ? headers : []))
        }
    }
    changes.append(Change(offset: 10_000, timestamp: .max, key: nil, value: nil))
    changes.append(Change(offset: .max - 2, timestamp: .min, key: [], value: nil))
    return changes
}

extension Archive {
    @discardableResult
    func write(_ changes: [Change], at place: SegmentPlace, next: Int64? = nil, first: Int64? = nil) throws
        -> SegmentEntry
    {
        let writer = try segment(at: place, first: first ?? changes[0].offset)
        for change in changes { try change.withView { try writer.append($0) } }
        return try writer.seal(next: next ?? changes[changes.count - 1].offset + 1)
    }

    func changes(_ entry: SegmentEntry) throws -> [Change] {
        var found: [Change] = []
        try read(entry) { archived in
            #expect(archived.line == Int64(found.count + 1))
            found.append(Change(copying: archived.change))
        }
        return found
    }

    func pages(_ load: FullLoadEntry) throws -> [(index: Int, head: PageHead, body: [UInt8])] {
        var found: [(index: Int, head: PageHead, body: [UInt8])] = []
        var ends = 0
        try read(
            load, page: { found.append(($0, $1, [])) }, piece: { found[found.count - 1].body += $0 },
            end: { ends += 1 })
        #expect(ends == found.count)
        return found
    }
}

func head(_ index: Int) -> PageHead {
    PageHead(
        url: "https://kunden.example/api?page=\(index)", status: 200,
        date: index % 2 == 0 ? "Fri, 20 Nov 2026" : nil,
        etag: index % 3 == 0 ? "\"x\"" : nil,
        fetchedAt: Instant(milliseconds: 1_763_630_000_000 + Int64(index)))
}

extension SnapshotDraft {
    func put(_ index: Int, _ body: [UInt8], rows: Int = 1, pieces: Int = 70_001) throws {
        let writer = try page(index, head: head(index))
        var start = 0
        while start < body.count {
            let end = min(start + pieces, body.count)
            try body[start..<end].withUnsafeBytes { try writer.write($0) }
            start = end
        }
        try writer.finish(PageNote(rows: rows, total: 9, next: "n\(index)", isLast: false, offset: Int64(index * 7)))
    }
}

let plan = DraftPlan(
    now: Instant(milliseconds: 1_763_630_000_000),
    w0: [Watermark(partition: TopicPartition("customer-update", 0), incarnation: 1, offset: 5)],
    settingsDigest: "a\u{1f}b")

func summary(_ pages: Int, rows: Int64 = 3) -> SnapshotSummary {
    SnapshotSummary(pages: pages, rows: rows, total: 9, drift: nil, retries: 0)
}
