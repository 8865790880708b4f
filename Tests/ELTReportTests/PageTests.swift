import ELTCore
import ELTReport
import Testing

@Suite struct PageTests {
    @Test func `Numbers, sizes and times read as people write them`() {
        #expect(Shown.number(Int64(1_234_567)) == "1,234,567")
        #expect(Shown.number(Int64(-1000)) == "-1,000")
        #expect(Shown.bytes(1023) == "1023 B")
        #expect(Shown.bytes(1536) == "1.5 KiB")
        #expect(Shown.span(milliseconds: 59_999) == "59 s")
        // Cut off, never rounded up: 2 hours that aren't over yet aren't 2 hours.
        #expect(Shown.span(milliseconds: 7_199_999) == "119 min")
        #expect(Shown.span(milliseconds: 90 * 3_600_000) == "3.7 days")
        #expect(Shown.count(1, "entry", "entries") == "1 entry")
    }

    @Test func `Columns of numbers stand to the right`() {
        #expect(
            Grid.text(["what", "rows"], [["a", "5"], ["longer", "1,000"], ["none", "-"]]) == """
                what     rows
                a           5
                longer  1,000
                none        -

                """)
    }

    @Test func `A status without a publication alerts, an old one tells how old`() {
        var status = Status(project: "p", warehouse: "w", askedAt: Instant(milliseconds: 0))
        #expect(status.complaint(above: .seconds(3600)) == "No run has been published yet.")
        status.completeThrough = "2026-11-20T09:30:00.000Z"
        status.ageSeconds = 5400
        #expect(status.complaint(above: .seconds(5400)) == nil)
        #expect(
            status.complaint(above: .seconds(3600))
                == "The tables are complete through 2026-11-20T09:30:00.000Z, 90 min ago; the limit is 60 min.")
        status.unpublished = 1
        status.locks = ["process 7, elt run, since 2026-11-20T11:00:00.000Z"]
        #expect(
            status.text.hasPrefix(
                """
                p
                  complete through 2026-11-20T09:30:00.000Z (90 min ago)
                  running now: process 7, elt run, since 2026-11-20T11:00:00.000Z
                  1 loaded entry isn't published yet: the next run or 'elt build' does it

                """))
    }

    @Test func `Quarantine's list names places and files and never what's in the record`() {
        let event = QuarantinedRecord(
            id: 3,
            item: QuarantineItem(
                entity: "customer", sequence: 1, topic: "t", incarnation: 2, partition: 0, offset: 12,
                path: "x.ndjson.zst", line: 13, reason: "not-json", detail: "at byte 4 of the value"))
        let row = QuarantinedRecord(
            id: 4,
            item: QuarantineItem(
                entity: "customer", sequence: 2, fullLoad: 3, page: 2, row: 2_097_160, path: "y.ndjson.zst",
                reason: "no-key", detail: "the record has no id"))
        #expect(
            QuarantinePage([event, row]).text == """
                id  entity    reason    place                             file             detail
                 3  customer  not-json  t/0 life 2 offset 12              x.ndjson.zst:13  at byte 4 of the value
                 4  customer  no-key    full load 3, page 2, row 2097160  y.ndjson.zst     the record has no id
                2 records

                """)
        #expect(QuarantinePage([]).text == "Quarantine is empty.\n")
    }

    @Test func `Bytes that aren't text are shown in base64, and null isn't empty`() {
        let record = QuarantinedRecord(
            id: 1, item: QuarantineItem(entity: "e", sequence: 1, topic: "t", incarnation: 1, partition: 0, offset: 0,
                path: "p", line: 1, reason: "not-utf8", detail: "d"))
        let change = Change(offset: 0, timestamp: -1, key: [], value: [0xFF, 0x00])
        let shown = QuarantinedBytes(record, change)
        #expect(shown.value?.base64 == "/wA=")
        #expect(shown.key?.text == "")
        #expect(QuarantinedBytes(record, Change(offset: 0, timestamp: 0, key: nil, value: nil)).text.hasSuffix("value: null\n"))
    }

    @Test func `A checkup tells the first failure's kind and goes on`() throws {
        struct Broken: ELTError {
            let code = "x.broken", kind = ErrorKind.unavailable, problem = "It's broken.", remedy = "Mend it."
        }
        var checkup = Checkup()
        checkup.add(.init("one", .warn, "Look.", remedy: "Do."))
        try checkup.run("broker") { _ in throw Broken() }
        checkup.add(.init("disk", .fail, "Full."), kind: .storage)
        #expect(checkup.failure == .unavailable)
        #expect(
            checkup.text == """
                warn  one     Look.
                              Do.
                fail  broker  It's broken.
                              Mend it.
                fail  disk    Full.
                3 checks: 2 failed, 1 to look at.

                """)
        #expect(throws: InterruptedError.self) { try checkup.run("late") { _ in throw InterruptedError(signal: 2) } }
    }

    @Test func `Clocks are told apart only beyond what an answer may take`() {
        let now = Instant(milliseconds: 1_000_000)
        #expect(FileChecks.clock(service: Instant(milliseconds: 970_000), ours: now, tookMilliseconds: 0).verdict == .ok)
        let late = FileChecks.clock(service: Instant(milliseconds: 880_000), ours: now, tookMilliseconds: 500)
        #expect(late.verdict == .warn)
        #expect(late.detail == "It is 2 min ahead of the service's.")
    }

    @Test func `A file can be named as the shell completes it`() throws {
        let segment = SegmentEntry(
            place: SegmentPlace(entity: "e", topic: "t", incarnation: 1, partition: 0),
            range: OffsetRange(first: 10, next: 20), path: "entity=e/a.ndjson.zst", rows: 10, bytes: 1, textBytes: 1,
            sha256: "", firstTimestamp: 5, lastTimestamp: 9, anchorOffset: nil, anchorDigest: nil)
        let all = [ManifestEntry(sequence: 1, content: .segment(segment))]
        #expect(try ArchiveSelection.file("archive/entity=e/a.ndjson.zst").entries(of: all) == all)
        #expect(throws: ReportError.noSuchFile("a.ndjson.zst")) {
            try ArchiveSelection.file("a.ndjson.zst").entries(of: all)
        }
        #expect(try ArchiveSelection.events(topic: "t", partition: nil, first: 19, next: 30).entries(of: all) == all)
        #expect(throws: ReportError.emptySelection(topic: "t", partition: nil)) {
            try ArchiveSelection.events(topic: "t", partition: nil, first: 20, next: 30).entries(of: all)
        }
        #expect(throws: ReportError.unknownTopic("u", known: ["t"])) {
            try ArchiveSelection.events(topic: "u", partition: nil, first: 0, next: 30).entries(of: all)
        }
    }
}
