/// An expression as it was written. Nodes know how deep they are, so that nothing that walks
/// them can run out of stack.
final class Expression: Sendable {
    enum Kind: Sendable {
        case literal(TemplateValue)
        case list([Expression])
        case dict([Pair])
        case name(String)
        case attribute(Expression, String)
        case index(Expression, Expression)
        case call(String, Arguments)
        case method(Expression, String, Arguments)
        case filter(Expression, String, Arguments)
        case test(Expression, String, negated: Bool)
        case unary(Unary, Expression)
        case binary(Binary, Expression, Expression)
        case conditional(Expression, condition: Expression, otherwise: Expression?)
    }

    struct Pair: Sendable {
        let key: Expression
        let value: Expression
    }

    enum Unary: String, Sendable { case not, minus = "-", plus = "+" }

    enum Binary: String, Sendable {
        case or, and, isIn = "in", isNotIn = "not in"
        case equal = "==", unequal = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual =
            ">="
        case plus = "+", minus = "-", times = "*", divide = "/", floorDivide = "//", remainder = "%"
        case concatenate = "~"
    }

    let kind: Kind
    let place: Place
    let depth: Int

    init(_ kind: Kind, at place: Place) {
        self.kind = kind
        self.place = place
        self.depth = 1 + (Self.children(of: kind).map(\.depth).max() ?? 0)
    }

    var children: [Expression] { Self.children(of: kind) }

    private static func children(of kind: Kind) -> [Expression] {
        switch kind {
        case .literal, .name: []
        case .list(let items): items
        case .dict(let pairs): pairs.flatMap { [$0.key, $0.value] }
        case .attribute(let owner, _): [owner]
        case .index(let owner, let index): [owner, index]
        case .call(_, let arguments): arguments.all
        case .method(let owner, _, let arguments): [owner] + arguments.all
        case .filter(let input, _, let arguments): [input] + arguments.all
        case .test(let input, _, _): [input]
        case .unary(_, let operand): [operand]
        case .binary(_, let left, let right): [left, right]
        case .conditional(let value, let condition, let otherwise):
            [value, condition] + (otherwise.map { [$0] } ?? [])
        }
    }
}

struct Arguments: Sendable {
    struct Named: Sendable {
        let name: String
        let value: Expression
        let place: Place
    }

    var positional: [Expression] = []
    var named: [Named] = []

    var all: [Expression] { positional + named.map(\.value) }
}

/// A piece of a template.
enum Statement: Sendable {
    case text(String, Place)
    case output(Expression, Place)
    case branch([Branch], otherwise: [Statement])
    case loop(Loop)
    case set(String, Expression)
    /// `{% set x %}…{% endset %}`
    case capture(String, [Statement])

    struct Branch: Sendable {
        let condition: Expression
        let body: [Statement]
    }

    struct Loop: Sendable {
        let names: [String]
        let list: Expression
        let body: [Statement]
        let otherwise: [Statement]
        let place: Place
    }
}

struct Macro: Sendable {
    struct Parameter: Sendable {
        let name: String
        let standard: Expression?
    }

    let name: String
    let parameters: [Parameter]
    let body: [Statement]
    let place: Place
    /// The definition as it stands in the file, for digests.
    let text: String
}
