import ELTCore
import Foundation

/// Records on their way from the archive to the loader, read on a thread of its own.
///
/// Reading — decompressing, finding lines and records, undoing their escapes — takes about as long as writing the
/// rows. The reader is a few batches ahead at most, so memory doesn't grow with the file.
final class ReadAhead {
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
    private static let batchBytes = 512 << 10
    private static let batchesMax = 4

    /// Ends a reading that nobody waits for any more.
    private struct Stopped: Error {}

    private final class Batch {
        struct Item {
            var record: Record
            var key: Range<Int>?
            var value: Range<Int>?
        }
        var items: [Item] = []
        var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: ReadAhead.batchBytes, alignment: 16)
        var used = 0

        deinit { bytes.deallocate() }

        func keep(_ source: UnsafeRawBufferPointer?) -> Range<Int>? {
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
    }

    private let condition = NSCondition()
    private var full: [Batch] = []
    private var spare: [Batch] = []
    private var hasEnded = false
    private var failure: (any Error)?
    private var isStopped = false
    /// The reader's alone.
    private var filling = Batch()

    /// Brings what `read` gives, in its order. What either side throws ends both.
    static func records(
        _ read: @escaping (_ give: (Record) throws -> Void) throws -> Void, each: (Record) throws -> Void
    ) throws {
        // Both threads use `ahead` under its condition; `read` and what it captures are the reader's until `stop`.
        nonisolated(unsafe) let ahead = ReadAhead()
        nonisolated(unsafe) let read = read
        let thread = Thread {
            var failure: (any Error)?
            do { try read(ahead.give) } catch { failure = error }
            ahead.end(failure)
        }
        thread.stackSize = 8 << 20
        thread.start()
        defer { ahead.stop() }
        while let batch = try ahead.next() {
            try Interruption.check()
            for item in batch.items {
                var record = item.record
                record.key = item.key.map { UnsafeRawBufferPointer(rebasing: batch.bytes[$0]) }
                record.value = item.value.map { UnsafeRawBufferPointer(rebasing: batch.bytes[$0]) }
                try each(record)
            }
            ahead.giveBack(batch)
        }
    }

    // MARK: The reader's side

    private func give(_ record: Record) throws {
        filling.items.append(.init(record: record, key: filling.keep(record.key), value: filling.keep(record.value)))
        if filling.used >= Self.batchBytes - (Self.batchBytes >> 3) || filling.items.count >= 4096 { try hand() }
    }

    private func hand() throws {
        try condition.withLock {
            while full.count >= Self.batchesMax && !isStopped { condition.wait() }
            if isStopped { throw Stopped() }
            full.append(filling)
            filling = spare.popLast() ?? Batch()
            condition.broadcast()
        }
    }

    private func end(_ error: (any Error)?) {
        var failure = error
        // What was read before a failure is loaded before it's told, as if there were no thread.
        do { try hand() } catch { failure = failure ?? error }
        condition.withLock {
            self.failure = failure
            hasEnded = true
            condition.broadcast()
        }
    }

    // MARK: The loader's side

    /// nil at the end.
    private func next() throws -> Batch? {
        try condition.withLock {
            while full.isEmpty && !hasEnded { condition.wait() }
            if full.isEmpty {
                if let failure { throw failure }
                return nil
            }
            condition.broadcast()
            return full.removeFirst()
        }
    }

    private func giveBack(_ batch: Batch) {
        batch.items.removeAll(keepingCapacity: true)
        batch.used = 0
        condition.withLock { spare.append(batch) }
    }

    /// Waits until the reader has ended: it uses what the caller may close.
    private func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
            while !hasEnded { condition.wait() }
        }
    }
}
