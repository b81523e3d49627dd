import TestSupport
import Testing

@testable import BinaryStar

@Suite struct BinaryStarConfigurationTests {
    private func configuration(
        listen: String = "tcp://*:5003",
        connect: String = "tcp://other:5004",
        interval: Duration = .milliseconds(250),
        timeout: Duration = .seconds(1)
    ) -> BinaryStarConfiguration {
        .init(
            seat: .primary, listen: listen, connect: connect,
            timing: HeartbeatTiming(interval: interval, timeout: timeout))
    }

    /// Checks that the configuration is refused with an error that names the field, its value and the rule.
    private func expectRefusal(
        _ configuration: BinaryStarConfiguration, _ field: String, _ value: String, _ rule: String
    ) {
        let error = #expect(throws: BinaryStarError.self) { try BinaryStar(configuration: configuration) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.description.hasPrefix("\(field) is \(value), but ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(rule) == true, "\(error?.message ?? "")")
    }

    @Test(
        arguments: [
            ("tcp://*:5003", "tcp://other:5004"), ("tcp://*:*", "tcp://other:1"), ("tcp://eth0:0", "tcp://[::1]:65535"),
            ("ipc:///tmp/a", "ipc:///tmp/b"), ("ipc://@abstract", "tcp://other:5004"),
            ("tcp://127.0.0.1:5003", "tcp://127.0.0.1:5004"), ("tcp://10.0.0.1:5003", "tcp://10.0.0.2:5003"),
            ("tcp://*:5003", "tcp://other:5003"), ("ipc:///" + String(repeating: "x", count: 102), "ipc:///y"),
        ])
    func goodEndpoints(listen: String, connect: String) throws {
        try configuration(listen: listen, connect: connect).validate()
    }

    @Test(
        arguments: [
            ("", "tcp://HOST:PORT or ipc://PATH"), ("nonsense", "tcp://HOST:PORT or ipc://PATH"),
            ("5003", "tcp://HOST:PORT or ipc://PATH"), ("tcp:/host:1", "tcp://HOST:PORT or ipc://PATH"),
            ("tcp://host:+5003", "from 1 to 65535"),
            ("tcp://host", "the port is missing"),
            ("tcp://:5003", "the host is missing"),
            ("tcp://host:", "the port must be from 1 to 65535"), ("tcp://host:x", "the port must be from 1 to 65535"),
            ("tcp://host:65536", "the port must be from 1 to 65535"),
            ("tcp://host:-1", "the port must be from 1 to 65535"),
            ("udp://host:5003", "must be tcp or ipc, not udp"), ("inproc://name", "must be tcp or ipc, not inproc"),
            ("://x", "must be tcp or ipc"), ("ipc://", "the path is missing"),
            ("ipc:///" + String(repeating: "x", count: 103), "at most 103 bytes"),
        ])
    func badEndpoints(endpoint: String, rule: String) {
        expectRefusal(configuration(listen: endpoint), "listen", "\"\(endpoint)\"", rule)
        expectRefusal(configuration(connect: endpoint), "connect", "\"\(endpoint)\"", rule)
    }

    @Test func furtherLinksTakeTheExtendedWire() {
        var configuration = configuration()
        configuration.furtherConnect = ["tcp://other:5005"]
        #expect(throws: Never.self) { try configuration.validate() }
        configuration.wire = .classic
        expectRefusal(configuration, "furtherConnect", "\"tcp://other:5005\"", "must be empty with the classic wire")
    }

    @Test(arguments: [("tcp://*:5004", "the host *"), ("tcp://host:*", "the port"), ("tcp://host:0", "the port")])
    func wildcardsAreForBindingOnly(endpoint: String, rule: String) {
        expectRefusal(configuration(connect: endpoint), "connect", "\"\(endpoint)\"", rule)
    }

    @Test(
        arguments: [
            ("tcp://host:5003", "tcp://host:5003"), ("ipc:///tmp/a", "ipc:///tmp/a"),
            ("tcp://*:5003", "tcp://localhost:5003"), ("tcp://*:5003", "tcp://127.0.0.1:5003"),
            ("tcp://127.0.0.1:5003", "tcp://localhost:5003"), ("tcp://0.0.0.0:5003", "tcp://[::1]:5003"),
        ])
    func endpointsThatAreOne(listen: String, connect: String) {
        expectRefusal(
            configuration(listen: listen, connect: connect), "connect", "\"\(connect)\"",
            "own listen endpoint \"\(listen)\"")
    }

    @Test(
        arguments: [
            (.zero, .seconds(1), "interval", "above zero"), (.seconds(-1), .seconds(1), "interval", "above zero"),
            (.seconds(1), .seconds(1), "timeout", "at least two intervals (2.0 seconds)"),
            (.seconds(1), .seconds(2) - .nanoseconds(1), "timeout", "at least two intervals"),
            (.seconds(1), .zero, "timeout", "at least two intervals"),
            (.seconds(1), .seconds(-5), "timeout", "at least two intervals"),
            (.seconds(86_401), .seconds(200_000), "interval", "at most one day"),
            (.seconds(Int64.max), .seconds(Int64.max), "interval", "at most one day"),
            (.seconds(1), .seconds(86_401), "timeout", "at most one day"),
            (.seconds(1), .seconds(Int64.max), "timeout", "at most one day"),
        ] as [(Duration, Duration, String, String)])
    func badTiming(interval: Duration, timeout: Duration, field: String, rule: String) {
        expectRefusal(
            configuration(interval: interval, timeout: timeout), field, "\(field == "interval" ? interval : timeout)",
            rule)
    }

    @Test(
        arguments: [
            (.nanoseconds(1), .nanoseconds(2)), (.seconds(1), .seconds(2)), (.seconds(1), .seconds(86_400)),
            (.seconds(43_200), .seconds(86_400)),
        ] as [(Duration, Duration)])
    func goodTiming(interval: Duration, timeout: Duration) throws {
        try configuration(interval: interval, timeout: timeout).validate()
    }

    @Test func standardTimingUnlessGiven() {
        let configuration = BinaryStarConfiguration(seat: .backup, listen: "tcp://*:1", connect: "tcp://other:2")
        #expect(configuration.timing == .standard)
    }

    // MARK: Voters and channels

    @Test(
        arguments: [
            (VoterLimits(concurrency: 0), "concurrency", "0", "at least 1"),
            (VoterLimits(concurrency: -1), "concurrency", "-1", "at least 1"),
            (VoterLimits(replyQueue: 0), "replyQueue", "0", "at least 1"),
            (VoterLimits(maximumFrameSize: 0), "maximumFrameSize", "0", "at least 1"),
            (VoterLimits(maximumFrameCount: 1), "maximumFrameCount", "1", "at least 2"),
            (VoterLimits(replyQueue: 1 << 31), "replyQueue", "2147483648", "below 2³¹"),
        ])
    func badLimits(limits: VoterLimits, field: String, value: String, rule: String) async throws {
        let star = try PairEndpoints().star(.primary)
        let endpoint = PairEndpoints().primary
        let error = await #expect(throws: BinaryStarError.self) {
            try await star.addVoter(.router, bind: endpoint, limits: limits) { $0.body }
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.hasPrefix("\(field) is \(value), but ") == true)
        #expect(error?.message.contains(rule) == true)
    }

    @Test(arguments: ["nonsense", "udp://host:1", "tcp://host", "inproc://x"])
    func badEndpointsOfVotersAndChannels(endpoint: String) async throws {
        let star = try PairEndpoints().star(.primary)
        let voter = await #expect(throws: BinaryStarError.self) {
            try await star.addVoter(.router, bind: endpoint) { $0.body }
        }
        #expect(voter?.code == .invalidConfiguration)
        #expect(voter?.message.hasPrefix("voter is \"\(endpoint)\", but ") == true)
        let bound = await #expect(throws: BinaryStarError.self) { _ = try await star.open(.pull, bind: endpoint) }
        #expect(bound?.code == .invalidConfiguration)
        let connected = await #expect(throws: BinaryStarError.self) {
            _ = try await star.open(.push, connect: endpoint)
        }
        #expect(connected?.message.hasPrefix("channel is \"\(endpoint)\", but ") == true)
    }

    @Test func channelWithoutABuffer() async throws {
        let endpoints = PairEndpoints()
        let star = try endpoints.star(.primary)
        let error = await #expect(throws: BinaryStarError.self) {
            _ = try await star.open(.pull, bind: endpoints.backup, bufferedMessages: 0)
        }
        #expect(error?.message.hasPrefix("bufferedMessages is 0, but ") == true)
    }
}
