import ELTCore
import ELTRun
import ELTTesting
import Foundation
import Testing

/// Full loads that break off and go on at the first missing page.
@Suite struct ResumeTests {
    enum End: CaseIterable { case error, halfPage, signal, afterDownload, lock }

    @Test(arguments: End.allCases)
    func `A full load that broke off goes on at its first missing page`(end: End) throws {
        let project = try ReplayProject()
        let snapshot = project.snapshot
        snapshot.pages = (0..<4).map { [#"{"id":"\#($0)","name":"N"}"#] }
        var lock: RunLock?
        switch end {
        case .error: snapshot.breakOff(atPage: 2)
        case .halfPage: snapshot.breakOff(atPage: 2, halfway: true)
        case .signal: snapshot.between = { if $0 == 2 { throw InterruptedError(signal: 15) } }
        case .afterDownload: snapshot.between = { if $0 == 4 { throw InterruptedError(signal: 2) } }
        case .lock:
            lock = try RunLock(archive: project.settings.archivePath, command: "run", now: project.start)
        }
        let impatient = try project.engine(hours: 1, patience: end == .lock ? .seconds(1) : .seconds(60))
        #expect(throws: (any Error).self) { try impatient.fullLoad([], acceptShrink: false) }
        let kept = snapshot.served
        #expect(kept == (end == .afterDownload || end == .lock ? [0, 1, 2, 3] : [0, 1]))
        withExtendedLifetime(lock) {}
        lock = nil
        snapshot.between = nil

        let report = try project.engine(hours: 2).fullLoad([], acceptShrink: false)
        #expect(snapshot.served == [0, 1, 2, 3])
        #expect(report.fullLoads.map(\.rows) == [4])
        #expect(report.fullLoads.map(\.startedAt) == [(project.start + .seconds(3600)).description])
        #expect(try project.names().count == 4)
    }
}
