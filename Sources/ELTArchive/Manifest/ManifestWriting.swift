import ELTCore
import JSON

extension JSONText {
    /// Appends the members of an entry, without braces.
    func append(_ content: ManifestEntry.Content) {
        switch content {
        case .segment(let entry): append(entry)
        case .fullLoad(let entry): append(entry)
        case .run(let entry):
            append(#""kind":"run","command":"#)
            append(string: entry.command)
            member(#","now":"#, entry.now)
            for (index, start) in entry.starts.enumerated() {
                append(index == 0 ? #","starts":[{"# : ",{")
                append(start.place)
                member(#","offset":"#, start.offset)
                append("}")
            }
            if !entry.starts.isEmpty { append("]") }
        case .gap(let entry):
            append(#""kind":"gap","#)
            append(entry.place)
            member(#","first":"#, entry.lost.first)
            member(#","next":"#, entry.lost.next)
            member(#","after":"#, entry.after)
            member(#","before":"#, entry.before)
            member(#","accepted_at":"#, entry.acceptedAt)
        case .incarnation(let entry):
            append(#""kind":"incarnation","topic":"#)
            append(string: entry.topic)
            member(#","number":"#, Int64(entry.number))
            append(#","reason":"#)
            append(string: entry.reason)
        case .rewind(let entry):
            append(#""kind":"rewind","#)
            append(entry.place)
            member(#","offset":"#, entry.offset)
            member(#","at":"#, entry.at)
        }
    }

    private func append(_ place: SegmentPlace) {
        append(#""entity":"#)
        append(string: place.entity)
        append(#","topic":"#)
        append(string: place.topic)
        member(#","incarnation":"#, Int64(place.incarnation))
        member(#","partition":"#, Int64(place.partition))
    }

    private func append(_ entry: SegmentEntry) {
        append(#""kind":"segment","#)
        append(entry.place)
        member(#","first":"#, entry.range.first)
        member(#","next":"#, entry.range.next)
        member(#","path":"#, entry.path)
        member(#","rows":"#, entry.rows)
        member(#","bytes":"#, entry.bytes)
        member(#","text_bytes":"#, entry.textBytes)
        member(#","sha256":"#, entry.sha256)
        member(#","first_timestamp":"#, entry.firstTimestamp)
        member(#","last_timestamp":"#, entry.lastTimestamp)
        member(#","anchor_offset":"#, entry.anchorOffset)
        member(#","anchor_digest":"#, entry.anchorDigest)
    }

    private func append(_ entry: FullLoadEntry) {
        append(#""kind":"full_load","entity":"#)
        append(string: entry.entity)
        member(#","number":"#, Int64(entry.number))
        member(#","started_at":"#, entry.startedAt)
        member(#","finished_at":"#, entry.finishedAt)
        append(#","w0":"#)
        append(entry.w0)
        append(#","w1":"#)
        append(entry.w1)
        append(#","files":["#)
        for (index, file) in entry.files.enumerated() {
            member(index == 0 ? #"{"path":"# : #",{"path":"#, file.path)
            member(#","bytes":"#, file.bytes)
            member(#","text_bytes":"#, file.textBytes)
            member(#","sha256":"#, file.sha256)
            append("}")
        }
        member(#"],"pages":"#, Int64(entry.pages))
        member(#","rows":"#, entry.rows)
        member(#","total":"#, entry.total)
        member(#","drift":"#, entry.drift)
        // Left out where it isn't known: what's written of an older entry stays the same to the byte.
        guard let records = entry.records else { return }
        append(#","records":["#)
        for (index, key) in records.enumerated() {
            if index > 0 { append(",") }
            append(string: key)
        }
        append("]")
    }

    func append(_ watermarks: [Watermark]) {
        append("[")
        for (index, mark) in watermarks.enumerated() {
            member(index == 0 ? #"{"topic":"# : #",{"topic":"#, mark.partition.topic)
            member(#","partition":"#, Int64(mark.partition.partition))
            member(#","incarnation":"#, Int64(mark.incarnation))
            member(#","offset":"#, mark.offset)
            append("}")
        }
        append("]")
    }

    func member(_ name: StaticString, _ number: Int64?) {
        append(name)
        if let number { append(number) } else { append("null") }
    }

    func member(_ name: StaticString, _ string: String?) {
        append(name)
        if let string { append(string: string) } else { append("null") }
    }

    func member(_ name: StaticString, _ instant: Instant) {
        append(name)
        append(string: instant.description)
    }
}
