import ELTCore
import Testing

@Suite struct `Days and instants` {
    @Test func `a day of a zone is its civil date on days of 23 and 25 hours`() throws {
        let berlin = try #require(Zone("Europe/Berlin"))
        let day = { (text: String) in berlin.day(of: berlin.instant(text)!).description }
        #expect(day("2026-03-28T22:59:59.999Z") == "2026-03-28")
        #expect(day("2026-03-28T23:00:00Z") == "2026-03-29")
        #expect(day("2026-03-29T22:00:00Z") == "2026-03-30")
        #expect(day("2026-10-25T22:59:59Z") == "2026-10-25")
        #expect(day("2026-10-25T23:00:00Z") == "2026-10-26")
    }

    @Test func `an instant is written in UTC with milliseconds`() {
        #expect(Zone.utc.instant("2026-11-20T10:30:00.1234+01:00")?.description == "2026-11-20T09:30:00.123Z")
        #expect(Zone.utc.instant("2026-02-30T00:00:00Z") == nil)
        #expect(Zone.utc.instant("1969-12-31T23:59:59Z") == nil)
    }

    /// Another digit, which is cut off, makes it one that's read digit by digit.
    @Test func `a time as most write it is the time that it is when read digit by digit`() {
        func longer(_ text: [UInt8]) -> String { String(decoding: text.dropLast() + [48] + text.suffix(1), as: UTF8.self) }
        var times = ["2026-02-28T23:59:59.999Z", "2024-02-29T00:00:00.000Z", "2023-02-29T12:00:00.000Z", "2000-12-31T23:59:60.123Z", "9999-12-31T23:59:59.999Z"]
        times += (1...12).flatMap { month in [30, 31, 32].map { "2027-\(month < 10 ? "0" : "")\(month)-\($0)T09:08:07.065Z" } }
        var found = 0
        for time in times {
            let bytes = Array(time.utf8)
            #expect(Zone.utc.instant(time) == Zone.utc.instant(longer(bytes)), "\(time)")
            // Each byte as anything else.
            for place in bytes.indices {
                for other in UInt8.min...UInt8.max where other != 0 {
                    var changed = bytes
                    changed[place] = other
                    guard other < 128, let text = String(validating: changed, as: UTF8.self) else { continue }
                    let (one, two) = (Zone.utc.instant(text), Zone.utc.instant(longer(changed)))
                    if place == bytes.count - 1 { continue }
                    if one != two { Issue.record("\(text): \(String(describing: one)), \(String(describing: two))") }
                    if one != nil { found += 1 }
                }
            }
            if let instant = Zone.utc.instant(time), !time.contains(":60") { #expect(instant.description == time) }
        }
        #expect(found > 1000)
    }
}

@Suite struct `The order of records` {
    private func bytes(_ order: RecordOrder) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: RecordOrder.byteCount)
        bytes.withUnsafeMutableBytes { order.write(to: $0.baseAddress!) }
        return bytes
    }

    @Test func `bytes compare as the order does`() {
        func event(_ epoch: Int, _ time: Int64, _ rank: Int, _ offset: Int64) -> RecordOrder {
            RecordOrder(
                epoch: epoch, kind: .event, time: time, operationRank: rank, topicRank: rank, partition: 0,
                incarnation: 1, offset: offset)
        }
        let ascending = [
            event(0, 9, 2, 9), .absence(epoch: 1), .fullLoad(epoch: 1, row: 0), .fullLoad(epoch: 1, row: 1),
            event(1, 5, 0, 7), event(1, 5, 1, 3), event(1, 5, 1, 4), event(1, 6, 0, 0),
        ].map(bytes)
        for (less, greater) in zip(ascending, ascending.dropFirst()) {
            #expect(less.lexicographicallyPrecedes(greater))
        }
    }
}
