/// One transaction that builds tables from raw rows and publishes them together.
package protocol TransformSession: IntervalStore {
    /// Brings the winners of an entity up to date with what was loaded since the last publication.
    /// `everything` forgets them first.
    /// - Parameter horizon: The last day that history reaches to.
    func resolve(_ entity: EntitySettings, everything: Bool, maxClockSkew: Duration, horizon: Day) throws -> Resolution
    func columns(of entity: String) throws -> [Column]
    /// Lays the newest living winners of an entity ready, so that `winners` can be read in full at once.
    func prepareHeads(of entity: String) throws
    /// Has the winners of one day found by an index until `writeStates`, for days of a model. For one day alone making it costs more.
    func indexDays(of entity: String, for model: String) throws
    /// Whether a failure has ended the transaction: nothing may be built any more.
    var isUndone: Bool { get }

    /// The SQL of a relation that a model reads.
    func relation(_ source: SourceRelation) throws -> String
    /// The quoted name of a model's table or view.
    func table(_ model: String) -> String
    func state(of model: String) throws -> ModelState?
    /// Notes a model's state, for `writeStates` to put into the ledger.
    func setState(_ state: ModelState)
    func writeStates() throws
    /// Models that were built once and are no longer in the project.
    func forget(modelsOtherThan names: [String]) throws

    /// The columns of a model's table as it stands; nil if there's none.
    func tableColumns(of model: String) throws -> [OutputColumn]?

    /// Compiles a query as a reader would be allowed to run it and names its columns.
    func describe(_ query: String, model: String) throws -> [OutputColumn]

    /// What columns of a query are as they stand; nil for what is worked out, and none at all if the query can't be compiled.
    func origins(of query: String) throws -> [ColumnOrigin?]

    /// Evaluates a query once, and gives another that gives its rows as they are now.
    func keep(_ query: String, model: String, by partition: String) throws -> String
    func replaceView(_ model: String, query: String) throws
    func replaceTable(_ model: String, query: String, columns: [OutputColumn]) throws -> TableChanges
    /// Creates the empty table of an incremental model, dropping what's there.
    func createTable(_ model: String, columns: [OutputColumn], key: [String]) throws
    func addColumns(_ model: String, _ columns: [OutputColumn]) throws
    /// Adds indexes to a table that has none.
    func addIndexes(_ model: String, _ indexes: [[String]]) throws
    /// Inserts all rows of a query into an empty table. Two rows of one key are an error.
    /// - Parameters:
    ///   - key: The table's; empty if it has none.
    ///   - entity: The one whose winners the query has as `unordered`.
    func fill(_ model: String, query: String, columns: [String], key: [String], of entity: String?) throws -> TableChanges
    /// Merges the rows of a query by key: new ones are inserted, those that really differ updated. With
    /// `scope`, rows of keys in the scope that the query doesn't give are removed.
    func merge(_ model: String, query: String, columns: [String], key: [String], scope: KeyScope?) throws -> TableChanges
    /// Looks for a row whose key no winner of an entity has; one is an error.
    /// - Parameter days: Where only those of some days are to be looked at.
    func checkKeys(_ model: String, column: String, of entity: String, days: (partition: String, days: [Day])?) throws
    /// Removes rows whose key a query doesn't give, and tells how many.
    func removeMissing(_ model: String, query: String, key: [String]) throws -> Int64
    /// Overwrites one day with the rows of a query.
    func overwrite(_ model: String, query: String, columns: [String], partition: String, day: Day, key: [String]) throws
        -> TableChanges
    /// Says that all days of a model come now, in their order, by `overwriteCarrying`, for a table that shall hold them and nothing else;
    /// `endDays` ends that. In between the table needn't hold them yet.
    func beginDays(_ model: String, columns: [OutputColumn], partition: String, key: String, resets: [String: String]) throws
    /// Says, before the first winner is resolved, that a table of an entity's days up to `horizon` will be made, for `beginDaysAhead`.
    func expectDays(of entity: String, until horizon: Day) throws
    /// Gives back what `expectDays` laid ready, unless it's in use.
    func expectNoDays()
    /// Creates the table of a model of days, and has its days evaluated and put together from now on, while other models are built, where that can be
    /// done. The model is built in its turn as any other, and told then what a query fails with.
    /// - Parameter others: How many models there are.
    func beginDaysAhead(
        _ model: String, columns: [OutputColumn], partition: String, key: String, resets: [String: String], of entity: String,
        queries: [(day: Day, query: String)], beside others: Int
    ) throws
    /// What was written since `beginDays` and not told yet. A table that was there and held most of the rows has them still: only what differs is
    /// written, and counted.
    func endDays(_ model: String) throws -> TableChanges
    /// Overwrites one day with the day before, less the keys in the scope, plus the rows of a query.
    /// - Parameter changed: Of a new day that follows one which the model held before the run: the query for the rows of those keys
    ///   alone that the run has changed on the day itself. With it the day may be made of what was there before.
    func overwriteCarrying(
        _ model: String, query: String, changed: String?, columns: [String], partition: String, day: Day, key: String,
        resets: [String: String], scope: KeyScope
    ) throws -> TableChanges
    /// Lets readers' queries know how rows lie: those of one key in all days are then found day by day, without
    /// an index of their own.
    func analyze(_ model: String) throws
    func removeDays(_ model: String, partition: String, from: Day?, after: Day?) throws

    /// What a test's counting query gives, and the first column of its sampling query.
    func failures(_ query: String) throws -> Int64
    func samples(_ query: String) throws -> [String]
}

/// What the database has against the SQL of a model or a data test.
package struct SQLComplaint: Sendable, Equatable {
    /// Such as `no such column: city`.
    package var reason: String
    /// The byte of the SQL at which it lies, where the database knows.
    package var offset: Int?
    package init(reason: String, offset: Int?) {
        self.reason = reason
        self.offset = offset
    }

    /// Whether it may be that the data has still to bring what's missing.
    package var isMissingColumn: Bool { reason.hasPrefix("no such column") }
}

/// An error of a session, which may lie in a project's own SQL.
package protocol SQLComplaining: ELTError {
    /// nil if it's something else.
    var complaint: SQLComplaint? { get }
}

/// What a model's `source(…)` is bound to while it's evaluated.
package struct SourceRelation: Hashable, Sendable {
    package enum Binding: Hashable, Sendable {
        /// All there is.
        case all
        /// All living winners in whatever order, for a model that gives each key's row by itself. A table may depend on the order in any other, and has to be
        /// the same in an hour and in a rebuild.
        case unordered
        /// All there is, in words that outlive the transaction: a view's.
        case lasting
        /// The living winners of the keys whose winner changed.
        case changed
        /// The living winners that decide `day`: all of its own, or only those that changed.
        case day(Day, changedOnly: Bool)
        /// The living winners that `IntervalStore.touch` found, each on the day that it begins.
        case touched
        /// No rows, and the relation's columns with their types: for `origins`.
        case shape
    }
    package var entity: String
    package var table: String
    package var binding: Binding
    package init(entity: String, table: String, binding: Binding) {
        self.entity = entity
        self.table = table
        self.binding = binding
    }
}

/// The keys of an entity that a merge or an overwrite answers for.
package enum KeyScope: Hashable, Sendable {
    /// Keys whose newest winner changed.
    case changed(entity: String)
    /// Keys whose winner on `day` changed, in a partition that stands.
    case changedOn(entity: String, day: Day)
    /// Keys with a winner of `day` itself.
    case winnersOf(entity: String, day: Day)

    package var entity: String {
        switch self {
        case .changed(let entity), .changedOn(let entity, _), .winnersOf(let entity, _): entity
        }
    }
}

/// What resolving the winners of an entity found.
package struct Resolution: Sendable, Equatable {
    /// From this day on every day must be built in full, because a full load or a rebuild reached it.
    package var fullFrom: Day?
    /// Days that stand and in which some key's winner changed.
    package var changedDays: [Day]
    /// The earliest day of the records that were read, whether one of them won or not.
    package var firstRecordDay: Day?
    /// Keys whose newest winner changed.
    package var changedKeys: Int64
    /// Records read to find that out.
    package var records: Int64
    /// Winners that beat an equal record only by partition and offset.
    package var ties: Int64
    /// The day of the first record there is.
    package var firstDay: Day?

    package init(
        fullFrom: Day? = nil, changedDays: [Day] = [], firstRecordDay: Day? = nil, changedKeys: Int64 = 0, records: Int64 = 0, ties: Int64 = 0,
        firstDay: Day? = nil
    ) {
        self.fullFrom = fullFrom
        self.changedDays = changedDays
        self.firstRecordDay = firstRecordDay
        self.changedKeys = changedKeys
        self.records = records
        self.ties = ties
        self.firstDay = firstDay
    }
}

/// The table's column that a query gives as it stands.
package struct ColumnOrigin: Hashable, Sendable {
    package var column: String
    /// The declared type; nil for none.
    package var type: String?
    package init(column: String, type: String?) {
        self.column = column
        self.type = type
    }
}

package struct OutputColumn: Hashable, Sendable {
    package var name: String
    /// The declared type; nil for none.
    package var type: String?
    package init(name: String, type: String?) {
        self.name = name
        self.type = type
    }
}

/// What the ledger keeps of a model.
package struct ModelState: Hashable, Sendable {
    package var name: String
    package var materialized: String
    /// Of the model's text, its macros and what it was bound to.
    package var digest: String
    /// The days that stand, for a model of days.
    package var firstDay: Day?
    package var lastDay: Day?
    package init(name: String, materialized: String, digest: String, firstDay: Day? = nil, lastDay: Day? = nil) {
        self.name = name
        self.materialized = materialized
        self.digest = digest
        self.firstDay = firstDay
        self.lastDay = lastDay
    }
}

package struct TableChanges: Sendable, Equatable {
    package var inserted: Int64 = 0
    package var updated: Int64 = 0
    package var removed: Int64 = 0
    package init(inserted: Int64 = 0, updated: Int64 = 0, removed: Int64 = 0) {
        self.inserted = inserted
        self.updated = updated
        self.removed = removed
    }
    package static func + (a: Self, b: Self) -> Self {
        Self(inserted: a.inserted + b.inserted, updated: a.updated + b.updated, removed: a.removed + b.removed)
    }
    package static func += (a: inout Self, b: Self) { a = a + b }
}
