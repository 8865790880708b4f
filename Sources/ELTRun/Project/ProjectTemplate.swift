import ELTCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The small working project that `elt init` writes.
package enum ProjectTemplate {
    /// The entity of the documentation, of the sandbox and of the repository's `models/`.
    package static let defaultEntity = "customer"

    /// Paths relative to the new project's folder, and what goes into the files.
    package static func files(entity: String) -> [(path: String, contents: String)] {
        let key = "id"
        return [
            ("elt.yml", ProjectTemplateTexts.configuration(entity: entity)),
            ("models/current_\(entity).sql", ModelTexts.current(entity: entity, key: key)),
            ("models/\(entity)_history.sql", ModelTexts.history(entity: entity, key: key)),
            ("models/schema.yml", ModelTexts.schema(entity: entity, key: key)),
            ("README.md", ProjectTemplateTexts.readme(entity: entity)),
            (".gitignore", ProjectTemplateTexts.ignored),
        ]
    }

    /// Writes the files into `folder`, which is made if it's missing, and gives their paths.
    ///
    /// An existing file is never overwritten: if there's any, the error names all of them and
    /// nothing is written.
    @discardableResult
    package static func write(to folder: String, entity: String = defaultEntity) throws -> [String] {
        if let complaint = NameRules.identifier(entity) {
            throw ProjectError.badEntityName(name: entity, complaint: complaint)
        }
        let files = files(entity: entity).map { (path: folder + "/" + $0.path, contents: $0.contents) }
        let existing = files.map(\.path).filter(TextFile.exists)
        guard existing.isEmpty else { throw ProjectError.wouldOverwrite(paths: existing) }
        try makeFolder(folder)
        try makeFolder(folder + "/models")
        for file in files {
            // Somebody else may have made it meanwhile; `create` refuses then.
            if let failure = TextFile.create(file.path, file.contents) {
                throw ProjectError.unwritable(path: file.path, reason: failure.reason)
            }
        }
        return files.map(\.path)
    }

    /// Makes a folder and those above it, where they're missing.
    private static func makeFolder(_ folder: String) throws {
        var path = folder.hasPrefix("/") ? "/" : ""
        for part in folder.split(separator: "/") {
            path += path.isEmpty || path == "/" ? String(part) : "/" + part
            if mkdir(path, 0o755) != 0, errno != EEXIST {
                throw ProjectError.unwritable(path: path, reason: String(cString: strerror(errno)))
            }
        }
    }
}
