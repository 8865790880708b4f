import ELTCore
import JSON

/// Turns the archived pages of one full load into raw rows.
final class FullLoadLoader {
    private let columns: RecordColumns
    private let decoder: RecordDecoder
    private let writer: any FullWriter
    private let limits: Limits
    private var row: Int64 = 0
    private var lastKey: [UInt8] = []
    private(set) var result = LoadedRows()

    init(entity: EntitySettings, limits: Limits, columns: RecordColumns, writer: any FullWriter) {
        self.columns = columns
        self.limits = limits
        decoder = RecordDecoder(record: [], key: entity.key, eventTime: nil)
        self.writer = writer
    }

    /// Loads one record of a page; `quarantine` gets what can't be a row.
    func load(_ bytes: UnsafeRawBufferPointer, quarantine: (Poison, Int64) throws -> Void) throws {
        defer { row += 1 }
        do {
            guard Int64(bytes.count) <= limits.maxMessageBytes else {
                throw Poison(reason: "too-large", detail: "longer than max_message_bytes (\(limits.maxMessageBytes))")
            }
            let record: DecodedRecord
            do {
                record = try decoder.decode(bytes)
            } catch {
                throw Poison(reason: error.word, detail: "at byte \(error.offset) of the record")
            }
            if record.isNull { throw Poison(reason: "null-body", detail: "a JSON null isn't a record") }
            let (key, cells) = try columns.row(of: record)
            if try writer.insert(row: row, key: key, cells: cells) { result.inserted += 1 }
            noteOrder(of: key)
        } catch let poison as Poison {
            result.quarantined += 1
            try quarantine(poison, row)
        }
    }

    private func noteOrder(of key: UnsafeRawBufferPointer) {
        guard result.isSorted else { return }
        if lastKey.withUnsafeBytes({ last in
            for index in 0..<min(last.count, key.count) where last[index] != key[index] { return last[index] > key[index] }
            return last.count > key.count
        }) { result.isSorted = false }
        lastKey.removeAll(keepingCapacity: true)
        lastKey.append(contentsOf: key)
    }
}
