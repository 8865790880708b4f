import ELTCore
import JSON

/// Turns the archived pages of one full load into raw rows.
final class FullLoadLoader {
    private let columns: RecordColumns
    private let decoder: RecordDecoder
    private let writer: any FullWriter
    private let limits: Limits
    /// The page that's being loaded and the next row in it.
    private var page: Int64 = 0
    private var rowInPage: Int64 = 0
    /// A single-body listing numbers its rows through; pages leave room for a million rows each.
    private let isSinglePage: Bool
    private var lastRow: Int64 = -1
    private var lastKey: [UInt8] = []
    private var counts = LoadedRows()

    static let rowsInPageMax = Int64(PageNote.rowsMax)

    init(
        entity: EntitySettings, limits: Limits, columns: RecordColumns, writer: any FullWriter, isSinglePage: Bool
    ) {
        self.isSinglePage = isSinglePage
        self.columns = columns
        self.limits = limits
        decoder = RecordDecoder(record: [], key: entity.key, eventTime: nil)
        self.writer = writer
    }

    /// Pages may come in any order: a row's number follows from its page, so a later page beats an earlier
    /// one however they were fetched.
    func begin(page: Int) {
        self.page = Int64(page)
        rowInPage = 0
    }

    /// The number of a row among all of its full load.
    static func row(_ rowInPage: Int64, page: Int64, isSinglePage: Bool) -> Int64 {
        isSinglePage ? rowInPage : page * rowsInPageMax + rowInPage
    }

    /// Passes over one record of a page.
    func skip() { rowInPage += 1 }

    /// Loads one record of a page; `quarantine` gets what can't be a row.
    func load(_ bytes: UnsafeRawBufferPointer, quarantine: (Poison, Int64) throws -> Void) throws {
        guard isSinglePage || rowInPage < Self.rowsInPageMax else { throw LoadError.pageTooLong(page: Int(page)) }
        let row = Self.row(rowInPage, page: page, isSinglePage: isSinglePage)
        rowInPage += 1
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
            try writer.insert(FullRow(number: row, key: key, cells: cells))
            noteOrder(of: key, row)
        } catch let poison as Poison {
            counts.quarantined += 1
            try quarantine(poison, row)
        }
    }

    /// What became of the rows so far.
    func result() throws -> LoadedRows {
        var result = counts
        result.inserted = try writer.inserted()
        return result
    }

    private func noteOrder(of key: UnsafeRawBufferPointer, _ row: Int64) {
        guard counts.isSorted else { return }
        if row < lastRow { counts.isSorted = false }
        lastRow = row
        if lastKey.withUnsafeBytes({ last in
            for index in 0..<min(last.count, key.count) where last[index] != key[index] { return last[index] > key[index] }
            return last.count > key.count
        }) { counts.isSorted = false }
        lastKey.removeAll(keepingCapacity: true)
        lastKey.append(contentsOf: key)
    }
}
