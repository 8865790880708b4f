import ArgumentParser
import ELTCore
import Foundation

/// The program's exit codes. Schedulers and scripts depend on them.
enum ExitStatus {
    static let done: Int32 = 0

    static func code(for kind: ErrorKind) -> Int32 {
        switch kind {
        case .failed: 1
        case .usage: 64
        case .data: 65
        case .unavailable: 69
        case .storage: 74
        case .locked: 75
        case .configuration: 78
        case .gap: 80
        case .interrupted(let signal): 128 + signal
        }
    }

    static func code(for error: any Error) -> Int32 {
        // `elt query … | head` has done what was asked.
        if case ConsoleError.outputClosed = error { return done }
        if let error = error as? any ELTError { return code(for: error.kind) }
        if error is ValidationError { return code(for: .usage) }
        return isStorage(error) ? code(for: .storage) : code(for: .failed)
    }

    /// Foundation's and the system's own errors about files and disks.
    private static func isStorage(_ error: any Error) -> Bool {
        if let error = error as? POSIXError {
            return [.ENOSPC, .EIO, .EDQUOT, .EROFS, .EFBIG, .EACCES, .EMFILE, .ENFILE].contains(error.code)
        }
        guard let code = (error as? CocoaError)?.code.rawValue else { return false }
        // Reading and writing of files: NSFileNoSuchFileError (4) and 255 to 1023.
        return code == 4 || (255..<1024).contains(code)
    }
}

extension ErrorKind {
    /// The word for machines.
    var word: String {
        switch self {
        case .failed: "failed"
        case .usage: "usage"
        case .data: "data"
        case .unavailable: "unavailable"
        case .storage: "storage"
        case .locked: "locked"
        case .configuration: "configuration"
        case .gap: "gap"
        case .interrupted: "interrupted"
        }
    }
}
