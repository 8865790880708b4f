import ELTCore

/// A load on two threads: one makes rows, the caller's writes them.
///
/// Whoever makes rows has a session like any other. Rows go ahead of it in batches; whatever else it asks of the
/// session is done by the caller's thread once all rows before it are written, and waited for. So the real session
/// sees one thread, and the same calls in the same order as without the other.
package final class LoadRelay {
    private enum Piece {
        case rows(RowBatch, any HeldWriter)
        case call((any LoadSession) -> Void)
    }

    private let handover: Handover<Piece>
    private var filling = RowBatch()
    private var target: (any HeldWriter)?
    /// Writers that are done with, and are the other thread's to let go.
    private var retired: [any HeldWriter] = []
    /// Quarantine's lines wait for the batch: a million of them mustn't be a million calls.
    private var quarantined: [QuarantineItem] = []
    private static let quarantinedMax = 1000

    private init(_ handover: Handover<Piece>) { self.handover = handover }

    /// Runs `body` with a session that stands for `session`, on a thread of its own.
    package static func run<T>(_ session: any LoadSession, _ body: @escaping (any LoadSession) throws -> T) throws -> T {
        let result = Box<T>()
        try Handover<Piece>.between(piecesMax: 8) { handover in
            let relay = LoadRelay(handover)
            let made = try body(RelayedSession(relay))
            try relay.ask { _ in }
            result.value = made
        } taker: { handover, piece in
            try Interruption.check()
            switch piece {
            case .rows(let batch, let writer):
                try writer.write(batch)
                batch.empty()
                handover.giveBack(piece)
            case .call(let call):
                call(session)
                handover.answer()
            }
        }
        guard let result = result.value else { preconditionFailure("whoever ended without an error has a result") }
        return result
    }

    // MARK: The side of who makes rows

    /// Where the next row goes.
    fileprivate func batch(for writer: any HeldWriter, bytes: Int, cells: Int) throws -> RowBatch {
        if target !== writer || !filling.hasRoom(bytes: bytes, cells: cells) { try handRows() }
        target = writer
        if !filling.hasRoom(bytes: bytes, cells: cells) { filling = RowBatch(bytes: bytes, cells: cells) }
        return filling
    }

    private func handRows() throws {
        guard let target, !filling.isEmpty else { return }
        try handover.give(.rows(filling, target))
        if case .rows(let spare, _) = handover.spare() { filling = spare } else { filling = RowBatch() }
    }

    private func hand() throws {
        try handRows()
        guard !quarantined.isEmpty else { return }
        let items = quarantined
        quarantined = []
        try call { session in for item in items { try session.quarantine(item) } }
    }

    fileprivate func quarantine(_ item: QuarantineItem) throws {
        quarantined.append(item)
        if quarantined.count >= Self.quarantinedMax { try hand() }
    }

    /// Has the other thread do something, after all that was given before.
    fileprivate func ask<T>(_ body: @escaping (any LoadSession) throws -> T) throws -> T {
        try hand()
        return try call(body)
    }

    fileprivate func retire(_ writer: any HeldWriter) { retired.append(writer) }

    private func call<T>(_ body: @escaping (any LoadSession) throws -> T) throws -> T {
        let answer = Box<Result<T, any Error>>()
        let retired = retired
        self.retired = []
        try handover.ask(
            .call { session in
                for writer in retired { writer.letGo() }
                answer.value = Result { try body(session) }
            })
        guard let answer = answer.value else { preconditionFailure("whoever was answered has an answer") }
        return try answer.get()
    }
}

/// What one thread leaves for the other.
private final class Box<T> {
    var value: T?
}

/// A writer of the real session. Its statements are the other thread's alone, also to end.
private protocol HeldWriter: AnyObject {
    func write(_ batch: RowBatch) throws
    func letGo()
}

private final class HeldStreamWriter: HeldWriter {
    private(set) var writer: (any StreamWriter)?
    init(_ writer: any StreamWriter) { self.writer = writer }
    func write(_ batch: RowBatch) throws { if let writer { try batch.write(to: writer) } }
    func letGo() { writer = nil }
}

private final class HeldFullWriter: HeldWriter {
    private(set) var writer: (any FullWriter)?
    init(_ writer: any FullWriter) { self.writer = writer }
    func write(_ batch: RowBatch) throws { if let writer { try batch.write(to: writer) } }
    func letGo() { writer = nil }
}

private final class RelayedSession: LoadSession {
    private let relay: LoadRelay

    init(_ relay: LoadRelay) { self.relay = relay }

    func columns(of entity: String) throws -> [Column] { try relay.ask { try $0.columns(of: entity) } }

    func evolve(_ entity: String, to columns: [Column], integersToText: [String]) throws {
        try relay.ask { try $0.evolve(entity, to: columns, integersToText: integersToText) }
    }

    func fullLoads(of entity: String) throws -> [FullLoadMark] { try relay.ask { try $0.fullLoads(of: entity) } }

    func streamWriter(for place: SegmentPlace) throws -> any StreamWriter {
        RelayedStreamWriter(relay, try relay.ask { HeldStreamWriter(try $0.streamWriter(for: place)) })
    }

    func fullWriter(of entity: String, number: Int) throws -> any FullWriter {
        RelayedFullWriter(relay, try relay.ask { HeldFullWriter(try $0.fullWriter(of: entity, number: number)) })
    }

    func quarantine(_ item: QuarantineItem) throws { try relay.quarantine(item) }

    func noteDrift(entity: String, field: String, what: String, at: String) throws -> Bool {
        try relay.ask { try $0.noteDrift(entity: entity, field: field, what: what, at: at) }
    }

    func note(_ entry: ManifestEntry, result: LoadedRows, day: Day?) throws {
        try relay.ask { try $0.note(entry, result: result, day: day) }
    }

    var rewound: [RewoundRange] { get throws { try relay.ask { try $0.rewound } } }

    func noteRestored(_ segment: SegmentEntry) throws { try relay.ask { try $0.noteRestored(segment) } }
}

private final class RelayedStreamWriter: StreamWriter {
    private let relay: LoadRelay
    private let held: HeldStreamWriter

    init(_ relay: LoadRelay, _ held: HeldStreamWriter) {
        self.relay = relay
        self.held = held
    }

    deinit { relay.retire(held) }

    func insert(_ row: StreamRow) throws {
        let bytes = row.key.count + row.cells.textBytes
        try relay.batch(for: held, bytes: bytes, cells: row.cells.count).append(row)
    }

    func inserted() throws -> Int64 { try relay.ask { [held] _ in try held.writer?.inserted() ?? 0 } }
    func columnsChanged() throws { try relay.ask { [held] _ in try held.writer?.columnsChanged() } }
}

private final class RelayedFullWriter: FullWriter {
    private let relay: LoadRelay
    private let held: HeldFullWriter

    init(_ relay: LoadRelay, _ held: HeldFullWriter) {
        self.relay = relay
        self.held = held
    }

    deinit { relay.retire(held) }

    func insert(_ row: FullRow) throws {
        let bytes = row.key.count + row.cells.textBytes
        try relay.batch(for: held, bytes: bytes, cells: row.cells.count).append(row)
    }

    func inserted() throws -> Int64 { try relay.ask { [held] _ in try held.writer?.inserted() ?? 0 } }
    func columnsChanged() throws { try relay.ask { [held] _ in try held.writer?.columnsChanged() } }
}

extension UnsafeBufferPointer<Cell> {
    /// Bytes of its texts.
    fileprivate var textBytes: Int {
        var bytes = 0
        for cell in self { if case .text = cell.kind { bytes += cell.text.count } }
        return bytes
    }
}
