/// What `elt.yml` may get wrong: places on the disk. Each text gives exactly these errors.
extension ProjectCase {
    static let paths: [ProjectCase] = [
        ProjectCase(
            "a warehouse in the archive",
            .atTop("warehouse: archive/elt.db"),
            [
                "8:12: warehouse: '/project/archive/elt.db' lies in the archive's folder; "
                    + "move one of them."
            ]),
        ProjectCase(
            "an archive in the folder of the project",
            .atTop("archive: ."),
            [
                "8:10: archive: it needs a folder of its own, not the project's or one above "
                    + "it."
            ]),
        ProjectCase(
            "a path with a tilde",
            .atTop("warehouse: ~/elt.db"),
            [
                "8:12: warehouse: '~' isn't replaced here; write '${HOME}/…'."
            ]),
        ProjectCase(
            "an address as the archive",
            .atTop("archive: s3://bucket/elt"),
            [
                "8:10: archive: expected a path of a local file, found 's3://bucket/elt'."
            ]),
        ProjectCase(
            "an unknown compression",
            .atTop("archive: { path: archive, compression: gzip }"),
            [
                "8:40: archive.compression: expected zstd, found 'gzip'."
            ]),
        ProjectCase(
            "a level of compression out of range",
            .atTop("archive: { compression_level: 30 }"),
            [
                "8:31: archive.compression_level: expected a whole number from 1 to 19, "
                    + "found '30'."
            ]),
        ProjectCase(
            "a list as a path",
            .atTop("models: [a, b]"),
            [
                "8:9: models: expected a path, or a mapping with 'path', found a list."
            ]),
    ]
}
