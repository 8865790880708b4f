import ELTCore

/// Records on their way from the archive to the loader, read on a thread of its own.
///
/// Reading — decompressing, finding lines and records, undoing their escapes — takes about as long as writing the
/// rows. The reader is a few batches ahead at most, so memory doesn't grow with the file.
enum ReadAhead {
    /// One record, borrowed until the next: an event, or a row of a full load's page.
    struct Record {
        /// The event's offset, or the row's page.
        var place: Int64
        /// 1-based line in the file; 0 for a row.
        var line: Int64 = 0
        var timestamp: Int64 = -1
        var timestampType = TimestampType.none
        var key: UnsafeRawBufferPointer?
        var value: UnsafeRawBufferPointer?
    }

    /// Fewer records than this aren't worth a thread.
    static let recordsMin: Int64 = 1000
    private static let batchBytes = 128 << 10
    private static let batchRecords = 4096

    private final class Batch {
        struct Item {
            var record: Record
            var key: Range<Int>?
            var value: Range<Int>?
        }
        var items: [Item] = []
        private var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: batchBytes, alignment: 16)
        private var used = 0

        deinit { bytes.deallocate() }

        var isFull: Bool { used >= batchBytes - (batchBytes >> 3) || items.count >= batchRecords }

        func append(_ record: Record) { items.append(.init(record: record, key: keep(record.key), value: keep(record.value))) }

        private func keep(_ source: UnsafeRawBufferPointer?) -> Range<Int>? {
            guard let source else { return nil }
            if used + source.count > bytes.count {
                let larger = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: max(bytes.count * 2, used + source.count), alignment: 16)
                larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<used]))
                bytes.deallocate()
                bytes = larger
            }
            if let base = source.baseAddress { (bytes.baseAddress! + used).copyMemory(from: base, byteCount: source.count) }
            defer { used += source.count }
            return used..<(used + source.count)
        }

        func forEach(_ body: (Record) throws -> Void) rethrows {
            for item in items {
                var record = item.record
                record.key = item.key.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
                record.value = item.value.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
                try body(record)
            }
        }

        func empty() {
            items.removeAll(keepingCapacity: true)
            used = 0
        }
    }

    /// Brings what `read` gives, in its order. What either side throws ends both.
    static func records(
        _ read: @escaping (_ give: (Record) throws -> Void) throws -> Void, each: (Record) throws -> Void
    ) throws {
        try Handover<Batch>.between(piecesMax: 8) { handover in
            var filling = Batch()
            var failure: (any Error)?
            do {
                try read { record in
                    filling.append(record)
                    guard filling.isFull else { return }
                    try handover.give(filling)
                    filling = handover.spare() ?? Batch()
                }
            } catch { failure = error }
            // What was read before a failure is loaded before it's told, as if there were no thread.
            do { try handover.give(filling) } catch { failure = failure ?? error }
            if let failure { throw failure }
        } taker: { handover, batch in
            try Interruption.check()
            try batch.forEach(each)
            batch.empty()
            handover.giveBack(batch)
        }
    }
}
