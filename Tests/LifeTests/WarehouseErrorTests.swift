import ELTCore
@testable import ELTSQLite
import Foundation
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

    /// EACCES where a user asks whom it means; whoever runs as root meets it nowhere.
    @Test(arguments: [ELOOP, ENOTDIR] + (geteuid() == 0 ? [] : [EACCES]))
    func `A warehouse that can't be looked for isn't one that's missing`(number: Int32) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/elt-looked-for-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/warehouse/elt.db"
        defer {
            chmod(folder + "/warehouse", 0o700)
            try? FileManager.default.removeItem(atPath: folder)
        }
        #expect(try #require(throws: ReaderError.self) { try WarehouseReader(path: path) }.code == "warehouse.missing")
        switch number {
        case ELOOP:
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/warehouse", withDestinationPath: folder + "/warehouse")
        case ENOTDIR: try "a file".write(toFile: folder + "/warehouse", atomically: false, encoding: .utf8)
        default:
            try FileManager.default.createDirectory(
                atPath: folder + "/warehouse", withIntermediateDirectories: false, attributes: [.posixPermissions: 0])
        }
        for look in [{ _ = try WarehouseReader(path: path) }, { _ = try SQLiteWarehouse.look(at: path) }] {
            let error = try #require(throws: WarehouseError.self) { try look() }
            #expect(error.code == "warehouse.storage")
            #expect(error.problem.contains(path) && error.problem.contains(String(cString: strerror(number))))
        }
    }
}
