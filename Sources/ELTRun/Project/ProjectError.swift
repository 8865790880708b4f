import ELTCore

/// What can be wrong with a project's folder and its `elt.yml`.
package enum ProjectError: ELTError, Equatable {
    /// No `elt.yml` in the folder, or in it and all folders above.
    case notFound(folder: String, upwards: Bool, lookalike: String?)
    case unreadable(path: String, reason: String)
    case tooLarge(path: String, bytesMax: Int)
    /// Everything that's wrong with the file, in its order.
    case invalid(path: String, faults: [ProjectFault])
    /// `elt init` would overwrite these files.
    case wouldOverwrite(paths: [String])
    case unwritable(path: String, reason: String)
    /// The name given to `elt init --entity` can't be one.
    case badEntityName(name: String, complaint: String)

    package var code: String {
        switch self {
        case .notFound: "project.not-found"
        case .unreadable: "project.unreadable"
        case .tooLarge: "project.too-large"
        case .invalid: "project.invalid"
        case .wouldOverwrite: "project.would-overwrite"
        case .unwritable: "project.unwritable"
        case .badEntityName: "project.bad-entity-name"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .notFound, .unreadable, .tooLarge, .invalid: .configuration
        case .wouldOverwrite, .badEntityName: .usage
        case .unwritable: .storage
        }
    }

    package var problem: String {
        switch self {
        case .notFound(let folder, let upwards, let lookalike):
            "There's no elt.yml in \(folder)\(upwards ? " nor in any folder above it" : "")."
                + (lookalike.map { " There is \($0), which isn't read." } ?? "")
        case .unreadable(let path, let reason): "Can't read \(path): \(reason)."
        case .tooLarge(let path, let bytesMax): "\(path) has more than \(bytesMax) bytes."
        case .invalid(let path, let faults):
            Self.list(faults, of: path)
        case .wouldOverwrite(let paths):
            "Nothing was written, because \(paths.count == 1 ? "this file exists" : "these files exist") "
                + "already: \(paths.joined(separator: ", "))."
        case .unwritable(let path, let reason): "Can't write \(path): \(reason)."
        case .badEntityName(let name, let complaint):
            "\(Wording.quoted(name)) can't be an entity's name: \(complaint)."
        }
    }

    package var remedy: String {
        switch self {
        case .notFound(_, _, let lookalike?): "Rename \(lookalike) to elt.yml."
        case .notFound:
            "Change to the project's folder, name it with -C DIR, or make one with 'elt init DIR'."
        case .unreadable: "Check the file and its permissions."
        case .tooLarge: "Is this the right file? A project's settings fit into a few kilobytes."
        case .invalid: "Correct the lines above, then check them with 'elt doctor'."
        case .wouldOverwrite: "Choose another folder: 'elt init DIR'."
        case .unwritable: "Check the folder's permissions and the free space, then run 'elt init' again."
        case .badEntityName: "Choose another name, such as 'customer' or 'order_line'."
        }
    }

    /// More lines than this help nobody.
    private static let faultsShownMax = 50

    private static func list(_ faults: [ProjectFault], of path: String) -> String {
        let count = faults.count == 1 ? "an error" : "\(faults.count) errors"
        var lines = ["\(path) has \(count):"]
        for fault in faults.prefix(faultsShownMax) {
            lines.append("  \(path):\(fault.place.line):\(fault.place.column): \(fault.message)")
        }
        if faults.count > faultsShownMax { lines.append("  … and \(faults.count - faultsShownMax) more.") }
        return lines.joined(separator: "\n")
    }
}
