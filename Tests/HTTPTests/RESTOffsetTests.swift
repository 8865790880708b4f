import ELTCore
import ELTSources
import Testing

/// Listings by offset whose pages bring fewer rows than they are asked for.
struct RESTOffsetTests {
    private let draft = FakeDraft()
    private static let withoutTotal = Pagination.offset(
        offsetParam: "offset", limitParam: "limit", limit: 10, total: nil)

    /// `count` rows; `cut` says how many of those that are asked for a page brings.
    private func server(
        _ count: Int, cut: @escaping @Sendable (_ offset: Int, _ limit: Int) -> Int
    ) throws -> LoopbackServer {
        try LoopbackServer { request, connection in
            let offset = min(Int(request["offset"] ?? "") ?? 0, count), limit = Int(request["limit"] ?? "") ?? 0
            let end = min(offset + cut(offset, limit), count)
            connection.reply(200, [], envelope(offset..<end, ",\"total\":\(count)"))
        }
    }

    @Test(arguments: [1, 4], [RESTFixture.offset, withoutTotal])
    func `a page that isn't full has nothing behind it passed over`(parallel: Int, paging: Pagination) throws {
        let server = try server(95) { offset, limit in [20: 7, 40: 1, 41: 2, 90: 3][offset] ?? limit }
        var fixture = RESTFixture(server, paging)
        fixture.settings.parallel = parallel
        let summary = try fixture.load(into: draft)
        #expect(draft.ids.sorted() == Array(0..<95))
        #expect(summary.rows == 95 && summary.drift == nil)
    }

    @Test func `what pages side by side left out is asked for by itself`() throws {
        let server = try server(60) { offset, limit in offset == 20 ? 7 : limit }
        var fixture = RESTFixture(server, RESTFixture.offset)
        fixture.settings.parallel = 4
        try fixture.load(into: draft)
        let asked = server.requests.map { "\($0["offset"] ?? "")+\($0["limit"] ?? "")" }
        #expect(Set(asked) == ["0+10", "10+10", "20+10", "27+3", "30+10", "40+10", "50+10", "60+10"])
    }

    @Test func `a listing that's shorter than its total ends where nothing comes`() throws {
        for status in [200, 404, 416] {
            let draft = FakeDraft()
            let server = try LoopbackServer { request, connection in
                let offset = Int(request["offset"] ?? "") ?? 0
                if offset >= 47, status != 200 { return connection.reply(status) }
                connection.reply(200, [], envelope(min(offset, 47)..<min(offset + 10, 47), ",\"total\":50"))
            }
            let summary = try RESTFixture(server, RESTFixture.offset).load(into: draft)
            #expect(summary.pages == 5 && summary.drift == "47 rows came of a total of 50")
        }
    }

    @Test(arguments: [true, false])
    func `a draft is gone on with where rows are missing`(hasOffsets: Bool) throws {
        let server = try server(50) { $1 }
        for (index, rows) in [0: 10, 1: 7, 3: 10] {
            let begin = index * 10
            draft.keep(
                index, envelope(begin..<begin + rows),
                note: PageNote(
                    rows: rows, total: 50, next: nil, isLast: false, offset: hasOffsets ? Int64(begin) : nil))
        }
        let summary = try RESTFixture(server, RESTFixture.offset).load(into: draft)
        #expect(draft.ids.sorted() == Array(0..<50) && summary.rows == 50)
        #expect(Set(server.requests.compactMap { $0["offset"] }) == ["17", "27", "40", "50"])
    }

    /// The service cuts pages where it likes and breaks off now and then; each load goes on with the draft.
    @Test(arguments: 0..<40)
    func `every row comes once, wherever pages are cut and downloads break off`(seed: Int) throws {
        let count = seed * 37 % 230, cap = seed % 3 == 0 ? 6 : 10
        let server = try LoopbackServer { request, connection in
            let offset = min(Int(request["offset"] ?? "") ?? 0, count), limit = Int(request["limit"] ?? "") ?? 0
            let chance = (offset &* 7919 &+ limit &* 104_729 &+ seed &* 31) % 11
            let isBroken = (request.connection &* 17 &+ offset &+ seed) % 13 == 0
            if isBroken, offset > 0, offset < count { return connection.reply(405) }
            let given = min(limit, chance < 3 && offset > 0 ? chance + 1 : cap)
            connection.reply(200, [], envelope(offset..<min(offset + given, count), ",\"total\":\(count)"))
        }
        var fixture = RESTFixture(server, seed % 4 == 0 ? Self.withoutTotal : RESTFixture.offset)
        fixture.settings.parallel = 1 + seed % 5
        for _ in 0..<200 {
            guard (try? fixture.load(into: draft)) == nil else { break }
        }
        #expect(draft.ids.sorted() == Array(0..<count))
        #expect(draft.keptPages == Set(0..<draft.keptPages.count))
    }
}
