import ELTCore

/// Something wrong with the models, where it is and what to do about it.
package struct ModelIssue: Error, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// A stable word for scripts and alerts, such as `model.unknown-reference`.
    package let code: String
    package let place: FilePlace?
    package let problem: String
    package let remedy: String
    /// Where the macro was called that the place lies in.
    package var caller: FilePlace?

    package init(
        code: String, place: FilePlace?, problem: String, remedy: String, caller: FilePlace? = nil
    ) {
        self.code = code
        self.place = place
        self.problem = problem
        self.remedy = remedy
        self.caller = caller
    }

    init(_ fault: some Fault, at place: FilePlace?) {
        self.init(code: fault.code, place: place, problem: fault.problem, remedy: fault.remedy)
    }

    /// The problem with its place before it.
    package var located: String {
        let text = caller.map { "\(problem) (Called from \($0).)" } ?? problem
        return place.map { "\($0): \(text)" } ?? text
    }

    package var description: String { "\(located) \(remedy)" }

    package static func < (a: Self, b: Self) -> Bool {
        let unplaced = FilePlace(path: "")
        return (a.place ?? unplaced, a.problem) < (b.place ?? unplaced, b.problem)
    }
}

/// A closed set of things that can be wrong, with their wording.
protocol Fault {
    var code: String { get }
    var problem: String { get }
    var remedy: String { get }
}

/// What ends the reading or rendering of models.
package enum ModelError: ELTError, Equatable {
    /// Everything that's wrong with the project, in the order of the files.
    case invalid([ModelIssue])
    /// One template couldn't be rendered in this run.
    case render(ModelIssue)
    /// A file or folder couldn't be read.
    case unreadable(path: String, reason: String)
    /// `--select` names something that isn't there.
    case selection(term: String, known: [String])

    package var code: String {
        switch self {
        case .invalid(let issues): issues.first?.code ?? "model.invalid"
        case .render(let issue): issue.code
        case .unreadable: "model.unreadable"
        case .selection: "model.selection"
        }
    }

    package var kind: ErrorKind {
        switch self {
        case .invalid, .render: .configuration
        case .unreadable: .storage
        case .selection: .usage
        }
    }

    package var problem: String {
        switch self {
        case .invalid(let issues) where issues.count == 1: issues[0].located
        case .invalid(let issues):
            "The models have \(issues.count) errors:\n"
                + issues.map { "  \($0.located) \($0.remedy)" }.joined(separator: "\n")
        case .render(let issue): issue.located
        case .unreadable(let path, let reason): "\(path) can't be read: \(reason)."
        case .selection(let term, _): "--select '\(term)' matches no model."
        }
    }

    package var remedy: String {
        switch self {
        case .invalid(let issues) where issues.count == 1: issues[0].remedy
        case .invalid: "Correct them, then run 'elt doctor' to check."
        case .render(let issue): issue.remedy
        case .unreadable: "Check that it's there and that this user may read it."
        case .selection(let term, let known): Nearest.advice(to: term, among: known, kind: "models")
        }
    }

    /// The issues inside, for those who show them one by one.
    package var issues: [ModelIssue] {
        switch self {
        case .invalid(let issues): issues
        case .render(let issue): [issue]
        case .unreadable, .selection: []
        }
    }
}
