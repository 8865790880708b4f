/// Who reads whom, among the models of one project.
struct ModelGraph: Sendable {
    private let references: [String: Set<String>]

    /// References to models that aren't there are left out: they're reported elsewhere.
    init(_ references: [String: Set<String>]) {
        self.references = references.mapValues { $0.filter { references[$0] != nil } }
    }

    /// Each model after those that it reads; of those that could come next, the first by name. Models
    /// in a circle are missing.
    func order() -> [String] {
        var missing = references.mapValues(\.count)
        var readers: [String: [String]] = [:]
        for (name, read) in references { for other in read { readers[other, default: []].append(name) } }
        var ready = missing.filter { $0.value == 0 }.map(\.key).sorted(by: >)
        var order: [String] = []
        while let name = ready.popLast() {
            order.append(name)
            for reader in readers[name] ?? [] {
                missing[reader, default: 0] -= 1
                guard missing[reader] == 0 else { continue }
                let index = ready.firstIndex { $0 < reader } ?? ready.endIndex
                ready.insert(reader, at: index)
            }
        }
        return order
    }

    /// One circle, beginning and ending with its first model by name: `a → b → a` where a reads b.
    func cycle() -> [String]? {
        let ordered = Set(order())
        guard let start = references.keys.filter({ !ordered.contains($0) }).min() else { return nil }
        // Every model left waits for another one that's left, so walking on must come back.
        var path: [String] = []
        var next = start
        while !path.contains(next) {
            path.append(next)
            guard let read = references[next]?.filter({ !ordered.contains($0) }).min() else { return nil }
            next = read
        }
        var circle = Array(path[(path.firstIndex(of: next) ?? 0)...])
        let least = circle.min().flatMap { circle.firstIndex(of: $0) } ?? 0
        circle = Array(circle[least...] + circle[..<least])
        return circle + circle.prefix(1)
    }

    /// The models that these read, directly or through others.
    func ancestors(of names: Set<String>) -> Set<String> {
        reach(from: names) { references[$0] ?? [] }
    }

    /// The models that read these, directly or through others.
    func dependents(of names: Set<String>) -> Set<String> {
        var readers: [String: Set<String>] = [:]
        for (name, read) in references { for other in read { readers[other, default: []].insert(name) } }
        return reach(from: names) { readers[$0] ?? [] }
    }

    private func reach(from names: Set<String>, _ next: (String) -> Set<String>) -> Set<String> {
        var found: Set<String> = []
        var waiting = Array(names)
        while let name = waiting.popLast() {
            for other in next(name) where found.insert(other).inserted { waiting.append(other) }
        }
        return found.subtracting(names)
    }
}
