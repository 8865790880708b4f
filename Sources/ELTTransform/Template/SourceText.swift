/// A place in a file, as people write it: `models/orders.sql:3:12`.
package struct FilePlace: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let path: String
    /// From 1. nil where the whole file is meant.
    package let line: Int?
    /// From 1, in Unicode scalars.
    package let column: Int?

    package init(path: String, line: Int? = nil, column: Int? = nil) {
        self.path = path
        self.line = line
        self.column = column
    }

    package static func < (a: Self, b: Self) -> Bool {
        (a.path, a.line ?? 0, a.column ?? 0) < (b.path, b.line ?? 0, b.column ?? 0)
    }

    package var description: String {
        guard let line else { return path }
        guard let column else { return "\(path):\(line)" }
        return "\(path):\(line):\(column)"
    }
}

/// The text of one file, and where its lines start.
///
/// Line ends are made `\n` and a byte order mark is dropped, so that a file means the same (and has
/// the same digest) whichever editor saved it.
final class SourceText: Sendable {
    let path: String
    let bytes: [UInt8]
    private let lineStarts: [Int]

    init(path: String, text: String) {
        self.path = path
        var bytes: [UInt8] = []
        var starts = [0]
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\n"), bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            bytes.append(byte)
            if byte == UInt8(ascii: "\n") { starts.append(bytes.count) }
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            bytes.removeFirst(3)
            starts = [0] + starts.dropFirst().map { $0 - 3 }
        }
        self.bytes = bytes
        self.lineStarts = starts
    }

    func place(at offset: Int) -> FilePlace {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let before = bytes[lineStarts[low]..<min(offset, bytes.count)]
        // A continuation byte (10xxxxxx) belongs to the scalar before it.
        let column = 1 + before.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
        return FilePlace(path: path, line: low + 1, column: column)
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}

/// A byte of a file, cheap to carry; line and column are counted only when somebody asks.
struct Place: Sendable {
    let source: SourceText
    let offset: Int

    var file: FilePlace { source.place(at: offset) }
}
