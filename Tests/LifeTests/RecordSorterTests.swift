import ELTTesting
import Foundation
import SQLite
import Testing

@testable import ELTSQLite

/// Records come out in the order of their keys, however many runs and files it took.
@Suite struct RecordSorterTests {
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

    private func add(_ key: [UInt8], _ place: Int64, to sorter: RecordSorter<WinnerKeys>) throws {
        try key.withUnsafeBytes { key in try withUnsafeBytes(of: winner(place)) { try sorter.add($0, key) } }
    }

    /// What comes out: sorted by key, and by place within a key.
    private func sorted(_ records: [Record], runBytes: Int, path: String) throws -> [Record] {
        let sorter = RecordSorter(path: path, WinnerKeys(), runBytes: runBytes)
        for record in records { try add(record.key, record.place, to: sorter) }
        #expect(sorter.records == records.count)
        try sorter.rewind()
        var found: [Record] = []
        var isWhole = true
        while let record = try sorter.next() {
            let (key, out) = (WinnerKeys().key(of: record), WinnerKeys.winner(of: record))
            let same = winner(out.place)
            isWhole = isWhole && out.isSameRecord(as: same) && out.day == same.day && out.removed == same.removed && out.origin == 7
            found.append(Record(key: Array(key), place: out.place))
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
        let sorter = RecordSorter(path: "/nowhere/at/all", WinnerKeys(), runBytes: 100)
        #expect(throws: (any Error).self) {
            for place in 0..<10 { try add(Array("k\(place)".utf8), Int64(place), to: sorter) }
        }
    }

    // MARK: Rows

    /// Rows of a number and a key, as SQLite would write them.
    private func add(_ keys: [String], to sorter: RecordSorter<TextKeys>) throws {
        let database = try Database(path: ":memory:", mode: .create)
        let statement = try database.prepare("SELECT ?1, ?2")
        var record = SortedRecord()
        defer { record.deallocate() }
        for (number, key) in keys.enumerated() {
            statement.reset()
            statement.bind(1, Int64(number))
            statement.bind(2, key)
            try #require(try statement.step() && record.take(statement, [.numeric, .text]))
            try sorter.add(record.bytes)
        }
    }

    private func keys(_ sorter: RecordSorter<TextKeys>) throws -> [String] {
        try sorter.rewind()
        var keys: [String] = []
        while let record = try sorter.next() { keys.append(String(decoding: TextKeys(column: 1).key(of: record), as: UTF8.self)) }
        return keys
    }

    private func sorted(_ keys: [String]) -> [String] { keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) } }

    @Test(arguments: [
        [], ["a"], ["a", "b", "c"], ["b", "d", "a", "c", "e"], ["d", "c", "b", "a"], ["m", "z", "a", "n", "b", "c", "c"],
        ["é", "ö", "Z", "a", "~"], ["b", "b"], ["", "a", "", "b"],
    ])
    func `Rows come in the order of their keys' bytes`(_ given: [String]) throws {
        for runBytes in [1, 40, 1 << 20] {
            try withFolder { path in
                let sorter = RecordSorter(path: path, TextKeys(column: 1), runBytes: runBytes)
                try add(given, to: sorter)
                #expect(try keys(sorter) == sorted(given), "runs of \(runBytes)")
            }
        }
    }

    /// Runs that follow each other in order are one; then comes one that's lower.
    @Test(arguments: [500, 8000, 1 << 20]) func `Rows of two orders come in one, also after others`(runBytes: Int) throws {
        try withFolder { path in
            let sorter = RecordSorter(path: path, TextKeys(column: 1), runBytes: runBytes)
            let even = (0..<20_000).map { String(format: "%06d", $0 * 2) }
            let odd = (0..<20_000).map { String(format: "%06d", $0 * 2 + 1) + String(repeating: "x", count: $0 % 300) }
            for given in [["z", "y", "x"], even, even + odd, even + odd.reversed(), odd.reversed() + even, ["2", "1"]] {
                try sorter.restart()
                try add(given, to: sorter)
                #expect(try keys(sorter) == sorted(given))
                #expect(sorter.records == given.count)
            }
        }
    }
}
