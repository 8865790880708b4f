import Foundation

/// Holds what's written until `flush`: a document that breaks off isn't one, and an error's would follow it. What's long
/// waits in a file that nobody sees.
final class HeldSink: TextSink {
    private let output: FileSink
    private var buffer: [UInt8] = []
    private var file: FileHandle?
    private static let bufferBytesMax = 8 << 20

    init(_ output: FileSink) { self.output = output }

    func write(_ text: String) throws {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Self.bufferBytesMax { try spill() }
    }

    func flush() throws {
        if let file {
            try spill()
            try file.seek(toOffset: 0)
            while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {
                try part.withUnsafeBytes { try output.write($0) }
            }
        }
        try buffer.withUnsafeBytes { try output.write($0) }
        buffer = []
        try output.flush()
    }

    private func spill() throws {
        let file = try file ?? Self.unseenFile()
        self.file = file
        try FileSink.writeAll(buffer, to: file.fileDescriptor)
        buffer.removeAll(keepingCapacity: true)
    }

    private static func unseenFile() throws -> FileHandle {
        let name = "/elt-query-" + String(repeating: "X", count: 6)
        var path = Array((FileManager.default.temporaryDirectory.path + name).utf8CString)
        let descriptor = mkstemp(&path)
        guard descriptor >= 0 else {
            throw ConsoleError.outputFailed(reason: "no temporary file: \(String(cString: strerror(errno)))")
        }
        unlink(path)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}
