import ELTCore

/// `elt.yml`: finds it, reads it, and checks the whole of it before anything else happens.
package struct ProjectFile {
    /// The name of every project's file.
    package static let name = "elt.yml"
    private static let bytesMax = 1 << 20

    /// The path of the nearest `elt.yml`, in `folder` or a folder above it.
    package static func find(from folder: String) throws -> String {
        try find(from: folder, upwards: true)
    }

    /// The path of `elt.yml` in exactly this folder, as `-C DIR` names it; the file itself may be named too.
    package static func find(in folder: String) throws -> String {
        if ProjectPath.normal(folder).split(separator: "/").last == Substring(name), isFile(folder) {
            return ProjectPath.normal(folder)
        }
        return try find(from: folder, upwards: false)
    }

    private static func find(from start: String, upwards: Bool) throws -> String {
        var folder = ProjectPath.normal(start)
        var lookalike: String?
        while true {
            let path = ProjectPath.normal(folder + "/" + name)
            // What exists and can't be read is found: reading it tells why it can't be.
            if TextFile.exists(path) { return path }
            if lookalike == nil {
                lookalike = ["elt.yaml", "Elt.yml", "ELT.yml"].map { ProjectPath.normal(folder + "/" + $0) }
                    .first(where: TextFile.exists)
            }
            let above = ProjectPath.folder(of: folder)
            guard upwards, folder.hasPrefix("/"), above != folder else {
                throw ProjectError.notFound(folder: start, upwards: upwards, lookalike: lookalike)
            }
            folder = above
        }
    }

    private static func isFile(_ path: String) -> Bool {
        if case .success = TextFile.read(path, bytesMax: bytesMax) { true } else { false }
    }

    /// Reads and checks the file. Throws one `ProjectError.invalid` that lists everything that's wrong.
    ///
    /// - Parameters:
    ///   - path: of `elt.yml`; its folder is the project's, from which all relative paths start.
    ///   - environment: what `${NAME}` is looked up in.
    ///   - checkKafka: librdkafka's complaint about a property's name or value, or nil.
    package static func load(
        path: String, environment: [String: String],
        checkKafka: (_ name: String, _ value: String) -> String? = { _, _ in nil }
    ) throws -> LoadedProject {
        switch TextFile.read(path, bytesMax: bytesMax) {
        case .failure(let failure) where failure.isMissing:
            throw ProjectError.notFound(
                folder: ProjectPath.folder(of: path), upwards: false, lookalike: nil)
        case .failure(let failure) where failure.isTooLarge:
            throw ProjectError.tooLarge(path: path, bytesMax: bytesMax)
        case .failure(let failure):
            throw ProjectError.unreadable(path: path, reason: failure.reason)
        case .success(let bytes):
            return try read(
                bytes, path: path, mode: UInt32(TextFile.mode(path) ?? 0), environment: environment,
                checkKafka: checkKafka)
        }
    }

    /// Checks the bytes of a file at `path` with the permissions `mode`.
    static func read(
        _ bytes: [UInt8], path: String, mode: UInt32, environment: [String: String],
        checkKafka: (_ name: String, _ value: String) -> String? = { _, _ in nil }
    ) throws -> LoadedProject {
        try withoutActuallyEscaping(checkKafka) { checkKafka in
            let faults = ProjectFaults()
            let secrets = SecretCollector()
            let folder = ProjectPath.folder(of: path)
            var parser = ConfigParser(
                interpolation: Interpolation(environment: environment, folder: folder), faults: faults)
            let root = parser.parse(bytes)
            parser.fileTexts.forEach { secrets.add($0) }
            let reader = ProjectReader(
                folder: folder, faults: faults, secrets: secrets, checkKafka: checkKafka)
            let settings = root.flatMap { reader.read($0) }
            // A secret may stand where it doesn't belong, and then in the complaint about it.
            let redaction = Redaction(secrets.sorted)
            guard let settings, faults.errors.isEmpty else {
                let safe = faults.sortedErrors.map {
                    ProjectFault(place: $0.place, message: redaction.apply(to: $0.message))
                }
                throw ProjectError.invalid(path: path, faults: safe)
            }
            if mode & 0o077 != 0 {
                for (place, setting) in secrets.literals {
                    faults.warn(
                        place,
                        "\(setting): the secret stands in a file that others can read; "
                            + "write ${NAME} or ${file:/path}, or 'chmod 600 \(path)'.")
                }
            }
            return LoadedProject(
                path: path, settings: settings,
                warnings: faults.sortedWarnings.map {
                    "\(path):\($0.place.line):\($0.place.column): \(redaction.apply(to: $0.message))"
                },
                secrets: secrets.sorted)
        }
    }
}

/// A project whose file was read and found to be in order.
package struct LoadedProject: Sendable {
    /// Path of `elt.yml`.
    package var path: String
    package var settings: ProjectSettings
    /// What a person should know, each with file, line and column; nothing that stops a run.
    package var warnings: [String]
    /// Texts that no log, report or error may contain; longest first.
    package var secrets: [String]
}
