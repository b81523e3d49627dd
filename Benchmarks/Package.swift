// swift-tools-version: 6.2
import PackageDescription

/// As in the package's own manifest.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

#if os(macOS)
let zmqPkgConfig: String? = "libzmq"
#else
let zmqPkgConfig: String? = nil
#endif

/// The library's sources are links to those of the package, and not a dependency on it: what is measured here, such as one
/// step of the state machine, has `package` access, which ends at the package that declares it.
let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        // Without its traits, of which one needs jemalloc.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.29.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
    ],
    targets: [
        .systemLibrary(name: "CZeroMQ", pkgConfig: zmqPkgConfig),
        .target(name: "ZeroMQ", dependencies: ["CZeroMQ"], swiftSettings: strict + [.strictMemorySafety()]),
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
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "StarPeer",
            dependencies: [
                "BinaryStar", "BinaryStarCore", "CZeroMQ", "ZeroMQ",
            ],
            swiftSettings: strict
        ),
        .target(name: "CountedAllocations"),
        .executableTarget(
            name: "Microbenchmarks",
            dependencies: [
                "BinaryStar", "BinaryStarCore", "CountedAllocations", "ZeroMQ",
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/Microbenchmarks",
            swiftSettings: strict,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
    ]
)
