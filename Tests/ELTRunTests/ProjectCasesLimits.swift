/// What `elt.yml` may get wrong: limits. Each text gives exactly these errors.
extension ProjectCase {
    static let limits: [ProjectCase] = [
        ProjectCase(
            "a duration without its unit",
            .atTop("max_clock_skew: 5"),
            [
                "8:17: max_clock_skew: expected a duration such as 500ms, 30s, 5m or 2h, "
                    + "found '5'."
            ]),
        ProjectCase(
            "a duration with an unknown unit",
            .atTop("limits: { stall: 5 minutes }"),
            [
                "8:18: limits.stall: expected a duration such as 500ms, 30s, 5m or 2h of at "
                    + "least 1s, found '5 minutes'."
            ]),
        ProjectCase(
            "a limit that is set twice",
            .atTop("max_clock_skew: 5m\nlimits: { max_clock_skew: 1m }"),
            [
                "9:11: 'max_clock_skew' is set twice; it also stands at the top, in line 8."
            ]),
        ProjectCase(
            "a stall beyond the deadline",
            .atTop("limits: { deadline: 10s, stall: 20s }"),
            [
                "8:33: limits.stall: 'stall' can't be longer than 'deadline'."
            ]),
        ProjectCase(
            "a size that is too small",
            .atTop("limits: { max_message_bytes: 10B }"),
            [
                "8:30: limits.max_message_bytes: expected a size such as 1MB or 16MiB, from "
                    + "1024 to 1073741824 bytes, found '10B'."
            ]),
        ProjectCase(
            "a size with an unknown unit",
            .atTop("max_message_bytes: 16 megs"),
            [
                "8:20: max_message_bytes: expected a size such as 1MB or 16MiB, from 1024 to "
                    + "1073741824 bytes, found '16 megs'."
            ]),
        ProjectCase(
            "a limit of quarantine that is a word",
            .atTop("max_quarantined: many"),
            [
                "8:18: max_quarantined: expected a number of messages, a share such as 5%, "
                    + "or a mapping of count and share, found 'many'."
            ]),
        ProjectCase(
            "an empty limit of quarantine",
            .atTop("max_quarantined: {}"),
            [
                "8:18: max_quarantined: expected 'count', 'share' or both, found none."
            ]),
        ProjectCase(
            "a share above all",
            .atTop("max_quarantined: { share: 200% }"),
            [
                "8:27: max_quarantined.share: expected a share such as 5% or 0.05, found "
                    + "'200%'."
            ]),
        ProjectCase(
            "a deadline of nothing",
            .atTop("limits: { deadline: 0s }"),
            [
                "8:21: limits.deadline: expected a duration such as 500ms, 30s, 5m or 2h of "
                    + "at least 1s, found '0s'."
            ]),
        ProjectCase(
            "a misspelt limit",
            .atTop("limits: { max_quarantine: 5 }"),
            [
                "8:11: unknown setting 'max_quarantine' in limits (did you mean "
                    + "'max_quarantined'?). Allowed here: deadline, max_clock_skew, "
                    + "max_message_bytes, max_quarantined, request_timeout, stall."
            ]),
    ]
}
