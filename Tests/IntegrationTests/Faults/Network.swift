import BinaryStarCore
import Foundation
import Subprocess

/// Three network namespaces: one for each server and one for the clients. The servers are joined by one link, and each of them
/// and the clients by another one, so that each can be cut by itself.
struct Network: Sendable {
    /// Unique on this machine, and tells to whose tests the namespaces belong.
    private let name = "\(prefix)\(ProcessInfo.processInfo.processIdentifier)-\(UInt16.random(in: 0 ... .max))"

    private static let prefix = "bstar-test-"

    /// What is cut: every packet of it is dropped without a word.
    enum Cut: String, Sendable, CaseIterable {
        /// Between the servers, in both directions.
        case peerLink = "the link between the servers"
        /// Between the servers, what the primary sends. TCP soon has the other direction wait for acknowledgements.
        case fromPrimary = "packets from the primary to the backup"
        case fromBackup = "packets from the backup to the primary"
        /// The connection on which the backup hears the primary; the primary hears the backup.
        case wordsOfPrimary = "the connection on which the backup hears the primary"
        case wordsOfBackup = "the connection on which the primary hears the backup"
        /// Between the primary and the clients, in both directions.
        case clientLink = "the link between the primary and the clients"
        case requests = "packets from the clients to the primary"
        case replies = "packets from the primary to the clients"
        /// All links of the primary.
        case primary = "all links of the primary"

        /// Whether it is between the servers, so that both may be active for a time.
        var isBetweenServers: Bool {
            switch self {
            case .clientLink, .requests, .replies: false
            case .peerLink, .fromPrimary, .fromBackup, .wordsOfPrimary, .wordsOfBackup, .primary: true
            }
        }

        /// What each namespace drops of what arrives.
        fileprivate var rules: [(Space, String)] {
            switch self {
            case .peerLink: [(.primary, "iifname peer"), (.backup, "iifname peer")]
            case .fromPrimary: [(.backup, "iifname peer")]
            case .fromBackup: [(.primary, "iifname peer")]
            case .wordsOfPrimary: [(.backup, "iifname peer tcp sport 5003"), (.primary, "iifname peer tcp dport 5003")]
            case .wordsOfBackup: [(.primary, "iifname peer tcp sport 5003"), (.backup, "iifname peer tcp dport 5003")]
            case .clientLink: [(.primary, "iifname front"), (.clients, "iifname primary")]
            case .requests: [(.primary, "iifname front")]
            case .replies: [(.clients, "iifname primary")]
            case .primary: Cut.peerLink.rules + Cut.clientLink.rules
            }
        }
    }

    fileprivate enum Space: String, CaseIterable {
        case primary, backup, clients
    }

    /// Runs `body` with a network that is removed at its end, however it ends.
    static func with<Result>(_ body: (Network) async throws -> Result) async throws -> Result {
        await sweep()
        let network = Network()
        do {
            try await network.setUp()
            let result = try await body(network)
            await network.tearDown()
            return result
        } catch {
            await network.tearDown()
            throw error
        }
    }

    var place: Place {
        var place = Place(
            fronts: [.primary: "tcp://10.231.2.1:5001", .backup: "tcp://10.231.3.1:5001"],
            states: [.primary: "tcp://10.231.1.1:5003", .backup: "tcp://10.231.1.2:5003"])
        place.serverPrefix[.primary] = ["ip", "netns", "exec", namespace(.primary)]
        place.serverPrefix[.backup] = ["ip", "netns", "exec", namespace(.backup)]
        place.clientPrefix = ["ip", "netns", "exec", namespace(.clients)]
        return place
    }

    func apply(_ cut: Cut) async throws {
        for (space, rule) in cut.rules { try await nft(space, "add rule inet cut input \(rule) drop") }
    }

    func heal() async throws {
        for space in Space.allCases { try await nft(space, "flush chain inet cut input") }
    }

    // MARK: Set-up

    private func namespace(_ space: Space) -> String { "\(name)-\(space)" }

    private func setUp() async throws {
        for space in Space.allCases {
            try await ip("netns add \(namespace(space))")
            try await ip("-n \(namespace(space)) link set lo up")
        }
        try await join(.primary, "peer", "10.231.1.1", .backup, "peer", "10.231.1.2")
        try await join(.primary, "front", "10.231.2.1", .clients, "primary", "10.231.2.2")
        try await join(.backup, "front", "10.231.3.1", .clients, "backup", "10.231.3.2")
        for space in Space.allCases {
            try await nft(space, "add table inet cut")
            try await nft(space, "add chain inet cut input { type filter hook input priority 0 ; policy accept ; }")
        }
    }

    private func join(
        _ left: Space, _ leftLink: String, _ leftAddress: String, _ right: Space, _ rightLink: String,
        _ rightAddress: String
    ) async throws {
        let (left, right) = (namespace(left), namespace(right))
        try await ip("link add \(leftLink) netns \(left) type veth peer name \(rightLink) netns \(right)")
        for (space, link, address) in [(left, leftLink, leftAddress), (right, rightLink, rightAddress)] {
            try await ip("-n \(space) address add \(address)/24 dev \(link)")
            try await ip("-n \(space) link set \(link) up")
        }
    }

    private func tearDown() async {
        for space in Space.allCases { try? await ip("netns delete \(namespace(space))") }
    }

    /// Removes what tests have left that were killed.
    private static func sweep() async {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
        where name.hasPrefix(prefix) {
            guard let owner = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }),
                kill(owner, 0) != 0
            else { continue }
            try? await command("ip", ["netns", "delete", name])
        }
    }

    // MARK: Commands

    private func ip(_ arguments: String) async throws {
        try await Self.command("ip", arguments.split(separator: " ").map(String.init))
    }

    private func nft(_ space: Space, _ statement: String) async throws {
        try await Self.command("ip", ["netns", "exec", namespace(space), "nft", statement])
    }

    private static func command(_ name: String, _ arguments: [String]) async throws {
        let result = try await Subprocess.run(
            .name(name), arguments: Arguments(arguments), output: .discarded, error: .string(limit: 4_096))
        guard result.terminationStatus.isSuccess else {
            throw Checker.Violation(
                description: "\(name) \(arguments.joined(separator: " ")): \(result.standardError)")
        }
    }

    // MARK: Where it works

    /// Why there can be no namespaces here, or `nil` if there can.
    static let obstacle: String? = {
        #if os(Linux)
        guard geteuid() == 0 else { return "network namespaces take root, and these tests do not run as root" }
        for tool in ["ip", "nft"] where !isInstalled(tool) {
            return "\(tool) is not installed; apt-get install -y iproute2 nftables brings it"
        }
        return mayMakeNamespaces ? nil : "this machine does not let root make network namespaces"
        #else
        return "network namespaces are Linux's"
        #endif
    }()

    private static func isInstalled(_ tool: String) -> Bool {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
    }

    private static var mayMakeNamespaces: Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["unshare", "--net", "true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
