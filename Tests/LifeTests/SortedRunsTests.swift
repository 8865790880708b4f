import ELTSQLite
import Foundation
import SQLite
import Testing

@Suite struct SortedRunsTests {
    private let folder = FileManager.default.temporaryDirectory.path

    private func runs() -> SortedRuns { SortedRuns(path: folder + "/elt-runs-\(UUID().uuidString)", keyColumn: 1) }

    /// Records of a number and a key, as SQLite would write them. False if there are too many runs.
    private func append(_ keys: [String], to runs: SortedRuns) throws -> Bool {
        let database = try Database(path: ":memory:", mode: .create)
        let statement = try database.prepare("SELECT ?1, ?2")
        var record = SortedRecord()
        defer { record.deallocate() }
        for (number, key) in keys.enumerated() {
            statement.reset()
            statement.bind(1, Int64(number))
            statement.bind(2, key)
            guard try statement.step(), record.take(statement, [.numeric, .text]) else {
                Issue.record("a number and a text are what the columns take")
                return false
            }
            guard try runs.append(record.bytes) else { return false }
        }
        return true
    }

    private func keys(_ runs: SortedRuns) throws -> [String] {
        try runs.rewind()
        var keys: [String] = []
        while let record = try runs.next() {
            keys.append(SortedRecord.text(record, column: 1).map { String(decoding: $0, as: UTF8.self) } ?? "no text")
        }
        return keys
    }

    @Test(arguments: [
        [], ["a"], ["a", "b", "c"], ["b", "d", "a", "c", "e"], ["d", "c", "b", "a"], ["m", "z", "a", "n", "b", "c", "c"],
        ["é", "ö", "Z", "a", "~"], ["b", "b"],
    ])
    func `Records of a few runs come in the order of their keys' bytes`(_ given: [String]) throws {
        let runs = runs()
        #expect(try append(given, to: runs))
        #expect(try keys(runs) == given.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    @Test func `Many records of two runs come in order, also after others`() throws {
        let runs = runs()
        let even = (0..<20_000).map { String(format: "%06d", $0 * 2) }
        let odd = (0..<20_000).map { String(format: "%06d", $0 * 2 + 1) + String(repeating: "x", count: $0 % 300) }
        #expect(try append(["z", "y", "x"], to: runs))
        #expect(try keys(runs) == ["x", "y", "z"])
        try runs.restart()
        #expect(try append(even + odd, to: runs))
        #expect(try keys(runs) == (even + odd).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    @Test func `One run too many is told, and the runs can be begun anew`() throws {
        let runs = runs()
        #expect(try append(["e", "d", "c", "b"], to: runs))
        #expect(try !append(["a"], to: runs))
        try runs.restart()
        #expect(try append(["1", "2"], to: runs))
        #expect(try keys(runs) == ["1", "2"])
    }
}
