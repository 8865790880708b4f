import ELTCore
import ELTReport
import ELTRun
import Testing

@Suite struct DryRunPageTests {
    @Test func `A dry run shows offsets, days and rows by table`() {
        var report = RunReport(command: "run", now: Instant(milliseconds: 1_795_000_000_000))
        report.dryRun = true
        report.status = "rolled back"
        report.extract.ranges = [
            RunReport.Range(topic: "create", partition: 0, incarnation: 1, from: 7, to: 7),
            RunReport.Range(topic: "create", partition: 1, incarnation: 1, from: 10, to: 1210),
            RunReport.Range(topic: "update", partition: 0, incarnation: 2, from: 0, to: 3),
        ]
        report.load.inserted = 1201
        report.load.quarantined = 2
        report.models = [
            RunReport.Model(name: "current_customer", inserted: 1000, updated: 201, removed: 3, days: [], full: false),
            RunReport.Model(
                name: "customer_history", inserted: 5, updated: 0, removed: 0,
                days: ["2026-11-20", "2026-11-17", "2026-11-18"], full: false),
            RunReport.Model(name: "cities", inserted: 9, updated: 0, removed: 9, days: [], full: true),
        ]
        report.tests = [
            TestResult(name: "a", model: "m", severity: "error", failures: 0),
            TestResult(name: "b", model: "m", severity: "warn", failures: 4),
        ]
        #expect(
            DryRunPage(report).text == """
                run (dry run, nothing was kept) at 2026-11-18T11:06:40.000Z: rolled back
                offsets
                  partition                 from    to  offsets
                  create/1                    10  1210    1,200
                  update/0 (incarnation 2)     0     3        3
                  1 partition without anything new
                rows
                  1,201 loaded, 2 quarantined
                days to rewrite
                  2026-11-17 to 2026-11-18, 2026-11-20
                tables
                  table             inserted  updated  removed  days
                  current_customer     1,000      201        3  -
                  customer_history         5        0        0  3
                  cities                   9        0        9  all, built in full
                tests
                  1 passed, 1 with findings

                """)
    }
}
