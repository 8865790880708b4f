/// Some rows on their way into a table, and pages of it in which most of them are laid already.
package final class MergedRows {
    /// A leaf of the table with rows merged into it.
    struct Leaf {
        let number: UInt32
        /// The rows whose place it is.
        let rows: Range<Int>
        /// The one that's left out, and that SQLite is to write: it isn't in the table, or otherwise.
        let missing: Int
        /// One that was merged.
        let merged: Int
        /// What was merged: new ones and changed ones. Others of the rows are in the table as they are.
        let inserted: Int64
        let updated: Int64
    }

    /// None before the first were exchanged.
    package private(set) var rows: RowBuffer?
    private(set) var leaves: [Leaf] = []
    /// Rows that aren't in any of the pages, in their order.
    private(set) var rest: [Int] = []
    /// Rows that are better written when all others are.
    private(set) var later: [Int] = []
    /// Whether keys of the rest may come that have come before.
    private(set) var isUnordered = false
    private let pageSize: Int
    private var pages: UnsafeMutableRawBufferPointer

    package init(_ layout: TableLayout) {
        pageSize = layout.pageSize
        pages = .allocate(byteCount: pageSize * 16, alignment: 8)
    }

    deinit { pages.deallocate() }

    /// Takes other rows, and gives those it had. Its pages are forgotten.
    package func exchange(_ rows: RowBuffer) -> RowBuffer? {
        leaves.removeAll(keepingCapacity: true)
        rest.removeAll(keepingCapacity: true)
        later.removeAll(keepingCapacity: true)
        isUnordered = false
        defer { self.rows = rows }
        return self.rows
    }

    func leave(_ row: Int) { rest.append(row) }
    func leave(_ rows: Range<Int>) { rest.append(contentsOf: rows) }

    func leaveForLater(_ row: Int) { later.append(row) }
    func leaveUnordered(_ rows: Range<Int>) {
        leave(rows)
        isUnordered = true
    }

    /// Forgets rows that were left since there were so many.
    func takeBack(to count: Int) { rest.removeSubrange(count...) }

    /// Room for the next leaf's page, until the one after it is asked for.
    func nextPage() -> UnsafeMutableRawBufferPointer {
        let used = leaves.count * pageSize
        if used == pages.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * used, alignment: 8)
            larger.copyMemory(from: UnsafeRawBufferPointer(pages))
            pages.deallocate()
            pages = larger
        }
        return UnsafeMutableRawBufferPointer(rebasing: pages[used..<used + pageSize])
    }

    func add(_ leaf: Leaf) { leaves.append(leaf) }

    func page(_ leaf: Int) -> UnsafeRawPointer { UnsafeRawPointer(pages.baseAddress! + leaf * pageSize) }
    var bytesOfPage: Int { pageSize }
}
