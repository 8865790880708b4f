import Foundation

/// The texts that make up a project's models, in the order of their paths.
package struct ModelFiles: Sendable {
    package struct File: Sendable {
        /// As errors show it, such as `models/orders.sql`.
        package var path: String
        package var text: String

        package init(path: String, text: String) {
            self.path = path
            self.text = text
        }

        /// The file's name without its folder and its ending.
        var stem: String {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        }
    }

    /// `models/**/*.sql`
    package var models: [File] = []
    /// `models/**/*.yml`
    package var schemas: [File] = []
    /// `macros/**/*.sql`
    package var macros: [File] = []
    /// `tests/**/*.sql`
    package var tests: [File] = []
    /// What was wrong with files that couldn't become texts.
    var issues: [ModelIssue] = []

    package init(models: [File] = [], schemas: [File] = [], macros: [File] = [], tests: [File] = []) {
        self.models = models
        self.schemas = schemas
        self.macros = macros
        self.tests = tests
    }

    /// Reads the three folders. `macros` and `tests` may be missing; without a name they lie beside
    /// the models, as in dbt.
    package static func read(folder: String, macros: String? = nil, tests: String? = nil) throws(ModelError)
        -> ModelFiles
    {
        let base = URL(fileURLWithPath: folder).deletingLastPathComponent()
        var files = ModelFiles()
        for (path, text) in try files.texts(in: folder, below: base.path, isRequired: true) {
            if path.hasSuffix(".sql") {
                files.models.append(File(path: path, text: text))
            } else {
                files.schemas.append(File(path: path, text: text))
            }
        }
        let macros = macros ?? base.appendingPathComponent("macros").path
        let tests = tests ?? base.appendingPathComponent("tests").path
        for (path, text) in try files.texts(in: macros, below: base.path, isRequired: false)
        where path.hasSuffix(".sql") {
            files.macros.append(File(path: path, text: text))
        }
        for (path, text) in try files.texts(in: tests, below: base.path, isRequired: false)
        where path.hasSuffix(".sql") {
            files.tests.append(File(path: path, text: text))
        }
        return files
    }

    private mutating func texts(in folder: String, below base: String, isRequired: Bool) throws(ModelError)
        -> [(path: String, text: String)]
    {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue
        else {
            guard isRequired else { return [] }
            throw .unreadable(path: folder, reason: "there's no such folder")
        }
        var found: [(path: String, text: String)] = []
        for name in try Self.names(in: folder) {
            let url = URL(fileURLWithPath: folder).appendingPathComponent(name)
            let shown = url.path.hasPrefix(base + "/") ? String(url.path.dropFirst(base.count + 1)) : url.path
            let ending = url.pathExtension.lowercased()
            if ending == "py" { issues.append(ModelIssue(ModelFault.python, at: FilePlace(path: shown))) }
            guard ["sql", "yml", "yaml"].contains(ending) else { continue }
            let data: Data
            do {
                data = try Data(contentsOf: url)
            } catch {
                throw .unreadable(
                    path: shown, reason: (error as NSError).localizedFailureReason ?? "\(error)")
            }
            guard let text = String(validating: data, as: UTF8.self) else {
                issues.append(ModelIssue(ModelFault.notText, at: FilePlace(path: shown)))
                continue
            }
            found.append((shown, text))
        }
        return found
    }

    /// All visible files below a folder, relative to it and sorted.
    private static func names(in folder: String) throws(ModelError) -> [String] {
        do {
            return try FileManager.default.subpathsOfDirectory(atPath: folder)
                .filter { name in !name.split(separator: "/").contains { $0.hasPrefix(".") } }
                .sorted()
        } catch {
            throw .unreadable(path: folder, reason: (error as NSError).localizedFailureReason ?? "\(error)")
        }
    }
}
