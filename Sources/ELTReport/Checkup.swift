import ELTCore

/// What `elt doctor` found, check after check.
package struct Checkup: Codable, Equatable, Sendable {
    package enum Verdict: String, Codable, Sendable { case ok, warn, fail }

    package struct Check: Codable, Equatable, Sendable {
        package var name: String
        package var verdict: Verdict
        package var detail: String
        /// What to do.
        package var remedy: String?
        /// The error's stable word, if one ended the check.
        package var code: String?

        package init(
            _ name: String, _ verdict: Verdict, _ detail: String, remedy: String? = nil, code: String? = nil
        ) {
            self.name = name
            self.verdict = verdict
            self.detail = detail
            self.remedy = remedy
            self.code = code
        }
    }

    package private(set) var checks: [Check] = []
    /// What kind of trouble the first failure is.
    package private(set) var failure: ErrorKind?

    private enum CodingKeys: CodingKey { case checks }

    package init() {}

    package mutating func add(_ check: Check, kind: ErrorKind = .failed) {
        checks.append(check)
        if check.verdict == .fail, failure == nil { failure = kind }
    }

    /// Runs a check; an error of it is a failure with the error's own words.
    package mutating func run(_ name: String, _ body: (inout Checkup) throws -> Void) rethrows {
        do {
            try body(&self)
        } catch let error as InterruptedError {
            throw error
        } catch let error as any ELTError {
            add(Check(name, .fail, error.problem, remedy: error.remedy, code: error.code), kind: error.kind)
        } catch {
            add(Check(name, .fail, "\(error)", remedy: "Please report this with the text above."))
        }
    }

    package var text: String {
        let width = checks.map(\.name.count).max() ?? 0
        var text = ""
        for check in checks {
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            let verdict = check.verdict.rawValue + (check.verdict == .ok ? "  " : "")
            text += "\(verdict)  \(name)  \(check.detail)\n"
            if let remedy = check.remedy {
                text += String(repeating: " ", count: width + 8) + remedy + "\n"
            }
        }
        let failed = checks.filter { $0.verdict == .fail }.count
        let warned = checks.filter { $0.verdict == .warn }.count
        return text
            + "\(Shown.count(Int64(checks.count), "check")): \(failed) failed, \(warned) to look at.\n"
    }
}

/// Checks of files and folders, which hold personal data.
package enum FileChecks {
    /// Nobody but the owner may read; whoever runs this must be able to write.
    package static func folder(_ path: String, what: String) -> Checkup.Check {
        let name = "\(what) folder"
        guard let bits = FileSize.permissions(path) else {
            return Checkup.Check(name, .ok, "\(path) isn't there yet; the first run makes it.")
        }
        return check(name, path, bits: bits, wanted: "700")
    }

    package static func file(_ path: String, what: String) -> Checkup.Check? {
        FileSize.permissions(path).map { check("\(what) file", path, bits: $0, wanted: "600") }
    }

    private static func check(_ name: String, _ path: String, bits: UInt32, wanted: String) -> Checkup.Check {
        guard FileSize.isWritable(path) else {
            return Checkup.Check(
                name, .fail, "\(path) can't be written.",
                remedy: "Run as its owner, or give it to the user that runs elt.")
        }
        let mode = String(bits & 0o777, radix: 8)
        guard bits & 0o077 == 0 else {
            return Checkup.Check(
                name, .warn, "\(path) has mode \(mode): others can see personal data.",
                remedy: "Run 'chmod \(wanted) \(path)'.")
        }
        return Checkup.Check(name, .ok, "\(path) is its owner's alone (\(mode)).")
    }

    /// A run refuses to begin with less than `least`; a full refresh writes about as much as the tables have.
    package static func disk(_ path: String, free: Int64, least: Int64, tables: Int64) -> Checkup.Check {
        let detail = "\(Shown.bytes(free)) free at \(path)"
        guard free >= least else {
            return Checkup.Check(
                "disk", .fail, "\(detail); a run needs at least \(Shown.bytes(least)).",
                remedy: "Free some space.",
                code: "run.low-disk")
        }
        let wished = max(1 << 30, tables)
        guard free >= wished else {
            return Checkup.Check(
                "disk", .warn, "\(detail).",
                remedy:
                    "A rebuild may write as much as the warehouse has now: \(Shown.bytes(wished)) would be safe."
            )
        }
        return Checkup.Check("disk", .ok, "\(detail).")
    }

    /// The service's clock beside ours. HTTP tells whole seconds, and the answer took its time.
    package static func clock(service: Instant, ours: Instant, tookMilliseconds: Int64) -> Checkup.Check {
        let difference = ours.milliseconds - service.milliseconds
        let allowed = 30_000 + tookMilliseconds
        let shown = Shown.span(milliseconds: abs(difference))
        guard abs(difference) > allowed else {
            return Checkup.Check(
                "clock", .ok, "It agrees with the service's within \(Shown.span(milliseconds: allowed)).")
        }
        return Checkup.Check(
            "clock", .warn, "It is \(shown) \(difference > 0 ? "ahead of" : "behind") the service's.",
            remedy: "Synchronise the clocks (chrony, timesyncd): they decide where a full load begins.")
    }
}
