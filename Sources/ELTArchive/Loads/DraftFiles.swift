import ELTCore
import JSON

/// The small files of an unfinished full load, `.drafts/<entity>/`.
enum DraftFiles {
    static let planName = "plan.json"
    static let beganName = "began.json"
    static let completeName = "complete"

    struct Plan: Equatable {
        var plan: DraftPlan
        var begunAt: Instant
    }

    static func write(_ plan: Plan, to folder: Folder) throws {
        let text = JSONText()
        text.member(#"{"now":"#, plan.plan.now)
        text.member(#","begun_at":"#, plan.begunAt)
        text.member(#","settings_digest":"#, plan.plan.settingsDigest)
        text.append(#","w0":"#)
        text.append(plan.plan.w0)
        text.append("}\n")
        try folder.writeFile(planName, text.contents)
    }

    /// nil if there's none, or none that can be read: then the draft is begun anew.
    static func plan(in folder: Folder) throws -> Plan? {
        guard let file = try folder.open(planName) else { return nil }
        guard let root = try file.document()?.root, let now = root["now"]?.instant,
            let begunAt = root["begun_at"]?.instant, let digest = root["settings_digest"]?.string,
            let w0 = root["w0"]?.watermarks
        else { return nil }
        return Plan(plan: DraftPlan(now: now, w0: w0, settingsDigest: digest), begunAt: begunAt)
    }

    static func writeBegan(_ date: Instant?, to folder: Folder) throws {
        let text = JSONText()
        text.member(#"{"date":"#, date?.description)
        text.append("}\n")
        try folder.writeFile(beganName, text.contents)
    }

    /// The first response's date, which may be missing; nil if there was no response yet.
    static func began(in folder: Folder) throws -> Instant?? {
        guard let file = try folder.open(beganName) else { return nil }
        guard let date = try file.document()?.root["date"] else { throw damaged(file.path) }
        return .some(date.instant)
    }

    static func damaged(_ path: String) -> ArchiveError {
        .changed(path: path, covers: "an unfinished full load", detail: "it isn't what was written")
    }
}

extension OpenFile {
    /// The file as JSON; nil if it isn't, which is true of all that's too large. That it can't be read says
    /// nothing of what's in it, and is thrown.
    func document() throws -> JSONDocument? {
        do {
            let bytes = try contents()
            return try? JSONDocument(bytes)
        } catch .io(_, _, EFBIG) {
            return nil
        }
    }
}

/// Says that a draft is about to become a full load, from before it's moved until it's in the manifest:
/// `.adopt/<entity>`. Who finds one after a crash knows what to finish.
struct Intent: Equatable {
    var entity: String
    var number: Int
    /// Which draft.
    var begunAt: Instant

    static let folderName = ".adopt"

    func write(to root: Folder) throws {
        let text = JSONText()
        text.member(#"{"number":"#, Int64(number))
        text.member(#","begun_at":"#, begunAt)
        text.append("}\n")
        let folder = try root.makeFolder(Self.folderName)
        let name = try escapedName("", entity)
        try folder.remove(name)
        try folder.writeFile(name, text.contents)
    }

    static func remove(_ entity: String, from root: Folder) throws {
        try root.folder(folderName)?.remove(try escapedName("", entity))
    }

    /// Marks that a crash left half written.
    static func removeUnwritten(from root: Folder) throws {
        guard let folder = try root.folder(folderName) else { return }
        for item in try folder.items() where item.name.hasPrefix(".") { try folder.remove(item.name) }
    }

    static func of(_ entity: String, in root: Folder) throws -> Intent? {
        guard let file = try root.folder(folderName)?.open(try escapedName("", entity)) else { return nil }
        guard let root = try file.document()?.root, let number = root["number"]?.integer,
            let begunAt = root["begun_at"]?.instant
        else { throw DraftFiles.damaged(file.path) }
        return Intent(entity: entity, number: Int(number), begunAt: begunAt)
    }

    static func all(in root: Folder) throws -> [Intent] {
        try root.folder(folderName)?.items().compactMap { item in
            // A mark that a crash left half written says nothing yet.
            item.name.hasPrefix(".") ? nil : try unescapedName("", item.name).flatMap { try of($0, in: root) }
        } ?? []
    }
}

/// A complete full load's folder, `entity=…/full_load=000001/`.
struct LoadFolder {
    let root: Folder
    let entity: String
    let number: Int

    static let entryName = "load.json"

    static func name(_ number: Int) -> String {
        let digits = String(number)
        return "full_load=" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    func path() throws(ArchiveError) -> String {
        try escapedName("entity=", entity) + "/" + Self.name(number)
    }

    /// What stands in its `load.json`; nil if there's no such folder.
    func entry() throws -> FullLoadEntry? {
        let path = try path() + "/" + Self.entryName
        guard let file = try root.file(at: path) else { return nil }
        guard let node = try file.document()?.root, let entry = FullLoadEntry(node),
            entry.entity == entity, entry.number == number
        else {
            throw ArchiveError.changed(
                path: path, covers: "full load \(number) of \(entity)", detail: "it isn't what was written")
        }
        return entry
    }

    /// The text of `load.json`: the entry as the manifest has it.
    static func text(_ entry: FullLoadEntry) -> [UInt8] {
        let text = JSONText()
        text.append("{")
        text.append(ManifestEntry.Content.fullLoad(entry))
        text.append("}\n")
        return text.contents
    }
}
