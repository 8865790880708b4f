import ELTCore

/// What can go wrong with the archive. Names files, offsets and system errors, never a payload.
package enum ArchiveError: ELTError, Equatable {
    /// A call of the system failed.
    case io(operation: String, path: String, errno: Int32)
    /// There's no archive where one is to be read.
    case missing(path: String)
    /// A name that would lead out of the archive, or that no file system takes.
    case badName(String)
    /// A file isn't what the manifest says.
    case changed(path: String, covers: String, detail: String)
    /// Another file has the name already; sealed files never change.
    case alreadySealed(path: String)
    /// The manifest isn't what was written.
    case manifestDamaged(line: Int64, detail: String)
    /// There are files, and no manifest that lists them.
    case manifestMissing(path: String)
    /// Files that the manifest doesn't list, and no crash explains.
    case unlisted(path: String, count: Int)
    /// A crash left half a line; `recover` cuts it off. Only commands that read alone meet it: others recover first.
    case manifestTorn
    /// Events came out of order, or beyond the segment's range.
    case badOffset(topic: String, partition: Int32, offset: Int64, expected: Int64)
    /// The pages that should make up a full load aren't there.
    case pagesMissing(entity: String, pages: Int, kept: Int)
    /// A message too big for one line.
    case lineTooLong(bytes: Int64)
    case compression(path: String, detail: String)

    package var code: String {
        switch self {
        case .io: "archive.io"
        case .missing: "archive.missing"
        case .badName: "archive.bad-name"
        case .changed: "archive.changed"
        case .alreadySealed: "archive.already-sealed"
        case .manifestDamaged: "archive.manifest-damaged"
        case .manifestMissing: "archive.manifest-missing"
        case .unlisted: "archive.unlisted"
        case .manifestTorn: "archive.manifest-torn"
        case .badOffset: "archive.bad-offset"
        case .pagesMissing: "archive.pages-missing"
        case .lineTooLong: "archive.line-too-long"
        case .compression: "archive.compression"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .badName: .configuration
        case .badOffset, .pagesMissing: .failed
        default: .storage
        }
    }

    package var problem: String {
        switch self {
        case .io(let operation, let path, let number):
            "Can't \(operation) '\(path)': \(systemMessage(number))."
        case .missing(let path): "There's no archive at '\(path)'."
        case .badName(let name): "'\(printable(name))' can't be the name of a file or folder in the archive."
        case .changed(let path, let covers, let detail):
            "The archive's file '\(path)' (\(covers)) isn't what the manifest says: \(detail)."
        case .alreadySealed(let path):
            "The archive has another file named '\(path)', and sealed files never change."
        case .manifestDamaged(let line, let detail):
            (line > 0 ? "Line \(line)" : "The last entry") + " of the archive's manifest is damaged: \(detail)."
        case .manifestMissing(let path):
            "There are files in the archive '\(path)', and no manifest lists them."
        case .unlisted(let path, let count):
            "The archive's manifest doesn't list '\(path)'\(count > 1 ? " and \(count - 1) other files" : ""): it has lost entries, or somebody put files there."
        case .manifestTorn:
            "The last line of the archive's manifest is torn: a crash interrupted its writing."
        case .badOffset(let topic, let partition, let offset, let expected):
            "Offset \(offset) of \(topic)/\(partition) came where \(expected) or later was due."
        case .pagesMissing(let entity, let pages, let kept):
            "The full load of \(entity) should have \(pages) pages, and \(kept) are kept."
        case .lineTooLong(let bytes): "A message would make a line of \(bytes) bytes; 2 GB is the limit."
        case .compression(let path, let detail): "zstd failed at '\(path)': \(detail)."
        }
    }

    package var remedy: String {
        switch self {
        case .io(_, _, let number): ioRemedy(number)
        case .missing: "Check 'archive: path' in elt.yml, or restore the archive from its backup."
        case .badName: "Rename it in elt.yml: letters, digits, '.', '_' and '-', at most 249 of them."
        case .changed: "Restore this file from a backup; 'elt archive verify' lists all that differ."
        case .alreadySealed:
            "Run 'elt archive verify', and move the file away if the manifest doesn't list it."
        case .manifestDamaged, .manifestMissing:
            "Restore 'manifest.ndjson' from a backup; 'elt archive verify' says what it doesn't cover."
        case .unlisted:
            "Restore 'manifest.ndjson' from a backup, or move the files away if they aren't the archive's; 'elt archive verify' names them all."
        case .manifestTorn:
            "The next 'elt run' cuts the torn line off, and so does 'elt build', which needs no broker; then run this command again."
        case .badOffset: "Run the command again; if it happens twice, the broker or this program has a fault."
        case .pagesMissing: "Run 'elt full-load' again: it fetches what is missing."
        case .lineTooLong: "Lower 'message.max.bytes' of the topic."
        case .compression: "Run 'elt archive verify' and restore what it names."
        }
    }
}

private func ioRemedy(_ number: Int32) -> String {
    switch number {
    case ENOSPC, EDQUOT: "Make room on the disk and run the command again."
    case EACCES, EPERM, EROFS: "Give the user that runs elt the right to write there."
    case ENOENT: "Run 'elt archive verify' to see which files are missing, and restore them."
    case ELOOP, ENOTDIR: "There's a link where a file or folder should be: replace it by the real one."
    default: "Look after the disk, then run the command again: nothing half written is used."
    }
}

/// Control characters and whatever isn't ASCII as escapes, so that a name can't write on a terminal.
private func printable(_ name: String) -> String {
    name.prefix(80).unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
}
