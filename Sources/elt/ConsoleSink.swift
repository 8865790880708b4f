import ELTCore
import ELTReport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where results go.
protocol TextSink: AnyObject {
    func write(_ text: String) throws
    func flush() throws
}

/// What can go wrong while results are written.
enum ConsoleError: ELTError {
    /// The reader of a pipe went away, as `head` does when it has enough. No trouble of ours.
    case outputClosed
    case outputFailed(reason: String)

    var code: String {
        switch self {
        case .outputClosed: "console.output-closed"
        case .outputFailed: "console.output-failed"
        }
    }
    var kind: ErrorKind { .storage }
    var problem: String {
        switch self {
        case .outputClosed: "The reader of the output has closed it."
        case .outputFailed(let reason): "Can't write the output: \(reason)."
        }
    }
    var remedy: String {
        switch self {
        case .outputClosed: "Nothing needs to be done."
        case .outputFailed: "Check the place that the output goes to, then run the command again."
        }
    }
}

/// A file descriptor with a buffer. On a terminal, control characters of the data are made visible.
final class FileSink: TextSink {
    private let descriptor: Int32
    let isTerminal: Bool
    private var buffer: [UInt8] = []
    private static let bufferBytesMax = 1 << 16

    init(descriptor: Int32) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
    }

    static func standardOutput() -> FileSink { FileSink(descriptor: STDOUT_FILENO) }

    /// Prints the document of an error, which was told on standard error already: where standard output is
    /// gone too, the exit code remains.
    static func tell(_ document: JSONValue) {
        let output = standardOutput()
        try? output.write(document.text + "\n")
        try? output.flush()
    }

    func write(_ text: String) throws {
        buffer.append(contentsOf: (isTerminal ? ConsoleEscape.block(text) : text).utf8)
        if buffer.count >= Self.bufferBytesMax { try flush() }
    }

    /// Text that's at hand as bytes in UTF-8.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard !isTerminal else { return try write(String(decoding: bytes, as: UTF8.self)) }
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferBytesMax { try flush() }
    }

    func flush() throws {
        defer { buffer.removeAll(keepingCapacity: true) }
        try Self.writeAll(buffer, to: descriptor)
    }

    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                systemWrite(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count >= 0 {
                written += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // The terminal or pipe was made non-blocking by whoever shares it with us.
                var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&poller, 1, 1000)
            case EPIPE: throw ConsoleError.outputClosed
            default: throw ConsoleError.outputFailed(reason: String(cString: strerror(errno)))
            }
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
