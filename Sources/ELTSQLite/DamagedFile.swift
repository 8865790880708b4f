import ELTCore
import Foundation
import SQLite

extension SQLiteWarehouse {
    /// Takes a damaged warehouse out of the way of the one that's made next. It's kept, as somebody may still read from
    /// it what only it has, such as the ledger of old runs; one that was set aside before is removed.
    ///
    /// - Returns: Its new name; nil if there's no file.
    package static func setAside(_ path: String) throws -> String? {
        let path = behindLinks(path)
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
