import Synchronization

/// Whether a signal has asked the program to end. Steps look at it between units of work.
package enum Interruption {
    private static let signal = Atomic<Int32>(0)

    /// Called from the signal handler; only sets a flag.
    package static func request(_ number: Int32) { signal.store(number, ordering: .relaxed) }
    package static var isRequested: Bool { signal.load(ordering: .relaxed) != 0 }

    /// Throws if a signal has arrived. Call it where nothing is half done.
    package static func check() throws(InterruptedError) {
        let number = signal.load(ordering: .relaxed)
        if number != 0 { throw InterruptedError(signal: number) }
    }
}

package struct InterruptedError: ELTError {
    package let signal: Int32
    package init(signal: Int32) { self.signal = signal }
    package var code: String { "run.interrupted" }
    package var kind: ErrorKind { .interrupted(signal: signal) }
    package var problem: String { "Stopped at a safe point by signal \(signal)." }
    package var remedy: String { "Run the same command again: it goes on where this one stopped." }
    package var isRetryable: Bool { true }
}
