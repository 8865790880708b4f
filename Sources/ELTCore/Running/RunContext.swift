/// The only clock a step may look at, and what else is the same for all steps of a run.
package struct RunContext: Sendable {
    /// The instant that every model of the run sees: the clock at the start, or what `--at` says.
    package let now: Instant
    /// The project's zone, which decides the day of an instant.
    package let zone: Zone
    /// When the run gives up waiting for the world, on the machine's monotonic clock.
    package let deadline: ContinuousClock.Instant
    package let progress: any Progress

    package init(
        now: Instant, zone: Zone, deadline: ContinuousClock.Instant,
        progress: any Progress = SilentProgress()
    ) {
        self.now = now
        self.zone = zone
        self.deadline = deadline
        self.progress = progress
    }

    package var today: Day { zone.day(of: now) }
}

/// Where steps tell people how far they are. Never read back.
package protocol Progress: Sendable {
    /// `done` of `total` units of `step` are finished; `total` is nil where it isn't known.
    func report(step: String, done: Int64, total: Int64?)
    /// Something a person should know; goes to the log and the run's report.
    func warn(_ message: String)
    func note(_ message: String)
}

package struct SilentProgress: Progress {
    package init() {}
    package func report(step: String, done: Int64, total: Int64?) {}
    package func warn(_ message: String) {}
    package func note(_ message: String) {}
}
