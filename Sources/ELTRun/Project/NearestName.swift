/// Finds the name that somebody who mistyped one probably meant.
package enum NearestName {
    /// The candidate nearest to `name`, or nil if none is near enough to be meant.
    /// Of equally near ones the first in the alphabet.
    package static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = folded(name)
        guard !wanted.isEmpty, wanted.count <= nameLengthMax else { return nil }
        var best: (distance: Int, name: String)?
        for candidate in candidates where candidate != name && candidate.utf8.count <= nameLengthMax {
            let other = folded(candidate)
            let distance = distance(wanted, other)
            // A third of the letters may be wrong: more is another word.
            guard distance <= distanceMax, distance * 3 <= max(wanted.count, other.count) else { continue }
            if let best, (best.distance, best.name) <= (distance, candidate) { continue }
            best = (distance, candidate)
        }
        return best?.name
    }

    private static let distanceMax = 3

    /// Longer texts aren't mistyped names, and comparing them costs the product of their lengths.
    private static let nameLengthMax = 256

    /// Case and the choice of separator are no typing errors worth a step.
    private static func folded(_ name: String) -> [Unicode.Scalar] {
        name.lowercased().unicodeScalars.map { $0 == "-" || $0 == " " ? "_" : $0 }
    }

    /// Damerau-Levenshtein (optimal string alignment): insert, remove, replace or swap two neighbours.
    package static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforePrevious = [Int](repeating: 0, count: b.count + 1)
        var previous = Array(0...b.count)
        var current = previous
        for i in 1...a.count {
            current[0] = i
            for j in 1...b.count {
                let replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                var least = min(replace, previous[j] + 1, current[j - 1] + 1)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    least = min(least, beforePrevious[j - 2] + 1)
                }
                current[j] = least
            }
            (beforePrevious, previous, current) = (previous, current, beforePrevious)
        }
        return previous[b.count]
    }
}
