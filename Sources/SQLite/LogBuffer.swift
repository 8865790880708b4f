import CSQLite
import CWalBuffer

/// The file layer that writes the log in large pieces, over a layer that tells the time or one that doesn't.
///
/// Without it all is slower and just as right.
enum LogBuffer {
    static func layer(over lower: String?) -> String? { lower == nil ? plain : withoutClock ?? lower }

    private static let plain: String? =
        elt_walbuffer_register("elt-wal-buffer", nil) == 0 ? "elt-wal-buffer" : nil
    private static let withoutClock: String? = {
        guard let lower = RefusedClock.layer else { return nil }
        let name = "elt-wal-buffer-without-clock"
        return elt_walbuffer_register(name, lower) == 0 ? name : nil
    }()
}

extension Database {
    /// Bytes of a log that stay when it's emptied, for the next to be written over it.
    package static var logBytesKept: Int { Int(ELT_WALBUFFER_KEEPS) }

    /// Whether pages may be written to the file on a thread, later than SQLite writes them and before a commit has ended. Only for a file
    /// without a log that nobody else reads.
    package func writeLater(_ on: Bool) throws {
        var on: CInt = on ? 1 : 0
        let result = sqlite3_file_control(handle, "main", ELT_WALBUFFER_WRITES_LATER, &on)
        // Without the layer all is written at once.
        guard result == SQLITE_OK || result == SQLITE_NOTFOUND else { throw fileError(result) }
    }

    /// Has SQLite write no farther than to a page of its file, in a file without a log; 0 for as far as it wants. True if it tried to since the last call.
    func limitPages(to page: UInt32, size: Int) throws -> Bool {
        var blocks = CInt(clamping: Int(page) * (size / 512))
        let code = sqlite3_file_control(handle, "main", ELT_WALBUFFER_CEILING, &blocks)
        guard code == SQLITE_OK else { throw fileError(code) }
        return blocks != 0
    }

    /// It leaves no error with the connection.
    private func fileError(_ code: CInt) -> SQLiteError {
        SQLiteError(code: code, message: String(cString: sqlite3_errstr(code)), sql: nil, path: path)
    }

    /// Has an attached file give its blocks back while it's read from its first row to its last, which happens once. Its tree lies in it as
    /// `SortedTree` writes it. Where that can't be done nothing happens.
    func readOnce(_ schema: String, leavesAtOnce: Int) {
        var leaves = CInt(leavesAtOnce)
        _ = sqlite3_file_control(handle, schema, ELT_WALBUFFER_READS_ONCE, &leaves)
    }
}
