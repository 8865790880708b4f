import CSimdJSON

/// Checks messages and takes the record out of each. One stream, one decoder, one thread.
///
/// Every byte of a message is checked, also of values that nobody asks for: UTF-8, grammar, escapes,
/// numbers, depth, and that nothing follows. Where a name stands twice in an object, the last counts,
/// in the record as on every path. In steady state a decode allocates nothing.
package final class RecordDecoder {
    private let handle: OpaquePointer
    private var record = elt_json_record()

    /// - Parameters:
    ///   - record: the record's path in the message; empty if the message is the record.
    ///   - key: the key's path in the record.
    ///   - eventTime: its path in the message; nil if there's none to look for.
    package init(record: [String], key: [String], eventTime: [String]?) {
        let handle = withPath(record) { record in
            withPath(key) { key in
                withPath(eventTime ?? []) { time in
                    elt_json_decoder_new(
                        record.baseAddress, record.count, key.baseAddress, key.count,
                        time.baseAddress, eventTime == nil ? -1 : time.count)
                }
            }
        }
        precondition(handle != nil, "no memory for a few names")
        self.handle = handle!
    }

    deinit { elt_json_decoder_free(handle) }

    /// What `bytes` hold, borrowed: valid until the next decode and as long as `bytes` are.
    ///
    /// Nothing is copied and nothing beyond `bytes` is read: they need no padding.
    package func decode(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) -> DecodedRecord {
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let code = elt_json_decode(handle, start, bytes.count, &record)
        guard code == 0 else { throw JSONFault(code: code, offset: record.fault_offset) }
        return DecodedRecord(record)
    }
}

/// A message taken apart, borrowed from its decoder.
package struct DecodedRecord {
    /// Whether the whole message is a literal `null`. Then there's nothing else.
    package let isNull: Bool
    /// The members of the record, in the order in which their names first appear.
    package let fields: UnsafeBufferPointer<JSONField>
    /// What stands at the key's path; nil if nothing does.
    package let key: JSONField?
    package let eventTime: JSONField?
    /// As long as it's the same as with the record before, so are the names of the fields and their order.
    package let shape: UInt64

    @inline(__always) init(_ record: elt_json_record) {
        isNull = record.is_null
        let start = UnsafeRawPointer(record.fields)?.assumingMemoryBound(to: JSONField.self)
        fields = UnsafeBufferPointer(start: start, count: record.count)
        key = record.has_key ? JSONField(record.key) : nil
        eventTime = record.has_event_time ? JSONField(record.event_time) : nil
        shape = record.shape
    }
}

private func withPath<T>(_ names: [String], _ body: (UnsafeBufferPointer<elt_json_bytes>) -> T) -> T {
    let text = names.flatMap { Array($0.utf8) }
    return text.withUnsafeBufferPointer { text in
        var parts: [elt_json_bytes] = []
        var start = 0
        for name in names {
            let length = name.utf8.count
            parts.append(elt_json_bytes(base: text.baseAddress.map { $0 + start }, length: length))
            start += length
        }
        return parts.withUnsafeBufferPointer(body)
    }
}
