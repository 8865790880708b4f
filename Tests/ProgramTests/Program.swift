import Foundation
import Synchronization
import Testing

/// The built program, run as people and schedulers run it: a process with arguments and pipes.
struct Program {
    struct Outcome {
        var status: Int32
        var out: String
        var err: String
        var seconds: Double

        /// The one document on standard output; nil if it's anything else.
        var document: [String: Any]? {
            (try? JSONSerialization.jsonObject(with: Data(out.utf8))) as? [String: Any]
        }
        /// What `--json` tells of the error.
        var error: [String: Any]? { document?["error"] as? [String: Any] }
    }

    /// Beside the tests, where the same build puts it.
    static let path: String = {
        if let named = ProcessInfo.processInfo.environment["ELT"] { return named }
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = (tests as NSString).deletingLastPathComponent + "/elt"
        if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        return root + "/.build/debug/elt"
    }()

    /// Runs a command to its end; one that hangs is killed and counts as a failure.
    @discardableResult
    static func run(
        _ arguments: [String], in folder: String, environment: [String: String] = [:], input: String? = nil,
        terminalInput: Bool = false, umask mask: String? = nil, within limit: Duration = .seconds(60)
    ) throws -> Outcome {
        let process = Process()
        if let mask {
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", "umask \(mask); exec \"$0\" \"$@\"", path] + arguments
        } else {
            process.executableURL = URL(filePath: path)
            process.arguments = arguments
        }
        process.currentDirectoryURL = URL(filePath: folder)
        var surroundings = ProcessInfo.processInfo.environment
        for (name, value) in environment { surroundings[name] = value }
        process.environment = surroundings
        let (out, err) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = err
        var terminal: (master: Int32, slave: Int32) = (-1, -1)
        if terminalInput {
            guard openpty(&terminal.master, &terminal.slave, nil, nil, nil) == 0 else { throw POSIXError(.ENXIO) }
            process.standardInput = FileHandle(fileDescriptor: terminal.slave)
        } else if let input {
            let pipe = Pipe()
            process.standardInput = pipe
            pipe.fileHandleForWriting.write(Data(input.utf8))
            try pipe.fileHandleForWriting.close()
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        defer {
            if terminalInput {
                close(terminal.master)
                close(terminal.slave)
            }
        }
        let begun = ContinuousClock.now
        try process.run()
        let pid = process.processIdentifier
        // Both pipes are emptied at once: a full one would hold the program up.
        let texts = Mutex((out: Data(), err: Data()))
        let reading = DispatchGroup()
        for (pipe, isOut) in [(out, true), (err, false)] {
            let handle = pipe.fileHandleForReading
            DispatchQueue.global().async(group: reading) {
                let data = (try? handle.readToEnd()) ?? Data()
                texts.withLock { if isOut { $0.out = data } else { $0.err = data } }
            }
        }
        let isLate = Mutex(false)
        let watch = DispatchWorkItem {
            isLate.withLock { $0 = true }
            kill(pid, SIGKILL)
        }
        let seconds = Double(limit.components.seconds)
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: watch)
        process.waitUntilExit()
        watch.cancel()
        reading.wait()
        let took = ContinuousClock.now - begun
        if isLate.withLock({ $0 }) { Issue.record("elt \(arguments.joined(separator: " ")) took more than \(limit)") }
        let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return texts.withLock {
            Outcome(
                status: status, out: String(decoding: $0.out, as: UTF8.self),
                err: String(decoding: $0.err, as: UTF8.self),
                seconds: Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18)
        }
    }
}

extension Program {
    /// Runs a command and sends it SIGTERM after a while. The seconds count from the signal.
    static func signalled(_ arguments: [String], in folder: String, after wait: Duration) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        let log = folder + "/signalled.log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
        usleep(UInt32(wait.components.seconds * 1_000_000))
        let begun = ContinuousClock.now
        process.terminate()
        process.waitUntilExit()
        let took = ContinuousClock.now - begun
        let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return Outcome(
            status: status, out: "", err: String(decoding: try Data(contentsOf: URL(filePath: log)), as: UTF8.self),
            seconds: Double(took.components.seconds))
    }
}

/// A project in a folder of its own, which is gone after the test.
final class ProgramProject: Sendable {
    let folder: String

    init(_ settings: String? = nil, models: Bool = true) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "elt-program-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if models { #expect(try Program.run(["init", folder], in: "/").status == 0) }
        if let settings { try write("elt.yml", settings) }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ name: String, _ text: String) throws {
        let file = URL(filePath: folder + "/" + name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: folder + "/" + name)), as: UTF8.self)
    }

    @discardableResult
    func elt(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
        terminalInput: Bool = false, umask mask: String? = nil, within limit: Duration = .seconds(60)
    ) throws -> Program.Outcome {
        try Program.run(
            arguments, in: folder, environment: environment, input: input, terminalInput: terminalInput, umask: mask,
            within: limit)
    }
}

extension ProgramProject {
    /// Settings of one entity, `customer`, without a full load.
    static func settings(
        broker: String = "127.0.0.1:1", topic: String = "customers", kafka: String = "", entity: String = "",
        top: String = ""
    ) -> String {
        """
        name: test
        timezone: Europe/Berlin
        warehouse: { path: warehouse/elt.db }
        archive: { path: archive }
        models: models
        \(top)
        kafka:
          bootstrap.servers: \(broker)
        \(kafka)
        entities:
          customer:
            key: id
            topics:
              update: \(topic)
        \(entity)

        """
    }

    /// Settings of one entity, `customer`, without topics: runs need nothing but the disk.
    static var settingsWithoutBroker: String {
        settings(entity: "    full_load: { url: \"http://127.0.0.1:1/\", records: items }")
            .replacing("    topics:\n      update: customers\n", with: "")
    }
}
