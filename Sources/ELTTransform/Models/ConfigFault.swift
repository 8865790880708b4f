/// What can be wrong with a model's settings.
enum ConfigFault: Equatable {
    case unknown(String, known: [String])
    case unsupported(String, why: String, instead: String)
    case value(String, found: String, wanted: String)
    case choice(String, found: String, known: [String])
    case refusedChoice(String, value: String, why: String, instead: String)
    case missing(String, by: String, example: String)
    case pointless(String, on: String, instead: String)
    case notConstant(String)
    case empty(String)
    case duplicateColumn(String, in: String)
    case unknownEntity(String, known: [String])
    case byKeyWithout(entity: String, table: String)
    case byKeyReads(String, entity: String)
    case byKeyRun
    case byKeyIncremental
    case byKeyAcross(String)
}

extension ConfigFault: Fault {
    var code: String {
        switch self {
        case .unknown: "config.unknown-key"
        case .unsupported, .refusedChoice: "config.unsupported"
        case .unknownEntity: "model.unknown-entity"
        case .byKeyWithout, .byKeyReads, .byKeyRun, .byKeyIncremental, .byKeyAcross: "config.by-key"
        default: "config.value"
        }
    }

    var problem: String {
        switch self {
        case .unknown(let key, _): "There's no setting '\(key)'."
        case .unsupported(let key, let why, _): "The setting '\(key)' isn't supported: \(why)."
        case .value(let key, let found, let wanted): "The setting '\(key)' is \(found), not \(wanted)."
        case .choice(let key, let found, _): "The setting '\(key)' can't be '\(found)'."
        case .refusedChoice(let key, let value, let why, _):
            "\(key)='\(value)' isn't supported: \(why)."
        case .missing(let key, let by, _): "\(by) needs the setting '\(key)'."
        case .pointless(let key, let on, _): "The setting '\(key)' has no effect on \(on)."
        case .notConstant(let key): "The setting '\(key)' changes from run to run."
        case .empty(let key): "The setting '\(key)' names no column."
        case .duplicateColumn(let column, let key): "The setting '\(key)' names the column '\(column)' twice."
        case .unknownEntity(let entity, _): "The project has no entity '\(entity)'."
        case .byKeyWithout(let entity, let table):
            "by_key='\(entity)' needs the rows of source('\(entity)', '\(table)'), "
                + "which the model doesn't read."
        case .byKeyReads(let what, let entity):
            "A model with by_key='\(entity)' reads \(what): "
                + "when that changes, rows of unchanged keys stay old."
        case .byKeyAcross(let word):
            "A model with by_key puts rows of several keys together with \(word): "
                + "a run evaluates only the keys that changed."
        case .byKeyRun:
            "A model with by_key uses the run's time: rows of unchanged keys would keep an old one."
        case .byKeyIncremental:
            "A model with by_key asks is_incremental(): a rebuild would give other rows than the hours."
        }
    }

    var remedy: String {
        switch self {
        case .unknown(let key, let known): Nearest.advice(to: key, among: known, kind: "settings")
        case .unsupported(_, _, let instead), .refusedChoice(_, _, _, let instead),
            .pointless(_, _, let instead):
            instead
        case .value, .empty: "Correct the value; docs/models.md lists the settings."
        case .choice(_, let found, let known): Nearest.advice(to: found, among: known, kind: "choices")
        case .missing(_, _, let example): "Add \(example)."
        case .notConstant: "Make it depend on nothing but var('…')."
        case .duplicateColumn: "Name it once."
        case .unknownEntity(let entity, let known):
            Nearest.advice(to: entity, among: known, kind: "entities")
        case .byKeyWithout(let entity, let table):
            "Read {{ source('\(entity)', '\(table)') }}, or remove by_key."
        case .byKeyReads: "Join it in a view over this model, or remove by_key."
        case .byKeyAcross: "Do it in a view over this model, or remove by_key."
        case .byKeyRun: "Use it in a view over this model, or remove by_key."
        case .byKeyIncremental: "Leave it out: with by_key an hour asks for the rows of changed keys alone."
        }
    }
}
