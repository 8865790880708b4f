import ELTCore
import JSON

/// Presses lines into a file: zstd, on a thread of its own where there are many. Compressing takes longer than all else
/// that's done with an event.
///
/// Between `begin` and `end` of a file, the file is the press's to write to.
final class Press {
    private let compressor: Compressor
    /// What isn't compressed yet.
    private var filling = JSONText()
    /// What's being compressed, or was.
    private var filled = JSONText()
    private let side = SideWork()

    init(level: Int32) { compressor = Compressor(level: level, events: true) }

    func begin() {
        compressor.begin()
        filling.removeAll()
    }

    /// Takes a line without its end.
    func add(_ line: UnsafeRawBufferPointer, to file: NewFile) throws {
        filling.append(line)
        filling.append(byte: UInt8(ascii: "\n"))
        guard filling.count >= Compressor.blockBytes else { return }
        let (full, compressor) = (filling, compressor)
        try side.start {
            try compressor.add(full.bytes) { try file.write($0) }
            full.removeAll()
        }
        (filling, filled) = (filled, full)
    }

    /// Ends the file's text. What comes out last isn't written: it's given.
    func end(to file: NewFile) throws -> [UInt8] {
        try side.settle()
        var tail: [UInt8] = []
        try compressor.add(filling.bytes) { try file.write($0) }
        try compressor.end { tail.append(contentsOf: $0) }
        return tail
    }

    /// Waits until nothing is written any more. False if something failed: then this presses nothing ever again.
    func settle() -> Bool { (try? side.settle()) != nil }
}

/// Presses that aren't at work. Partitions come and go; the memory of presses stays.
final class PressPool {
    private var idle: [Press] = []
    let level: Int32

    init(level: Int32) { self.level = level }

    func take() -> Press {
        let press = idle.popLast() ?? Press(level: level)
        press.begin()
        return press
    }

    func giveBack(_ press: Press) {
        if press.settle(), idle.count < 8 { idle.append(press) }
    }

    /// Lets go of the memory and the threads of those that aren't at work.
    func empty() { idle = [] }
}
