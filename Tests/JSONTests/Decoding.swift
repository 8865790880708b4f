import JSON

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A decoded record, owned, to compare.
struct Decoded {
    struct Field: Equatable {
        let name: String
        let value: JSONValue
        init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    let isNull: Bool
    let fields: [Field]
    let key: JSONValue?
    let eventTime: JSONValue?
}

func decode(
    _ bytes: [UInt8], record: [String] = [], key: [String] = ["id"], eventTime: [String]? = nil
) throws -> Decoded {
    let decoder = RecordDecoder(record: record, key: key, eventTime: eventTime)
    return try bytes.withUnsafeBytes { bytes in
        let found = try decoder.decode(bytes)
        return Decoded(
            isNull: found.isNull,
            fields: found.fields.map { .init(String(decoding: $0.name, as: UTF8.self), $0.value) },
            key: found.key?.value, eventTime: found.eventTime?.value)
    }
}

func decode(
    _ text: String, record: [String] = [], key: [String] = ["id"], eventTime: [String]? = nil
) throws -> Decoded {
    try decode(Array(text.utf8), record: record, key: key, eventTime: eventTime)
}

func fault(_ bytes: [UInt8], record: [String] = []) -> JSONFault? {
    do {
        _ = try decode(bytes, record: record)
        return nil
    } catch {
        return error as? JSONFault
    }
}

func fault(_ text: String, record: [String] = []) -> JSONFault? { fault(Array(text.utf8), record: record) }
func reason(_ text: String, record: [String] = []) -> JSONFault.Reason? {
    fault(text, record: record)?.reason
}

/// Brings the bytes at the very end of a page, with one behind it that can't be read.
func withGuardPage<T>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    precondition(bytes.count <= page)
    let memory = mmap(nil, page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
    defer { munmap(memory, page * 2) }
    mprotect(memory + page, page, PROT_NONE)
    let start = memory + page - bytes.count
    bytes.withUnsafeBytes { source in
        if let address = source.baseAddress { start.copyMemory(from: address, byteCount: bytes.count) }
    }
    return try body(UnsafeRawBufferPointer(start: start, count: bytes.count))
}
