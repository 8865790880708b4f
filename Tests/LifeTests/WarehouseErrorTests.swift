import ELTCore
@testable import ELTSQLite
import SQLite
import Testing

@Suite struct WarehouseErrorTests {
    /// NOMEM, and IOERR_NOMEM, which would be the disk's by its first byte.
    @Test(arguments: [7, 10 | 12 << 8] as [Int32])
    func `Too little memory is nobody's fault`(code: Int32) {
        let error = WarehouseError.from(SQLiteError(code: code, message: "out of memory", sql: nil), path: "w")
        #expect(error.code == "warehouse.no-memory")
        #expect(error.kind == .failed)
        #expect(error.remedy.contains("ulimit -v"))
    }
}
