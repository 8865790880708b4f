import ELTCore
import Foundation
import Testing

@Suite struct HandoverTests {
    /// Like a statement: it must end where its connection is.
    private final class Bound {
        private let end: (Thread) -> Void
        init(_ end: @escaping (Thread) -> Void) { self.end = end }
        deinit { end(Thread.current) }
        func work() -> Int { 1 }
    }

    @Test func `What a giver holds ends with its maker, not on the giver's thread`() throws {
        var strangers = 0
        let maker = Thread.current
        for _ in 0..<2000 {
            var bound: Bound? = Bound { if $0 !== maker { strangers += 1 } }
            try Handover<Int>.between(piecesMax: 1) { [bound] handover in
                try handover.give(bound?.work() ?? 0)
            } taker: { _, piece in
                #expect(piece == 1)
            }
            bound = nil
        }
        #expect(strangers == 0)
    }

    @Test func `Pieces come in order, and what failed comes after them`() throws {
        struct Refused: Error {}
        var taken: [Int] = []
        #expect(throws: Refused.self) {
            try Handover<Int>.between(piecesMax: 2) { handover in
                for piece in 0..<100 { try handover.give(piece) }
                throw Refused()
            } taker: { _, piece in
                taken.append(piece)
            }
        }
        #expect(taken == Array(0..<100))
    }
}
