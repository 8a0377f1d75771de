// swift-tools-version: 6.2
import PackageDescription

// Layers, lowest first; a target may import only what stands above it here (docs/ARCHITECTURE.md).
// `make build` checks imports with --explicit-target-dependency-import-check error.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

func pure(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        exclude: exclude,
        swiftSettings: [.enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error)]
    )
}

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(
    name: "NIOConcurrencyHelpers",
    package: "swift-nio"
)
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let arguments = Target.Dependency.product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle",
    package: "swift-service-lifecycle"
)
let unixSignals = Target.Dependency.product(
    name: "UnixSignals",
    package: "swift-service-lifecycle"
)
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(
    name: "NIOHTTPTypesHTTP1",
    package: "swift-nio-extras"
)
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let configuration = Target.Dependency.product(
    name: "Configuration",
    package: "swift-configuration"
)

// The executable has Swift's libraries within it: every count of a reference is a call into them,
// and calls between shared libraries go by a table (docs/decisions/0038-swift-libraries-within.md).
// Only the linker is told, so that tests, for which there are no such libraries, are compiled as
// everything else; hence the names of what Foundation itself needs.
let swiftLibrariesWithin =
    ["-static-stdlib", "-Xlinker", "--start-group"]
    + [
        "Foundation", "FoundationInternationalization", "FoundationEssentials", "CoreFoundation",
        "_FoundationICU", "_FoundationCShims", "_FoundationCollections", "swiftDispatch",
        "dispatch", "BlocksRuntime", "swiftSynchronization",
    ].flatMap { ["-Xlinker", "-l\($0)"] }
    + ["-Xlinker", "--end-group", "-lstdc++"]

let package = Package(
    name: "henge",
    products: [
        .executable(name: "henge", targets: ["henge"]),
        .library(name: "HengeClient", targets: ["HengeClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration",
            from: "1.4.0",
            traits: ["YAML"]
        ),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    ],
    targets: [
        // Pure: no I/O, no clock, no randomness, no Foundation, no logging.
        pure("HengeBase", [deque]),
        pure("HengeCausality", ["HengeBase", nioCore]),
        pure("HengeRing", ["HengeBase", "CXXHash"]),
        pure("HengeMessages", ["HengeBase", "HengeCausality", "HengeRing", nioCore]),
        pure(
            "HengeReplication",
            ["HengeBase", "HengeCausality", "HengeRing", "HengeMessages", nioCore]
        ),
        pure("HengeMembership", ["HengeBase", "HengeRing", "HengeMessages", nioCore]),
        pure(
            "HengeAntiEntropy",
            ["HengeBase", "HengeCausality", "HengeRing", "HengeMessages", nioCore]
        ),
        pure(
            "HengeNode",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                "HengeMembership", "HengeAntiEntropy", nioCore, deque,
            ]
        ),

        // Effects become I/O.
        .systemLibrary(name: "CRocksDB"),
        .systemLibrary(name: "CXXHash"),
        .systemLibrary(name: "CZlib"),
        pure(
            "HengeStorage",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "CRocksDB", "CXXHash",
                nioCore, deque, logging,
            ]
        ),
        pure("HengeRESP", [nioCore]),
        pure(
            "HengeServer",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                "HengeMembership", "HengeAntiEntropy", "HengeNode", "HengeStorage", "HengeRESP",
                "CZlib", nioCore,
                nioPosix, nioConcurrency, deque, logging,
                lifecycle, unixSignals, configuration,
                hummingbird, hummingbirdCore, httpTypes, nioHTTPTypes,
                nioHTTPTypesHTTP1, nioHTTP1,
            ],
            // Within the program, which is then all that is to be installed.
            resources: [.embedInCode("Dashboard/page")]
        ),
        pure("HengeClient", ["HengeBase", "HengeRESP", nioCore, nioPosix]),
        pure(
            "HengeCommand",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                "HengeMembership", "HengeAntiEntropy", "HengeNode", "HengeRESP", "HengeStorage",
                "HengeServer",
                "HengeClient", "HengeSimulator", nioCore, nioPosix,
                nioConcurrency, arguments, histogram, logging, lifecycle, configuration,
                systemPackage,
            ]
        ),
        .executableTarget(
            name: "henge",
            dependencies: ["HengeCommand"],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(swiftLibrariesWithin, .when(platforms: [.linux]))]
        ),

        // Simulation: the pure targets in a seeded world.
        pure(
            "HengeSimulator",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                "HengeMembership", "HengeAntiEntropy", "HengeNode", nioCore, deque,
            ]
        ),

        // Only for tests: replaces malloc by one that counts.
        .target(name: "CAllocationCount"),
        // Only for what counts or times whole requests without I/O.
        .target(
            name: "HengeRequestModel",
            dependencies: [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                "HengeNode", nioCore,
            ],
            path: "Tests/HengeRequestModel",
            swiftSettings: strict
        ),
        tests(
            "HengeAllocationTests",
            [
                "CAllocationCount", "HengeBase", "HengeCausality", "HengeRing", "HengeMessages",
                "HengeReplication", "HengeAntiEntropy", "HengeNode", "HengeRESP",
                "HengeRequestModel", nioCore,
            ]
        ),
        tests("HengeBaseTests", ["HengeBase"]),
        tests("HengeCausalityTests", ["HengeBase", "HengeCausality", nioCore]),
        tests("HengeRingTests", ["HengeBase", "HengeRing"]),
        tests(
            "HengeMessagesTests",
            ["HengeBase", "HengeCausality", "HengeRing", "HengeMessages", nioCore]
        ),
        tests(
            "HengeReplicationTests",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                nioCore,
            ]
        ),
        tests(
            "HengeMembershipTests",
            ["HengeBase", "HengeRing", "HengeMessages", "HengeMembership", nioCore]
        ),
        tests(
            "HengeAntiEntropyTests",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeAntiEntropy",
                nioCore,
            ]
        ),
        tests(
            "HengeNodeTests",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                "HengeMembership", "HengeAntiEntropy", "HengeNode", nioCore,
            ]
        ),
        tests(
            "HengeStorageTests",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeStorage",
                "HengeSimulator", "CRocksDB", nioCore, logging,
            ]
        ),
        tests("HengeRESPTests", ["HengeBase", "HengeRESP", nioCore]),
        tests("HengeClientTests", ["HengeClient", "HengeRESP", nioCore, nioPosix]),
        tests(
            "HengeServerTests",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeMembership",
                "HengeNode", "HengeRESP", "HengeServer", "HengeStorage", nioCore, nioConcurrency,
                nioEmbedded, nioPosix, nioHTTP1, logging,
                httpTypes,
            ],
            exclude: ["riak-dialogue.txt"]
        ),
        tests(
            "HengeSimulatorTests",
            [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                "HengeNode", "HengeSimulator", nioCore,
            ],
            exclude: ["scenarios"]
        ),
        tests(
            "HengeBenchTests",
            [
                "HengeCommand", "HengeBase", "HengeRESP", "HengeClient", nioCore, nioPosix,
                nioConcurrency, histogram,
            ]
        ),
        tests(
            "HengeCommandTests",
            [
                "HengeCommand", "HengeBase", "HengeCausality", "HengeRing", "HengeRESP",
                "HengeReplication", "HengeServer", "HengeClient", "HengeSimulator", nioCore,
                logging,
            ]
        ),
        tests("HengeIntegrationTests", ["HengeCommand", "HengeClient", "HengeRESP", nioCore]),
    ],
    swiftLanguageModes: [.v6]
)

// `make microbench` alone needs these, and so nothing else has to fetch or build them.
if Context.environment["HENGE_BENCHMARKS"] != nil {
    package.dependencies.append(
        // Without traits: what they bring in counts allocations, which HengeAllocationTests do.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: [])
    )
    package.targets.append(
        .executableTarget(
            name: "HengeBenchmarks",
            dependencies: [
                "HengeBase", "HengeCausality", "HengeRing", "HengeMessages", "HengeReplication",
                "HengeAntiEntropy", "HengeNode", "HengeRESP", "HengeRequestModel", nioCore,
                .product(name: "Benchmark", package: "benchmark"),
            ],
            // The plugin looks for its targets in a folder of this name.
            path: "Tests/Benchmarks/HengeBenchmarks",
            swiftSettings: [.enableUpcomingFeature("ExistentialAny")],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        )
    )
}
