/// The name that somebody probably meant.
enum Nearest {
    /// The known name with the fewest typing mistakes; nil if none is near.
    static func name(to word: String, among known: some Sequence<String>) -> String? {
        let target = Array(word.lowercased().unicodeScalars.prefix(64))
        let allowed = min(3, target.count / 2)
        var best: (distance: Int, name: String)?
        for name in known.sorted() {
            let distance = distance(target, Array(name.lowercased().unicodeScalars.prefix(64)))
            if distance <= allowed, distance < best?.distance ?? .max { best = (distance, name) }
        }
        return best?.name
    }

    /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + [Int](repeating: 0, count: b.count)
            for j in 1...b.count {
                let change = a[i - 1] == b[j - 1] ? 0 : 1
                row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + change)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    row[j] = min(row[j], beforeLast[j - 2] + 1)
                }
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }

    /// "Write 'upper'." where one is near, else the whole list.
    static func advice(to word: String, among known: some Sequence<String>, kind: String) -> String {
        if let near = name(to: word, among: known) { return "Did you mean '\(near)'?" }
        let all = known.sorted()
        guard !all.isEmpty else { return "There are no \(kind) here: remove it." }
        let shown = all.prefix(20).joined(separator: ", ")
        return "The \(kind) are: \(shown)\(all.count > 20 ? " and \(all.count - 20) more" : "")."
    }
}
