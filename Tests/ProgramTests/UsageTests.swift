import Foundation
import Testing

/// One project for tests that change nothing.
private let project = Result { try ProgramProject() }

/// Commands that can't be meant so.
private let wrongUse: [[String]] = [
    ["run", "--at", "zz"], ["full-load", "--at", "zz"], ["rebuild", "--from-archive", "--at", "zz"],
    ["rebuild"], ["offsets", "--at", "zz"], ["offsets"], ["build", "--days", "x"],
    ["build", "--days", "2026-11-20..2026-11-01"], ["build", "--days", "2026-02-30..2026-03-01"],
    ["build", "--select", "nope"], ["build", "--select", " "], ["test", "--select", "nope"],
    ["run", "--select", "current_customer"], ["run", "--full-refresh", "--select", "nope"], ["query"],
    ["query", " "], ["query", "--format", "xml", "select 1"], ["lag", "--fail-above", "x"],
    ["lag", "--fail-above", "-1"], ["status", "--fail-above", "5000"], ["status", "--fail-above", "x"],
    ["archive", "list", "--since", "x"], ["archive", "list", "--entity", "nope"], ["archive", "cat"],
    ["archive", "cat", "--topic", "t", "--partition=-1"], ["archive", "cat", "--topic", "t", "--from=-1"],
    ["archive", "cat", "--topic", "t", "--from", "5", "--to", "4"], ["archive", "cat", "--full-load", "0"],
    ["quarantine", "show"], ["quarantine", "show", "x"], ["quarantine", "replay"],
    ["quarantine", "list", "--entity", "nope"], ["explain", "nope", "k"], ["explain", "customer"],
    ["explain", "customer", "k", "--day", "x"], ["full-load", "nope"], ["init", "--entity", "9x", "q"],
    ["sandbox", "--timezone", "x"], ["sandbox", "--start", "x"], ["sandbox", "--customers=-1"],
    ["sandbox", "--days=-1"], ["sandbox", "--events-per-day=-1"], ["sandbox", "--rate=-1"],
    ["sandbox", "--rate", "nan"], ["sandbox", "--partitions", "0"], ["sandbox", "--kafka-port", "70000"],
    ["run", "--log-format", "xml"], ["run", "--quiet", "--verbose"], ["run", "--bogus"], ["bogus"],
    ["archive", "bogus"], ["archive", "--bogus"], ["help", "bogus"], ["help", "archive", "bogus"],
]

@Test(arguments: wrongUse)
func `wrong use ends with 64, tells what's wrong, and changes nothing`(_ arguments: [String]) throws {
    let outcome = try project.get().elt(arguments, within: .seconds(20))
    #expect(outcome.status == 64, "\(outcome.err)")
    #expect(outcome.out == "")
    #expect(outcome.err.contains("rror: "))
    #expect(!outcome.err.contains("--verbose to learn more"))
}

@Test(arguments: wrongUse)
func `with --json wrong use is one document that says so`(_ arguments: [String]) throws {
    let outcome = try project.get().elt(arguments + ["--json"], within: .seconds(20))
    #expect(outcome.status == 64, "\(outcome.err)")
    let error = try #require(outcome.error, "not one document: \(outcome.out)")
    #expect(error["kind"] as? String == "usage")
    #expect(error["exit"] as? Int == 64)
    #expect((error["problem"] as? String)?.isEmpty == false)
    #expect((error["remedy"] as? String)?.isEmpty == false)
    #expect(outcome.err.contains(try #require(error["problem"] as? String).split(separator: "\n")[0]))
}

@Test(arguments: ["table", "csv", "ndjson"])
func `two forms of output at once are wrong use`(_ format: String) throws {
    let outcome = try project.get().elt(["query", "--format", format, "--json", "select 1"])
    #expect(outcome.status == 64)
    #expect(outcome.err.contains("--format \(format)"))
}

@Test func `help for a command that is there is help`() throws {
    for arguments in [["help"], ["help", "archive"], ["help", "archive", "list"]] {
        let outcome = try project.get().elt(arguments)
        #expect(outcome.status == 0)
        #expect(outcome.out.contains("USAGE: \((["elt"] + arguments.dropFirst()).joined(separator: " "))"))
    }
}

@Test func `on a terminal a query without SQL doesn't wait for somebody to type`() throws {
    for arguments in [["query"], ["query", "--json"]] {
        let outcome = try project.get().elt(arguments, terminalInput: true, within: .seconds(20))
        #expect(outcome.status == 64)
        #expect(outcome.err.contains("SQL"))
    }
}

@Test func `wrong use is a line of JSON in a log for machines`() throws {
    let outcome = try project.get().elt(["run", "--bogus", "--log-format", "json"])
    #expect(outcome.status == 64)
    let lines = outcome.err.split(separator: "\n")
    #expect(lines.count == 1)
    let event = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.err.utf8)) as? [String: Any])
    #expect(event["level"] as? String == "error")
}

@Test func `an --at far after the clock and the latest run is refused and leaves nothing`() throws {
    let project = try ProgramProject(ProgramProject.settingsWithoutBroker)
    // A simulated life may begin anywhere and go on in steps.
    for at in ["2090-01-01T00:00:00Z", "2091-02-01T00:00:00Z", "2020-01-01T00:00:00Z"] {
        let run = try project.elt(["run", "--at", at])
        #expect(run.status == 0, "\(run.err)")
    }
    let manifest = try project.read("archive/manifest.ndjson")
    for command in [["run"], ["run", "--dry-run"], ["full-load"], ["rebuild", "--from-archive"]] {
        let refused = try project.elt(command + ["--at", "9062-11-20T09:30:00Z", "--json"])
        #expect(refused.status == 64, "\(command): \(refused.err)")
        let problem = try #require(refused.error?["problem"] as? String)
        #expect(problem.contains("9062-11-20T09:30:00.000Z") && problem.contains("2091-02-01T00:00:00.000Z"))
    }
    #expect(try project.read("archive/manifest.ndjson") == manifest)
}

@Test func `what was asked for is no error`() throws {
    for arguments in [["--help"], ["run", "--help"], ["--version"], ["help", "archive"], ["archive", "list", "-h"]] {
        let outcome = try project.get().elt(arguments)
        #expect(outcome.status == 0)
        #expect(!outcome.out.isEmpty)
        #expect(outcome.err == "")
    }
}
