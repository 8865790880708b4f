import ELTCore
import Foundation
import SQLite

/// The file of a warehouse that's made for the first time, under a name of its own until it's whole and durable.
///
/// Nobody sees it but its maker, and if that dies nobody misses it: the archive has all of it. So it's written
/// once, without a log and without syncs; a log would have each page written, summed, read and written again.
struct NewFile {
    let path: String
    private let target: String
    /// Whether one lay here already: its maker died.
    let followsAnother: Bool
    /// The sequence up to which the archive was published when its warehouse was found lost; nil if it never had one.
    private(set) var lostAfter: Int64?

    /// - Parameter target: The warehouse's own name.
    /// - Returns: nil where the warehouse has its name already.
    init?(for target: String) {
        let path = Self.path(beside: target)
        guard !FileManager.default.fileExists(atPath: target) else {
            Self.remove(beside: target)
            return nil
        }
        self.target = target
        self.path = path
        followsAnother = FileManager.default.fileExists(atPath: path)
        lostAfter = (try? String(contentsOfFile: Self.lostPath(beside: target), encoding: .utf8)).flatMap { Int64($0) }
        // The journal of the one that died would be played into this one.
        for suffix in Self.suffixes { unlink(path + suffix) }
    }

    static func path(beside target: String) -> String { target + "-new" }
    private static func lostPath(beside target: String) -> String { target + "-lost" }
    private static let suffixes = ["-journal", "-wal", "-shm"]

    func remove() { Self.remove(beside: target) }

    private static func remove(beside target: String) {
        for suffix in [""] + suffixes { unlink(path(beside: target) + suffix) }
        unlink(lostPath(beside: target))
    }

    /// What's rolled back is kept in a file: when the disk fails, SQLite finds it there as long as it takes.
    static let settings = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF;"
    /// What readers and later runs need is written into the file itself.
    static let lastSettings = "PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL;"

    /// Keeps, for whoever follows should its maker die, that there was a warehouse before.
    mutating func noteLost(after sequence: Int64) throws {
        lostAfter = sequence
        let path = Self.lostPath(beside: target)
        // Foundation would write another file first, and leave that behind if it's killed.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("can't write", path) }
        defer { close(descriptor) }
        let text = Array("\(sequence)".utf8)
        let written = write(descriptor, text, text.count)
        guard written == text.count else {
            if written >= 0 { errno = ENOSPC }
            throw failure("can't write", path)
        }
    }

    /// Gives the closed file its name, durably.
    func install() throws {
        // Then a transaction is half rolled back.
        guard !FileManager.default.fileExists(atPath: path + "-journal") else {
            throw failure("there's still a journal of", path, because: nil)
        }
        try sync(path, O_RDWR)
        // The log of a warehouse that was taken away would be played into this one.
        for suffix in Self.suffixes { unlink(target + suffix) }
        let folder = (target as NSString).deletingLastPathComponent
        try sync(folder, O_RDONLY | O_DIRECTORY)
        Failpoint.warehouseSynced.pass()
        guard rename(path, target) == 0 else { throw failure("can't rename", path) }
        try sync(folder, O_RDONLY | O_DIRECTORY)
        Failpoint.warehouseInstalled.pass()
        unlink(Self.lostPath(beside: target))
    }

    private func sync(_ path: String, _ flags: Int32) throws {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("can't open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("can't sync", path) }
    }

    private func failure(_ what: String, _ path: String, because code: Int32? = errno) -> WarehouseError {
        let reason = code.map { ": " + String(cString: strerror($0)) } ?? ""
        return .storage(path: target, SQLiteError(code: 10, message: "\(what) \(path)\(reason)", sql: nil))
    }
}
