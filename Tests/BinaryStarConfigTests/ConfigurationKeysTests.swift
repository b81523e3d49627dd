import BinaryStar
import Configuration
import Foundation
import Testing

@testable import BinaryStarConfig

@Suite struct ConfigurationKeysTests {
    private static let needed: [String: ConfigValue] = [
        "seat": "backup", "listen": "tcp://*:5003", "connect": "tcp://other:5003",
    ]

    private func configuration(_ values: [String: ConfigValue]) throws -> BinaryStarConfiguration {
        let all = Self.needed.merging(values) { $1 }
        let provider = InMemoryProvider(
            values: Dictionary(uniqueKeysWithValues: all.map { (AbsoluteConfigKey(stringLiteral: $0), $1) }))
        return try BinaryStarConfiguration(config: ConfigReader(provider: provider))
    }

    @Test("Without more it is what the initialiser makes")
    func defaults() throws {
        #expect(
            try configuration([:])
                == BinaryStarConfiguration(seat: .backup, listen: "tcp://*:5003", connect: "tcp://other:5003"))
    }

    /// For each key a value, and what it changes.
    private static let changes:
        [(BinaryStarConfigKey, ConfigValue, @Sendable (inout BinaryStarConfiguration) -> Void)] = [
            (.seat, "primary", { $0.seat = .primary }),
            (
                .listen, .init(.stringArray(["tcp://*:1", "tcp://*:2"]), isSecret: false),
                { ($0.listen, $0.furtherListen) = ("tcp://*:1", ["tcp://*:2"]) }
            ),
            (.connect, "tcp://a:1, tcp://b:2", { ($0.connect, $0.furtherConnect) = ("tcp://a:1", ["tcp://b:2"]) }),
            (.interval, "100ms", { $0.timing.interval = .milliseconds(100) }),
            (.timeout, "1.5s", { $0.timing.timeout = .milliseconds(1_500) }),
            (.pairName, "orders", { $0.pairName = "orders" }),
            (
                .wire, "classic",
                {
                    $0.wire = .classic
                    $0.timing = .classic
                }
            ),
            (.coldStart, "1m", { $0.coldStart = .after(.seconds(60)) }),
            (.conflictPolicy, "stepDown", { $0.conflictPolicy = .stepDown }),
            (.trustsRefusedConnections, false, { $0.trustsRefusedConnections = false }),
            (.drainTimeout, "0s", { $0.drainTimeout = .zero }),
            (.stateDirectory, "/var/lib/orders", { $0.stateDirectory = "/var/lib/orders" }),
            (.control, "ipc:///run/orders.sock", { $0.control = "ipc:///run/orders.sock" }),
        ]

    @Test("Each key sets its property, and that alone")
    func keys() throws {
        #expect(Set(Self.changes.map(\.0)) == Set(BinaryStarConfigKey.allCases))
        for (key, value, change) in Self.changes {
            var expected = try configuration([:])
            change(&expected)
            #expect(try configuration([key.rawValue: value]) == expected, "\(key)")
        }
    }

    @Test("The article lists each key, and no other")
    func article() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let article = try String(
            contentsOf: root.appending(path: "Sources/BinaryStar/BinaryStar.docc/Configuration.md"), encoding: .utf8)
        let table = article.split(separator: "## Of a pair")[1].split(separator: "\n## ")[0]
        let keys = table.split(separator: "\n").filter { $0.hasPrefix("| `") }
            .map { $0.dropFirst(3).prefix { $0 != "`" } }
        #expect(Set(keys.map(String.init)) == Set(BinaryStarConfigKey.allCases.map(\.rawValue)))
    }

    @Test("The environment's names", arguments: [("BSTAR_PAIR_NAME", "orders"), ("BSTAR_DRAIN_TIMEOUT", "7s")])
    func environment(_ name: String, _ value: String) throws {
        let provider = EnvironmentVariablesProvider(environmentVariables: [
            "BSTAR_SEAT": "primary", "BSTAR_LISTEN": "tcp://*:1,tcp://*:2", "BSTAR_CONNECT": "tcp://a:1", name: value,
            "BSTAR_TRUSTS_REFUSED_CONNECTIONS": "false",
        ])
        let configuration = try BinaryStarConfiguration(config: ConfigReader(provider: provider).scoped(to: "bstar"))
        #expect(configuration.furtherListen == ["tcp://*:2"])
        #expect(!configuration.trustsRefusedConnections)
        #expect(configuration.pairName == "orders" || configuration.drainTimeout == .seconds(7))
    }

    @Test(
        "What cannot be taken is named, with the value and the rule",
        arguments: [
            ("seat", "third", "seat is \"third\", but it must be primary or backup"),
            ("interval", "often", "interval is \"often\", but it must be a number with a unit"),
            ("interval", 250, "interval is no text, but it must be text"),
            ("coldStart", "soon", "or never"),
            ("wire", "new", "it must be extended or classic"),
            ("conflictPolicy", "fight", "it must be failStop or stepDown"),
            ("trustsRefusedConnections", "perhaps", "it must be true or false"),
            ("listen", 5003, "listen is no text"),
        ] as [(String, ConfigValue, String)])
    func wrong(_ key: String, _ value: ConfigValue, _ message: String) {
        do {
            _ = try configuration([key: value])
            Issue.record("\(key) was taken")
        } catch let error as BinaryStarError {
            #expect(error.code == .invalidConfiguration)
            #expect(error.message.contains(message), "\(error.message)")
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test(arguments: ["seat", "listen", "connect"])
    func missing(_ key: String) {
        var values = Self.needed
        values[key] = nil
        let provider = InMemoryProvider(
            values: Dictionary(uniqueKeysWithValues: values.map { (AbsoluteConfigKey(stringLiteral: $0), $1) }))
        #expect(throws: BinaryStarError.self) { try BinaryStarConfiguration(config: ConfigReader(provider: provider)) }
    }
}
