import ELTCore

/// Rows on their way from the thread that makes them to the one that writes them, with all they point to.
final class RowBatch {
    private let bytes: UnsafeMutableRawBufferPointer
    private let cells: UnsafeMutableBufferPointer<Cell>
    private var bytesUsed = 0
    private var cellsUsed = 0
    private var streamRows: [StreamRow] = []
    private var fullRows: [FullRow] = []

    private static let bytesMax = 64 << 10
    private static let cellsMax = 4 << 10

    /// Room for the largest row there is, should that be more than a batch's usual room.
    init(bytes: Int = 0, cells: Int = 0) {
        self.bytes = .allocate(byteCount: max(Self.bytesMax, bytes), alignment: 16)
        self.cells = .allocate(capacity: max(Self.cellsMax, cells))
    }

    deinit {
        bytes.deallocate()
        cells.deallocate()
    }

    var isEmpty: Bool { streamRows.isEmpty && fullRows.isEmpty }

    func hasRoom(bytes: Int, cells: Int) -> Bool {
        bytesUsed + bytes <= self.bytes.count && cellsUsed + cells <= self.cells.count
    }

    func append(_ row: StreamRow) {
        var copy = row
        copy.key = keep(row.key)
        copy.cells = keep(row.cells)
        streamRows.append(copy)
    }

    func append(_ row: FullRow) {
        fullRows.append(FullRow(number: row.number, key: keep(row.key), cells: keep(row.cells)))
    }

    func write(to writer: any StreamWriter) throws { try writer.insert(all: streamRows) }

    func write(to writer: any FullWriter) throws { try writer.insert(all: fullRows) }

    func empty() {
        streamRows.removeAll(keepingCapacity: true)
        fullRows.removeAll(keepingCapacity: true)
        bytesUsed = 0
        cellsUsed = 0
    }

    private func keep(_ source: UnsafeBufferPointer<Cell>) -> UnsafeBufferPointer<Cell> {
        let first = cellsUsed
        for cell in source {
            var copy = cell
            if case .text = cell.kind { copy.text = keep(cell.text) }
            cells.initializeElement(at: cellsUsed, to: copy)
            cellsUsed += 1
        }
        return UnsafeBufferPointer(rebasing: cells[first..<cellsUsed])
    }

    /// An empty text still has an address: without one it would be bound as a null.
    private func keep(_ source: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = bytes.baseAddress! + bytesUsed
        if let base = source.baseAddress { start.copyMemory(from: base, byteCount: source.count) }
        bytesUsed += source.count
        return UnsafeRawBufferPointer(start: start, count: source.count)
    }
}
