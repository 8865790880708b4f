import ELTCore
import SQLite

/// Records that couldn't be rows, and their way out.
extension SQLiteWarehouse {
    package func quarantined(_ ids: [Int64]?) throws -> [QuarantinedRecord] {
        let columns = QuarantineRows.columns
        guard let ids else {
            return try database.query("SELECT \(columns) FROM elt_quarantine ORDER BY id").map(
                QuarantineRows.record)
        }
        return try Set(ids).sorted().flatMap { id in
            try database.query("SELECT \(columns) FROM elt_quarantine WHERE id=?1", [.integer(id)])
                .map(QuarantineRows.record)
        }
    }

    package func settle(_ replay: Replay) throws {
        for record in replay.released {
            try database.execute("DELETE FROM elt_quarantine WHERE id=?1", [.integer(record.id)])
            if let number = record.item.fullLoad {
                try reopen(fullLoad: number, of: record.item.entity, sequence: record.item.sequence)
            } else {
                try notePending(record.item)
            }
        }
        for record in replay.remaining {
            try database.execute(
                "UPDATE elt_quarantine SET reason=?2, detail=?3 WHERE id=?1",
                [.integer(record.id), .text(record.item.reason), .text(record.item.detail)])
        }
        for (sequence, result) in replay.results {
            let released = replay.released.filter { $0.item.sequence == sequence }
            try note(result, released: Int64(released.count), of: sequence)
        }
    }

    /// An hourly resolution lays exactly these places into the timelines.
    private func notePending(_ item: QuarantineItem) throws {
        let group = try database.value(
            "SELECT id FROM elt_partitions WHERE entity=?1 AND topic=?2 AND incarnation=?3 AND \"partition\"=?4",
            [
                .text(item.entity), .text(item.topic ?? ""), .integer(Int64(item.incarnation ?? 1)),
                .integer(Int64(item.partition ?? 0)),
            ])
        guard let group = group.integer, let offset = item.offset else {
            throw WarehouseError.damaged(path: path, "a quarantined event of \(item.entity) has no place")
        }
        // A segment that waits to be published may begin here: its range must not shrink.
        let place = PackedPlace.pack(group, offset)
        try database.execute(
            """
            INSERT INTO elt_pending VALUES (?1, ?2, ?2) ON CONFLICT (entity, low) DO UPDATE
            SET high=max(high, excluded.high)
            """, [.text(item.entity), .integer(place)])
    }

    /// A full load counts as unpublished again, so that the next publication resolves everything from its
    /// day on, as it did when the full load came. That's durable: a crash before it changes nothing.
    private func reopen(fullLoad number: Int, of entity: String, sequence: Int64) throws {
        // The new row lies between others, so the rows may no longer be in the order of keys.
        try database.execute(
            "UPDATE elt_full_loads SET sorted=0 WHERE entity=?1 AND number=?2",
            [.text(entity), .integer(Int64(number))])
        try setMeta("published_sequence", .integer(min(try publishedSequence, sequence - 1)))
    }

    private func note(_ result: LoadedRows, released: Int64, of sequence: Int64) throws {
        try database.execute(
            """
            UPDATE elt_segments SET loaded=loaded+?2, quarantined=quarantined-?3, clock_corrected=clock_corrected+?4
            WHERE sequence=?1
            """,
            [
                .integer(sequence), .integer(result.inserted), .integer(released),
                .integer(result.clockCorrected),
            ])
        guard let latest = result.latest else { return }
        try database.execute(
            """
            UPDATE elt_freshness SET newest_event=max(coalesce(newest_event, ''), ?2)
            WHERE (entity, topic) = (SELECT entity, topic FROM elt_segments WHERE sequence=?1)
            """, [.integer(sequence), .text(Instant(milliseconds: latest).description)])
    }
}

/// Rows of `elt_quarantine` as values.
package enum QuarantineRows {
    package static let columns =
        "id, entity, sequence, topic, incarnation, \"partition\", \"offset\", full_load, page, row, path, line, reason, detail"

    /// From a row of `columns`.
    package static func record(_ row: [SQLValue]) -> QuarantinedRecord {
        QuarantinedRecord(
            id: row[0].integer ?? 0,
            item: QuarantineItem(
                entity: row[1].text ?? "", sequence: row[2].integer ?? 0, topic: row[3].text,
                incarnation: row[4].integer.map(Int.init),
                partition: row[5].integer.map { Int32(clamping: $0) },
                offset: row[6].integer, fullLoad: row[7].integer.map(Int.init),
                page: row[8].integer.map(Int.init),
                row: row[9].integer, path: row[10].text ?? "", line: row[11].integer,
                reason: row[12].text ?? "",
                detail: row[13].text ?? ""))
    }
}
