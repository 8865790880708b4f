import ELTCore
import Foundation
import Testing

/// Texts that may appear nowhere but in the settings and the environment.
private let canaries = [
    "saslpw": "CANARY-sasl-password-7f3a", "sslpw": "CANARY-ssl-key-password-91c2", "bearer": "CANARY-bearer-token-5d11",
    "basic": "CANARY-basic-password-77e0", "api": "CANARY-api-key-a3b4", "oauth": "CANARY-oauth-secret-c5d6",
    "file": "CANARY-from-a-file-e7f8", "userinfo": "CANARY-userinfo-0a1b",
]

private let auths = [
    "{ kind: bearer, token: \"${BEARER}\" }", "{ kind: basic, username: u, password: \"${BASIC}\" }",
    "{ kind: api_key, name: X-Key, value: \"${API}\" }",
    "{ kind: api_key, name: key, value: \"${API}\", in: query }",
    "{ kind: oauth2, token_url: \"http://127.0.0.1:1/token\", client_id: u, client_secret: \"${OAUTH}\" }",
    "{ kind: bearer, token: \"${file:secret.txt}\" }",
]

private let environment = [
    "SASL": canaries["saslpw"]!, "SSLPW": canaries["sslpw"]!, "BEARER": canaries["bearer"]!, "BASIC": canaries["basic"]!,
    "API": canaries["api"]!, "OAUTH": canaries["oauth"]!, "USERINFO": canaries["userinfo"]!,
]

/// A project whose every way out goes wrong: broker and service are where nothing listens.
private func project(_ auth: String, url: String = "http://127.0.0.1:1/rows", kafka: String) throws -> ProgramProject {
    let project = try ProgramProject(
        ProgramProject.settings(
            kafka: kafka,
            entity: "    full_load: { url: \"\(url)\", records: items, auth: \(auth) }", top: "limits: { deadline: 1s }"))
    try project.write("secret.txt", canaries["file"]! + "\n")
    chmod(project.folder + "/secret.txt", 0o600)
    chmod(project.folder + "/elt.yml", 0o600)
    return project
}

private let sasl = """
      security.protocol: sasl_plaintext
      sasl.mechanisms: PLAIN
      sasl.username: u
      sasl.password: ${SASL}
      debug: all
    """

/// The commands that fail in one way or another.
private let failures: [[String]] = [
    ["run"], ["full-load"], ["doctor"], ["lag"], ["offsets", "--at", "2026-11-20T09:30:00Z"], ["status"],
    ["rebuild", "--from-archive"], ["build"], ["test"], ["run", "--dry-run"], ["run", "--at", "x"],
    ["archive", "verify"], ["query", "select nope"], ["explain", "customer", "x"], ["quarantine", "list"],
]

private func leaks(_ text: String, _ place: String) {
    for (name, canary) in canaries {
        #expect(!text.contains(canary), "\(name) is in \(place)")
        let base64 = Data(canary.utf8).base64EncodedString().prefix(20)
        #expect(!text.contains(base64), "\(name) is in \(place), in base64")
    }
}

/// Looks through every file that a project's commands have written.
private func leaksInFiles(_ project: ProgramProject) throws {
    for name in FileManager.default.subpaths(atPath: project.folder) ?? [] {
        guard !["elt.yml", "secret.txt"].contains(name),
            let data = FileManager.default.contents(atPath: project.folder + "/" + name)
        else { continue }
        for canary in canaries.values { #expect(data.range(of: Data(canary.utf8)) == nil, "\(name) holds a secret") }
    }
}

@Test(arguments: Array(auths.enumerated().map { ($0.offset, $0.element) }))
func `no failure shows a secret, also where everything is told`(_ index: Int, _ auth: String) throws {
    let project = try project(auth, kafka: sasl)
    // Each kind of authentication through some of the failures, and all failures over all kinds.
    for (number, command) in failures.enumerated() where number % 3 == index % 3 || number < 4 {
        for format in ["text", "json"] where number % 2 == 0 || format == "text" {
            let outcome = try project.elt(
                command + ["--verbose", "--log-format", format], environment: environment, within: .seconds(30))
            // The settings are right: it's the world that fails.
            if ["run", "full-load"].contains(command[0]), command.count == 1 { #expect(outcome.status == 69, "\(outcome.err)") }
            leaks(outcome.out, "the output of \(command)")
            leaks(outcome.err, "the log of \(command)")
        }
    }
    try leaksInFiles(project)
}

@Test(arguments: [
    // A secret where it doesn't belong, a setting that isn't one, a certificate that can't be read.
    "      sasl.password: ${SASL}\n      sasl.passwort: ${SASL}",
    "      sasl.password: ${SASL}\n      security.protocol: ${SASL}",
    "      ssl.key.password: ${SSLPW}\n      security.protocol: ssl\n      ssl.key.location: secret.txt",
    "      ssl.key.password: ${SSLPW}\n      ssl.keystore.password: ${file:secret.txt}\n      security.protocol: ssl\n      ssl.keystore.location: elt.yml",
    "      sasl.password: ${SASL}\n      sasl.mechanisms: NOPE\n      security.protocol: sasl_ssl",
    "      sasl.password: ${SASL}\n      group.id: [${SASL}]",
])
func `no complaint about settings shows a secret`(_ kafka: String) throws {
    let project = try project(auths[5], kafka: kafka + "\n      debug: all")
    for command in [["doctor"], ["run"], ["lag"]] {
        let outcome = try project.elt(command + ["--verbose"], environment: environment, within: .seconds(30))
        #expect(outcome.status != 0)
        leaks(outcome.out + outcome.err, "\(command)")
    }
    try leaksInFiles(project)
}

@Test(arguments: ["http://u:${USERINFO}@127.0.0.1:1/rows", "ftp://u:${USERINFO}@127.0.0.1/", "http://u:${USERINFO}@[bad/"])
func `an address with a password doesn't show it`(_ url: String) throws {
    let project = try project(auths[0], url: url, kafka: "")
    for command in [["doctor"], ["full-load"]] {
        let outcome = try project.elt(command + ["--verbose"], environment: environment, within: .seconds(30))
        #expect(outcome.status != 0)
        leaks(outcome.out + outcome.err, "\(command)")
    }
    try leaksInFiles(project)
}

@Test func `no process is started with a secret among its arguments`() throws {
    let project = try project(auths[0], kafka: sasl)
    let process = Process()
    process.executableURL = URL(filePath: Program.path)
    process.arguments = ["lag"]
    process.currentDirectoryURL = URL(filePath: project.folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    usleep(300_000)
    for folder in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(folder) != nil {
        let line = FileManager.default.contents(atPath: "/proc/\(folder)/cmdline") ?? Data()
        leaks(String(decoding: line, as: UTF8.self), "/proc/\(folder)/cmdline")
    }
    process.waitUntilExit()
}

@Test(arguments: ["000", "022", "077"])
func `files and folders are their owner's alone, whatever the umask`(_ mask: String) throws {
    let broker = try ProgramBroker()
    let project = try ProgramProject(ProgramProject.settings(broker: broker.address))
    try broker.send([.customer("c-1"), .init("x", "{")])
    for command in [["run"], ["run", "--dry-run"], ["rebuild", "--from-archive", "--verify"], ["rebuild", "--from-archive"]] {
        let outcome = try project.elt(command, umask: mask)
        #expect(outcome.status == 0, "\(outcome.err)")
    }
    var count = 0
    for root in ["archive", "warehouse"] {
        for name in [""] + (FileManager.default.subpaths(atPath: project.folder + "/" + root) ?? []) {
            var status = stat()
            #expect(lstat(project.folder + "/\(root)/\(name)", &status) == 0)
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            #expect(status.st_mode & 0o077 == 0, "\(root)/\(name) has mode \(String(status.st_mode & 0o777, radix: 8))")
            if isFolder { #expect(status.st_mode & 0o777 == 0o700) } else { #expect([0o600, 0o400].contains(status.st_mode & 0o777)) }
            count += 1
        }
    }
    #expect(count > 6)
}
