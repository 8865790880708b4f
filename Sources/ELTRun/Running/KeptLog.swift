import Foundation

/// The file of a warehouse's emptied log, which the next run writes over (docs/formats.md).
package enum KeptLog {
    /// Its bytes; 0 if the log holds something, or isn't there. A run that lacks room gives them back first.
    package static func bytes(of warehouse: String) -> Int64 {
        let path = warehouse + "-wal"
        // SQLite's header of a log that holds something has no zeros for its first 32 bytes.
        guard let file = try? FileHandle(forReadingFrom: URL(fileURLWithPath: path)),
            (try? file.read(upToCount: 32)) == Data(count: 32)
        else { return 0 }
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// The same, if it's on the disk that a folder is on.
    package static func bytes(of warehouse: String, onDiskOf folder: String) -> Int64 {
        var (its, folders) = (stat(), stat())
        guard stat(warehouse, &its) == 0, stat(folder, &folders) == 0, its.st_dev == folders.st_dev else { return 0 }
        return bytes(of: warehouse)
    }
}
