import CZlib

/// Unpacks a body that comes in pieces and is compressed with gzip or deflate, and knows whether it's whole.
///
/// libcurl could unpack it too, but takes a stream that breaks off for one that has ended: of lines, those that came
/// would count as all.
final class Inflater {
    /// Not what the header says, or something behind its end.
    struct BadStream: Error {}

    /// What's asked of a server, and what `init` takes.
    static let accepted = "gzip, deflate"

    private enum Kind { case gzip, deflate }
    private enum State { case waiting, open, ended }

    private let kind: Kind
    private var state = State.waiting
    /// The first bytes, until they tell what the stream is.
    private var begin: [UInt8] = []
    // zlib's state points back to this: it mustn't move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let output: UnsafeMutableRawBufferPointer

    /// - Parameter encodings: The values of `Content-Encoding`; nil if they say that the body isn't compressed.
    init?(encodings: [String]) throws {
        let names = encodings.flatMap { $0.split(separator: ",") }.map { String($0).trimmed.lowercased() }
            .filter { !$0.isEmpty && $0 != "identity" }
        switch names {
        case []: return nil
        case ["gzip"], ["x-gzip"]: kind = .gzip
        case ["deflate"]: kind = .deflate
        default: throw BadStream()
        }
        // Not before: nobody gives back what a body that isn't compressed doesn't get.
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        output = .allocate(byteCount: 256 << 10, alignment: 16)
    }

    deinit {
        if state != .waiting { inflateEnd(stream) }
        stream.deallocate()
        output.deallocate()
    }

    /// Whether the stream has come to its end.
    var isWhole: Bool { state == .ended }

    /// Takes the next piece, and gives `sink` what becomes of it.
    func unpack(_ piece: UnsafeRawBufferPointer, sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard state == .waiting else { return try inflate(piece, sink) }
        begin.append(contentsOf: piece)
        guard begin.count >= 2 else { return }
        try open()
        try begin.withUnsafeBytes { try inflate($0, sink) }
        begin = []
    }

    private func open() throws {
        // "deflate" is a zlib stream by the standard; some servers send it without zlib's two bytes of header.
        let hasHeader = begin[0] & 15 == 8 && (Int(begin[0]) << 8 | Int(begin[1])) % 31 == 0
        let bits: Int32 = kind == .gzip ? 16 + MAX_WBITS : hasHeader ? MAX_WBITS : -MAX_WBITS
        guard inflateInit2_(stream, bits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw HTTPError.library(reason: "there's no memory to unpack a body")
        }
        state = .open
    }

    private func inflate(_ piece: UnsafeRawBufferPointer, _ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: piece.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(piece.count)
        repeat {
            if state == .ended, stream.pointee.avail_in > 0 {
                // A gzip file may have several members, one behind the other.
                guard kind == .gzip, inflateReset(stream) == Z_OK else { throw BadStream() }
                state = .open
            }
            stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(output.count)
            let result = CZlib.inflate(stream, Z_NO_FLUSH)
            // Z_BUF_ERROR: it wants more than there is, and that's no error yet.
            guard [Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(result) else { throw BadStream() }
            if result == Z_STREAM_END { state = .ended }
            let count = output.count - Int(stream.pointee.avail_out)
            if count > 0 { try sink(UnsafeRawBufferPointer(rebasing: output[..<count])) }
        } while stream.pointee.avail_in > 0 || (stream.pointee.avail_out == 0 && state == .open)
    }
}
