import ELTCore

/// From a message's bytes to what it says; nil where it belongs in quarantine.
struct ReferenceDecoder {
    struct Message {
        var key: String
        /// The effective time.
        var time: Instant
        var columns: [String: Value]
        var kinds: [String: ColumnKind]
    }

    /// What an undeclared column holds. The first three widen in this order; nothing else changes.
    enum ColumnKind: Int { case integer, decimal, text, boolean, json }

    let settings: ReferenceSettings
    let time: ReferenceTime

    func message(of event: ReferenceEvent) -> Message? {
        guard let value = event.value else {
            guard let bytes = event.key, !bytes.isEmpty, let key = String(validating: bytes, as: UTF8.self)
            else { return nil }
            return Message(key: key, time: event.timestamp, columns: [:], kinds: [:])
        }
        guard let json = ReferenceJSON(value), case .object = json.kind, let row = row(json[settings.record]),
            let time = effectiveTime(json, event.timestamp)
        else { return nil }
        return Message(key: row.key, time: time, columns: row.columns, kinds: row.kinds)
    }

    private func effectiveTime(_ json: ReferenceJSON, _ timestamp: Instant) -> Instant? {
        guard let path = settings.eventTime, let field = json[path] else { return timestamp }
        switch field.kind {
        case .null: return timestamp
        case .text(let text):
            guard let instant = time.instant(text) else { return nil }
            // One wrong clock must not win for ever.
            return instant > timestamp + settings.maxClockSkew ? timestamp : instant
        default: return nil
        }
    }

    /// Key and columns of a record or of a full load's row.
    func row(_ json: ReferenceJSON?) -> (key: String, columns: [String: Value], kinds: [String: ColumnKind])?
    {
        guard let json, case .object(let members) = json.kind, let field = json[settings.key] else {
            return nil
        }
        let key: String
        switch field.kind {
        case .text(let text) where !text.isEmpty: key = text
        case .number: key = field.written
        default: return nil
        }
        var columns: [String: Value] = [:]
        var kinds: [String: ColumnKind] = [:]
        for name in Set(members.map(\.name)) {
            guard let field = json[name] else { continue }
            let declared = settings.declared[name]
            if declared == .timestamp, case .text(let text) = field.kind {
                guard let instant = time.instant(text) else { return nil }
                columns[name] = .text(instant.description)
            } else {
                let (kind, value) = cell(field)
                columns[name] = value
                if declared == nil { kinds[name] = kind }
            }
        }
        return (key, columns, kinds)
    }

    private func cell(_ field: ReferenceJSON) -> (ColumnKind?, Value) {
        switch field.kind {
        case .null: (nil, .null)
        case .boolean(let flag): (.boolean, .integer(flag ? 1 : 0))
        case .text(let text): (.text, .text(text))
        case .list, .object: (.json, .text(field.written))
        case .number where field.written.contains(where: { ".eE".contains($0) }):
            (.decimal, .text(field.written))
        case .number: (.integer, Int64(field.written).map { .integer($0) } ?? .text(field.written))
        }
    }

    /// Takes one message's kinds into those known so far; false, and nothing changed, if one doesn't fit.
    func widen(_ known: inout [String: ColumnKind], by kinds: [String: ColumnKind]) -> Bool {
        var widened = known
        for (name, kind) in kinds {
            let old = known[name] ?? kind
            let canWiden =
                old.rawValue <= ColumnKind.text.rawValue && kind.rawValue <= ColumnKind.text.rawValue
            guard old == kind || canWiden else { return false }
            widened[name] = old.rawValue > kind.rawValue ? old : kind
        }
        known = widened
        return true
    }
}
