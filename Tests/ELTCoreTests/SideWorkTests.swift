import ELTCore
import Foundation
import Testing

@Suite struct SideWorkTests {
    private struct Refused: Error {}

    @Test func `Pieces are done in order, one at a time, beside their owner`() throws {
        let side = SideWork()
        let owner = Thread.current
        // The side's until it's settled.
        nonisolated(unsafe) var done: [Int] = []
        nonisolated(unsafe) var strangers = 0
        for piece in 0..<1000 {
            try side.start {
                if Thread.current !== owner { strangers += 1 }
                done.append(piece)
            }
        }
        try side.settle()
        #expect(done == Array(0..<1000))
        #expect(strangers == 1000)
    }

    @Test func `What failed has failed for ever`() throws {
        let side = SideWork()
        nonisolated(unsafe) var pieces = 0
        try side.start {
            pieces += 1
            throw Refused()
        }
        for _ in 0..<2 { #expect(throws: Refused.self) { try side.start { pieces += 1 } } }
        #expect(throws: Refused.self) { try side.settle() }
        #expect(pieces == 1)
    }

    /// A file that a piece holds would be closed after its owner has removed its folder.
    @Test func `What a piece holds is let go of before its owner goes on`() throws {
        final class Held {}
        let side = SideWork()
        for _ in 0..<1000 {
            weak var seen: Held?
            do {
                let held = Held()
                seen = held
                try side.start { [held] in withExtendedLifetime(held) {} }
            }
            try side.settle()
            #expect(seen == nil)
        }
    }

    @Test func `An owner that's gone doesn't wait, and the piece is done all the same`() throws {
        let (begun, released, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        do {
            let side = SideWork()
            try side.start {
                begun.signal()
                released.wait()
                done.signal()
            }
        }
        begun.wait()
        released.signal()
        #expect(done.wait(timeout: .now() + 60) == .success)
    }
}
