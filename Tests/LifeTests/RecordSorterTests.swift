import ELTTesting
import Foundation
import Testing

@testable import ELTSQLite

/// Records come out in the order of their keys, however many runs and files it took.
@Suite struct WinnerSorterTests {
    private struct Record: Hashable, Comparable {
        var key: [UInt8]
        var place: Int64
        static func < (a: Record, b: Record) -> Bool {
            a.key == b.key ? a.place < b.place : a.key.lexicographicallyPrecedes(b.key)
        }
    }

    private func withFolder<T>(_ body: (String) throws -> T) throws -> T {
        let folder = FileManager.default.temporaryDirectory.path + "/elt-sorter-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder + "/runs")
    }

    private func winner(_ place: Int64) -> Winner {
        withUnsafeBytes(of: (UInt64(place), UInt64(7), UInt64(place * 3), UInt64(0))) {
            Winner(stored: $0, day: Int32(place % 1000), removed: place % 3 == 0, origin: 7, place: place)
        }
    }

    /// What comes out: sorted by key, and by place within a key.
    private func sorted(_ records: [Record], runBytes: Int, path: String) throws -> [Record] {
        let sorter = WinnerSorter(path: path, runBytes: runBytes)
        for record in records { try record.key.withUnsafeBytes { try sorter.add($0, winner(record.place)) } }
        #expect(sorter.records == records.count)
        var sources = try sorter.sorted()
        var found: [Record] = []
        var isWhole = true
        while let index = WinnerSource.least(sources), let record = sources[index].record {
            let (key, out) = (WinnerSource.key(of: record), WinnerSource.winner(of: record))
            let same = winner(out.place)
            isWhole = isWhole && out.isSameRecord(as: same) && out.day == same.day && out.removed == same.removed && out.origin == 7
            found.append(Record(key: Array(key), place: out.place))
            try sources[index].advance()
        }
        #expect(isWhole)
        #expect(found.indices.dropFirst().allSatisfy { !found[$0].key.lexicographicallyPrecedes(found[$0 - 1].key) })
        return found.sorted()
    }

    @Test(arguments: [0, 1, 100, 400]) func `All records come, in the order of keys`(count: Int) throws {
        var random = SplitMix64(seed: UInt64(count) + 1)
        let kinds: [(Int) -> [UInt8]] = [
            { Array("c-\(String(format: "%08d", $0 * 7919 % 1009))".utf8) },
            { Array("the same long beginning of \($0 * 31 % 97)".utf8) },
            { _ in [UInt8](repeating: 0, count: Int.random(in: 0...3, using: &random)) },
            { _ in (0..<Int.random(in: 0...12, using: &random)).map { _ in UInt8.random(in: 0...2, using: &random) } },
            { [UInt8](repeating: 0x61, count: $0 * 37 % 3000) },
        ]
        for (kind, key) in kinds.enumerated() {
            let records = (0..<count).map { Record(key: key($0), place: Int64($0)) }
            for runBytes in [1, 3000, 64 << 10, 16 << 20] {
                try withFolder { path in
                    let found = try sorted(records, runBytes: runBytes, path: path)
                    #expect(found == records.sorted(), "kind \(kind), runs of \(runBytes)")
                    let left = try FileManager.default.contentsOfDirectory(atPath: (path as NSString).deletingLastPathComponent)
                    #expect(left == [])
                }
            }
        }
    }

    @Test func `A run that can't be written is told`() throws {
        let sorter = WinnerSorter(path: "/nowhere/at/all", runBytes: 100)
        #expect(throws: (any Error).self) {
            for place in 0..<10 { try Array("k\(place)".utf8).withUnsafeBytes { try sorter.add($0, winner(Int64(place))) } }
        }
    }
}
