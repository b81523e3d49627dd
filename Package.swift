// swift-tools-version: 6.2
import PackageDescription

/// What CI sets, so that a warning in any of our own targets is an error. The dependencies keep theirs.
let warnings: [SwiftSetting] = Context.environment["BINARYSTAR_CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

let strict: [SwiftSetting] =
    warnings + [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ]

/// Debian's libzmq.pc makes SwiftPM warn at every build, and the linker finds the library without it.
/// Homebrew installs outside the default search path, so macOS needs it.
#if os(macOS)
let zmqPkgConfig: String? = "libzmq"
#else
let zmqPkgConfig: String? = nil
#endif

/// libFuzzer brings its own main function, so that the target builds with `--sanitize=fuzzer` only.
let fuzzTargets: [Target] =
    Context.environment["BINARYSTAR_FUZZ"] == nil
    ? []
    : [
        .executableTarget(
            name: "FuzzDecoders", dependencies: ["BinaryStarCore"], path: "Tests/FuzzDecoders", exclude: ["Corpus"],
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
    ]

let package = Package(
    name: "binary-star",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "BinaryStar", targets: ["BinaryStar"]),
        // By itself, and not behind a trait, which would be on for all as soon as the tool needs it.
        .library(name: "BinaryStarConfig", targets: ["BinaryStarConfig"]),
        .library(name: "BinaryStarHTTP", targets: ["BinaryStarHTTP"]),
        .executable(name: "bstar", targets: ["bstar"]),
    ],
    traits: [
        .trait(
            name: "Tracing",
            description: "A span of swift-distributed-tracing for each request, at the client and at the handler."),
        .trait(name: "YAML", description: "Configuration files of YAML, besides JSON, for the tool."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.0.0",
            traits: [.defaults, .trait(name: "YAML", condition: .when(traits: ["YAML"]))]),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", .upToNextMinor(from: "0.2.0")),
        .package(url: "https://github.com/swhitty/FlyingFox", .upToNextMinor(from: "0.27.1")),
    ],
    targets: [
        .systemLibrary(
            name: "CZeroMQ",
            pkgConfig: zmqPkgConfig,
            providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]
        ),
        .target(
            name: "ZeroMQ",
            dependencies: ["CZeroMQ"],
            swiftSettings: strict + [.strictMemorySafety()]
        ),
        .target(name: "BinaryStarCore", swiftSettings: strict),
        .target(
            name: "BinaryStar",
            dependencies: [
                "BinaryStarCore", "CZeroMQ", "ZeroMQ",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(
                    name: "Instrumentation", package: "swift-distributed-tracing",
                    condition: .when(traits: ["Tracing"])),
                .product(
                    name: "Tracing", package: "swift-distributed-tracing", condition: .when(traits: ["Tracing"])),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "BinaryStarConfig",
            dependencies: ["BinaryStar", .product(name: "Configuration", package: "swift-configuration")],
            swiftSettings: strict
        ),
        .target(
            name: "BinaryStarHTTP",
            dependencies: [
                "BinaryStar", "BinaryStarCore",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .target(name: "BinaryStarSimulator", dependencies: ["BinaryStarCore"], swiftSettings: strict),
        .executableTarget(
            name: "bstar-sim",
            dependencies: [
                "BinaryStarSimulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .systemLibrary(name: "CProcess"),
        .executableTarget(
            name: "bstar",
            dependencies: [
                "BinaryStar", "BinaryStarConfig", "BinaryStarCore", "BinaryStarHTTP", "CProcess",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams", condition: .when(traits: ["YAML"])),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "EchoPair",
            dependencies: [
                "BinaryStar",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Examples/EchoPair",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "FollowRoles",
            dependencies: [
                "BinaryStar",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Examples/FollowRoles",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "KeyValueServer",
            dependencies: [
                "BinaryStar",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Examples/KeyValueServer",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "ServiceGroupExample",
            dependencies: [
                "BinaryStar",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Examples/ServiceGroupExample",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "WebPair",
            dependencies: [
                "BinaryStar", "BinaryStarHTTP",
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Examples/WebPair",
            swiftSettings: strict
        ),
        .target(
            name: "TestSupport", dependencies: ["BinaryStarCore"], path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "BinaryStarCoreTests", dependencies: ["BinaryStarCore", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "BinaryStarSimulatorTests",
            dependencies: ["BinaryStarCore", "BinaryStarSimulator", "CZeroMQ", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(name: "ZeroMQTests", dependencies: ["TestSupport", "ZeroMQ"], swiftSettings: strict),
        .testTarget(
            name: "BinaryStarTests",
            dependencies: [
                "BinaryStar", "BinaryStarCore", "CZeroMQ", "TestSupport", "ZeroMQ",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(
                    name: "InMemoryTracing", package: "swift-distributed-tracing",
                    condition: .when(traits: ["Tracing"])),
                .product(
                    name: "Instrumentation", package: "swift-distributed-tracing",
                    condition: .when(traits: ["Tracing"])),
                .product(
                    name: "Tracing", package: "swift-distributed-tracing", condition: .when(traits: ["Tracing"])),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Probe",
            dependencies: ["BinaryStar", "BinaryStarCore", "ZeroMQ"],
            path: "Tests/Probe",
            swiftSettings: strict
        ),
        .testTarget(
            name: "BinaryStarConfigTests",
            dependencies: [
                "BinaryStar", "BinaryStarConfig",
                .product(name: "Configuration", package: "swift-configuration"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "BinaryStarHTTPTests",
            dependencies: [
                "BinaryStar", "BinaryStarCore", "BinaryStarHTTP", "TestSupport",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "bstarTests",
            dependencies: [
                "bstar", "BinaryStar", "BinaryStarConfig", "BinaryStarCore", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "bstar", "BinaryStar", "BinaryStarCore", "CZeroMQ", "Probe", "TestSupport", "WebPair", "ZeroMQ",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),
    ] + fuzzTargets
)
