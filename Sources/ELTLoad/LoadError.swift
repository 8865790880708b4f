import ELTCore

package enum LoadError: ELTError {
    case forbiddenFields(entity: String, fields: [String])
    case quarantineLimit(quarantined: Int64, of: Int64, limit: String)
    case pageTooLong(page: Int)
    /// The archived pages of a full load can't be taken apart into its rows.
    case pagesUnreadable(load: FullLoadEntry, reason: String)

    package var code: String {
        switch self {
        case .forbiddenFields: "load.forbidden-fields"
        case .quarantineLimit: "load.quarantine-limit"
        case .pageTooLong: "load.page-too-long"
        case .pagesUnreadable: "load.pages-unreadable"
        }
    }
    package var kind: ErrorKind { .data }
    package var problem: String {
        switch self {
        case .forbiddenFields(let entity, let fields):
            "Records of \(entity) have fields that no column takes: \(fields.joined(separator: ", "))."
        case .quarantineLimit(let quarantined, let all, let limit):
            "\(quarantined) of \(all) records that a run brought went to quarantine; the limit is \(limit)."
        case .pageTooLong(let page): "Page \(page) of the full load has more than \(FullLoadLoader.rowsInPageMax) rows."
        case .pagesUnreadable(let load, let reason):
            "The pages of full load \(load.number) of \(load.entity) (\(load.files.first?.path ?? "none")) can't be taken "
                + "apart into rows: \(reason)."
        }
    }
    package var remedy: String {
        switch self {
        case .forbiddenFields:
            "Declare them under `columns`, or set `column_policy: evolve`, and run again. The raw data is loaded; tables stand as before."
        case .quarantineLimit:
            "See 'elt quarantine list' for the reasons. Mend elt.yml or the program and run 'elt quarantine replay', or raise `max_quarantined` and run again; until then tables stand as before, and the raw data is loaded."
        case .pageTooLong: "Set a smaller size under pagination and run 'elt full-load' again."
        case .pagesUnreadable(let load, _):
            load.records == nil
                ? "This load was archived by an elt that didn't note where its list is: set full_load.records in elt.yml to "
                    + "what it was then and run the command again."
                : "See 'elt archive verify' whether the archive is as it was written; if it is, this is a bug of elt: tell "
                    + "it with the file."
        }
    }
}
