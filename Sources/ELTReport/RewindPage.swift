import ELTRun

/// What `elt rewind` says.
package enum RewindPage {
    package static func text(_ report: RewindReport) -> String {
        guard !report.partitions.isEmpty else {
            return "Nothing was archived from there on; no partition was moved.\n"
        }
        return Grid.text(
            ["partition", "was at", "begins again at", "offsets"],
            report.partitions.map {
                ["\($0.topic)/\($0.partition)", "\($0.from)", "\($0.to)", Shown.number($0.from - $0.to)]
            }) + "The next 'elt run' reads them again.\n"
    }
}
