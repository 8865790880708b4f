import CSimdJSON

/// Cuts a JSON document that arrives in pieces into the elements of one list in it.
///
/// The document may be of any length: what's kept is the element that crosses two pieces, and the
/// *skeleton*, the document with the list emptied. All of it is checked: each element and the skeleton
/// must be JSON in UTF-8. So whoever has seen `finish` return has seen a whole and valid document.
///
/// With an empty path the document is the list itself, or objects one after another (NDJSON).
package final class ListSplitter {
    private let splitter: OpaquePointer
    private let path: [String]
    /// Elements brought so far.
    package private(set) var rows: Int64 = 0
    private var bytesSeen: UInt64 = 0

    /// - Parameters:
    ///   - path: the keys that lead to the list.
    ///   - maxElementBytes: a longer element is an error.
    ///   - validates: false only for text that was checked before, such as archived pages: then only
    ///     the brackets of elements are followed.
    package init(path: [String], maxElementBytes: Int, validates: Bool = true) {
        precondition(path.allSatisfy { !$0.utf8.contains(0) }, "a key has no NUL")
        let keys = path.map { $0 + "\0" }.joined()
        guard
            let splitter = elt_list_new(
                keys, path.count, maxElementBytes, Self.envelopeBytesMax, validates)
        else { preconditionFailure("out of memory") }
        self.splitter = splitter
        self.path = path
    }

    deinit { elt_list_free(splitter) }

    /// What may stand around the list, in bytes.
    package static let envelopeBytesMax = 4 << 20

    /// Takes the next piece, of any length, and brings every element that ends in it.
    ///
    /// An element's bytes are one stretch, valid during the call; at least 64 bytes behind them can
    /// be read, as simdjson wants it.
    package func feed(
        _ bytes: UnsafeRawBufferPointer, element: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        elt_list_feed(splitter, base, bytes.count)
        bytesSeen += UInt64(bytes.count)
        var start: UnsafePointer<UInt8>?
        var length = 0
        while true {
            switch Int(elt_list_next(splitter, &start, &length)) {
            case elt_list_element:
                rows += 1
                try element(UnsafeRawBufferPointer(start: start, count: length))
            case elt_list_more: return
            default: throw failure()
            }
        }
    }

    /// The document ends here. Throws if it isn't whole.
    package func finish() throws -> Skeleton {
        guard elt_list_finish(splitter) == elt_list_ok else {
            // Nothing at all is what a service with no rows sends as NDJSON.
            let isEmpty = Int(elt_list_fault(splitter)) == elt_list_empty && path.isEmpty
            if isEmpty { return Skeleton(bytes: [], shape: .empty, rows: 0) }
            throw failure()
        }
        var length = 0
        let start = elt_list_skeleton(splitter, &length)
        let shape: Skeleton.Shape =
            switch Int(elt_list_shape(splitter)) {
            case elt_list_shape_envelope: .envelope
            case elt_list_shape_array: .array
            default: .lines
            }
        return Skeleton(
            bytes: [UInt8](UnsafeBufferPointer(start: start, count: length)), shape: shape, rows: rows)
    }

    /// As `finish()`. No element is ever left for the end: the last one is brought with the byte that
    /// closes it.
    package func finish(element: (UnsafeRawBufferPointer) throws -> Void) throws -> Skeleton {
        try finish()
    }

    private func failure() -> ListSplitterError {
        let offset = Int64(clamping: elt_list_offset(splitter))
        let name = path.joined(separator: ".")
        return switch Int(elt_list_fault(splitter)) {
        case elt_list_byte_order_mark: .byteOrderMark
        case elt_list_not_utf8: .notUTF8(offset: offset)
        case elt_list_not_a_list: .notAList(path: name, offset: offset)
        case elt_list_no_list: .noList(path: name)
        case elt_list_two_lists: .twoLists(path: name, offset: offset)
        case elt_list_trailing: .trailing(offset: offset)
        case elt_list_truncated: .truncated(bytes: Int64(clamping: bytesSeen))
        case elt_list_empty: .empty
        case elt_list_element_too_long: .elementTooLong(row: rows, offset: offset)
        case elt_list_envelope_too_long: .envelopeTooLong(limit: Self.envelopeBytesMax)
        case elt_list_no_memory: .noMemory
        default: .notJSON(offset: offset)
        }
    }
}

/// Why a document was refused. It never contains the document's text.
package enum ListSplitterError: Error, Equatable {
    /// The text begins with a byte order mark, or is UTF-16.
    case byteOrderMark
    case notUTF8(offset: Int64)
    case notJSON(offset: Int64)
    /// Something else than a list, or than an object on the way to it, stands at the path.
    case notAList(path: String, offset: Int64)
    case noList(path: String)
    /// A key on the path occurs twice in its object.
    case twoLists(path: String, offset: Int64)
    /// Something follows the end of the document.
    case trailing(offset: Int64)
    case truncated(bytes: Int64)
    case empty
    case elementTooLong(row: Int64, offset: Int64)
    case envelopeTooLong(limit: Int)
    case noMemory

    /// What's wrong, to be put after "the body".
    package var problem: String {
        switch self {
        case .byteOrderMark: "begins with a byte order mark"
        case .notUTF8(let offset): "isn't UTF-8 near byte \(offset)"
        case .notJSON(let offset): "isn't JSON near byte \(offset)"
        case .notAList(let path, let offset): "has something else than a list at '\(path)' (byte \(offset))"
        case .noList(let path): path.isEmpty ? "has no list" : "has no list at '\(path)'"
        case .twoLists(let path, let offset): "has a key of '\(path)' twice (byte \(offset))"
        case .trailing(let offset): "goes on behind its end at byte \(offset)"
        case .truncated(let bytes): "breaks off after \(bytes) bytes"
        case .empty: "is empty"
        case .elementTooLong(let row, let offset):
            "has too long an element: number \(row + 1), up to byte \(offset)"
        case .envelopeTooLong(let limit): "has more than \(limit) bytes around its list"
        case .noMemory: "doesn't fit into the memory"
        }
    }
}
