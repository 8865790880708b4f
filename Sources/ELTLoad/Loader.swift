import ELTCore
import JSON

/// What a load did, for the run's report.
package struct LoadSummary: Sendable, Equatable {
    package var segments = 0
    package var events: Int64 = 0
    package var fullRows: Int64 = 0
    package var inserted: Int64 = 0
    package var quarantined: Int64 = 0
    package var clockCorrected: Int64 = 0
    package var drift: [String] = []
    package init() {}
}

/// Step 2: archived segments become raw rows, in the order of the manifest.
package struct Loader {
    private let settings: ProjectSettings
    let archive: any Archive
    let progress: any Progress

    package init(settings: ProjectSettings, archive: any Archive, progress: any Progress) {
        self.settings = settings
        self.archive = archive
        self.progress = progress
    }

    /// Gives entities the columns that they have before there's data.
    package static func prepare(_ settings: ProjectSettings, _ session: any LoadSession) throws {
        for entity in settings.entities {
            _ = try RecordColumns(entity, session: session, zone: settings.zone)
        }
    }

    /// Loads entries into a session. They become durable when the session's transaction does.
    ///
    /// Rows are made on one thread and written on another.
    package func load(_ entries: [ManifestEntry], into session: any LoadSession) throws -> LoadSummary {
        let rows = entries.reduce(Int64(0)) { $0 + Self.rows(of: $1) }
        guard rows > 0 else { return try load(entries, rows, session) }
        // What a rewind had read again is there twice.
        if !entries.contains(where: \.isRewind) { try session.expect(entries: entries.count, records: rows) }
        return try LoadRelay.run(session) { try load(entries, rows, $0) }
    }

    private func load(_ entries: [ManifestEntry], _ rows: Int64, _ session: any LoadSession) throws -> LoadSummary {
        var summary = LoadSummary()
        var columns: [String: RecordColumns] = [:]
        // Entities have their columns from the start, so that models can name them before there's data.
        for entity in settings.entities { _ = try self.columns(of: entity, session, &columns) }
        let marks = fullLoads(in: entries)
        var done: Int64 = 0
        for (index, entry) in entries.enumerated() {
            try Interruption.check()
            if index == entries.count / 2 { Failpoint.loadHalf.pass() }
            switch entry.content {
            case .segment(let segment):
                var result = try load(segment, entry.sequence, session, &columns, marks)
                let placed = settings.placed(segment)
                result.forbidden = columns[placed.place.entity]?.takeForbidden() ?? []
                try session.note(
                    ManifestEntry(sequence: entry.sequence, content: .segment(placed)), result: result, day: nil)
                summary.segments += 1
                summary.events += segment.rows
                summary.add(result)
            case .fullLoad(let load):
                var result = try self.load(load, entry.sequence, session, &columns)
                result.forbidden = columns[load.entity]?.takeForbidden() ?? []
                try session.note(entry, result: result, day: settings.zone.day(of: load.startedAt))
                summary.segments += 1
                summary.fullRows += load.rows
                summary.add(result)
            case .run, .gap, .incarnation, .rewind: try session.note(settings.placed(entry), result: LoadedRows(), day: nil)
            }
            Failpoint.segmentLoaded.pass()
            done += Self.rows(of: entry)
            progress.report(step: "load", done: done, total: rows)
        }
        for columns in columns.values { summary.drift += columns.drift }
        return summary
    }

    /// Lays the rows of segments into the raw tables that are loaded already: rows that are there stay, and
    /// what's in quarantine stays there. Gives how many had been missing.
    package func loadAgain(_ segments: [SegmentEntry], into session: any LoadSession) throws -> Int64 {
        var columns: [String: RecordColumns] = [:]
        var missing: Int64 = 0
        for segment in segments {
            try Interruption.check()
            guard let loader = try eventLoader(for: segment.place, session, &columns) else { continue }
            try archive.read(segment) { archived in
                do { try loader.load(archived.change) } catch is Poison {}
            }
            let inserted = try loader.result().inserted
            guard inserted > 0 else { continue }
            missing += inserted
            try session.noteRestored(settings.placed(segment))
        }
        return missing
    }

    private static func rows(of entry: ManifestEntry) -> Int64 {
        switch entry.content {
        case .segment(let segment): segment.rows
        case .fullLoad(let load): load.rows
        case .run, .gap, .incarnation, .rewind: 0
        }
    }

    private func columns(
        of entity: EntitySettings, _ session: any LoadSession, _ known: inout [String: RecordColumns]
    ) throws -> RecordColumns {
        if let columns = known[entity.name] {
            columns.expectOtherShapes()
            return columns
        }
        let columns = try RecordColumns(entity, session: session, zone: settings.zone)
        known[entity.name] = columns
        return columns
    }

    /// An entity or topic that's no longer configured gives no rows; its segments stay accounted for.
    private func load(
        _ segment: SegmentEntry, _ sequence: Int64, _ session: any LoadSession, _ known: inout [String: RecordColumns],
        _ marks: [String: [FullLoadMark]]
    ) throws -> LoadedRows {
        let place = segment.place
        guard let loader = try eventLoader(for: place, session, &known, marks) else {
            progress.warn("The topic \(place.topic) is in the archive and in no entity of elt.yml: its events are left out.")
            return LoadedRows()
        }
        func load(_ change: ChangeView, line: Int64) throws {
            do {
                try loader.load(change)
            } catch let poison as Poison {
                loader.noteQuarantined()
                try session.quarantine(
                    QuarantineItem(
                        entity: loader.entityName, sequence: sequence, topic: place.topic, incarnation: place.incarnation,
                        partition: place.partition, offset: change.offset, path: segment.path, line: line,
                        reason: poison.reason, detail: poison.detail))
            }
        }
        guard segment.rows >= ReadAhead.recordsMin else {
            try archive.read(segment) { try load($0.change, line: $0.line) }
            return try loader.result()
        }
        try ReadAhead.records(
            { [archive] give in
                try archive.read(segment) {
                    try give(
                        .init(
                            place: $0.change.offset, line: $0.line, timestamp: $0.change.timestamp,
                            timestampType: $0.change.timestampType, key: $0.change.key, value: $0.change.value))
                }
            },
            each: {
                let change = ChangeView(
                    offset: $0.place, timestamp: $0.timestamp, timestampType: $0.timestampType, key: $0.key,
                    value: $0.value)
                try load(change, line: $0.line)
            })
        return try loader.result()
    }

    private func load(
        _ load: FullLoadEntry, _ sequence: Int64, _ session: any LoadSession, _ known: inout [String: RecordColumns]
    ) throws -> LoadedRows {
        guard let (entity, loader) = try fullLoadLoader(for: load, session, &known) else {
            progress.warn("The archive has full load \(load.number) of an entity '\(load.entity)', which elt.yml doesn't have or has without a full_load: it's left out. If the entity was renamed, run 'elt full-load'.")
            return LoadedRows()
        }
        var page: Int64 = -1
        // Not taken from the entry and the entity for each row: those are large.
        let (entityName, number, file) = (entity.name, load.number, load.files.first?.path ?? "")
        func row(_ bytes: UnsafeRawBufferPointer, of record: ReadAhead.Record) throws {
            if record.place != page {
                page = record.place
                loader.begin(page: Int(page))
            }
            try loader.load(bytes) { poison, row in
                try session.quarantine(
                    QuarantineItem(
                        entity: entityName, sequence: sequence, fullLoad: number, page: Int(page), row: row,
                        path: file, reason: poison.reason, detail: poison.detail))
            }
        }
        let bytesMax = elementBytesMax
        try ReadAhead.records(
            { [archive] give in
                var page: Int64 = 0
                try ArchivedRecords.rows(
                    of: load, entity, maxBytes: bytesMax, archive, page: { page = Int64($0) },
                    each: { try give(.init(place: page, value: $1)) })
            },
            each: { record in if let bytes = record.value { try row(bytes, of: record) } })
        return try loader.result()
    }

    /// The longest record of a full load that is looked at, at least as long as a download lets pass. One that's longer than
    /// `max_message_bytes` goes to quarantine.
    var elementBytesMax: Int { max(64 << 20, Int(clamping: settings.limits.maxMessageBytes)) }

    /// The full loads among some entries, by entity: events that they come after needn't be given their epoch later.
    private func fullLoads(in entries: [ManifestEntry]) -> [String: [FullLoadMark]] {
        var marks: [String: [FullLoadMark]] = [:]
        for case .fullLoad(let load) in entries.map(\.content) {
            let day = settings.zone.day(of: load.startedAt)
            marks[load.entity, default: []].append(FullLoadMark(number: load.number, startedAt: load.startedAt, day: day, w0: load.w0))
        }
        return marks
    }

    /// nil if the entity or topic is no longer configured.
    /// - Parameter marks: Of full loads that are known besides those that are loaded.
    func eventLoader(
        for place: SegmentPlace, _ session: any LoadSession, _ known: inout [String: RecordColumns], _ marks: [String: [FullLoadMark]] = [:]
    ) throws -> EventLoader? {
        // A topic belongs to the entity that has it now, whatever that was called when it was archived.
        guard let entity = settings.entity(withTopic: place.topic, preferring: place.entity),
            let topic = entity.topics.first(where: { $0.name == place.topic })
        else { return nil }
        let columns = try columns(of: entity, session, &known)
        let writer = try session.streamWriter(for: place.of(entity))
        columns.onChange = { try writer.columnsChanged() }
        let epochs = Epochs(
            of: TopicPartition(place.topic, place.partition), incarnation: place.incarnation,
            loads: try session.fullLoads(of: entity.name) + (marks[entity.name] ?? []), maxClockSkew: settings.limits.maxClockSkew)
        return EventLoader(
            entity: entity, topic: topic, limits: settings.limits, columns: columns, writer: writer, epochs: epochs,
            zone: settings.zone)
    }

    /// nil if the entity is no longer configured.
    func fullLoadLoader(
        for load: FullLoadEntry, _ session: any LoadSession, _ known: inout [String: RecordColumns]
    ) throws -> (EntitySettings, FullLoadLoader)? {
        guard let entity = settings.entities.first(where: { $0.name == load.entity }) else { return nil }
        let columns = try columns(of: entity, session, &known)
        let writer = try session.fullWriter(of: entity.name, number: load.number)
        columns.onChange = { try writer.columnsChanged() }
        let loader = FullLoadLoader(
            entity: entity, limits: settings.limits, columns: columns, writer: writer, isSinglePage: load.pages <= 1)
        return (entity, loader)
    }
}

extension ManifestEntry {
    fileprivate var isRewind: Bool { if case .rewind = content { true } else { false } }
}

extension ProjectSettings {
    /// The entity that a topic belongs to, among several the one of that name.
    fileprivate func entity(withTopic topic: String, preferring name: String) -> EntitySettings? {
        let owners = entities.filter { $0.topics.contains { $0.name == topic } }
        return owners.first { $0.name == name } ?? owners.first
    }

    /// An entry that loads nothing, with its topics as those of the entities that they belong to.
    fileprivate func placed(_ entry: ManifestEntry) -> ManifestEntry {
        func placed(_ place: SegmentPlace) -> SegmentPlace {
            entity(withTopic: place.topic, preferring: place.entity).map(place.of) ?? place
        }
        var entry = entry
        switch entry.content {
        case .gap(var gap):
            gap.place = placed(gap.place)
            entry.content = .gap(gap)
        case .run(var run):
            run.starts = run.starts.map { PartitionStart(place: placed($0.place), offset: $0.offset) }
            entry.content = .run(run)
        case .segment, .fullLoad, .incarnation, .rewind: break
        }
        return entry
    }

    /// A segment as one of the entity that its topic belongs to.
    fileprivate func placed(_ segment: SegmentEntry) -> SegmentEntry {
        guard let entity = entity(withTopic: segment.place.topic, preferring: segment.place.entity) else { return segment }
        var placed = segment
        placed.place = segment.place.of(entity)
        return placed
    }
}

extension SegmentPlace {
    fileprivate func of(_ entity: EntitySettings) -> SegmentPlace {
        SegmentPlace(entity: entity.name, topic: topic, incarnation: incarnation, partition: partition)
    }
}

extension LoadSummary {
    fileprivate mutating func add(_ result: LoadedRows) {
        inserted += result.inserted
        quarantined += result.quarantined
        clockCorrected += result.clockCorrected
    }
}
