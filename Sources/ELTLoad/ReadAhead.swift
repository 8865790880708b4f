import ELTCore
import Foundation
import JSON

/// What's in a message.
enum Decoded {
    case record(DecodedRecord)
    case fault(JSONFault)
    /// There's no message, it's too long, or it wasn't looked at.
    case nothing
}

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
        var decoded = Decoded.nothing
    }

    /// Fewer records than this aren't worth a thread.
    static let recordsMin: Int64 = 1000
    private static let batchBytes = 1 << 20
    private static let batchesMax = 4

    /// Ends a reading that nobody waits for any more.
    private struct Stopped: Error {}

    /// Records and all that they borrow. It lies where it is until the batch is given back.
    private final class Batch {
        private(set) var records: [Record] = []
        private var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: ReadAhead.batchBytes, alignment: 16)
        private var used = 0

        deinit { bytes.deallocate() }

        var isEmpty: Bool { records.isEmpty }
        var isFull: Bool { records.count >= 4096 }

        func hasRoom(_ count: Int) -> Bool { used + count <= bytes.count }

        /// Makes room in an empty batch.
        func grow(_ count: Int) {
            bytes.deallocate()
            bytes = .allocate(byteCount: count, alignment: 16)
        }

        static func bytes(of record: Record) -> Int {
            var count = (record.key?.count ?? 0) + (record.value?.count ?? 0)
            if case .record(let decoded) = record.decoded, let value = record.value { count += decoded.bytesBeside(value) }
            return count
        }

        /// Keeps a copy of a record that there's room for.
        func keep(_ record: Record) {
            var kept = record
            kept.key = record.key.map(copy)
            kept.value = record.value.map(copy)
            if case .record(let decoded) = record.decoded, let value = record.value, let start = kept.value?.baseAddress {
                var place = bytes.baseAddress! + used
                kept.decoded = .record(decoded.copied(from: value, to: start, &place))
                used = place - bytes.baseAddress!
            }
            records.append(kept)
        }

        private func copy(_ source: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes[used..<(used + source.count)])
            target.copyMemory(from: source)
            used += source.count
            return UnsafeRawBufferPointer(target)
        }

        func empty() {
            records.removeAll(keepingCapacity: true)
            used = 0
        }
    }

    private let condition = NSCondition()
    private var full: [Batch] = []
    private var spare: [Batch] = []
    private var hasEnded = false
    private var failure: (any Error)?
    private var isStopped = false
    // The reader's alone.
    private var filling = Batch()
    private let decode: (UnsafeRawBufferPointer) -> Decoded

    private init(_ decode: @escaping (UnsafeRawBufferPointer) -> Decoded) { self.decode = decode }

    /// Brings what `read` gives, in its order. What either side throws ends both.
    ///
    /// `decode` takes values apart on the reader's thread. Rows of full loads gain by it; events don't: undoing the
    /// archive's escapes keeps the reader as busy as the loader already.
    static func records(
        _ read: @escaping (_ give: (Record) throws -> Void) throws -> Void,
        decode: @escaping (UnsafeRawBufferPointer) -> Decoded = { _ in .nothing }, each: (Record) throws -> Void
    ) throws {
        // Both threads use `ahead` under its condition; `read`, `decode` and what they capture are the reader's until `stop`.
        nonisolated(unsafe) let ahead = ReadAhead(decode)
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
            for record in batch.records { try each(record) }
            ahead.giveBack(batch)
        }
    }

    // MARK: The reader's side

    private func give(_ record: Record) throws {
        var record = record
        if let value = record.value { record.decoded = decode(value) }
        let count = Batch.bytes(of: record)
        if filling.isFull || !filling.hasRoom(count) {
            if !filling.isEmpty { try hand() }
            if !filling.hasRoom(count) { filling.grow(count) }
        }
        filling.keep(record)
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
        batch.empty()
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
