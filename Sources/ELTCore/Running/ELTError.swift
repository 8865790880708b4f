/// What kind of trouble an error is. The program's exit code follows from it.
package enum ErrorKind: Sendable, Equatable {
    /// Something failed that has no kind of its own.
    case failed
    /// The command was used wrongly.
    case usage
    /// The data is at fault: a test failed, the quarantine limit was passed, tables differ.
    case data
    /// The broker or the service isn't available.
    case unavailable
    /// The disk or the file system failed.
    case storage
    /// Another run holds the lock.
    case locked
    /// The project's configuration or models are wrong.
    case configuration
    /// The broker forgot offsets that were never archived; a person must decide.
    case gap
    /// A signal asked the program to end, and it ended at a safe point.
    case interrupted(signal: Int32)
}

/// An error that tells its reader what to do.
///
/// Each target has one enum that conforms. The `description` is what a person
/// sees, in the terminal and in the journal alike. It never contains a payload or a secret.
package protocol ELTError: Error, CustomStringConvertible {
    /// A stable word for scripts and alerts, such as `archive.offsets-missing`.
    var code: String { get }
    var kind: ErrorKind { get }
    /// What could not be done and where, naming the things and numbers involved.
    var problem: String { get }
    /// What to do next. Every error has an answer, even if it's a page to read.
    var remedy: String { get }
    /// Whether the same command may succeed if it's run again unchanged.
    var isRetryable: Bool { get }
}

extension ELTError {
    package var isRetryable: Bool { kind == .unavailable || kind == .locked }
    package var description: String { "\(problem)\n\(remedy)" }
}
