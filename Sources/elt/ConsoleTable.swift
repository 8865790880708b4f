import ELTReport

/// A value of a query's result.
enum Cell: Equatable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// The value as plain text; bytes in hexadecimal digits. nil for null.
    var plain: String? {
        switch self {
        case .null: nil
        case .integer(let number): String(number)
        case .real(let number): String(number)
        case .text(let text): text
        case .blob(let bytes): Self.hexadecimal(bytes)
        }
    }

    /// About how much memory it takes.
    var bytes: Int {
        switch self {
        case .null, .integer, .real: 8
        case .text(let text): text.utf8.count
        case .blob(let bytes): bytes.count
        }
    }

    var isNumber: Bool {
        switch self {
        case .integer, .real: true
        case .null, .text, .blob: false
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// Takes a query's result row by row. `begin` comes first, once; `end` last, once.
protocol RowWriter {
    mutating func begin(_ columns: [String]) throws
    mutating func row(_ cells: [Cell]) throws
    mutating func end() throws
}

/// Columns side by side for people: numbers to the right, `∅` for null, one line for each row.
struct TableWriter: RowWriter {
    private let sink: any TextSink
    private var columns: [String] = []
    private var waiting: [[Cell]] = []
    private var widths: [Int]?
    private var areNumbers: [Bool] = []
    /// The first rows decide the widths; keeping all of a large result would cost its size in memory.
    private static let waitingMax = 1000
    private static let waitingBytesMax = 1 << 20
    private var waitingBytes = 0

    init(_ sink: any TextSink) { self.sink = sink }

    mutating func begin(_ columns: [String]) { self.columns = columns.map(ConsoleEscape.line) }

    mutating func row(_ cells: [Cell]) throws {
        if let widths { return try write(cells, widths) }
        waiting.append(cells)
        waitingBytes += cells.reduce(0) { $0 + $1.bytes }
        if waiting.count == Self.waitingMax || waitingBytes >= Self.waitingBytesMax { try flush() }
    }

    mutating func end() throws {
        if widths == nil { try flush() }
    }

    private mutating func flush() throws {
        var widths = columns.map(TextWidth.of)
        areNumbers = columns.map { _ in false }
        for index in columns.indices {
            let cells = waiting.compactMap { $0.indices.contains(index) ? $0[index] : nil }
            widths[index] = max(widths[index], cells.map { TextWidth.of(Self.shown($0)) }.max() ?? 0)
            let values = cells.filter { $0 != .null }
            areNumbers[index] = !values.isEmpty && values.allSatisfy(\.isNumber)
        }
        self.widths = widths
        try line(columns, widths)
        try line(widths.map { String(repeating: "-", count: $0) }, widths)
        for cells in waiting { try write(cells, widths) }
        waiting = []
    }

    private func write(_ cells: [Cell], _ widths: [Int]) throws { try line(cells.map(Self.shown), widths) }

    private func line(_ texts: [String], _ widths: [Int]) throws {
        var line = ""
        for (index, text) in texts.enumerated() {
            let isNumber = areNumbers.indices.contains(index) && areNumbers[index]
            let width = widths.indices.contains(index) ? widths[index] : 0
            if index > 0 { line += "  " }
            line += TextWidth.padded(text, to: width, right: isNumber)
        }
        while line.last == " " { line.removeLast() }
        try sink.write(line + "\n")
    }

    private static func shown(_ cell: Cell) -> String { cell.plain.map(ConsoleEscape.line) ?? "∅" }
}

/// Small tables that a command has at hand: `TableText.lines(["day", "rows"], rows)`.
enum TableText {
    static func text(_ columns: [String], _ rows: [[Cell]]) throws -> String {
        let sink = MemorySink()
        var writer = TableWriter(sink)
        writer.begin(columns)
        for row in rows { try writer.row(row) }
        try writer.end()
        return sink.text
    }
}

/// Keeps what's written.
final class MemorySink: TextSink {
    private(set) var text = ""
    func write(_ text: String) { self.text += text }
    func flush() {}
}

/// How many columns of a terminal a text takes.
enum TextWidth {
    static func of(_ text: String) -> Int {
        text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : text.reduce(0) { $0 + of($1) }
    }

    /// `text` with spaces around it until it's `width` wide; a wider one stays as it is.
    static func padded(_ text: String, to width: Int, right: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - of(text)))
        return right ? padding + text : text + padding
    }

    /// The beginning of `text` that fits into `width`, ending with `…` if it was cut.
    static func cut(_ text: String, to width: Int) -> String {
        guard of(text) > width, width > 0 else { return text }
        var cut = ""
        var taken = 0
        for character in text {
            let next = of(character)
            if taken + next > width - 1 { break }
            cut.append(character)
            taken += next
        }
        return cut + "…"
    }

    private static func of(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        let isEmoji = first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}")
        if isEmoji { return 2 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        // East Asian wide and full-width characters.
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
