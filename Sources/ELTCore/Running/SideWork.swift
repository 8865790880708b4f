import Foundation

/// Work that's done piece by piece on a thread of its own, while its owner makes the next piece ready.
///
/// What a piece uses is nobody else's until the next call returns. A piece that failed has failed for ever: what a
/// failed write or sync left is nobody's to go on with.
package final class SideWork {
    private let state = State()

    package init() {}

    /// The thread ends after the piece that it's at.
    deinit { state.end() }

    /// Waits until the piece before is done, and has this one done meanwhile.
    ///
    /// Errors: what the piece before failed with, and `WorkThreadError`.
    package func start(_ piece: @escaping () throws -> Void) throws { try state.start(piece) }

    /// Waits until every piece is done. Errors: what one failed with.
    package func settle() throws { try state.settle() }

    private final class State {
        private let condition = NSCondition()
        private var piece: (() throws -> Void)?
        private var isBusy = false
        private var hasThread = false
        private var isOver = false
        private var failure: (any Error)?

        func start(_ next: @escaping () throws -> Void) throws {
            try condition.withLock {
                try waitUntilDone()
                if !hasThread {
                    // Both threads use it under its condition; the pieces are the thread's.
                    nonisolated(unsafe) let state = self
                    do { try WorkThread.start { state.work() } } catch {
                        failure = error
                        throw error
                    }
                    hasThread = true
                }
                piece = next
                isBusy = true
                condition.broadcast()
            }
        }

        func settle() throws { try condition.withLock { try waitUntilDone() } }

        func end() {
            condition.withLock {
                isOver = true
                condition.broadcast()
            }
        }

        private func waitUntilDone() throws {
            while isBusy { condition.wait() }
            if let failure { throw failure }
        }

        private func work() {
            while awaitPiece() {
                let failed = runPiece()
                condition.withLock {
                    failure = failed
                    isBusy = false
                    condition.broadcast()
                }
            }
        }

        /// False when there won't be any more.
        private func awaitPiece() -> Bool {
            condition.withLock {
                while piece == nil && !isOver { condition.wait() }
                return piece != nil
            }
        }

        /// Gives what it failed with. Not inlined: then what the piece holds is let go of when it returns, before its
        /// owner may go on.
        @inline(never) private func runPiece() -> (any Error)? {
            let piece = condition.withLock {
                defer { self.piece = nil }
                return self.piece
            }
            do {
                try piece?()
                return nil
            } catch {
                return error
            }
        }
    }
}
