import ELTCore
import ELTRun
import ELTSQLite
import Foundation
import SQLite
import Testing

@Suite struct HistoryReadTests {
    @Test func `One key's history is found day by day, and not in all rows of all days`() throws {
        let project = try ReplayProject()
        for number in 0..<60 { project.produce("create", key: "k\(number)", name: "N", hour: 0) }
        for hours in [1, 25, 49] { _ = try project.engine(hours: hours).run(RunOptions()) }
        let database = try Database(path: project.settings.warehousePath, mode: .readOnly)
        let key = project.settings.entities[0].keyColumn
        let plan = try database.query("EXPLAIN QUERY PLAN SELECT day FROM customer_history WHERE \"\(key)\"='k7'")
        #expect(plan[0][3].text?.contains("(ANY(day) AND \(key)=?)") == true, "\(plan)")
    }
}
