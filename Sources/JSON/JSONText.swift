import CSimdJSON

/// Text that is written as JSON, in memory that grows and is used again and again.
package final class JSONText {
    private var buffer = elt_json_buffer()

    package init() {}
    deinit { elt_json_buffer_free(&buffer) }

    package var count: Int { buffer.count }
    /// What has been written, borrowed: valid until the next change, and only as long as somebody keeps
    /// this object. For a local one, which may be gone after its last use, take `contents`.
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer.base, count: buffer.count)
    }

    /// A copy of what has been written.
    package var contents: [UInt8] { Array(UnsafeRawBufferPointer(start: buffer.base, count: buffer.count)) }

    /// Forgets everything but keeps the memory.
    package func removeAll() { buffer.count = 0 }

    /// Forgets what comes after the first `count` bytes.
    package func truncate(to count: Int) {
        precondition(count <= buffer.count, "truncating makes nothing longer")
        buffer.count = count
    }

    /// Forgets the first `count` bytes; the rest moves to their place.
    package func removeFirst(_ count: Int) {
        precondition(count <= buffer.count, "nobody can forget more than there is")
        guard count > 0, let base = buffer.base else { return }
        UnsafeMutableRawPointer(base).copyMemory(from: base + count, byteCount: buffer.count - count)
        buffer.count -= count
    }

    /// Appends text as it is.
    package func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(buffer.base + buffer.count).copyMemory(from: source, byteCount: bytes.count)
        buffer.count += bytes.count
    }

    package func append(byte: UInt8) {
        reserve(1)
        buffer.base[buffer.count] = byte
        buffer.count += 1
    }

    /// Appends a number in decimal digits.
    package func append(_ number: Int64) {
        reserve(20)
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var rest = number.magnitude
            var at = 24
            repeat {
                at -= 1
                digits[at] = UInt8(48 + rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 {
                at -= 1
                digits[at] = 45
            }
            append(UnsafeRawBufferPointer(rebasing: digits[at...]))
        }
    }

    /// Appends a string with quotes and escapes.
    package func append(string: String) {
        var string = string
        string.withUTF8 { appendJSONString(UnsafeRawBufferPointer($0), to: self) }
    }

    fileprivate func withBuffer(_ body: (inout elt_json_buffer) -> Bool) {
        precondition(body(&buffer), "no memory for text")
    }

    @inline(__always) private func reserve(_ more: Int) {
        if buffer.capacity - buffer.count < more + 32 {
            precondition(elt_json_buffer_reserve(&buffer, more), "no memory for text")
        }
    }
}

/// Appends bytes, which must be valid UTF-8, as a JSON string with its quotes.
///
/// Only what must be escaped is: quote, backslash and control characters. The same bytes always give
/// the same text, and reading it gives the bytes back.
package func appendJSONString(_ bytes: UnsafeRawBufferPointer, to text: JSONText) {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    text.withBuffer { elt_json_append_string(&$0, start, bytes.count) }
}

/// Appends bytes as a JSON string in base64, with its quotes.
package func appendBase64String(_ bytes: UnsafeRawBufferPointer, to text: JSONText) {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    text.withBuffer { elt_json_append_base64(&$0, start, bytes.count) }
}

package func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return true }
    return elt_json_is_utf8(start.assumingMemoryBound(to: UInt8.self), bytes.count)
}

/// The bytes that a base64 text means; nil unless it's written as `appendBase64String` does.
package func decodeBase64(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    guard let start = text.baseAddress, text.count > 0 else { return [] }
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { out, count in
        let length = elt_json_decode_base64(
            start.assumingMemoryBound(to: UInt8.self), text.count, out.baseAddress!)
        failed = length < 0
        count = max(length, 0)
    }
    return failed ? nil : bytes
}
