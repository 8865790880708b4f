import ELTArchive
import ELTCore
import ELTExtract
import ELTReport
import ELTRun
import ELTSQLite
import Foundation
import SQLite

/// Commands that only look: beside whatever is running, without the lock, and changing nothing.
extension Wiring {
    /// A misspelt name would find nothing, and that would look as if there were nothing.
    func checkEntity(_ name: String?) throws {
        let known = settings.entities.map(\.name)
        if let name, !known.contains(name) { throw ReportError.unknownEntity(name, known: known) }
    }

    /// The archive for reading; a wrong path isn't taken for an empty one.
    func archiveToRead() throws -> LocalArchive {
        try LocalArchive(path: settings.archivePath, compression: settings.compression, creating: false)
    }

    /// The warehouse for reading, if there is one.
    func existingWarehouse() throws -> WarehouseReader? {
        guard try SQLiteWarehouse.isThere(settings.warehousePath) else { return nil }
        return try WarehouseReader(path: settings.warehousePath)
    }

    /// An archive that lacks what the warehouse has loaded is another one, or lost entries. A warehouse that can't be read
    /// says nothing of the archive.
    func refuseOtherArchive(_ archive: LocalArchive) throws {
        let values = (try? existingWarehouse()?.rows("SELECT name, value FROM elt_meta")) ?? []
        func value(_ name: String) -> SQLValue? { values.first { $0[0].text == name }?[1] }
        let loaded = value("loaded_sequence")?.integer ?? 0
        let newest = try archive.newestSequence
        guard loaded <= newest else { throw RunError.otherArchive(loaded: loaded, newest: newest) }
        if let known = value("loaded_check")?.text, try archive.check(of: loaded) != known {
            throw RunError.divergedArchive(loaded: loaded)
        }
    }

    /// Asks the manifest. A torn end is either being written at this moment, so it's looked at again, or
    /// left from a crash, and stays until the next run mends it: then nil, as if there were no archive.
    func manifest<T>(_ ask: (LocalArchive) throws -> T) throws -> T? {
        guard FileManager.default.fileExists(atPath: settings.archivePath) else { return nil }
        let archive = try archiveToRead()
        for _ in 0..<10 {
            do {
                return try ask(archive)
            } catch ArchiveError.manifestTorn {
                Thread.sleep(forTimeInterval: 0.02)
            }
        }
        console.warn(
            "The manifest's last line is torn: the next run mends it. What's behind the ledger isn't shown.")
        return nil
    }

    /// How far everything is archived.
    func positions() throws -> Positions {
        try PositionsReader.positions(try existingWarehouse()) { sequence in
            try manifest { try $0.entries(after: sequence) } ?? []
        }
    }
}
