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

    /// nil where the warehouse has its name already.
    init?(for target: String) {
        let path = Self.path(beside: target)
        guard !FileManager.default.fileExists(atPath: target) else {
            unlink(path)
            return nil
        }
        self.target = target
        self.path = path
        followsAnother = FileManager.default.fileExists(atPath: path)
    }

    static func path(beside target: String) -> String { target + "-new" }

    /// What's rolled back is kept in memory: of a new file that's little.
    static let settings = "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
    /// What readers and later runs need is written into the file itself.
    static let lastSettings =
        "PRAGMA locking_mode=NORMAL; PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL;"

    /// Gives the closed file its name, durably.
    func install() throws {
        try sync(path, O_RDWR)
        // The log of a warehouse that was taken away would be played into this one.
        for suffix in ["-wal", "-shm", "-journal"] { unlink(target + suffix) }
        let folder = (target as NSString).deletingLastPathComponent
        try sync(folder, O_RDONLY | O_DIRECTORY)
        Failpoint.warehouseSynced.pass()
        guard rename(path, target) == 0 else { throw failure("can't rename", path) }
        try sync(folder, O_RDONLY | O_DIRECTORY)
        Failpoint.warehouseInstalled.pass()
    }

    private func sync(_ path: String, _ flags: Int32) throws {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("can't open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("can't sync", path) }
    }

    private func failure(_ what: String, _ path: String) -> WarehouseError {
        let reason = String(cString: strerror(errno))
        return .storage(path: target, SQLiteError(code: 10, message: "\(what) \(path): \(reason)", sql: nil))
    }
}
