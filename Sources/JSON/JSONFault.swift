import CSimdJSON

/// Why bytes aren't the JSON that was expected, and where.
package struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: Reason
    /// Of the byte where the trouble is; 0 where it's the whole document.
    package let offset: Int

    package init(reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// The raw value is a stable word, for tables and alerts.
    package enum Reason: String, CaseIterable, Sendable {
        case empty
        case notUTF8 = "not-utf8"
        /// The grammar of RFC 8259 is broken, or the document ends too early.
        case notJSON = "not-json"
        /// Something follows the document.
        case trailing
        /// More than 512 containers in each other.
        case tooDeep = "too-deep"
        case badEscape = "bad-escape"
        case loneSurrogate = "lone-surrogate"
        case controlCharacter = "control-character"
        case badNumber = "bad-number"
        /// More than 1000 digits, or an exponent beyond 10000.
        case numberTooBig = "number-too-big"
        /// The path of the record leads nowhere, or not to an object.
        case noRecord = "no-record"
        /// 2 GiB or more.
        case tooLong = "too-long"
        case noMemory = "no-memory"
    }

    package var word: String { reason.rawValue }
    package var description: String { "\(word) at byte \(offset)" }

    init(code: CInt, offset: Int) {
        let reason: Reason =
            switch Int(code) {
            case elt_json_empty: .empty
            case elt_json_not_utf8: .notUTF8
            case elt_json_trailing: .trailing
            case elt_json_too_deep: .tooDeep
            case elt_json_bad_escape: .badEscape
            case elt_json_lone_surrogate: .loneSurrogate
            case elt_json_control_character: .controlCharacter
            case elt_json_bad_number: .badNumber
            case elt_json_number_too_big: .numberTooBig
            case elt_json_no_record: .noRecord
            case elt_json_too_long: .tooLong
            case elt_json_no_memory: .noMemory
            default: .notJSON
            }
        self.init(reason: reason, offset: offset)
    }
}
