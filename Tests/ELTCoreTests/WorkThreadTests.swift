import ELTCore
import Foundation
import Testing

@Suite struct WorkThreadTests {
    @Test(.timeLimit(.minutes(30))) func `A thread does its work beside`() throws {
        let done = DispatchSemaphore(value: 0)
        let caller = Thread.current
        nonisolated(unsafe) var worker: Thread?
        try WorkThread.start {
            worker = Thread.current
            done.signal()
        }
        done.wait()
        #expect(worker != nil && worker !== caller)
    }

    /// A stack larger than any memory.
    @Test func `A thread that can't be had is told`() {
        let error = #expect(throws: WorkThreadError.self) { try WorkThread.start(stackBytes: 1 << 46) {} }
        #expect(error?.description.contains("no further thread") == true)
    }
}
