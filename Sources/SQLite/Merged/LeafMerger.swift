import Foundation

/// Lays rows into the pages of a table, in the order of its key, as they'd be after SQLite had written them.
///
/// The pages are copies: SQLite takes them in where it would read those of the file (`MergeInsert`), and writes what has no place in them.
package final class LeafMerger {
    private let layout: TableLayout
    private let finder: LeafFinder
    private let leaf: UnsafeMutableRawBufferPointer
    private let localMax: Int
    /// Whether all that's still to come is SQLite's.
    private var isOver = false
    /// The last row's key, and the last leaf.
    private var last = Last()
    private var lastLeaf: UInt32 = 0
    private var (rowsSeen, leavesSeen) = (0, 0)

    // What a leaf holds, and what comes into it; kept for the next.
    private var cells: [Cell] = []
    private var changes: [Change] = []
    /// Room for more than a leaf's.
    private let records: UnsafeMutableRawBufferPointer
    private var recordBytes = 0
    private var record = SortedRecord()

    private struct Cell {
        /// Its first byte, and its record's.
        var place: Int
        var start: Int
        var length: Int
        /// What of the record lies in the page, and whether that's all.
        var recordLength: Int
        var isWhole: Bool
    }

    private struct Change {
        let row: Int
        /// The cell that it replaces, or before which it comes.
        let cell: Int
        let isNew: Bool
        /// Where its record is.
        let start: Int
        let length: Int
    }

    private struct Last {
        var bytes: [UInt8] = []
        var key: (first: Part, second: Part?)?
        enum Part { case integer(Int64), text(Range<Int>) }
    }

    /// - Parameter connection: It's reading, and this is used where it is.
    /// - Returns: nil if the table's pages can't be read beside it, or aren't committed.
    package init?(_ connection: Database, _ layout: TableLayout) throws {
        guard try layout.isSeen(by: connection), let finder = try LeafFinder(connection, layout) else { return nil }
        self.layout = layout
        self.finder = finder
        leaf = .allocate(byteCount: layout.pageSize, alignment: 8)
        records = .allocate(byteCount: 4 * layout.pageSize, alignment: 8)
        localMax = SortedTree.localMax(pageSize: layout.pageSize)
    }

    deinit {
        leaf.deallocate()
        records.deallocate()
        record.deallocate()
    }

    /// Lays the rows of a piece into pages, as far as that can be done and pays.
    package func merge(_ piece: MergedRows) throws {
        guard let rows = piece.rows else { return }
        var row = 0
        while row < rows.count {
            if isOver {
                piece.leaveUnordered(row..<rows.count)
                return
            }
            let first = row
            // A page that's damaged is SQLite's to tell of.
            do { row = try mergeNext(rows, from: row, piece) } catch is StandingTable.Malformed {
                isOver = true
                piece.leaveUnordered(first..<rows.count)
                return
            }
        }
        if rows.count > 0 { keepLast(key(rows, rows.count - 1)) }
    }

    /// Lays the rows of one leaf into its page, and gives the row that comes next.
    private func mergeNext(_ rows: RowBuffer, from first: Int, _ piece: MergedRows) throws -> Int {
        guard let key = key(rows, first), isAscending(rows, first, key) else {
            isOver = true
            return first
        }
        let number: UInt32
        switch try finder.find(key) {
        case .leaf(let found): number = found
        case .above:
            piece.leave(first)
            return first + 1
        case .farAbove:
            piece.leaveForLater(first)
            return first + 1
        }
        var end = first + 1
        while end < rows.count, let next = self.key(rows, end), isAscending(rows, end, next), try finder.isInSameLeaf(next) { end += 1 }
        rowsSeen += end - first
        leavesSeen += 1
        // Of a row by itself nothing would be left to merge. Where most are, this doesn't pay.
        if leavesSeen & 63 == 0, rowsSeen < 2 * leavesSeen { isOver = true }
        if try end - first < 2 || number == lastLeaf || !merge(rows, first..<end, into: number, piece) { piece.leave(first..<end) }
        lastLeaf = number
        return end
    }

    // MARK: Keys

    /// nil where it can't be compared, or would be stored as another than it is.
    private func key(_ rows: RowBuffer, _ row: Int) -> RowKey? {
        guard let first = part(rows, row, 0) else { return nil }
        if layout.keyColumns == 1 { return RowKey(first: first) }
        return part(rows, row, 1).map { RowKey(first: first, second: $0) }
    }

    @inline(__always) private func part(_ rows: RowBuffer, _ row: Int, _ column: Int) -> SQLKey? {
        let key = rows.key(row, layout.columns[column].source)
        return switch (key, layout.columns[column].affinity) {
        case (.other, _), (.integer, .text), (.integer, .real), (.text, .numeric), (.text, .real): nil
        default: key
        }
    }

    /// Whether a row's key is greater than that of the row before it.
    private func isAscending(_ rows: RowBuffer, _ row: Int, _ key: RowKey) -> Bool {
        if row > 0 { return self.key(rows, row - 1).flatMap { $0.compared(to: key) }.map { $0 < 0 } ?? false }
        guard let (first, second) = last.key else { return true }
        return last.bytes.withUnsafeBytes { bytes in
            func part(_ part: Last.Part) -> SQLKey {
                switch part {
                case .integer(let integer): .integer(integer)
                case .text(let range): .text(UnsafeRawBufferPointer(rebasing: bytes[range]))
                }
            }
            return RowKey(first: part(first), second: second.map(part)).compared(to: key).map { $0 < 0 } ?? false
        }
    }

    private func keepLast(_ key: RowKey?) {
        guard let key else { return }
        last.bytes.removeAll(keepingCapacity: true)
        func kept(_ part: SQLKey) -> Last.Part {
            switch part {
            case .integer(let integer): return .integer(integer)
            case .text(let text):
                last.bytes.append(contentsOf: text)
                return .text(last.bytes.count - text.count..<last.bytes.count)
            case .other: return .integer(0)
            }
        }
        last.key = (kept(key.first), key.second.map(kept))
    }

    // MARK: A leaf

    /// Adds the leaf with the rows merged into it. False if there's none to add.
    private func merge(_ rows: RowBuffer, _ range: Range<Int>, into number: UInt32, _ piece: MergedRows) throws -> Bool {
        try finder.read(number, into: leaf)
        guard var free = takeCells() else { throw StandingTable.Malformed() }
        let left = piece.rest.count
        changes.removeAll(keepingCapacity: true)
        recordBytes = 0
        var low = 0
        for row in range {
            guard rows.pack(row, layout.columns, into: &record), record.bytes.count <= localMax, let key = key(rows, row) else {
                piece.leave(row)
                continue
            }
            // A key may be so long that it doesn't lie in its page.
            guard let (place, isThere) = place(of: key, from: low) else {
                piece.takeBack(to: left)
                return false
            }
            low = isThere ? place + 1 : place
            let length = cellBytes(record.bytes.count)
            var growth = length + 2
            if isThere {
                let old = cells[place]
                let oldRecord = UnsafeRawBufferPointer(rebasing: bytes[old.start..<old.start + old.recordLength])
                if old.isWhole, old.recordLength == record.bytes.count, memcmp(oldRecord.baseAddress!, record.bytes.baseAddress!, old.recordLength) == 0 { continue }
                // Whether others are equal, SQLite says.
                guard old.isWhole, record.bytes.surelyDiffers(from: oldRecord) else {
                    piece.leave(row)
                    continue
                }
                growth = length - old.length
            } else if place == 0 || place == cells.count {
                // Where a leaf ends the page above says, which may be another by now.
                piece.leave(row)
                continue
            }
            if growth > free {
                piece.leave(row)
                continue
            }
            free -= growth
            changes.append(Change(row: row, cell: place, isNew: !isThere, start: keepRecord(), length: record.bytes.count))
        }
        // One is left to SQLite, which else wouldn't know that the page has changed.
        guard changes.count > 1, let missing = changes.popLast() else {
            piece.takeBack(to: left)
            return false
        }
        let inserted = Int64(changes.count { $0.isNew })
        fill(piece.nextPage())
        piece.add(
            MergedRows.Leaf(
                number: number, rows: range, missing: missing.row, merged: changes[0].row, inserted: inserted, updated: Int64(changes.count) - inserted))
        return true
    }

    private var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(leaf) }

    /// Bytes of the cell of a record that lies in its page. SQLite keeps none shorter than four.
    private func cellBytes(_ record: Int) -> Int { max(4, Varint.length(record) + record) }

    private func keepRecord() -> Int {
        let count = record.bytes.count
        memcpy(records.baseAddress! + recordBytes, record.bytes.baseAddress!, count)
        recordBytes += count
        return recordBytes - count
    }

    /// Finds the leaf's cells, and how many bytes are free besides; nil if it isn't such a leaf
    /// (https://sqlite.org/fileformat2.html#b_tree_pages).
    private func takeCells() -> Int? {
        cells.removeAll(keepingCapacity: true)
        let bytes = bytes
        let count = bytes.short(at: 3)
        let content = bytes.short(at: 5)
        guard bytes[0] == 0x0A, 8 + 2 * count <= bytes.count, content >= 8 + 2 * count else { return nil }
        var free = bytes.count - 8 - 2 * count
        for index in 0..<count {
            let place = bytes.short(at: 8 + 2 * index)
            guard place >= content, place + 4 <= bytes.count, let (length, start) = Varint.checked(bytes, place) else { return nil }
            let isWhole = length <= localMax
            let local = isWhole ? length : SortedTree.local(of: length, pageSize: layout.pageSize)
            let end = max(place + 4, start + local + (isWhole ? 0 : 4))
            guard end <= bytes.count else { return nil }
            free -= end - place
            cells.append(Cell(place: place, start: start, length: end - place, recordLength: local, isWhole: isWhole))
        }
        // Cells that lie over each other.
        return free < 0 ? nil : free
    }

    /// The cell of a key, or the one before which it would be; nil if one can't be compared with.
    private func place(of key: RowKey, from: Int) -> (Int, isThere: Bool)? {
        var (low, high) = (from, cells.count)
        while low < high {
            let middle = (low + high) / 2
            let cell = cells[middle]
            guard let order = UnsafeRawBufferPointer(rebasing: bytes[cell.start..<cell.start + cell.recordLength])
                    .rowKey(columns: layout.keyColumns)?.compared(to: key)
            else { return nil }
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }

    /// Puts the leaf's cells and the changed ones into a page, in their order from its end on.
    private func fill(_ page: UnsafeMutableRawBufferPointer) {
        var content = page.count
        var count = 0
        func point() {
            page.storeBytes(of: UInt16(content).bigEndian, toByteOffset: 8 + 2 * count, as: UInt16.self)
            count += 1
        }
        func put(_ change: Change) {
            content -= cellBytes(change.length)
            let start = Varint.write(change.length, to: page.baseAddress! + content)
            memcpy(page.baseAddress! + content + start, records.baseAddress! + change.start, change.length)
            for place in start + change.length..<max(4, start + change.length) { page[content + place] = 0 }
            point()
        }
        var next = 0
        for (index, cell) in cells.enumerated() {
            var isReplaced = false
            while next < changes.count, changes[next].cell == index {
                put(changes[next])
                isReplaced = !changes[next].isNew
                next += 1
            }
            if isReplaced { continue }
            content -= cell.length
            memcpy(page.baseAddress! + content, leaf.baseAddress! + cell.place, cell.length)
            point()
        }
        page[0] = 0x0A
        page.storeBytes(of: 0, toByteOffset: 1, as: UInt16.self)
        page.storeBytes(of: UInt16(count).bigEndian, toByteOffset: 3, as: UInt16.self)
        page.storeBytes(of: UInt16(content).bigEndian, toByteOffset: 5, as: UInt16.self)
        page[7] = 0
        // What was there before stays out of the file.
        memset(page.baseAddress! + 8 + 2 * count, 0, content - 8 - 2 * count)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether two records differ in a value of which SQLite says so too: in integers, in texts, or in that one is null. Columns that are missing at a
    /// record's end are null.
    fileprivate func surelyDiffers(from other: UnsafeRawBufferPointer) -> Bool {
        guard let one = Varint.checked(self, 0), let two = Varint.checked(other, 0), one.value <= count, two.value <= other.count else { return false }
        var (position, offset) = (one.next, one.value)
        var (otherPosition, otherOffset) = (two.next, two.value)
        while position < one.value {
            guard let (serial, next) = Varint.checked(self, position) else { return false }
            var (otherSerial, otherNext) = (0, otherPosition)
            if otherPosition < two.value {
                guard let found = Varint.checked(other, otherPosition) else { return false }
                (otherSerial, otherNext) = found
            }
            let (length, otherLength) = (SortedRecord.length(serial), SortedRecord.length(otherSerial))
            guard offset + length <= count, otherOffset + otherLength <= other.count else { return false }
            if (serial == 0) != (otherSerial == 0) { return true }
            let areIntegers = Self.isInteger(serial) && Self.isInteger(otherSerial)
            let areTexts = serial >= 13 && serial & 1 == 1 && otherSerial >= 13 && otherSerial & 1 == 1
            if areIntegers || areTexts {
                // Each integer has one type that it's stored as, the shortest.
                if serial != otherSerial || length > 0 && memcmp(baseAddress! + offset, other.baseAddress! + otherOffset, length) != 0 { return true }
            }
            (position, offset) = (next, offset + length)
            (otherPosition, otherOffset) = (otherNext, otherOffset + otherLength)
        }
        return false
    }

    private static func isInteger(_ serial: Int) -> Bool { (1...6).contains(serial) || serial == 8 || serial == 9 }
}
