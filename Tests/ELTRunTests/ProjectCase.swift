import Testing

@testable import ELTRun

/// A text of `elt.yml` and all errors that it must give.
struct ProjectCase: Sendable, CustomTestStringConvertible {
    var name: String
    var yaml: String
    var environment: [String: String]
    /// Whether librdkafka's stand-in refuses every property but the brokers.
    var librdkafkaComplains: Bool
    /// `line:column: message`, in order.
    var errors: [String]

    init(
        _ name: String, _ yaml: String, environment: [String: String] = [:],
        librdkafkaComplains: Bool = false,
        _ errors: [String]
    ) {
        self.name = name
        self.yaml = yaml
        self.environment = environment
        self.librdkafkaComplains = librdkafkaComplains
        self.errors = errors
    }

    var testDescription: String { name }

    /// The errors that the text really gives; empty if it's a good project.
    func found() throws -> [String] {
        do {
            _ = try Self.load(yaml, environment: environment) { name, value in
                librdkafkaComplains && name != "bootstrap.servers"
                    ? "No such configuration property: \"\(name)\" (value \(value))" : nil
            }
            return []
        } catch ProjectError.invalid(_, let faults) {
            return faults.map { "\($0.place.line):\($0.place.column): \($0.message)" }
        }
    }

    static func load(
        _ yaml: String, environment: [String: String] = [:], mode: UInt32 = 0o600,
        checkKafka: (String, String) -> String? = { _, _ in nil }
    ) throws -> LoadedProject {
        try ProjectFile.read(
            Array(yaml.utf8), path: "/project/elt.yml", mode: mode, environment: environment,
            checkKafka: checkKafka)
    }
}

/// Small projects with one thing to look at.
extension String {
    private static let head = """
        name: shop
        timezone: UTC
        kafka: { bootstrap.servers: b }
        entities:
          order:
            key: id

        """

    /// `text` is all entities, from line 5 on.
    static func inEntities(_ text: String) -> String {
        "name: shop\ntimezone: UTC\nkafka: { bootstrap.servers: b }\nentities:\n" + text
    }

    /// `text` is a property, in line 5, column 3.
    static func inKafka(_ text: String) -> String {
        """
        name: shop
        timezone: UTC
        kafka:
          bootstrap.servers: b:9092
          \(text)
        entities: { order: { key: id, topics: { create: orders } } }

        """
    }

    /// `text` stands at the top, from line 8 on.
    static func atTop(_ text: String) -> String { head + "    topics: { create: orders }\n\(text)\n" }

    /// `text` stands in an entity with topics, from line 8, column 5 on.
    static func inEntity(_ text: String) -> String { head + "    topics: { create: orders }\n    \(text)\n" }

    /// `text` stands in a full load, from line 9, column 7 on.
    static func inFullLoad(_ text: String) -> String {
        head + "    full_load:\n      url: https://h/\n      \(text)\n"
    }
}
