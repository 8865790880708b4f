import ArgumentParser

/// The program. Its commands are registered here.
struct Elt: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "elt",
        abstract: "Pull changes from Kafka and full loads from REST into tables, in small batches.",
        version: ProgramVersion.text,
        subcommands: [
            InitCommand.self, RunCommand.self, FullLoadCommand.self, RebuildCommand.self, BuildCommand.self,
            TestCommand.self, QueryCommand.self, StatusCommand.self, LagCommand.self, ArchiveCommand.self,
            QuarantineCommand.self, DoctorCommand.self, ExplainCommand.self, OffsetsCommand.self, RewindCommand.self,
            SandboxCommand.self,
        ])
}

ConsoleProgram.refuseNoArguments(CommandLine.arguments)
ConsoleProgram.main(Elt.self, Array(CommandLine.arguments.dropFirst()))
