import ELTCore
import Foundation
import SQLite

extension SQLiteWarehouse {
    /// Takes a damaged warehouse out of the way of the one that's made next. It's kept, as somebody may still read from
    /// it what only it has, such as the ledger of old runs; one that was set aside before is removed.
    ///
    /// - Returns: Its new name; nil if there's no file, or if it's whole when it's read once more: a disk that fails makes SQLite find
    ///   damage, too, and until the new one is made there's nothing to be seen.
    package static func setAside(_ path: String) throws -> String? {
        let path = behindLinks(path)
        guard isDamaged(path) else { return nil }
        let aside = path + "-damaged"
        let logs = ["-wal", "-shm"]
        // The older one's log would be played into this one.
        for suffix in logs { try check(unlink(aside + suffix), "remove", aside + suffix, path) }
        // The file goes first: left without its log it would be an earlier state of itself, which may look whole.
        guard try check(rename(path, aside), "rename", path, path) else { return nil }
        for suffix in logs { try check(rename(path + suffix, aside + suffix), "rename", path + suffix, path) }
        let folder = (path as NSString).deletingLastPathComponent
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try check(descriptor, "open", folder, path)
        defer { close(descriptor) }
        try check(fsync(descriptor), "sync", folder, path)
        return aside
    }

    /// Whether all of the file can be read, and SQLite finds that it isn't a database that's whole.
    private static func isDamaged(_ path: String) -> Bool {
        for name in [path, path + "-wal"] {
            let descriptor = open(name, O_RDONLY | O_CLOEXEC)
            if descriptor < 0, errno == ENOENT, name != path { continue }
            guard descriptor >= 0 else { return false }
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            var count = 0
            repeat { count = read(descriptor, &bytes, bytes.count) } while count > 0
            guard count == 0 else { return false }
        }
        do {
            return try Database(path: path, mode: .readOnly).value("PRAGMA quick_check(1)") != .text("ok")
        } catch let error as SQLiteError {
            return [11, 26].contains(error.primaryCode)  // CORRUPT, NOTADB
        } catch { return false }
    }

    /// Whether it was there; an error where the call failed otherwise.
    @discardableResult
    private static func check(_ result: Int32, _ verb: String, _ name: String, _ path: String) throws -> Bool {
        guard result < 0 else { return true }
        let number = errno
        if number == ENOENT { return false }
        let message = "can't \(verb) \(name): \(String(cString: strerror(number)))"
        throw WarehouseError.storage(path: path, SQLiteError(code: 10, message: message, sql: nil))
    }
}
