import ELTCore
import ELTSources
import Foundation
import Kafka
import Testing

@testable import Sandbox

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite(.serialized)
struct SandboxTests {
    private static let origin = Instant(milliseconds: 1_795_129_200_000)

    private func options(seed: UInt64 = 7, customers: Int = 500, events: Int = 2000) -> SandboxOptions {
        var options = SandboxOptions()
        options.seed = seed
        options.customers = customers
        options.eventsPerDay = events
        options.kafkaPort = 0
        options.httpPort = 0
        options.start = Self.origin
        return options
    }

    /// All of a life's messages as one text, cut into advances at the given hours.
    private func story(_ options: SandboxOptions, cutAt hours: [Int]) -> [UInt8] {
        var life = Life(options, start: Self.origin)
        var text: [UInt8] = []
        for hour in hours {
            life.advance(to: Self.origin + .seconds(hour * 3600)) { event in
                text +=
                    Array("\(event.arrival) \(event.operation) \(event.customer) ".utf8) + event.value + [10]
            }
        }
        for (index, customer) in life.customers.enumerated() { customer.append(number: index + 1, to: &text) }
        return text
    }

    // MARK: The life

    @Test func `the same seed gives the same bytes, however time is cut`() {
        let whole = story(options(), cutAt: [72])
        #expect(whole.count > 1_000_000)
        #expect(story(options(), cutAt: [72]) == whole)
        #expect(story(options(), cutAt: Array(0...72)) == whole)
        #expect(story(options(), cutAt: [1, 2, 30, 31, 72]) == whole)
        #expect(story(options(seed: 8), cutAt: [72]) != whole)
    }

    @Test func `a life has what makes loading hard`() throws {
        var life = Life(options(customers: 2000, events: 20_000), start: Self.origin)
        var events: [Event] = []
        life.advance(to: Self.origin + .seconds(3 * 86_400)) { events.append($0) }
        let count = Double(events.count)
        func share(_ condition: (Event) -> Bool) -> Double { Double(events.count(where: condition)) / count }
        #expect((57_000...63_000).contains(events.count))
        #expect((0.15...0.25).contains(share { $0.operation == .create }))
        #expect((0.03...0.08).contains(share { $0.operation == .delete }))
        #expect((0.005...0.015).contains(share { $0.kind == .late }))
        #expect((0.005...0.015).contains(share { $0.kind == .duplicate }))
        #expect(life.silentChanges > 50, "changes that only a full load shows")
        #expect(
            events.map(\.arrival) == events.map(\.arrival).sorted(), "messages come in the order of arrival")
        let values = Dictionary(grouping: events, by: \.value)
        #expect(values.values.contains { $0.count == 2 })
        for event in events {
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(event.value)) as? [String: Any])
            let customer = try #require(object["customer"] as? [String: Any])
            #expect(customer.count == 12)
            #expect(object["event_type"] as? String == event.operation.word)
            if event.operation == .delete { #expect(customer["status"] as? String == "inactive") }
        }
    }

    @Test func `identifiers are read back as written, and nothing else is one`() {
        for number in [1, 999, 999_999, 1_000_000, 12_345_678] {
            var bytes: [UInt8] = []
            Customer.appendID(number, to: &bytes)
            #expect(Customer.number(ofID: String(decoding: bytes, as: UTF8.self)) == number)
        }
        for text in [
            "", "c-", "c-1", "c-0000001", "c-00000a", "c--00001", "C-000001", "c-000000", "c-+00001",
        ] {
            #expect(Customer.number(ofID: text) == nil, "\(text)")
        }
    }

    @Test func `a date is written as HTTP wants it`() {
        #expect(Instant(milliseconds: 784_111_777_000).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(Instant(milliseconds: 0).httpDate == "Thu, 01 Jan 1970 00:00:00 GMT")
    }

    // MARK: The servers

    private func get(_ url: String, method: String = "GET") async throws -> (Int, Data, HTTPURLResponse) {
        var request = URLRequest(url: try #require(URL(string: url)))
        request.httpMethod = method
        request.timeoutInterval = 60
        let (body, response) = try await URLSession.shared.data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        return (http.statusCode, body, http)
    }

    private func json(_ url: String, method: String = "GET") async throws -> [String: Any] {
        let (status, body, _) = try await get(url, method: method)
        #expect(status == 200, "\(url)")
        return try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any])
    }

    @Test func `pages together are all customers, once each`() async throws {
        let sandbox = try Sandbox(options(customers: 2345))
        try await sandbox.start()
        defer { sandbox.stop() }
        var ids: [String] = []
        var total = 0
        for page in 0..<100 {
            let answer = try await json("\(sandbox.serviceURL)/api/customers?page=\(page)&size=500")
            let items = try #require(answer["items"] as? [[String: Any]])
            #expect(answer["page"] as? Int == page)
            total = try #require(answer["total"] as? Int)
            ids += items.compactMap { $0["id"] as? String }
            if items.isEmpty { break }
        }
        #expect(total > 2345, "a day's new customers are among them")
        #expect(ids.count == total)
        #expect(Set(ids).count == total)
        let (status, body, response) = try await get("\(sandbox.serviceURL)/api/customers/c-000001")
        #expect(status == 200)
        #expect(String(decoding: body, as: UTF8.self).hasPrefix(#"{"id":"c-000001","name":""#))
        #expect(response.value(forHTTPHeaderField: "Date") == sandbox.now.httpDate)
    }

    @Test func `nonsense is refused`() async throws {
        let sandbox = try Sandbox(options(customers: 5, events: 10))
        try await sandbox.start()
        defer { sandbox.stop() }
        for query in [
            "page=-1", "page=x", "size=0", "size=10001", "size=", "page=99999999999999999999", "page=1.0",
        ] {
            let (status, body, _) = try await get("\(sandbox.serviceURL)/api/customers?\(query)")
            #expect(status == 400, "\(query)")
            #expect(String(decoding: body, as: UTF8.self).hasPrefix(#"{"error":"#))
        }
        #expect(try await get("\(sandbox.serviceURL)/api/customers?page=9223372036854775807").0 == 200)
        #expect(try await get("\(sandbox.serviceURL)/api/customers/c-999999").0 == 404)
        #expect(try await get("\(sandbox.serviceURL)/nothing").0 == 404)
        #expect(try await get("\(sandbox.serviceURL)/health").0 == 200)
        for query in ["", "to=yesterday", "hours=-1", "hours=x", "to=1999-01-01T00:00:00Z", "days=5000"] {
            let (status, _, _) = try await get(
                "\(sandbox.serviceURL)/sandbox/advance?\(query)", method: "POST")
            #expect(status == 400, "\(query)")
        }
    }

    @Test func `an advance puts the hour's events on the topics and shows them in the service`() async throws
    {
        var options = options(customers: 300, events: 20_000)
        options.days = 0
        let sandbox = try Sandbox(options)
        try await sandbox.start()
        defer { sandbox.stop() }
        let source = try KafkaChangeSource(
            properties: ["bootstrap.servers": sandbox.bootstrapServers], groupID: "tests")
        let topics = sandbox.status.topics
        func ends() throws -> Int64 {
            try source.bounds(of: topics, deadline: .soon).reduce(0) { $0 + $1.end }
        }
        #expect(try ends() == 0)
        let answer = try await json("\(sandbox.serviceURL)/sandbox/advance?hours=3", method: "POST")
        #expect(sandbox.now == Self.origin + .seconds(3 * 3600))
        let counts = sandbox.status.events
        #expect(counts.total > 50)
        #expect(try ends() == Int64(counts.total))
        let added = try #require(answer["added"] as? [String: Any])
        #expect(added["create"] as? Int == counts.create)
        let status = try await json("\(sandbox.serviceURL)/sandbox/status")
        #expect(status["customers"] as? Int == sandbox.status.customers)
        #expect(sandbox.status.customers > 300)
        _ = try await json(
            "\(sandbox.serviceURL)/sandbox/advance?to=\(Self.origin + .seconds(7200 * 4))", method: "POST")
        #expect(sandbox.now == Self.origin + .seconds(7200 * 4))
    }

    @Test func `another program reads the broker at the port that was asked for`() async throws {
        let kcat = "/usr/bin/kcat"
        guard FileManager.default.isExecutableFile(atPath: kcat) else { return }
        var options = options(customers: 100, events: 500)
        options.kafkaPort = try freePort()
        let sandbox = try Sandbox(options)
        try await sandbox.start()
        defer { sandbox.stop() }
        #expect(sandbox.bootstrapServers == "127.0.0.1:\(options.kafkaPort)")
        let output = try run(
            kcat,
            [
                "-C", "-e", "-q", "-o", "beginning", "-b", sandbox.bootstrapServers, "-t",
                options.topics.update, "-f", "%T %k %s\n",
            ])
        let lines = output.split(separator: "\n")
        #expect(lines.count == sandbox.status.events.update)
        #expect(lines.allSatisfy { $0.contains(#""event_type":"update""#) })
        #expect(throws: SandboxError.portTaken(port: options.kafkaPort, service: "broker")) {
            try Sandbox(options)
        }
        var second = options
        second.kafkaPort = 0
        second.httpPort = UInt16(sandbox.serviceURL.split(separator: ":").last ?? "") ?? 0
        let other = try Sandbox(second)
        await #expect(throws: SandboxError.portTaken(port: second.httpPort, service: "customer service")) {
            try await other.start()
        }
    }

    private func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }
}
