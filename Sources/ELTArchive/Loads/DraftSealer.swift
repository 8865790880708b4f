import ELTCore
import Foundation
import JSON

/// Seals the chunks of a draft, each on a thread while the next is being filled, and has the pages that are whole put behind each other
/// there (`LoadAssembly`). A download waits for the service most of its time: when it ends, little is left to do.
final class DraftSealer {
    /// A chunk that no more is added to.
    struct Filled {
        var number: Int
        var text: JSONText
        var parts: [DraftChunk.Part]
        /// Pages that became whole with it.
        var pages: [Int: LocalDraft.Page]
    }

    private let condition = NSCondition()
    private var isBusy = false
    private var failure: (any Error)?
    /// Emptied texts: their memory is used again.
    private var spares: [JSONText] = []

    // Whoever is busy has these.
    private let folder: Folder
    private let assembly: LoadAssembly
    /// A draft is gone when its full load is complete: it's written fast rather than small.
    private let pool = CompressorPool(level: -4)

    init(folder: Folder, assembly: LoadAssembly) {
        self.folder = folder
        self.assembly = assembly
    }

    /// A text to fill.
    func spare() -> JSONText { condition.withLock { spares.popLast() } ?? JSONText() }

    /// Waits until the chunk before is sealed, and has this one sealed meanwhile.
    func seal(_ filled: Filled) throws {
        try settle()
        // Nobody else has them until it's no longer busy.
        nonisolated(unsafe) let (sealer, chunk) = (self, filled)
        condition.withLock { isBusy = true }
        do {
            try WorkThread.start { sealer.work(chunk) }
        } catch {
            end(error)
            throw error
        }
    }

    /// Waits until everything is sealed. What failed once fails for ever: what a failed sync left is nobody's to sync again.
    func settle() throws {
        try condition.withLock {
            while isBusy { condition.wait() }
            if let failure { throw failure }
        }
    }

    /// The page files, in the folder `DraftFiles.completeName`. Lets go of the memory.
    func finish() throws -> [LoadAssembly.File] {
        try settle()
        condition.withLock { spares = [] }
        return try assembly.finish()
    }

    /// Ends what was begun. The thread may hold on to this for longer than a draft does, and the next draft writes to the same names.
    func abandon() {
        try? settle()
        assembly.abandon()
    }

    private func work(_ filled: Filled) {
        do {
            let chunk = try write(filled)
            let texts = try assembly.take(chunk, filled.text, pages: filled.pages)
            for text in texts { text.removeAll() }
            condition.withLock { spares += texts }
            end(nil)
        } catch {
            end(error)
        }
    }

    private func end(_ failure: (any Error)?) {
        condition.withLock {
            self.failure = failure
            isBusy = false
            condition.broadcast()
        }
    }

    private func write(_ filled: Filled) throws -> DraftChunk {
        let compressor = pool.take()
        defer { pool.giveBack(compressor) }
        let name = DraftChunk.fileName(filled.number)
        let file = try NewFile(in: folder, temporary: "." + name + ".partial")
        try compressor.add(filled.text.bytes) { try file.write($0) }
        var tail: [UInt8] = []
        try compressor.end { tail.append(contentsOf: $0) }
        let sum = try tail.withUnsafeBytes { tail in
            try file.seal(
                tail, as: name, in: folder, NewFile.Failpoints(written: .pagesWritten, synced: .pagesSynced))
        }
        let chunk = DraftChunk(
            number: filled.number, bytes: file.bytes, textBytes: Int64(filled.text.count), sha256: sum, parts: filled.parts)
        try chunk.write(to: folder)
        return chunk
    }
}
