import ELTCore

/// Reads the pages of a complete full load and checks its files against the entry.
struct LoadReader {
    let root: Folder

    func read(
        _ load: FullLoadEntry, page: (_ index: Int, _ head: PageHead) throws -> Void,
        piece: (UnsafeRawBufferPointer) throws -> Void, end: () throws -> Void
    ) throws {
        let reader = PageLineReader()
        var due: (page: Int64, part: Int64) = (0, 0)
        for file in load.files {
            let covers = "pages of full load \(load.number) of \(load.entity)"
            guard let opened = try root.file(at: file.path) else {
                throw ArchiveError.changed(path: file.path, covers: covers, detail: "the file is missing")
            }
            try SegmentReader.check(
                opened, path: file.path, covers: covers, bytes: file.bytes, sha256: file.sha256)
            try LineReader(opened, covers: covers, textBytes: file.textBytes).read { line, number in
                let part: PageLineReader.Part
                do throws(EventReader.Refusal) { part = try reader.read(line) } catch {
                    throw ArchiveError.changed(
                        path: file.path, covers: covers, detail: "line \(number): \(error.detail)")
                }
                guard part.page == due.page, part.part == due.part else {
                    throw ArchiveError.changed(
                        path: file.path, covers: covers, detail: "line \(number) isn't page \(due.page)'s")
                }
                if part.part == 0 { try page(Int(part.page), part.head) }
                if !part.body.isEmpty { try piece(part.body) }
                if part.isLast { try end() }
                due = part.isLast ? (due.page + 1, 0) : (due.page, due.part + 1)
            }
        }
        guard due.part == 0, due.page == Int64(load.pages) else {
            throw ArchiveError.changed(
                path: load.files.last?.path ?? "", covers: "full load \(load.number) of \(load.entity)",
                detail: "it has \(due.page) pages and not \(load.pages)")
        }
    }
}
