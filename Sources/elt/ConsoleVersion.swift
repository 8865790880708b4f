/// The program's version, as `elt --version` prints it.
enum ProgramVersion {
    static let text = "0.1.0"
}
