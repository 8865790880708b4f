import Foundation

/// What one thread gives another, in order and a few pieces ahead at most.
///
/// The giver has `give`, `spare` and `ask`, the taker the rest. Both run inside `between`, which doesn't return
/// before both have ended.
package final class Handover<Piece> {
    /// Ends a giver that nobody waits for any more.
    private struct Stopped: Error {}

    /// A giver, and the thread's hold on it.
    private final class Held {
        private var giver: ((Handover) throws -> Void)?

        init(_ giver: @escaping (Handover) throws -> Void) { self.giver = giver }

        /// Gives what it failed with. Not inlined: then it holds nothing any more when it returns.
        @inline(never) func run(_ handover: Handover) -> (any Error)? {
            do {
                try giver?(handover)
                return nil
            } catch {
                return error
            }
        }

        @inline(never) func letGo() { giver = nil }
    }

    private let condition = NSCondition()
    private let piecesMax: Int
    private var given: [Piece] = []
    private var spares: [Piece] = []
    private var isAnswered = true
    private var hasEnded = false
    private var failure: (any Error)?
    private var isStopped = false

    private init(piecesMax: Int) { self.piecesMax = piecesMax }

    /// Runs `giver` on a thread of its own, and `taker` on the caller's with every piece.
    ///
    /// What was given before the giver failed is taken before the failure is told, as if there were one thread.
    package static func between(
        piecesMax: Int, giver: @escaping (Handover) throws -> Void, taker: (Handover, Piece) throws -> Void
    ) throws {
        // Both threads use it under its condition; the giver and what it captures are the thread's until it ends.
        nonisolated(unsafe) let handover = Handover(piecesMax: piecesMax)
        nonisolated(unsafe) let held = Held(giver)
        try WorkThread.start {
            let failure = held.run(handover)
            // What it captures ends with its maker: a statement that ends here may meet another one of its connection.
            held.letGo()
            handover.end(failure)
        }
        defer { handover.stop() }
        while let piece = try handover.next() { try taker(handover, piece) }
    }

    // MARK: The giver's side

    package func give(_ piece: Piece) throws {
        try condition.withLock {
            while given.count >= piecesMax && !isStopped { condition.wait() }
            if isStopped { throw Stopped() }
            given.append(piece)
            condition.broadcast()
        }
    }

    /// Gives a piece and waits until the taker has answered it.
    package func ask(_ piece: Piece) throws {
        condition.withLock { isAnswered = false }
        try give(piece)
        try condition.withLock {
            while !isAnswered && !isStopped { condition.wait() }
            if !isAnswered { throw Stopped() }
        }
    }

    /// Nobody waits for more.
    package var isOver: Bool { condition.withLock { isStopped } }

    /// A piece that the taker has done with.
    package func spare() -> Piece? { condition.withLock { spares.popLast() } }

    private func end(_ failure: (any Error)?) {
        condition.withLock {
            self.failure = failure
            hasEnded = true
            condition.broadcast()
        }
    }

    // MARK: The taker's side

    /// nil at the end.
    private func next() throws -> Piece? {
        try condition.withLock {
            while given.isEmpty && !hasEnded { condition.wait() }
            if given.isEmpty {
                if let failure { throw failure }
                return nil
            }
            let piece = given.removeFirst()
            // A giver that waits is woken for several pieces at once: waking costs as much as a piece.
            if given.count <= piecesMax / 2 { condition.broadcast() }
            return piece
        }
    }

    package func answer() {
        condition.withLock {
            isAnswered = true
            condition.broadcast()
        }
    }

    package func giveBack(_ piece: Piece) { condition.withLock { spares.append(piece) } }

    /// Waits until the giver has ended: it uses what the caller may close.
    private func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
            while !hasEnded { condition.wait() }
            // They may hold who holds this, and statements of a connection that the caller may close.
            given = []
            spares = []
        }
    }
}
