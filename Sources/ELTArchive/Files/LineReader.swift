import CZstd
import ELTCore

/// The lines of a compressed file, one at a time and without their ends.
///
/// Memory is bounded by the longest line, and text by what the manifest says: a file that unpacks to
/// more is refused while it does.
final class LineReader {
    private let file: OpenFile
    private let covers: String
    private let textBytes: Int64?
    private let context: OpaquePointer
    private let input: UnsafeMutableRawBufferPointer
    private var text: UnsafeMutableRawBufferPointer

    /// A line of more bytes can't be decoded.
    static let lineBytesMax = 0x7FFF_0000
    /// The most text of a file that no manifest knows yet.
    static let textBytesMax: Int64 = 1 << 36

    init(_ file: OpenFile, covers: String, textBytes: Int64?) {
        self.file = file
        self.covers = covers
        self.textBytes = textBytes
        guard let context = ZSTD_createDCtx() else { preconditionFailure("no memory for zstd") }
        self.context = context
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
        input = .allocate(byteCount: 1 << 18, alignment: 16)
        text = .allocate(byteCount: 1 << 20, alignment: 16)
    }

    deinit {
        ZSTD_freeDCtx(context)
        input.deallocate()
        text.deallocate()
    }

    /// Brings every line with its number from 1. Throws if the file doesn't end with a whole line, a whole
    /// frame and `textBytes` of text, where that's known.
    func read(_ each: (UnsafeRawBufferPointer, Int64) throws -> Void) throws {
        var line: Int64 = 0
        var begin = 0
        var scanned = 0
        var end = 0
        var total: Int64 = 0
        try decompress { isAtEnd in
            while scanned < end, let found = memchr(text.baseAddress! + scanned, 10, end - scanned) {
                let newline = text.baseAddress!.distance(to: found)
                line += 1
                try each(UnsafeRawBufferPointer(rebasing: text[begin..<newline]), line)
                begin = newline + 1
                scanned = begin
            }
            scanned = end
            if isAtEnd {
                guard begin == end else { throw changed("line \(line + 1) has no end") }
                return text[0..<0]
            }
            makeRoom(&begin, &scanned, &end)
            return text[end...]
        } filled: { count in
            end += count
            total += Int64(count)
            let limit = textBytes ?? Self.textBytesMax
            guard total <= limit else { throw changed("it unpacks to more than \(limit) bytes") }
            guard end - begin <= Self.lineBytesMax else { throw changed("line \(line + 1) is too long") }
        }
        if let textBytes, total != textBytes {
            throw changed("it unpacks to \(total) bytes and not to \(textBytes)")
        }
    }

    /// What is used up makes room; a line that fills everything gets twice as much.
    private func makeRoom(_ begin: inout Int, _ scanned: inout Int, _ end: inout Int) {
        if begin > 0 {
            memmove(text.baseAddress!, text.baseAddress! + begin, end - begin)
            scanned -= begin
            end -= begin
            begin = 0
        }
        guard end == text.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count * 2, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(text))
        text.deallocate()
        text = larger
    }

    /// Asks for room, fills it, tells how much, until the file ends; then asks once more.
    private func decompress(
        room: (_ isAtEnd: Bool) throws -> Slice<UnsafeMutableRawBufferPointer>, filled: (Int) throws -> Void
    ) throws {
        var offset: Int64 = 0
        var rest = 1
        while true {
            let count = try file.read(at: offset, into: input)
            if count == 0 { break }
            offset += Int64(count)
            var source = ZSTD_inBuffer(src: input.baseAddress, size: count, pos: 0)
            var isFull = false
            while source.pos < source.size || isFull {
                let space = try room(false)
                var target = ZSTD_outBuffer(
                    dst: space.base.baseAddress! + space.startIndex, size: space.count, pos: 0)
                rest = ZSTD_decompressStream(context, &target, &source)
                guard ZSTD_isError(rest) == 0 else { throw changed(String(cString: ZSTD_getErrorName(rest))) }
                try filled(target.pos)
                isFull = target.pos == target.size
                // A whole frame and nothing after it: asking again would begin another.
                if rest == 0, source.pos == source.size { break }
            }
        }
        guard rest == 0 else { throw changed("it ends too early") }
        _ = try room(true)
    }

    private func changed(_ detail: String) -> ArchiveError {
        .changed(path: file.path, covers: covers, detail: detail)
    }
}
