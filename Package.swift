// swift-tools-version: 6.2
import PackageDescription

/// Every target: Swift 6 checks, and explicit imports so that the layers below stay what they are.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
    // Tests check exclusive access in debug builds; in the hot loops the checks cost a twentieth.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A step or an adapter: it knows the words and the ports, and what it names here.
func layer(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    target(name, ["ELTCore"] + dependencies)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let flyingFox: Target.Dependency = .product(name: "FlyingFox", package: "FlyingFox")

let package = Package(
    name: "elt",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "elt", targets: ["elt"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.0"),
    ],
    targets: [
        // 0: C libraries of the system, and the one C++ shim.
        .systemLibrary(
            name: "CRdKafka", pkgConfig: "rdkafka",
            providers: [.apt(["librdkafka-dev"]), .brew(["librdkafka"])]),
        .systemLibrary(
            name: "CZstd", pkgConfig: "libzstd",
            providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(
            name: "CCrypto", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .systemLibrary(
            name: "CCurlSystem", path: "Sources/CCurlSystem", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(name: "CCurl", dependencies: ["CCurlSystem"]),
        .target(name: "CWalBuffer", dependencies: ["CSQLite"]),
        .target(
            name: "CSimdJSON", cxxSettings: [.unsafeFlags(["-O3"])],
            // apt: libsimdjson-dev, brew: simdjson. Its pkg-config file has flags SwiftPM refuses.
            linkerSettings: [.linkedLibrary("simdjson")]),

        // 1: Swift over C. Knows nothing of ELT.
        target("Kafka", ["CRdKafka"]),
        target("HTTP", ["CCurl", "CZlib"]),
        target("JSON", ["CSimdJSON"]),
        target("SQLite", ["CSQLite", "CWalBuffer"]),

        // 2: words and ports.
        target("ELTCore", []),

        // 3: the steps, blind to each other.
        layer("ELTExtract"),
        layer("ELTLoad", ["JSON"]),
        layer("ELTTransform", [yams]),

        // 3: adapters, one technology each, blind to each other.
        layer("ELTArchive", ["CZstd", "CCrypto", "JSON"]),
        layer("ELTSources", ["Kafka", "HTTP", "JSON"]),
        layer("ELTSQLite", ["SQLite", "CSQLite"]),

        // 4: the order of things, and pages for people.
        layer("ELTRun", ["ELTExtract", "ELTLoad", "ELTTransform", yams]),
        layer("ELTReport", ["ELTRun", "ELTExtract", "ELTLoad", "ELTSQLite", "SQLite", "JSON"]),

        // Aside: a broker and a service to try everything with; what tests share.
        // CSandbox gives librdkafka's mock broker a fixed port.
        .target(name: "CSandbox", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
        target("Sandbox", ["ELTCore", "Kafka", "CSandbox", flyingFox]),
        layer("ELTTesting", ["ELTRun"]),

        // 5: the program.
        .executableTarget(
            name: "elt",
            dependencies: [
                "ELTCore", "ELTExtract", "ELTLoad", "ELTTransform", "ELTArchive", "ELTSources",
                "ELTSQLite", "ELTRun", "ELTReport", "Sandbox", "SQLite", arguments, logging,
            ],
            swiftSettings: strict),

        // Tests, one target for each target they test.
        tests("ELTCoreTests", ["ELTCore"]),
        tests("JSONTests", ["JSON", "CSimdJSON", "ELTTesting"]),
        tests("SQLiteTests", ["SQLite"]),
        tests("KafkaTests", ["Kafka", "ELTSources", "ELTTesting", "Sandbox"]),
        tests("HTTPTests", ["HTTP", "ELTSources", "ELTTesting", "ELTArchive"]),
        tests("ELTArchiveTests", ["ELTArchive", "ELTTesting"]),
        tests("ELTTransformTests", ["ELTTransform", "ELTTesting"]),
        tests("ELTRunTests", ["ELTRun", "ELTReport", "ELTTesting", "elt", arguments, logging]),
        // Parsers against inputs that nobody meant.
        tests("FuzzTests", ["JSON", "HTTP", "ELTCore", "ELTArchive", "ELTSources", "ELTTransform", "ELTRun", "ELTTesting"]),
        // The program itself, as a process.
        tests("ProgramTests", ["elt", "Kafka", "ELTArchive", "ELTCore", "ELTRun", "ELTTesting", "SQLite", arguments, logging]),
        tests("ELTReportTests", ["ELTReport", "ELTRun", "ELTExtract", "ELTLoad", "ELTSQLite", "SQLite", "ELTTesting"]),
        tests("ELTTestingTests", ["ELTTesting"]),
        tests("LifeTests", ["SQLite", "ELTReport", "ELTTesting", "ELTRun", "ELTSQLite", "ELTArchive", "ELTLoad", "ELTTransform"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
