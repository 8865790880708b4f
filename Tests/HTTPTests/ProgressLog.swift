import ELTCore
import Synchronization

/// Remembers what was reported.
final class ProgressLog: Progress {
    struct Report: Sendable { var step: String, done: Int64, total: Int64? }
    private let log = Mutex<[Report]>([])
    var reports: [Report] { log.withLock { $0 } }
    func report(step: String, done: Int64, total: Int64?) {
        log.withLock { $0.append(Report(step: step, done: done, total: total)) }
    }
    func warn(_ message: String) {}
    func note(_ message: String) {}
}
