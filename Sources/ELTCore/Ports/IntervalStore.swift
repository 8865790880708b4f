/// Keeps a history by days as intervals: a row stands once, with the first and the last day on which it's so, and a
/// view with the model's name gives it for each of them.
package protocol IntervalStore: AnyObject {
    /// Makes the empty tables of a history, dropping what's there.
    func createIntervals(_ history: IntervalHistory, columns: [OutputColumn]) throws
    /// Finds the keys whose rows change, and from which day on; what a model reads as `touched` are their winners.
    func touch(_ history: IntervalHistory, _ reach: IntervalReach) throws
    /// Writes all rows of a query into empty tables. Two rows of one key and day are an error.
    func fillIntervals(_ history: IntervalHistory, query: String) throws -> TableChanges
    /// Brings the intervals of the touched keys to what the query gives. What it counts are intervals.
    func mergeIntervals(_ history: IntervalHistory, query: String) throws -> TableChanges
    /// Makes the view that gives the rows of each of these days, unless it's there.
    func showIntervals(_ history: IntervalHistory, columns: [OutputColumn], days: ClosedRange<Day>?) throws
    /// The SQL of a relation with a history's columns and one row for each interval; its day is null.
    func intervals(of model: String, partition: String) -> String
}

/// What a history that's kept as intervals is made of.
package struct IntervalHistory: Hashable, Sendable {
    package var model: String
    package var entity: String
    /// The columns of the model's query, in their order.
    package var columns: [String]
    /// The column of days.
    package var partition: String
    /// The column of the entity's key.
    package var key: String
    /// What some columns are on the days after an interval's first, as SQL writes it.
    package var resets: [String: String]

    package init(
        model: String, entity: String, columns: [String], partition: String, key: String, resets: [String: String]
    ) {
        self.model = model
        self.entity = entity
        self.columns = columns
        self.partition = partition
        self.key = key
        self.resets = resets
    }
}

/// How far back a run reaches into a history that stands.
package struct IntervalReach: Hashable, Sendable {
    /// The days that it holds.
    package var known: ClosedRange<Day>
    /// From this day on every key may have other winners.
    package var fullFrom: Day?
    /// Days that somebody asked to be written again.
    package var asked: ClosedRange<Day>?

    package init(known: ClosedRange<Day>, fullFrom: Day?, asked: ClosedRange<Day>?) {
        self.known = known
        self.fullFrom = fullFrom
        self.asked = asked
    }
}
