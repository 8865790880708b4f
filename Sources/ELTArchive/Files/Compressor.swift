import CZstd
import ELTCore
import JSON

/// Text in, zstd out. The context is used again and again; it costs megabytes to make.
///
/// The same text gives the same bytes however it was cut: zstd sees it in blocks of one size only.
final class Compressor {
    private let context: OpaquePointer
    private var output: UnsafeMutableRawBufferPointer
    private let pending = JSONText()

    static let blockBytes = 1 << 20

    /// What the fastest level finds in a table of 16 KiB, which stays in the processor's nearest cache, where 64 KiB don't.
    private static let fastestHashLog: Int32 = 12

    /// - Parameters:
    ///   - events: Whether the text is of events: at level 1 they're a sixth faster with a smaller table, and no larger; pages gain nothing.
    ///   - workers: zstd compresses on threads of its own, if it was built for that.
    init(level: Int32, events: Bool = false, workers: Int32 = 0) {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("no memory for zstd") }
        self.context = context
        output = .allocate(byteCount: ZSTD_CStreamOutSize(), alignment: 16)
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        if events, level == 1 { ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, Self.fastestHashLog) }
        if workers > 0 { ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, workers) }
    }

    deinit {
        ZSTD_freeCCtx(context)
        output.deallocate()
    }

    /// Forgets whatever was begun.
    func begin() {
        ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
        pending.removeAll()
    }

    /// Takes text, and gives `sink` what is compressed of it.
    func add(_ text: UnsafeRawBufferPointer, sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        pending.append(text)
        guard pending.count >= Self.blockBytes else { return }
        var done = 0
        while pending.count - done >= Self.blockBytes {
            let block = UnsafeRawBufferPointer(rebasing: pending.bytes[done..<(done + Self.blockBytes)])
            try compress(block, ZSTD_e_continue, sink)
            done += Self.blockBytes
        }
        pending.removeFirst(done)
    }

    /// Ends the frame; what's left of it goes to `sink`.
    func end(sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        try compress(pending.bytes, ZSTD_e_end, sink)
        pending.removeAll()
    }

    private func compress(
        _ text: UnsafeRawBufferPointer, _ directive: ZSTD_EndDirective,
        _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var input = ZSTD_inBuffer(src: text.baseAddress, size: text.count, pos: 0)
        while true {
            var out = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
            let rest = ZSTD_compressStream2(context, &out, &input, directive)
            guard ZSTD_isError(rest) == 0 else {
                throw ArchiveError.compression(path: "", detail: String(cString: ZSTD_getErrorName(rest)))
            }
            if out.pos > 0 { try sink(UnsafeRawBufferPointer(rebasing: output[..<out.pos])) }
            let isDone = directive == ZSTD_e_end ? rest == 0 : input.pos == input.size
            if isDone { return }
        }
    }
}
