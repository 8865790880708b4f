import ELTCore
import Foundation
import Testing

@testable import elt

// Each in a process of its own: signals and their flag belong to the whole process.

/// Sends a signal as a scheduler would, to the process: a thread of the pool may have it blocked.
private func send(_ number: Int32) { kill(getpid(), number) }

/// Waits until the flag is set; ends the process with 1 if that takes too long.
private func waitForInterruption() {
    let deadline = ContinuousClock.now + .seconds(20)
    while !Interruption.isRequested {
        if ContinuousClock.now > deadline { exit(1) }
        sched_yield()
    }
}

/// A place to be killed at: the process ends with 1 if nothing does.
private func waitForTheEnd() {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline { sched_yield() }
    exit(1)
}

@Test func `the first signal only asks for an end`() async {
    await #expect(processExitsWith: .exitCode(42)) {
        ConsoleSignals.install()
        send(SIGTERM)
        waitForInterruption()
        do {
            try Interruption.check()
        } catch {
            exit(ExitStatus.code(for: error) == 143 ? 42 : 1)
        }
    }
}

@Test func `a second signal ends the program at once, with its number`() async {
    await #expect(processExitsWith: .exitCode(143)) {
        ConsoleSignals.install()
        send(SIGINT)
        waitForInterruption()
        send(SIGTERM)
        waitForTheEnd()
    }
    await #expect(processExitsWith: .exitCode(130)) {
        ConsoleSignals.install()
        send(SIGTERM)
        waitForInterruption()
        send(SIGINT)
        waitForTheEnd()
    }
}

@Test func `a reader that goes away is an error and not the program's death`() async {
    await #expect(processExitsWith: .exitCode(42)) {
        ConsoleSignals.install()
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { exit(1) }
        close(ends[0])
        let sink = FileSink(descriptor: ends[1])
        do {
            try sink.write("row\n")
            try sink.flush()
        } catch ConsoleError.outputClosed {
            exit(42)
        }
    }
}

@Test func `a full disk is an error of storage`() {
    let descriptor = open("/dev/full", O_WRONLY)
    defer { close(descriptor) }
    let sink = FileSink(descriptor: descriptor)
    let error = #expect(throws: ConsoleError.self) {
        try sink.write("row\n")
        try sink.flush()
    }
    #expect(error.map { ExitStatus.code(for: $0) } == 74)
    #expect(error?.problem == "Can't write the output: No space left on device.")
}
