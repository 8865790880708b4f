import ELTCore

/// What an earlier process left of a draft: sealed chunks count, everything else is removed.
struct DraftLeft {
    private(set) var pages: [Int: LocalDraft.Page] = [:]
    private(set) var chunks: [Int: DraftChunk] = [:]
    private(set) var nextChunk = 1
    private(set) var nextAttempt: Int64 = 1

    init(in folder: Folder) throws {
        try folder.removeFolder(DraftFiles.completeName)
        var open: [Int64: (page: Int, places: [LocalDraft.Place])] = [:]
        for item in try folder.items() where !item.isFolder {
            guard item.name.hasSuffix(".json"), let number = Int(item.name.dropLast(5)),
                item.name == DraftChunk.indexName(number)
            else { continue }
            nextChunk = max(nextChunk, number + 1)
            guard let chunk = try DraftChunk.read(number, in: folder) else { continue }
            chunks[number] = chunk
            for part in chunk.parts {
                nextAttempt = max(nextAttempt, part.attempt + 1)
                var attempt = open[part.attempt] ?? (part.page, [])
                // A part is missing where a chunk was damaged: the page isn't whole.
                guard attempt.places.count == part.part, attempt.page == part.page else { continue }
                attempt.places.append(.init(chunk: number, start: part.start, length: part.length))
                open[part.attempt] = attempt
                if let note = part.note {
                    pages[part.page] = .init(note: note, parts: attempt.places)
                    open[part.attempt] = nil
                }
            }
        }
        var kept: Set = [DraftFiles.planName, DraftFiles.beganName]
        for number in chunks.keys {
            kept.formUnion([DraftChunk.fileName(number), DraftChunk.indexName(number)])
        }
        for item in try folder.items() where !item.isFolder && !kept.contains(item.name) {
            try folder.remove(item.name)
        }
    }
}
