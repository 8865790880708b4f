import ELTCore
import JSON

/// Why a record can't be a row. The archive keeps it; quarantine says where and why.
struct Poison: Error {
    let reason: String
    let detail: String
}

/// The columns of an entity as they grow, and the cells of one record after another.
///
/// Fields come in the same order from record to record, so which field goes to which column is
/// worked out once for each order of names.
final class RecordColumns {
    private let entity: EntitySettings
    private let session: any LoadSession
    private let zone: Zone
    private(set) var columns: [Column]
    /// Called after columns changed, so that writers take note.
    var onChange: () throws -> Void = {}
    private(set) var drift: [String] = []
    private var forbidden: Set<String> = []
    /// Drift that the session knows of.
    private var noted: Set<String> = []

    /// More columns than this stay in the payload.
    static let columnsMax = 500

    private var shape: UInt64?
    private var hasRows = false
    /// For each field of the shape its column, or -1.
    private var targets: [Int] = []
    private let cells = UnsafeMutableBufferPointer<Cell>.allocate(capacity: RecordColumns.columnsMax + 64)
    private let keyIndex: Int
    /// Whether the entity had no columns before, so that the first record's fields aren't news.
    private let isNew: Bool
    /// Texts that were made and aren't in the record: instants and the key's digits.
    private let scratch = UnsafeMutableRawPointer.allocate(byteCount: 64 * 32, alignment: 8)
    private var scratchUsed = 0
    private var bytes: [UInt8] = []
    /// JSON of the row at hand that isn't as it was sent.
    private var rewritten: [UnsafeMutableRawBufferPointer] = []

    init(_ entity: EntitySettings, session: any LoadSession, zone: Zone) throws {
        self.entity = entity
        self.session = session
        self.zone = zone
        var columns = try session.columns(of: entity.name)
        let configured = Set(entity.columns.map(\.name) + [entity.keyColumn])
        let isNew = columns.allSatisfy { configured.contains($0.name) }
        if columns.isEmpty {
            columns = entity.columns.map { Column(name: $0.name, field: $0.name, type: $0.type, isDeclared: $0.type != nil) }
            // The key always has a column of its own; it's the first unless the project says otherwise.
            if !columns.contains(where: { $0.name == entity.keyColumn }) {
                columns.insert(
                    Column(name: entity.keyColumn, field: entity.key.joined(separator: "."), type: nil, isDeclared: false), at: 0)
            }
            try session.evolve(entity.name, to: columns, integersToText: [])
        }
        self.columns = columns
        self.isNew = isNew
        keyIndex = columns.firstIndex { $0.name == entity.keyColumn } ?? 0
        cells.initialize(repeating: .null)
    }

    deinit {
        scratch.deallocate()
        cells.deallocate()
        forgetRewritten()
    }

    /// Another decoder is about to bring records: shapes mean something for one decoder alone.
    func expectOtherShapes() { shape = nil }

    /// The fields that the policy forbids among those seen since the last call, sorted.
    func takeForbidden() -> [String] {
        defer { forbidden = [] }
        return forbidden.sorted()
    }

    /// The cells of a record and its key, borrowed until the next call.
    func row(of record: DecodedRecord) throws -> (key: UnsafeRawBufferPointer, cells: UnsafeBufferPointer<Cell>) {
        if record.shape != shape { try learn(record) }
        scratchUsed = 0
        if !rewritten.isEmpty { forgetRewritten() }
        for index in columns.indices { cells[index] = .null }
        for (position, field) in record.fields.enumerated() {
            let target = targets[position]
            if target >= 0 { cells[target] = try cell(for: field, at: target) }
        }
        if entity.key.count > 1, let key = record.key { cells[keyIndex] = try cell(for: key, at: keyIndex) }
        let key = try keyText(record.key)
        return (key, UnsafeBufferPointer(rebasing: cells.prefix(columns.count)))
    }

    private func keyText(_ field: JSONField?) throws -> UnsafeRawBufferPointer {
        guard let field else { throw noKey() }
        if case .null = field.kind { throw noKey() }
        let cell = cells[keyIndex]
        switch (cell.kind, field.kind) {
        case (.text, .string), (.text, .number), (.text, .integer):
            guard !cell.text.isEmpty else { throw Poison(reason: "no-key", detail: "\(keyPath) is empty") }
            return cell.text
        case (.integer, .integer): return digits(cell.integer)
        default: throw Poison(reason: "bad-key", detail: "\(keyPath) is neither a text nor a number")
        }
    }

    private var keyPath: String { entity.key.joined(separator: ".") }
    private func noKey() -> Poison { Poison(reason: "no-key", detail: "the record has no \(keyPath)") }

    private func keep(_ text: some Collection<UInt8>) -> UnsafeRawBufferPointer {
        let start = scratch + scratchUsed
        precondition(scratchUsed + text.count <= 64 * 32, "a record has few instants")
        UnsafeMutableRawBufferPointer(start: start, count: text.count).copyBytes(from: text)
        scratchUsed += text.count
        return UnsafeRawBufferPointer(start: start, count: text.count)
    }

    private func digits(_ number: Int64) -> UnsafeRawBufferPointer { keep(String(number).utf8) }

    // MARK: Cells

    private func cell(for field: JSONField, at index: Int) throws -> Cell {
        // Not the column as a whole: its names would be counted as held, for each cell.
        switch ColumnRule.verdict(for: field.kind, type: columns[index].type, isDeclared: columns[index].isDeclared) {
        case .null: return .null
        case .integer, .boolean: return Cell(kind: .integer, integer: field.integer, text: Cell.null.text)
        case .text:
            switch field.kind {
            case .object, .array: return Cell(kind: .text, integer: 0, text: nested(field.text))
            default: return Cell(kind: .text, integer: 0, text: field.text)
            }
        case .timestamp:
            guard let instant = zone.instant(field.text) else {
                throw Poison(reason: "bad-time", detail: "\(columns[index].name) isn't an ISO-8601 time between 1970 and 9999")
            }
            if Self.isCanonical(field.text) { return Cell(kind: .text, integer: 0, text: field.text) }
            guard scratchUsed + 24 <= 64 * 30 else { throw Poison(reason: "bad-value", detail: "too many timestamps") }
            bytes.removeAll(keepingCapacity: true)
            instant.append(to: &bytes)
            return Cell(kind: .text, integer: 0, text: keep(bytes))
        case .date:
            guard field.text.count == 10, Day(String(decoding: field.text, as: UTF8.self)) != nil else {
                throw Poison(reason: "bad-value", detail: "\(columns[index].name) isn't a date YYYY-MM-DD")
            }
            return Cell(kind: .text, integer: 0, text: field.text)
        case .become(let type):
            try change(index, to: type)
            return try cell(for: field, at: index)
        case .refuse:
            throw Poison(
                reason: "bad-value",
                detail: "\(columns[index].name) is \(columns[index].type?.rawValue ?? "unknown") and the value is \(field.kind)")
        }
    }

    /// Of names that stand twice the last counts, for those too who read the column's JSON.
    private func nested(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let document = try? JSONDocument(text), let bytes = document.withoutDuplicates() else { return text }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        rewritten.append(copy)
        return UnsafeRawBufferPointer(copy)
    }

    private func forgetRewritten() {
        for text in rewritten { text.deallocate() }
        rewritten.removeAll(keepingCapacity: true)
    }

    /// Whether a valid timestamp is written as tables write it: `2026-11-20T09:30:00.123Z`.
    private static func isCanonical(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count == 24 && text[23] == UInt8(ascii: "Z") && text[19] == UInt8(ascii: ".")
            && text[10] == UInt8(ascii: "T") && text[17] != UInt8(ascii: "6")
    }

    private func change(_ index: Int, to type: ColumnType) throws {
        let old = columns[index].type
        columns[index].type = type
        try session.evolve(
            entity.name, to: columns, integersToText: old == .integer ? [columns[index].name] : [])
        try onChange()
    }

    // MARK: Fields

    private func learn(_ record: DecodedRecord) throws {
        targets = []
        var added: [Column] = []
        for field in record.fields {
            let text = String(decoding: field.name, as: UTF8.self)
            if let known = columns.firstIndex(where: { $0.field == text }) {
                targets.append(known)
            } else if let column = try newColumn(for: field, text: text, beside: columns + added) {
                targets.append(columns.count + added.count)
                added.append(column)
            } else {
                targets.append(-1)
            }
        }
        if !added.isEmpty {
            columns += added
            try session.evolve(entity.name, to: columns, integersToText: [])
            try onChange()
        }
        shape = record.shape
        hasRows = true
    }

    private func newColumn(for field: JSONField, text: String, beside others: [Column]) throws -> Column? {
        switch entity.columnPolicy {
        case .ignore:
            try note(text, "ignored")
            return nil
        case .fail:
            forbidden.insert(text)
            try note(text, "forbidden")
            return nil
        case .evolve: break
        }
        guard let name = ColumnRule.columnName(for: field.name) else {
            try note(text, "kept in the archive only: the name can't be a column's")
            return nil
        }
        guard !others.contains(where: { $0.name.lowercased() == name.lowercased() }) else {
            try note(text, "kept in the archive only: a column of that name is there")
            return nil
        }
        guard others.count < Self.columnsMax else {
            try note(text, "kept in the archive only: \(Self.columnsMax) columns are the most")
            return nil
        }
        if !isNew || hasRows { try note(text, "new column") }
        return Column(name: name, field: text, type: nil, isDeclared: false)
    }

    private func note(_ field: String, _ what: String) throws {
        // Shapes may alternate from record to record.
        guard noted.insert(field + "\u{1f}" + what).inserted else { return }
        if try session.noteDrift(entity: entity.name, field: field, what: what, at: "") {
            drift.append("\(entity.name).\(field.prefix(100)): \(what)")
        }
    }
}
