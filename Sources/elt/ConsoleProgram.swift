import ArgumentParser
import ELTReport
import ELTRun
import Foundation

/// Runs the program: signals, arguments, and what to say where they're wrong.
enum ConsoleProgram {
    /// Doesn't return. Wrong use ends with 64; a mistyped command is answered with the nearest one.
    static func main(_ root: any ParsableCommand.Type, _ arguments: [String]) -> Never {
        ConsoleSignals.install()
        // Help for a command that isn't there would be help for the program, and right.
        if arguments.first == "help", let mistyped = MistypedCommand.complaint(root, Array(arguments.dropFirst())) {
            complain(ValidationError(mistyped), root, Array(arguments.dropFirst()))
        }
        do {
            var command = try root.parseAsRoot(SQLArgument.told(arguments))
            try command.run()
            root.exit()
        } catch {
            guard root.exitCode(for: error) == .validationFailure, !(error is ExitCode) else {
                root.exit(withError: error)
            }
            complain(error, root, arguments)
        }
    }

    /// Ends a program that doesn't even know its own name: Swift reads arguments from /proc, and gives none where it can't. Help would be
    /// printed then, and a scheduler told that all is well.
    static func refuseNoArguments(_ arguments: [String]) {
        guard arguments.isEmpty else { return }
        Console.World.real.write("Error: The arguments can't be read: /proc/self/cmdline isn't readable.\nMount /proc, then run the same command again.\n")
        exit(ExitCode.failure.rawValue)
    }

    /// Tells of arguments that can't be read, in the form that they themselves ask for.
    private static func complain(
        _ error: any Error, _ root: any ParsableCommand.Type, _ arguments: [String]
    ) -> Never {
        let mistyped = MistypedCommand.complaint(root, arguments)
        let words = arguments.prefix { $0 != "--" }
        let isLogJSON = zip(words, words.dropFirst()).contains { $0 == "--log-format" && $1 == "json" }
        var settings = Console.Settings()
        settings.json = words.contains("--json")
        settings.logFormat = isLogJSON || words.contains("--log-format=json") ? .json : .text
        guard settings.json || settings.logFormat == .json else {
            let text = mistyped.map { "Error: \($0)" } ?? root.fullMessage(for: error)
            Console.World.real.write(ConsoleEscape.block(text) + "\n")
            root.exit(withError: ExitCode.validationFailure)
        }
        let command = MistypedCommand.path(root, arguments)
        let usage = UsageError.arguments(mistyped ?? root.message(for: error), command: command)
        if let document = Console(settings).fail(usage) { FileSink.tell(document) }
        root.exit(withError: ExitCode.validationFailure)
    }
}

/// SQL may begin with a comment, and `-- all of them` looks like an option to a reader of arguments.
enum SQLArgument {
    /// The arguments with white space before such SQL, which changes nothing in it.
    static func told(_ arguments: [String]) -> [String] {
        guard arguments.first == "query" else { return arguments }
        return arguments.map { argument in
            // No option has white space in its name.
            let name = argument.prefix { $0 != "=" }
            return argument.hasPrefix("--") && name.contains(where: \.isWhitespace) ? "\n" + argument : argument
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

    /// The command's words as far as they are right, such as `elt archive list`.
    static func path(_ root: any ParsableCommand.Type, _ arguments: [String]) -> String {
        var command = root
        var path = name(root)
        for argument in arguments {
            guard let child = command.configuration.subcommands.first(where: { names($0).contains(argument) })
            else { break }
            command = child
            path += " " + name(child)
        }
        return path
    }

    private static func name(_ command: any ParsableCommand.Type) -> String { command._commandName }

    private static func names(_ command: any ParsableCommand.Type) -> [String] {
        [command._commandName] + command.configuration.aliases
    }
}
