import Foundation

extension RunLock {
    /// Who holds locks of this archive now, as their notes say.
    ///
    /// Only reads: trying the lock itself would, for a moment, keep a run from getting it. A note whose
    /// process is gone is left from a kill and counts for nothing.
    package static func holders(archive: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: archive)) ?? []
        return files.filter { $0.hasPrefix(".") && $0.hasSuffix(".holder") }.sorted().compactMap { file in
            guard let text = try? String(contentsOfFile: archive + "/" + file, encoding: .utf8) else {
                return nil
            }
            let holder = text.trimmingCharacters(in: .whitespacesAndNewlines)
            let words = holder.split(separator: " ")
            let digits = words.count > 1 ? words[1].filter { ("0"..."9").contains($0) } : ""
            guard let process = pid_t(digits), process > 0 else { return nil }
            return kill(process, 0) == 0 || errno == EPERM ? holder : nil
        }
    }
}
