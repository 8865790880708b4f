import ELTCore

/// Writes one segment's file. Lines go through a press into a temporary file.
final class LocalSegmentWriter: SegmentWriter {
    private let root: Folder
    private let place: SegmentPlace
    private let first: Int64
    private let line: EventLine
    private let pool: PressPool
    private let press: Press
    private let file: NewFile
    private var isOpen = true

    private(set) var rows: Int64 = 0
    private(set) var textBytes: Int64 = 0
    private var nextOffset: Int64
    private var firstTimestamp: Int64?
    private var lastTimestamp: Int64?
    private var lastLine = UnsafeRawBufferPointer(start: nil, count: 0)

    init(root: Folder, partial: Folder, place: SegmentPlace, first: Int64, pool: PressPool)
        throws(ArchiveError)
    {
        self.root = root
        self.place = place
        self.first = first
        self.pool = pool
        nextOffset = first
        line = EventLine(place)
        // The final name isn't known yet; this one says whose it is, and nobody else has it.
        let name = try SegmentPath.folders(of: place).joined(separator: ".") + ".\(first)"
        file = try NewFile(in: partial, temporary: sha256(name))
        press = pool.take()
        Failpoint.segmentStarted.pass()
    }

    deinit { discard() }

    func append(_ change: ChangeView) throws {
        precondition(isOpen, "a sealed segment takes no more events")
        guard change.offset >= nextOffset, change.offset < .max else {
            throw ArchiveError.badOffset(
                topic: place.topic, partition: place.partition, offset: change.offset, expected: nextOffset)
        }
        lastLine = try line.write(change)
        try press.add(lastLine, to: file)
        nextOffset = change.offset + 1
        rows += 1
        textBytes += Int64(lastLine.count) + 1
        if change.timestamp != -1 {
            if firstTimestamp == nil { firstTimestamp = change.timestamp }
            lastTimestamp = change.timestamp
        }
    }

    func seal(next: Int64) throws -> SegmentEntry {
        precondition(isOpen, "a segment is sealed once")
        guard next >= nextOffset, next > first else {
            throw ArchiveError.badOffset(
                topic: place.topic, partition: place.partition, offset: next,
                expected: max(nextOffset, first + 1))
        }
        let tail = try press.end(to: file)
        let path = SegmentPath(
            place: place, month: SegmentPath.month(ofTimestamp: firstTimestamp),
            range: OffsetRange(first: first, next: next))
        let folder = try root.makeFolders(path.folders())
        let sum = try tail.withUnsafeBytes { tail in
            try file.seal(
                tail, as: path.fileName, in: folder,
                NewFile.Failpoints(
                    halfWritten: .segmentHalfWritten, written: .segmentWritten, synced: .segmentSynced,
                    renamed: .segmentRenamed, sealed: .segmentSealed))
        }
        isOpen = false
        pool.giveBack(press)
        return SegmentEntry(
            place: place, range: path.range, path: try path.text(), rows: rows, bytes: file.bytes,
            textBytes: textBytes, sha256: sum, firstTimestamp: firstTimestamp, lastTimestamp: lastTimestamp,
            anchorOffset: rows > 0 ? nextOffset - 1 : nil, anchorDigest: rows > 0 ? sha256(lastLine) : nil)
    }

    func restore(_ sealed: SegmentEntry) throws -> Bool {
        precondition(isOpen, "a segment is sealed once")
        let tail = try press.end(to: file)
        let path = SegmentPath(
            place: place, month: SegmentPath.month(ofTimestamp: sealed.firstTimestamp), range: sealed.range)
        let folder = try root.makeFolders(path.folders())
        let isSame = try tail.withUnsafeBytes { tail in
            try file.restore(
                tail, as: path.fileName, in: folder, bytes: sealed.bytes, sha256: sealed.sha256)
        }
        isOpen = false
        pool.giveBack(press)
        return try isSame || hasText(of: sealed) && isIntact(sealed)
    }

    /// Another level of compression, or another release of zstd, gives other bytes of the same text.
    private func hasText(of sealed: SegmentEntry) -> Bool {
        sealed.rows == rows && sealed.textBytes == textBytes
            && sealed.anchorDigest == (rows > 0 ? sha256(lastLine) : nil)
    }

    private func isIntact(_ sealed: SegmentEntry) throws -> Bool {
        guard let file = try root.file(at: sealed.path) else { return false }
        return try file.size == sealed.bytes && file.sha256() == sealed.sha256
    }

    func discard() {
        guard isOpen else { return }
        isOpen = false
        // What was handed over is still being written.
        pool.giveBack(press)
        file.discard()
    }
}
