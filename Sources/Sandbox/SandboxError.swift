import ELTCore

/// Why the sandbox can't be had.
package enum SandboxError: ELTError, Equatable {
    case portTaken(port: UInt16, service: String)
    case broker(reason: String)
    case undelivered(count: Int, reason: String?)
    case backwards(now: String, to: String)
    case tooFar(now: String, to: String)

    package var code: String {
        switch self {
        case .portTaken: "sandbox.port-taken"
        case .broker: "sandbox.broker"
        case .undelivered: "sandbox.undelivered"
        case .backwards: "sandbox.backwards"
        case .tooFar: "sandbox.too-far"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .portTaken, .backwards, .tooFar: .usage
        case .broker, .undelivered: .failed
        }
    }

    package var problem: String {
        switch self {
        case .portTaken(let port, let service):
            "Port \(port) on 127.0.0.1, for the sandbox's \(service), is taken."
        case .broker(let reason): "The sandbox's broker doesn't start: \(reason)."
        case .undelivered(let count, let reason):
            "\(count) events did not reach the sandbox's broker\(reason.map { ": \($0)" } ?? "")."
        case .backwards(let now, let to): "The sandbox's time is \(now) and can't go back to \(to)."
        case .tooFar(let now, let to):
            "From \(now) to \(to) is more than \(Sandbox.advanceDaysMax) days in one step."
        }
    }

    package var remedy: String {
        switch self {
        case .portTaken: "End the program that has it (another sandbox?), or choose another port."
        case .broker: "Try another port, or see the log with --verbose."
        case .undelivered: "Start the sandbox anew."
        case .backwards: "Start the sandbox anew to begin at its first day."
        case .tooFar: "Advance in smaller steps."
        }
    }
}
