import ELTCore
import ELTRun
import Foundation

/// What quarantine holds, without the records themselves.
package struct QuarantinePage: Codable, Equatable, Sendable {
    package struct Item: Codable, Equatable, Sendable {
        package var id: Int64
        package var entity: String
        package var reason: String
        package var detail: String
        package var sequence: Int64
        package var topic: String?
        package var incarnation: Int?
        package var partition: Int32?
        package var offset: Int64?
        package var fullLoad: Int?
        package var page: Int?
        package var row: Int64?
        package var path: String
        package var line: Int64?

        package init(_ record: QuarantinedRecord) {
            let item = record.item
            id = record.id
            entity = item.entity
            reason = item.reason
            detail = item.detail
            sequence = item.sequence
            topic = item.topic
            incarnation = item.incarnation
            partition = item.partition
            offset = item.offset
            fullLoad = item.fullLoad
            page = item.page
            row = item.row
            path = item.path
            line = item.line
        }

        /// `topic/0 offset 12`, or `full load 3, page 2, row 2097160`.
        package var place: String {
            if let fullLoad { return "full load \(fullLoad), page \(page ?? 0), row \(row ?? 0)" }
            let life = incarnation ?? 1
            return "\(topic ?? "")/\(partition ?? 0)\(life > 1 ? " life \(life)" : "") offset \(offset ?? 0)"
        }

        package var file: String { line.map { "\(path):\($0)" } ?? path }
    }

    package var records: [Item]

    package init(_ records: [QuarantinedRecord]) { self.records = records.map(Item.init) }

    package var text: String {
        guard !records.isEmpty else { return "Quarantine is empty.\n" }
        return Grid.text(
            ["id", "entity", "reason", "place", "file", "detail"],
            records.map { ["\($0.id)", $0.entity, $0.reason, $0.place, $0.file, $0.detail] })
            + "\(Shown.count(Int64(records.count), "record"))\n"
    }
}

/// One record of quarantine with its archived bytes: personal data, shown because it was asked for.
package struct QuarantinedBytes: Codable, Equatable, Sendable {
    package struct Part: Codable, Equatable, Sendable {
        /// The bytes if they are UTF-8, else their base64.
        package var text: String?
        package var base64: String?
        package var bytes: Int

        package init(_ bytes: [UInt8]) {
            self.bytes = bytes.count
            if let text = String(validating: bytes, as: UTF8.self) {
                self.text = text
            } else {
                base64 = Data(bytes).base64EncodedString()
            }
        }

        var shown: String { text ?? base64 ?? "" }
        var kind: String { text == nil ? "\(bytes) bytes that aren't UTF-8, in base64" : "\(bytes) bytes" }
    }
    package struct HeaderPart: Codable, Equatable, Sendable {
        package var name: String
        package var value: Part?
    }

    package var record: QuarantinePage.Item
    package var timestamp: String?
    /// nil is null.
    package var key: Part?
    package var headers: [HeaderPart] = []
    /// The message's value, or the full load's record; nil is null.
    package var value: Part?

    /// An event.
    package init(_ record: QuarantinedRecord, _ change: Change) {
        self.record = QuarantinePage.Item(record)
        timestamp = change.timestamp < 0 ? nil : Instant(milliseconds: change.timestamp).description
        key = change.key.map(Part.init)
        value = change.value.map(Part.init)
        headers = change.headers.map { HeaderPart(name: $0.name, value: $0.value.map(Part.init)) }
    }

    /// A record of a full load.
    package init(_ record: QuarantinedRecord, row: [UInt8]) {
        self.record = QuarantinePage.Item(record)
        value = Part(row)
    }

    package var text: String {
        var lines = [
            "\(record.id): \(record.entity) \(record.place)", "\(record.reason): \(record.detail)",
            record.file,
        ]
        if record.fullLoad == nil {
            lines.append("timestamp: \(timestamp ?? "none")")
            lines.append("key: \(key.map { "\(ConsoleEscape.line($0.shown)) (\($0.kind))" } ?? "null")")
            for header in headers {
                let value = header.value.map { ConsoleEscape.line($0.shown) } ?? "null"
                lines.append("header \(ConsoleEscape.line(header.name)): \(value)")
            }
        }
        lines.append(value.map { "value (\($0.kind)):\n\(ConsoleEscape.block($0.shown))" } ?? "value: null")
        return lines.joined(separator: "\n") + "\n"
    }
}

/// What a replay did.
package struct ReplayPage: Codable, Equatable, Sendable {
    package var released: [QuarantinePage.Item]
    package var remaining: [QuarantinePage.Item]
    package var report: RunReport

    package init(_ outcome: ReplayOutcome) {
        released = outcome.released.map(QuarantinePage.Item.init)
        remaining = outcome.remaining.map(QuarantinePage.Item.init)
        report = outcome.report
    }

    package var text: String {
        var text = "\(Shown.count(Int64(released.count), "record is a row", "records are rows")) now"
        guard !remaining.isEmpty else { return text + ".\n" }
        text += "; \(Shown.count(Int64(remaining.count), "record stays", "records stay")):\n"
        return text
            + Grid.text(
                ["id", "reason", "place", "detail"],
                remaining.map { ["\($0.id)", $0.reason, $0.place, $0.detail] }, indent: "  ")
    }
}
