extension Renderer {
    mutating func sign(_ unary: Expression.Unary, _ value: TemplateValue, _ place: Place) throws
        -> TemplateValue
    {
        switch (unary, value) {
        case (.not, _): return .bool(!value.isTrue)
        case (.minus, .int(let number)):
            guard number != .min else { throw issue(.numberTooLarge, place) }
            return .int(-number)
        case (.minus, .decimal(let number)): return .decimal(-number)
        case (.plus, .int), (.plus, .decimal): return value
        default:
            throw issue(.wrongType(found: value.kind, wanted: "a number", what: "The operand"), place)
        }
    }

    mutating func combine(
        _ binary: Expression.Binary, _ left: Expression, _ right: Expression, _ place: Place
    ) throws -> TemplateValue {
        let a = try evaluate(left)
        // As in Python, `or` and `and` give one of their operands and may not look at the second.
        switch binary {
        case .or: return a.isTrue ? a : try evaluate(right)
        case .and: return a.isTrue ? try evaluate(right) : a
        default: break
        }
        let b = try evaluate(right)
        switch binary {
        case .equal: return .bool(try equal(a, b, place))
        case .unequal: return .bool(!(try equal(a, b, place)))
        case .isIn: return .bool(try contains(b, a, place))
        case .isNotIn: return .bool(!(try contains(b, a, place)))
        case .less, .lessOrEqual, .greater, .greaterOrEqual: return try compare(binary, a, b, place)
        case .concatenate: return try concatenate(a, b, place)
        case .plus, .times: return try join(binary, a, b, place)
        default: return try compute(binary, a, b, place)
        }
    }

    // MARK: Comparing

    /// Equality as in Python: 1, 1.0 and true are equal. Counts what it looks at, because lists that
    /// hold each other twice look small and aren't.
    mutating func equal(_ a: TemplateValue, _ b: TemplateValue, _ place: Place) throws -> Bool {
        try step(place)
        switch (a, b) {
        case (.none, .none): return true
        case (.string(let a), .string(let b)): return a.unicodeScalars.elementsEqual(b.unicodeScalars)
        case (.list(let a), .list(let b)):
            guard a.count == b.count else { return false }
            for (x, y) in zip(a, b) where !(try equal(x, y, place)) { return false }
            return true
        case (.dict(let a), .dict(let b)):
            guard a.entries.count == b.entries.count else { return false }
            for entry in a.entries {
                try step(place, count: b.entries.count)
                guard let other = b[entry.key], try equal(entry.value, other, place) else { return false }
            }
            return true
        case (.int(let a), .int(let b)): return a == b
        default:
            guard let x = number(a), let y = number(b) else { return false }
            return x == y
        }
    }

    private func number(_ value: TemplateValue) -> Double? {
        switch value {
        case .bool(let flag): flag ? 1 : 0
        case .int(let number): Double(number)
        case .decimal(let number): number
        default: nil
        }
    }

    private mutating func contains(_ whole: TemplateValue, _ part: TemplateValue, _ place: Place) throws
        -> Bool
    {
        switch (whole, part) {
        case (.list(let items), _):
            for item in items where try equal(item, part, place) { return true }
            return false
        case (.dict(let dictionary), .string(let key)):
            try step(place, count: dictionary.entries.count)
            return dictionary[key] != nil
        case (.dict, _): return false
        case (.string(let text), .string(let part)):
            try step(place, count: text.utf8.count / 16)
            return !ranges(of: part, in: text, most: 1).isEmpty || part.isEmpty
        default: throw issue(.operands("in", part.kind, whole.kind), place)
        }
    }

    private func compare(
        _ binary: Expression.Binary, _ a: TemplateValue, _ b: TemplateValue, _ place: Place
    ) throws -> TemplateValue {
        let order: Int
        switch (a, b) {
        case (.string(let a), .string(let b)):
            let (x, y) = (Array(a.unicodeScalars), Array(b.unicodeScalars))
            order = x.lexicographicallyPrecedes(y) ? -1 : (y.lexicographicallyPrecedes(x) ? 1 : 0)
        case (.int(let a), .int(let b)): order = a < b ? -1 : (a > b ? 1 : 0)
        default:
            guard let x = number(a), let y = number(b) else {
                throw issue(.operands(binary.rawValue, a.kind, b.kind), place)
            }
            order = x < y ? -1 : (x > y ? 1 : 0)
        }
        return switch binary {
        case .less: .bool(order < 0)
        case .lessOrEqual: .bool(order <= 0)
        case .greater: .bool(order > 0)
        default: .bool(order >= 0)
        }
    }

    // MARK: Joining

    private mutating func concatenate(_ a: TemplateValue, _ b: TemplateValue, _ place: Place) throws
        -> TemplateValue
    {
        guard let left = a.printed, let right = b.printed else {
            throw issue(.operands("~", a.kind, b.kind), place)
        }
        try produce(left.utf8.count + right.utf8.count, place)
        return .string(left + right)
    }

    /// `+` and `*` where texts or lists take part.
    private mutating func join(
        _ binary: Expression.Binary, _ a: TemplateValue, _ b: TemplateValue, _ place: Place
    ) throws -> TemplateValue {
        switch (binary, a, b) {
        case (.plus, .string(let left), .string(let right)):
            try produce(left.utf8.count + right.utf8.count, place)
            return .string(left + right)
        case (.plus, .list(let left), .list(let right)):
            return try checked(.list(left + right), place)
        case (.times, .string(let text), .int(let count)), (.times, .int(let count), .string(let text)):
            guard count > 0, !text.isEmpty else { return .string("") }
            let (bytes, overflow) = text.utf8.count.multipliedReportingOverflow(by: count)
            try produce(overflow || bytes > limits.outputBytes ? limits.outputBytes + 1 : bytes, place)
            return .string(String(repeating: text, count: count))
        default: return try compute(binary, a, b, place)
        }
    }

    // MARK: Arithmetic

    private func compute(
        _ binary: Expression.Binary, _ a: TemplateValue, _ b: TemplateValue, _ place: Place
    ) throws -> TemplateValue {
        if case .int(let x) = a, case .int(let y) = b, binary != .divide {
            return .int(try whole(binary, x, y, place))
        }
        let mixed = [a, b].allSatisfy { if case .bool = $0 { false } else { number($0) != nil } }
        guard mixed, let x = number(a), let y = number(b) else {
            throw issue(.operands(binary.rawValue, a.kind, b.kind), place)
        }
        let result: Double
        switch binary {
        case .plus: result = x + y
        case .minus: result = x - y
        case .times: result = x * y
        default:
            guard y != 0 else { throw issue(.dividedByZero, place) }
            let floor = (x / y).rounded(.down)
            result = binary == .divide ? x / y : (binary == .floorDivide ? floor : x - y * floor)
        }
        guard result.isFinite else { throw issue(.numberTooLarge, place) }
        return .decimal(result)
    }

    private func whole(_ binary: Expression.Binary, _ x: Int, _ y: Int, _ place: Place) throws -> Int {
        let result: (partialValue: Int, overflow: Bool)
        switch binary {
        case .plus: result = x.addingReportingOverflow(y)
        case .minus: result = x.subtractingReportingOverflow(y)
        case .times: result = x.multipliedReportingOverflow(by: y)
        default:
            guard y != 0 else { throw issue(.dividedByZero, place) }
            guard !(x == .min && y == -1) else { throw issue(.numberTooLarge, place) }
            // As in Python, rounding goes down and the remainder has the divisor's sign.
            let (quotient, remainder) = x.quotientAndRemainder(dividingBy: y)
            let isBelow = remainder != 0 && (remainder < 0) != (y < 0)
            return binary == .floorDivide
                ? (isBelow ? quotient - 1 : quotient) : (isBelow ? remainder + y : remainder)
        }
        guard !result.overflow else { throw issue(.numberTooLarge, place) }
        return result.partialValue
    }
}
