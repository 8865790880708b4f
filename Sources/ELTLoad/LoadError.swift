import ELTCore

package enum LoadError: ELTError {
    case forbiddenFields(entity: String, fields: [String])
    case quarantineLimit(quarantined: Int64, of: Int64, limit: String)
    case pageTooLong(page: Int)

    package var code: String {
        switch self {
        case .forbiddenFields: "load.forbidden-fields"
        case .quarantineLimit: "load.quarantine-limit"
        case .pageTooLong: "load.page-too-long"
        }
    }
    package var kind: ErrorKind { .data }
    package var problem: String {
        switch self {
        case .forbiddenFields(let entity, let fields):
            "Records of \(entity) have fields that no column takes: \(fields.joined(separator: ", "))."
        case .quarantineLimit(let quarantined, let all, let limit):
            "\(quarantined) of \(all) records of this run went to quarantine; the limit is \(limit)."
        case .pageTooLong(let page): "Page \(page) of the full load has more than \(FullLoadLoader.rowsInPageMax) rows."
        }
    }
    package var remedy: String {
        switch self {
        case .forbiddenFields:
            "Declare them under `columns`, or set `column_policy: evolve`. The raw data is loaded; tables stand as before."
        case .quarantineLimit:
            "See 'elt quarantine list' for the reasons. Mend the producer or raise `max_quarantined`, then run again; tables stand as before."
        case .pageTooLong: "Set a smaller size under pagination and run 'elt full-load' again."
        }
    }
}
