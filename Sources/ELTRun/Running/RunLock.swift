import ELTCore
import Foundation

/// One writer at a time.
///
/// The lock is the operating system's, on the archive's folder itself: it dies with its process, and
/// nobody can take it away by removing a file. The holder's name beside it is for people only.
package final class RunLock {
    private let descriptor: Int32
    private let note: String

    /// Takes the lock, or throws at once naming who holds it.
    package init(archive: String, command: String, name: String = "run", now: Instant) throws {
        let folder = name == "run" ? archive : archive + "/.\(name)"
        try Self.makeFolder(archive)
        if folder != archive { try Self.makeFolder(folder) }
        // Kept apart until the lock is ours: giving up must not remove the holder's note.
        let note = archive + "/.\(name).holder"
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw RunError.storage(path: folder, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                throw RunError.storage(path: folder, reason: String(cString: strerror(reason)))
            }
            let holder = (try? String(contentsOfFile: note, encoding: .utf8)) ?? "another process"
            throw RunError.locked(holder: holder.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        self.note = note
        self.descriptor = descriptor
        let text = "process \(getpid()), elt \(command), since \(now)\n"
        let file = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if file >= 0 {
            _ = text.withCString { write(file, $0, strlen($0)) }
            close(file)
        }
    }

    deinit {
        // Unlinked while the lock is held, so that nobody's name is removed but our own.
        unlink(note)
        close(descriptor)
    }

    /// Makes a folder and those above it, durably: what the archive makes durable in it would be lost with it.
    private static func makeFolder(_ path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty { try makeFolder(parent) }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw RunError.storage(path: path, reason: "\(error.localizedDescription)")
        }
        let above = parent.isEmpty ? "." : parent
        let descriptor = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw RunError.storage(path: above, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw RunError.storage(path: above, reason: String(cString: strerror(errno)))
        }
    }
}

/// What can be wrong with a run as a whole.
package enum RunError: ELTError {
    case locked(holder: String)
    case storage(path: String, reason: String)
    case lowDisk(path: String, free: Int64, needed: Int64)
    case differs([TableDifference])
    /// There are no tables to be compared with what the archive gives.
    case unpublished(entries: Int64)
    case unknownEntity(String, known: [String])
    case unknownModel(String, known: [String])
    case otherArchive(loaded: Int64, newest: Int64)
    case divergedArchive(loaded: Int64)

    package var code: String {
        switch self {
        case .locked: "run.locked"
        case .storage: "run.storage"
        case .lowDisk: "run.low-disk"
        case .differs: "rebuild.differs"
        case .unpublished: "rebuild.unpublished"
        case .unknownEntity: "run.unknown-entity"
        case .unknownModel: "run.unknown-model"
        case .otherArchive, .divergedArchive: "run.other-archive"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .locked: .locked
        case .storage, .lowDisk: .storage
        case .differs: .data
        case .unpublished: .failed
        case .unknownEntity, .unknownModel: .usage
        case .otherArchive, .divergedArchive: .storage
        }
    }

    package var problem: String {
        switch self {
        case .locked(let holder): "Another run holds the lock: \(holder)."
        case .storage(let path, let reason): "\(path) can't be used: \(reason)."
        case .lowDisk(let path, let free, let needed):
            "\(path) has \(free >> 20) MiB free; a run needs at least \(needed >> 20) MiB."
        case .differs(let tables):
            "The live tables differ from a rebuild: "
                + tables.map { table in
                    "\(table.table): \(table.count) rows, such as \(table.samples.prefix(20).joined(separator: ", "))"
                }.joined(separator: "; ") + "."
        case .unpublished(let entries):
            "The warehouse has no published tables that could be compared with what the archive's \(entries) entries give."
        case .unknownEntity(let name, let known):
            "There's no entity \(name) with a full_load; there is: \(known.joined(separator: ", "))."
        case .unknownModel(let name, let known):
            "There's no model \(name); there is: \(known.joined(separator: ", "))."
        case .otherArchive(let loaded, let newest):
            "The warehouse has loaded entry \(loaded) of an archive whose newest is \(newest): this isn't its archive, or the archive lost entries."
        case .divergedArchive(let loaded):
            "The warehouse has loaded \(loaded) entries of an archive, and the last of them isn't the one that this archive has: it's another one, or one that has gone its own way."
        }
    }

    package var remedy: String {
        switch self {
        case .locked: "Wait for it to end, or end that process; then run the same command again."
        case .storage: "Check that the path exists, is yours and can be written."
        case .lowDisk: "Free some space, then run the same command again; nothing was changed."
        case .differs: "Run 'elt rebuild --from-archive' to make the tables from the archive, and please report it."
        case .unpublished: "Run 'elt rebuild --from-archive' to make the tables, or 'elt run', and verify them then."
        case .unknownEntity, .unknownModel: "Use one of these names."
        case .otherArchive, .divergedArchive:
            "Check `archive.path` in elt.yml, and restore 'manifest.ndjson' if it's an older one. If the archive is right, move the warehouse away and run 'elt rebuild --from-archive'."
        }
    }
}

/// How a table differs from what a rebuild gives.
package struct TableDifference: Sendable, Equatable, Codable {
    package var table: String
    package var count: Int64
    /// The first few keys, as `key: what`.
    package var samples: [String]
    package init(table: String, count: Int64, samples: [String]) {
        self.table = table
        self.count = count
        self.samples = samples
    }
}
