import ELTCore
import JSON

/// Finds single records in the archive again, by the place that the ledger keeps of them.
package enum ArchivedRecords {
    /// Ends a reading that has found what it looked for.
    private struct Found: Error {}

    /// The event at an offset, and its line in the file; nil if the segment has none there.
    package static func event(
        at offset: Int64, in segment: SegmentEntry, _ archive: any Archive
    ) throws -> (change: Change, line: Int64)? {
        var found: (Change, Int64)?
        do {
            try archive.read(segment) { archived in
                guard archived.change.offset == offset else { return }
                found = (Change(copying: archived.change), archived.line)
                throw Found()
            }
        } catch is Found {}
        return found
    }

    /// The record of a full load that has this row number; nil if there's none.
    /// - Parameter entity: What `elt.yml` says of the load's entity now.
    package static func row(
        _ number: Int64, of load: FullLoadEntry, _ entity: EntitySettings?, _ archive: any Archive
    ) throws -> [UInt8]? {
        var found: [UInt8]?
        do {
            try rows(of: load, entity, maxBytes: 4 << 30, archive, page: { _ in }) { row, bytes in
                guard row == number else { return }
                found = Array(bytes)
                throw Found()
            }
        } catch is Found {}
        return found
    }

    /// Every record of a full load with its row number, in the order of pages.
    ///
    /// The pages are as the service wrote them then, so the list is where the setting of then says, whatever it
    /// says now. Only loads that didn't keep it are read by today's.
    static func rows(
        of load: FullLoadEntry, _ entity: EntitySettings?, maxBytes: Int, _ archive: any Archive,
        page begin: (Int) -> Void, each: (_ row: Int64, _ bytes: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let path = load.records ?? entity?.fullLoad?.records ?? []
        var splitter: ListSplitter?
        var page = 0
        var rowInPage: Int64 = 0
        var count: Int64 = 0
        func element(_ bytes: UnsafeRawBufferPointer) throws {
            let row = FullLoadLoader.row(rowInPage, page: Int64(page), isSinglePage: load.pages <= 1)
            rowInPage += 1
            count += 1
            try each(row, bytes)
        }
        func split(_ body: () throws -> Void) throws {
            do { try body() } catch let error as ListSplitterError {
                throw LoadError.pagesUnreadable(load: load, reason: "page \(page) \(error.problem)")
            }
        }
        try archive.read(
            load,
            page: { index, _ in
                page = index
                rowInPage = 0
                begin(index)
                // The pages were checked when they were fetched, and their digests when they are read.
                splitter = ListSplitter(path: path, maxElementBytes: maxBytes, validates: false)
            },
            piece: { bytes in try split { try splitter?.feed(bytes, element: element) } },
            end: { try split { _ = try splitter?.finish(element: element) } })
        // Without a path an object is one row, whatever list is in it.
        if load.records == nil, count != load.rows {
            throw LoadError.pagesUnreadable(load: load, reason: "they give \(count) rows, and \(load.rows) came")
        }
    }
}

extension ArchivedRecords {
    /// Which page holds a row of a full load, and where in it, both from 0.
    package static func place(ofRow row: Int64, pages: Int) -> (page: Int64, rowInPage: Int64) {
        guard pages > 1 else { return (0, row) }
        return (row / FullLoadLoader.rowsInPageMax, row % FullLoadLoader.rowsInPageMax)
    }
}
