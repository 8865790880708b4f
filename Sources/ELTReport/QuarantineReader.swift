import ELTCore
import ELTLoad
import ELTSQLite
import SQLite

/// Looks into quarantine beside a run.
package struct QuarantineReader {
    package let reader: WarehouseReader

    package init(_ reader: WarehouseReader) { self.reader = reader }

    package func list(entity: String? = nil, reason: String? = nil) throws -> [QuarantinedRecord] {
        try reader.rows(
            """
            SELECT \(QuarantineRows.columns) FROM elt_quarantine
            WHERE (?1 IS NULL OR entity=?1) AND (?2 IS NULL OR reason=?2) ORDER BY id
            """, [entity.map(SQLValue.text) ?? .null, reason.map(SQLValue.text) ?? .null]
        ).map(QuarantineRows.record)
    }

    package func record(_ id: Int64) throws -> QuarantinedRecord {
        let rows = try reader.rows(
            "SELECT \(QuarantineRows.columns) FROM elt_quarantine WHERE id=?1", [.integer(id)])
        guard let row = rows.first else { throw ReportError.noSuchQuarantine([id]) }
        return QuarantineRows.record(row)
    }

    /// The archived bytes of a record.
    package func bytes(
        of record: QuarantinedRecord, settings: ProjectSettings, archive: any Archive
    ) throws -> QuarantinedBytes {
        let item = record.item
        let entry = try archive.entries(after: item.sequence - 1).first
        let missing = ReportError.recordMissing(path: item.path, offset: item.offset ?? item.row ?? 0)
        switch entry?.content {
        case .segment(let segment):
            guard let found = try ArchivedRecords.event(at: item.offset ?? -1, in: segment, archive) else {
                throw missing
            }
            return QuarantinedBytes(record, found.change)
        case .fullLoad(let load):
            let entity = settings.entities.first { $0.name == item.entity }
            guard let row = try ArchivedRecords.row(item.row ?? -1, of: load, entity, archive) else {
                throw missing
            }
            return QuarantinedBytes(record, row: row)
        case .run, .gap, .incarnation, .rewind, nil: throw missing
        }
    }
}
