import ELTCore

extension LocalArchive {
    package func openDraft(of entity: String) throws -> (any DraftLoad)? {
        let name = try escapedName("", entity)
        guard let folder = try root.folder(Self.draftsName)?.folder(name),
            let plan = try DraftFiles.plan(in: folder)
        else { return nil }
        // One that has become a full load is nobody's to go on with; its entry is `recover`'s to write.
        if let intent = try Intent.of(entity, in: root), intent.begunAt == plan.begunAt,
            try LoadFolder(root: root, entity: entity, number: intent.number).entry() != nil
        {
            return nil
        }
        do {
            return try LocalDraft(root: root, folder: folder, entity: entity, plan: plan, level: presses.level)
        } catch ArchiveError.changed {
            // Damaged beyond use: the service still has it all.
            return nil
        }
    }

    package func newDraft(of entity: String, plan: DraftPlan) throws -> any DraftLoad {
        let name = try escapedName("", entity)
        let drafts = try root.makeFolder(Self.draftsName)
        try drafts.removeFolder(name)
        let folder = try drafts.makeFolder(name)
        Failpoint.draftStarted.pass()
        let files = DraftFiles.Plan(plan: plan, begunAt: wallClock())
        try DraftFiles.write(files, to: folder)
        Failpoint.draftPlanned.pass()
        return try LocalDraft(root: root, folder: folder, entity: entity, plan: files, level: presses.level)
    }

    /// Drafts that became full loads, and whose entry a crash prevented.
    func adoptLoads() throws {
        for intent in try Intent.all(in: root) {
            let folder = LoadFolder(root: root, entity: intent.entity, number: intent.number)
            guard let load = try folder.entry() else {
                // It wasn't moved: it's a draft still.
                try Intent.remove(intent.entity, from: root)
                continue
            }
            try root.folder(of: folder.path())?.folder.synchronize()
            let isListed = try manifest.entries(after: 0).contains { $0.content == .fullLoad(load) }
            if isListed { try removeDraft(of: load) } else { try append([.fullLoad(load)]) }
        }
        try Intent.removeUnwritten(from: root)
    }

    /// Removes what is left of a draft once its full load is in the manifest.
    func removeDraft(of load: FullLoadEntry) throws {
        guard let intent = try Intent.of(load.entity, in: root), intent.number == load.number else { return }
        let name = try escapedName("", load.entity)
        if let drafts = try root.folder(Self.draftsName) {
            if let folder = try drafts.folder(name), try DraftFiles.plan(in: folder)?.begunAt == intent.begunAt {
                try drafts.removeFolder(name)
            }
            // Else a power cut could bring back the draft without its mark, and it would be completed once more.
            try drafts.synchronize()
        }
        try Intent.remove(load.entity, from: root)
    }
}

/// The machine's clock: only to tell how old a draft is.
private func wallClock() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}
