import ELTCore

/// The lines of a text file from the last to the first, reading no more of it than is asked for.
struct LinesBackward {
    let file: OpenFile
    private let size: Int64
    private static let step = 1 << 16

    /// `size` leaves out what stands behind so many bytes.
    init(_ file: OpenFile, size: Int64? = nil) {
        self.file = file
        self.size = size ?? file.size
    }

    /// Brings each line without its end, where it starts, and whether it has an end: the last one may lack
    /// it. Stops where `body` returns false.
    func read(_ body: (_ text: UnsafeRawBufferPointer, _ start: Int64, _ isWhole: Bool) throws -> Bool) throws
    {
        var window: [UInt8] = []
        // The window holds the bytes from `low`; lines before `end` are still to come.
        var low = size
        var end = size
        while end > 0 {
            if window.isEmpty { try extend(&window, &low) }
            let isWhole = window[Int(end - low) - 1] == UInt8(ascii: "\n")
            let textEnd = isWhole ? end - 1 : end
            var unseen = Int(textEnd - low)
            var start: Int64?
            while start == nil {
                if let newline = window[..<unseen].lastIndex(of: UInt8(ascii: "\n")) {
                    start = low + Int64(newline) + 1
                } else if low == 0 {
                    start = 0
                } else {
                    unseen = try extend(&window, &low)
                }
            }
            let begin = start ?? 0
            let goesOn = try window.withUnsafeBytes { bytes in
                try body(
                    UnsafeRawBufferPointer(rebasing: bytes[Int(begin - low)..<Int(textEnd - low)]), begin,
                    isWhole)
            }
            guard goesOn else { return }
            end = begin
            window.removeLast(window.count - Int(end - low))
        }
    }

    /// Puts as much again before the window, at least a step. Returns how many bytes are new.
    @discardableResult
    private func extend(_ window: inout [UInt8], _ low: inout Int64) throws -> Int {
        let count = Int(min(low, Int64(max(Self.step, window.count))))
        var part = [UInt8](repeating: 0, count: count)
        let offset = low - Int64(count)
        let got = try part.withUnsafeMutableBytes { try file.read(at: offset, into: $0) }
        guard got == count else { throw ArchiveError.io(operation: "read", path: file.path, errno: EIO) }
        window = part + window
        low = offset
        return count
    }
}
