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

    private let side = SideWork()
    /// Emptied texts: their memory is used again.
    private let spares = Spares()

    // Whoever is busy has these.
    private let folder: Folder
    private let assembly: LoadAssembly
    /// A draft is gone when its full load is complete: it's written fast rather than small.
    private let compressor = Compressor(level: -4)

    init(folder: Folder, assembly: LoadAssembly) {
        self.folder = folder
        self.assembly = assembly
    }

    /// A text to fill.
    func spare() -> JSONText { spares.take() ?? JSONText() }

    /// Waits until the chunk before is sealed, and has this one sealed meanwhile.
    func seal(_ filled: Filled) throws {
        try side.start { [self] in
            let chunk = try write(filled)
            spares.add(try assembly.take(chunk, filled.text, pages: filled.pages))
        }
    }

    /// Waits until everything is sealed.
    func settle() throws { try side.settle() }

    /// The page files, in the folder `DraftFiles.completeName`. Lets go of the memory.
    func finish() throws -> [LoadAssembly.File] {
        try settle()
        spares.letGo()
        return try assembly.finish()
    }

    /// Ends what was begun. Nobody else waits for the thread, and the next draft writes to the same names.
    func abandon() {
        try? settle()
        assembly.abandon()
    }

    private func write(_ filled: Filled) throws -> DraftChunk {
        compressor.begin()
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

/// Texts that the thread has done with, and the owner fills again.
private final class Spares {
    private let lock = NSLock()
    private var texts: [JSONText] = []

    func take() -> JSONText? { lock.withLock { texts.popLast() } }

    func add(_ emptied: [JSONText]) {
        for text in emptied { text.removeAll() }
        lock.withLock { texts += emptied }
    }

    func letGo() { lock.withLock { texts = [] } }
}
