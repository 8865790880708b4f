import ELTCore

extension Loader {
    /// Loads records of quarantine again, with the settings and the program as they are now. The rest of
    /// their files isn't touched. `entries` are the manifest's, by sequence.
    ///
    /// An event's order depends on its place and never on when it's loaded, so it's harmless to do this
    /// late, and again.
    package func replay(
        _ records: [QuarantinedRecord], entries: [Int64: ManifestEntry], into session: any LoadSession
    ) throws -> Replay {
        var replay = Replay()
        var columns: [String: RecordColumns] = [:]
        let groups = Dictionary(grouping: records, by: \.item.sequence).sorted { $0.key < $1.key }
        for (index, (sequence, records)) in groups.enumerated() {
            try Interruption.check()
            switch entries[sequence]?.content {
            case .segment(let segment):
                replay.results[sequence] = try self.replay(records, of: segment, session, &columns, &replay)
            case .fullLoad(let load):
                replay.results[sequence] = try self.replay(records, of: load, session, &columns, &replay)
            case .run, .gap, .incarnation, .rewind, nil: replay.remaining += records
            }
            progress.report(step: "replay", done: Int64(index + 1), total: Int64(groups.count))
        }
        for (name, columns) in columns {
            replay.drift += columns.drift
            let forbidden = columns.takeForbidden()
            if !forbidden.isEmpty { replay.forbidden[name] = forbidden }
        }
        return replay
    }

    private func replay(
        _ records: [QuarantinedRecord], of segment: SegmentEntry, _ session: any LoadSession,
        _ columns: inout [String: RecordColumns], _ replay: inout Replay
    ) throws -> LoadedRows {
        guard let loader = try eventLoader(for: segment.place, session, &columns) else {
            replay.remaining += records
            return LoadedRows()
        }
        var wanted = Dictionary(
            records.map { ($0.item.offset ?? -1, $0) }, uniquingKeysWith: { first, _ in first })
        try archive.read(segment) { archived in
            guard let record = wanted.removeValue(forKey: archived.change.offset) else { return }
            do {
                try loader.load(archived.change)
                replay.released.append(record)
            } catch let poison as Poison {
                replay.remaining.append(record.restated(poison))
            }
        }
        // What the file doesn't hold stays where it is.
        replay.remaining += wanted.values.sorted { $0.id < $1.id }
        return try loader.result()
    }

    private func replay(
        _ records: [QuarantinedRecord], of load: FullLoadEntry, _ session: any LoadSession,
        _ columns: inout [String: RecordColumns], _ replay: inout Replay
    ) throws -> LoadedRows {
        guard let (entity, loader) = try fullLoadLoader(for: load, session, &columns) else {
            replay.remaining += records
            return LoadedRows()
        }
        var wanted = Dictionary(
            records.map { ($0.item.row ?? -1, $0) }, uniquingKeysWith: { first, _ in first })
        try ArchivedRecords.rows(
            of: load, entity, maxBytes: elementBytesMax, archive, page: loader.begin(page:)
        ) { row, bytes in
            guard let record = wanted.removeValue(forKey: row) else { return loader.skip() }
            var refusal: Poison?
            try loader.load(bytes) { poison, _ in refusal = poison }
            if let refusal {
                replay.remaining.append(record.restated(refusal))
            } else {
                replay.released.append(record)
            }
        }
        replay.remaining += wanted.values.sorted { $0.id < $1.id }
        return try loader.result()
    }
}

extension QuarantinedRecord {
    fileprivate func restated(_ poison: Poison) -> QuarantinedRecord {
        var record = self
        record.item.reason = poison.reason
        record.item.detail = poison.detail
        return record
    }
}
