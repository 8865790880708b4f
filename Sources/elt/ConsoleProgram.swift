import ArgumentParser
import ELTRun
import Foundation

/// Runs the program: signals, arguments, and what to say where they're wrong.
enum ConsoleProgram {
    /// Doesn't return. Wrong use ends with 64; a mistyped command is answered with the nearest one.
    static func main(_ root: any ParsableCommand.Type, _ arguments: [String]) -> Never {
        ConsoleSignals.install()
        do {
            var command = try root.parseAsRoot(arguments)
            try command.run()
            root.exit()
        } catch {
            if root.exitCode(for: error) == .validationFailure,
                let complaint = MistypedCommand.complaint(root, arguments)
            {
                FileHandle.standardError.write(Data("Error: \(complaint)\n".utf8))
                root.exit(withError: ExitCode.validationFailure)
            }
            root.exit(withError: error)
        }
    }
}

/// Finds the word that should have been a command.
enum MistypedCommand {
    /// What to say, or nil if every command's name is right and something else is wrong.
    static func complaint(_ root: any ParsableCommand.Type, _ arguments: [String]) -> String? {
        var command = root
        var path = name(root)
        for argument in arguments {
            let children = command.configuration.subcommands
            guard !children.isEmpty, !argument.hasPrefix("-") else { return nil }
            if let child = children.first(where: { names($0).contains(argument) }) {
                command = child
                path += " " + name(child)
                continue
            }
            let known = children.filter { $0.configuration.shouldDisplay }.map(name)
            guard argument != "help" else { return nil }
            let shown = ConsoleEscape.line(argument)
            let nearest = NearestName.of(argument, among: children.flatMap(names))
            return "'\(path)' has no command '\(shown)'"
                + (nearest.map { "; did you mean '\(path) \($0)'?" } ?? ".")
                + "\nCommands: \(known.joined(separator: ", ")). See '\(path) --help'."
        }
        return nil
    }

    private static func name(_ command: any ParsableCommand.Type) -> String { command._commandName }

    private static func names(_ command: any ParsableCommand.Type) -> [String] {
        [command._commandName] + command.configuration.aliases
    }
}
