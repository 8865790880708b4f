import ArgumentParser

/// What `elt query --format` knows.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    case table, csv, json, ndjson

    func writer(_ sink: any TextSink) -> any RowWriter {
        switch self {
        case .table: TableWriter(sink)
        case .csv: CSVWriter(sink)
        case .json: JSONRowsWriter(sink)
        case .ndjson: NDJSONWriter(sink)
        }
    }
}

/// RFC 4180: lines end with CR LF, a quote in a value is doubled. Null is nothing between the
/// commas, an empty text is `""`: so the two can be told apart.
struct CSVWriter: RowWriter {
    private let sink: any TextSink
    init(_ sink: any TextSink) { self.sink = sink }

    func begin(_ columns: [String]) throws { try line(columns.map(Self.field)) }
    func row(_ cells: [Cell]) throws { try line(cells.map { $0.plain.map(Self.field) ?? "" }) }
    func end() {}

    private func line(_ fields: [String]) throws { try sink.write(fields.joined(separator: ",") + "\r\n") }

    private static func field(_ text: String) -> String {
        let needsQuotes =
            text.isEmpty || text.utf8.first == 32 || text.utf8.last == 32
            || text.utf8.contains { $0 == 44 || $0 == 34 || $0 == 10 || $0 == 13 }
        guard needsQuotes else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            + "\""
    }
}

/// One array of objects, one row a line.
struct JSONRowsWriter: RowWriter {
    private let sink: any TextSink
    private var names: [String] = []
    private var isFirst = true
    init(_ sink: any TextSink) { self.sink = sink }

    mutating func begin(_ columns: [String]) throws {
        names = JSONObjectNames.unique(columns)
        try sink.write("[")
    }

    mutating func row(_ cells: [Cell]) throws {
        try sink.write((isFirst ? "\n" : ",\n") + JSONObjectNames.object(names, cells))
        isFirst = false
    }

    mutating func end() throws { try sink.write(isFirst ? "]\n" : "\n]\n") }
}

/// One object a line.
struct NDJSONWriter: RowWriter {
    private let sink: any TextSink
    private var names: [String] = []
    init(_ sink: any TextSink) { self.sink = sink }

    mutating func begin(_ columns: [String]) { names = JSONObjectNames.unique(columns) }
    func row(_ cells: [Cell]) throws { try sink.write(JSONObjectNames.object(names, cells) + "\n") }
    func end() {}
}

private enum JSONObjectNames {
    /// Two columns of one name would be one member of an object, and one value would be lost.
    static func unique(_ columns: [String]) -> [String] {
        var taken = Set(columns)
        var seen: Set<String> = []
        return columns.map { column in
            guard !seen.insert(column).inserted else { return column }
            var number = 2
            while !taken.insert("\(column)_\(number)").inserted { number += 1 }
            return "\(column)_\(number)"
        }
    }

    static func object(_ names: [String], _ cells: [Cell]) -> String {
        var json = "{"
        for (index, (name, cell)) in zip(names, cells).enumerated() {
            if index > 0 { json += "," }
            json += JSONValue.string(name).text + ":" + JSONValue(cell).text
        }
        return json + "}"
    }
}

/// A JSON document that a command prints with `--json`. Members stay in their order.
enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Equatable, Sendable {
        var name: String
        var value: JSONValue
        init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// A value of a result; bytes in hexadecimal digits.
    init(_ cell: Cell) {
        switch cell {
        case .null: self = .null
        case .integer(let number): self = .integer(number)
        case .real(let number): self = .real(number)
        case .text(let text): self = .string(text)
        case .blob: self = .string(cell.plain ?? "")
        }
    }

    init(optional text: String?) { self = text.map(JSONValue.string) ?? .null }
    init(optional number: Int64?) { self = number.map(JSONValue.integer) ?? .null }

    /// The document on one line.
    var text: String {
        var text = ""
        append(to: &text)
        return text
    }

    private func append(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let number): text += String(number)
        // JSON has no word for infinity or what isn't a number.
        case .real(let number): text += number.isFinite ? String(number) : "null"
        case .string(let string): Self.append(string, to: &text)
        case .array(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                item.append(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                Self.append(member.name, to: &text)
                text += ":"
                member.value.append(to: &text)
            }
            text += "}"
        }
    }

    private static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // DEL and the C1 controls are legal in JSON and still move cursors.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
