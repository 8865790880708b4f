import ELTCore
import ELTExtract
import ELTSQLite
import SQLite

/// How far all partitions are archived, read beside a run: what the warehouse's ledger says, and what the
/// archive says beyond it. Without a warehouse the archive tells it all.
package enum PositionsReader {
    package static func positions(
        _ reader: WarehouseReader?, entries: (_ after: Int64) throws -> [ManifestEntry]
    ) throws -> Positions {
        guard let reader else {
            var positions = Positions()
            for entry in try entries(0) { positions.apply(entry) }
            return positions
        }
        var positions = Positions()
        for row in try reader.rows("SELECT topic, max(incarnation) FROM elt_incarnations GROUP BY topic") {
            positions.incarnations[row[0].text ?? ""] = Int(row[1].integer ?? 1)
        }
        // A warehouse of an older program hasn't got it until the next run.
        let rewinds = try reader.rows("SELECT 1 FROM pragma_table_info('elt_offsets') WHERE name='again_until'")
        for row in try reader.rows(
            """
            SELECT topic, "partition", incarnation, next_offset, anchor_offset, anchor_digest, last_timestamp,
                \(rewinds.isEmpty ? "NULL" : "again_until")
            FROM elt_offsets
            """)
        {
            let topic = row[0].text ?? ""
            let incarnation = Int(row[2].integer ?? 1)
            // A partition of a life that's over is nobody's position.
            guard incarnation == positions.incarnation(of: topic) else { continue }
            positions.partitions[TopicPartition(topic, Int32(row[1].integer ?? 0))] = Position(
                incarnation: incarnation, next: row[3].integer ?? 0, againUntil: row[7].integer, anchorOffset: row[4].integer,
                anchorDigest: row[5].text,
                lastTimestamp: row[6].text.flatMap { Zone.utc.instant($0)?.milliseconds })
        }
        for row in try reader.rows("SELECT topic, \"partition\", incarnation, w0 FROM elt_watermarks WHERE w0 IS NOT NULL") {
            positions.watermarks.append(
                Watermark(
                    partition: TopicPartition(row[0].text ?? "", Int32(row[1].integer ?? 0)),
                    incarnation: Int(row[2].integer ?? 1), offset: row[3].integer ?? 0))
        }
        let loaded = try reader.rows("SELECT value FROM elt_meta WHERE name='loaded_sequence'").first?[0]
            .integer
        for entry in try entries(loaded ?? 0) { positions.apply(entry) }
        return positions
    }
}
