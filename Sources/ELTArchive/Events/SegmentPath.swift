import ELTCore

/// Where a segment's file lies: Hive-style, so that engines read the folders as columns.
///
/// `entity=…/topic=…/incarnation=…/partition=…/month=…/<first>-<last>.ndjson.zst`. The month is that of
/// the first record's timestamp, so that no folder grows without end. Hive's own name stands for none.
struct SegmentPath: Equatable {
    var place: SegmentPlace
    var month: String
    var range: OffsetRange

    static let noMonth = "month=__HIVE_DEFAULT_PARTITION__"
    static let suffix = ".ndjson.zst"

    static func month(ofTimestamp milliseconds: Int64?) -> String {
        guard let milliseconds else { return noMonth }
        let instant = Instant(milliseconds: milliseconds)
        guard (Instant.least...Instant.greatest).contains(instant) else { return noMonth }
        return "month=" + instant.description.prefix(7)
    }

    static func folders(of place: SegmentPlace) throws(ArchiveError) -> [String] {
        [
            try escapedName("entity=", place.entity), try escapedName("topic=", place.topic),
            "incarnation=\(place.incarnation)", "partition=\(place.partition)",
        ]
    }

    /// Twenty digits each, so that names sort as offsets do; the second is the last offset accounted for.
    var fileName: String { digits(range.first) + "-" + digits(range.next - 1) + Self.suffix }

    func folders() throws(ArchiveError) -> [String] { try Self.folders(of: place) + [month] }
    func text() throws(ArchiveError) -> String { (try folders() + [fileName]).joined(separator: "/") }

    private func digits(_ number: Int64) -> String {
        let text = String(number)
        return String(repeating: "0", count: 20 - text.utf8.count) + text
    }

    init(place: SegmentPlace, month: String, range: OffsetRange) {
        self.place = place
        self.month = month
        self.range = range
    }

    /// Reads a path; nil unless `text` would give it back.
    init?(_ path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, let entity = unescapedName("entity=", parts[0]),
            let topic = unescapedName("topic=", parts[1]), parts[2].hasPrefix("incarnation="),
            let incarnation = Int(parts[2].dropFirst(12)), parts[3].hasPrefix("partition="),
            let partition = Int32(parts[3].dropFirst(10)), parts[5].hasSuffix(Self.suffix)
        else { return nil }
        let numbers = parts[5].dropLast(Self.suffix.count).split(separator: "-")
        guard numbers.count == 2, let first = Int64(numbers[0]), let last = Int64(numbers[1]),
            first >= 0, last >= first - 1, last < Int64.max
        else { return nil }
        place = SegmentPlace(entity: entity, topic: topic, incarnation: incarnation, partition: partition)
        month = parts[4]
        range = OffsetRange(first: first, next: last + 1)
        guard (try? text()) == path else { return nil }
    }
}
