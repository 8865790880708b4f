import ELTCore

/// A line and column of `elt.yml`, both from 1; columns count Unicode scalars.
package struct Place: Hashable, Comparable, Sendable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// Something that's wrong at a place in `elt.yml`.
package struct ProjectFault: Hashable, Sendable {
    package var place: Place
    /// What's wrong and what is allowed, without the place.
    package var message: String

    package init(place: Place, message: String) {
        self.place = place
        self.message = message
    }
}

/// Collects everything that's wrong, so that one look at the file can mend it all.
final class ProjectFaults {
    private(set) var errors: [ProjectFault] = []
    private(set) var warnings: [ProjectFault] = []

    func error(_ place: Place, _ message: String) {
        // A node that's used through several aliases is read several times.
        let fault = ProjectFault(place: place, message: message)
        if !errors.contains(fault) { errors.append(fault) }
    }

    func warn(_ place: Place, _ message: String) {
        let fault = ProjectFault(place: place, message: message)
        if !warnings.contains(fault) { warnings.append(fault) }
    }

    /// Errors in the order of the file; equal places keep the order in which they were found.
    var sortedErrors: [ProjectFault] { Self.sorted(errors) }
    var sortedWarnings: [ProjectFault] { Self.sorted(warnings) }

    private static func sorted(_ faults: [ProjectFault]) -> [ProjectFault] {
        faults.enumerated()
            .sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
            .map(\.element)
    }
}
