import ELTCore

/// `limits:`, and the limits that may also stand at the top.
struct LimitsReader {
    let faults: ProjectFaults

    private static let names = [
        "max_clock_skew", "max_message_bytes", "max_quarantined", "deadline", "stall", "request_timeout",
    ]

    func read(_ top: ConfigFields) -> Limits {
        var limits = Limits()
        apply(top, to: &limits)
        guard let node = top.node("limits"), !node.isNothing,
            let fields = ConfigFields(node, allowed: Self.names, faults)
        else { return limits }
        for name in Self.names where top.has(name) && fields.has(name) {
            let first = top.node(name)?.namePlace.line ?? 0
            faults.error(
                fields.node(name)?.namePlace ?? node.place,
                "'\(name)' is set twice; it also stands at the top, in line \(first).")
        }
        apply(fields, to: &limits)
        if let deadline = fields.duration("deadline", atLeast: .seconds(1)) { limits.deadline = deadline }
        if let stall = fields.duration("stall", atLeast: .seconds(1)) { limits.stall = stall }
        if let timeout = fields.duration("request_timeout", atLeast: .milliseconds(100)) {
            limits.requestTimeout = timeout
        }
        // A short deadline shortens what nobody set.
        if fields.node("stall") == nil { limits.stall = min(limits.stall, limits.deadline) }
        if limits.stall > limits.deadline, let node = fields.node("stall") {
            faults.error(node.place, "\(node.path): 'stall' can't be longer than 'deadline'.")
        }
        return limits
    }

    /// Those that the top knows as well.
    private func apply(_ fields: ConfigFields, to limits: inout Limits) {
        if let skew = fields.duration("max_clock_skew", atLeast: .zero) { limits.maxClockSkew = skew }
        if let bytes = fields.bytes("max_message_bytes", in: 1024...(1 << 30)) {
            limits.maxMessageBytes = bytes
        }
        if let node = fields.node("max_quarantined") { limits.maxQuarantined = quarantine(node) }
    }

    /// `100`, `5%`, or `{ count: 100, share: 5% }`.
    private func quarantine(_ node: ConfigNode) -> QuarantineLimit {
        var limit = QuarantineLimit()
        if case .mapping = node.content {
            guard let fields = ConfigFields(node, allowed: ["count", "share"], faults) else { return limit }
            limit.count = fields.integer("count", in: 0...Int(Int32.max))
            limit.share = fields.value("share", "a share such as 5% or 0.05", Quantities.share)
            if !fields.has("count"), !fields.has("share") {
                faults.error(node.place, "\(node.path): expected 'count', 'share' or both, found none.")
            }
            return limit
        }
        let expected = "a number of messages, a share such as 5%, or a mapping of count and share"
        guard let text = ConfigFields.text(node, expected, faults) else { return limit }
        if let count = Quantities.integer(text.value), count >= 0 {
            limit.count = count
        } else if text.value.hasSuffix("%"), let share = Quantities.share(text.value) {
            limit.share = share
        } else {
            faults.error(node.place, "\(node.path): expected \(expected), found \(text.shown).")
        }
        return limit
    }
}
