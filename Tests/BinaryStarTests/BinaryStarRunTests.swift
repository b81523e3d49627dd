import BinaryStarCore
import Logging
import ServiceLifecycle
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// The life of a star: it starts once, ends for a reason, and leaves nothing behind.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BinaryStarRunTests {
    let endpoints = PairEndpoints()

    @Test func secondRunIsAnError() async throws {
        let star = try endpoints.star(.primary)
        try await running(star) {
            try await eventually("start") { await star.statistics.heartbeatsSent > 0 }
            let error = await #expect(throws: BinaryStarError.self) { try await star.run() }
            #expect(error?.code == .alreadyRan)
            // The first one goes on.
            let sent = await star.statistics.heartbeatsSent
            try await eventually("heartbeats") { await star.statistics.heartbeatsSent > sent }
        }
        let error = await #expect(throws: BinaryStarError.self) { try await star.run() }
        #expect(error?.code == .alreadyRan)
    }

    @Test func cancelEndsTheRun() async throws {
        let star = try endpoints.star(.primary)
        let task = Task { try await star.run() }
        try await eventually("start") { await star.statistics.heartbeatsSent > 0 }
        task.cancel()
        try await withTimeout { try await task.value }
    }

    @Test func taskThatIsCancelledAlreadyRunsAndEnds() async throws {
        let star = try endpoints.star(.primary)
        let gate = Gate()
        let task = Task {
            await Task.detached { await gate.pass() }.value
            try await star.run()
        }
        task.cancel()
        gate.open()
        try await withTimeout { try await task.value }
    }

    @Test func gracefulShutdownEndsTheRun() async throws {
        let star = try endpoints.star(.primary)
        let group = ServiceGroup(
            services: [star], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let task = Task { try await group.run() }
        try await eventually("start") { await star.statistics.heartbeatsSent > 0 }
        await group.triggerGracefulShutdown()
        try await withTimeout { try await task.value }
    }

    @Test func nothingWorksAfterTheEnd() async throws {
        let star = try endpoints.star(.primary)
        let task = Task { try await star.run() }
        task.cancel()
        try await task.value
        let folder = endpoints.folder
        let voter = await #expect(throws: BinaryStarError.self) {
            try await star.addVoter(.router, bind: folder.ipc("voter")) { $0.body }
        }
        #expect(voter?.code == .stopped)
        let channel = await #expect(throws: BinaryStarError.self) {
            _ = try await star.open(.pull, bind: folder.ipc("channel"))
        }
        #expect(channel?.code == .stopped)
    }

    // MARK: Endpoints

    @Test("A restart on the same port in the same process works at once")
    func endpointsAreFreeAtOnce() async throws {
        // Ports of the system's choice, kept from here on.
        let folder = endpoints.folder
        let ports = try await freePorts(2)
        var voter = "tcp://127.0.0.1:*"
        var channel = "tcp://127.0.0.1:*"
        for _ in 0..<20 {
            let star = try BinaryStar(
                configuration: .init(
                    seat: .primary, listen: "tcp://127.0.0.1:\(ports[0])", connect: folder.ipc("nobody"), timing: .quick
                ))
            voter = try await star.addVoter(.router, bind: voter) { $0.body }
            let open = try await star.open(.pull, bind: channel)
            channel = try #require(open.boundEndpoint)
            let (voterEndpoint, channelEndpoint) = (voter, channel)
            try await running(star) {
                // With connections, which must not hold the ports either.
                let peer = try RawSocket(.sub, connect: "tcp://127.0.0.1:\(ports[0])")
                _ = try await peer.next()
                let client = try RawClient(voterEndpoint)
                client.socket.send("", "hello")
                let pusher = try RawSocket(.push, connect: channelEndpoint)
                pusher.send("hello")
                for await _ in open { break }
            }
        }
    }

    /// Ports that were free a moment ago.
    private func freePorts(_ count: Int) async throws -> [String] {
        let sockets = try (0..<count).map { _ in try RawSocket(.pull, bind: "tcp://127.0.0.1:*") }
        let ports = sockets.map { String($0.endpoint.split(separator: ":").last ?? "") }
        for socket in sockets { await socket.close() }
        // libzmq closes its listeners a moment after the socket.
        for port in ports {
            try await eventually("free port") {
                guard let probe = try? RawSocket(.pull, bind: "tcp://127.0.0.1:\(port)") else { return false }
                await probe.close()
                return true
            }
        }
        return ports
    }

    @Test func starThatIsLetGoWithoutARunGivesItsEndpointsBack() async throws {
        var star: BinaryStar? = try endpoints.star(.primary)
        // libzmq never refuses an ipc endpoint: it takes the path over.
        let bound = try await star?.addVoter(.router, bind: "tcp://127.0.0.1:*") { $0.body }
        let voter = try #require(bound)
        let refused = await #expect(throws: BinaryStarError.self) {
            try await endpoints.star(.backup).addVoter(.router, bind: voter) { $0.body }
        }
        #expect(refused?.code == .endpointUnavailable)
        star = nil
        try await eventually("free endpoint") {
            let next = try endpoints.star(.backup)
            return (try? await next.addVoter(.router, bind: voter) { $0.body }) != nil
        }
    }

    @Test func streamsOfAStarThatIsLetGoEnd() async throws {
        var star: BinaryStar? = try endpoints.star(.primary)
        let roles = try #require(star?.roles)
        let events = try #require(star?.events)
        star = nil
        let seen = try await withTimeout {
            var seen: [Role] = []
            for await role in roles { seen.append(role) }
            for await _ in events {}
            return seen
        }
        #expect(seen == [.primary])
    }

    // MARK: Errors of the start

    @Test func listenEndpointInUse() async throws {
        let occupant = try RawSocket(.pull, bind: "tcp://127.0.0.1:*")
        let star = try BinaryStar(
            configuration: .init(
                seat: .primary, listen: occupant.endpoint, connect: endpoints.backup, timing: .quick))
        let voter = endpoints.folder.ipc("voter")
        try await star.addVoter(.router, bind: voter) { $0.body }
        let error = await #expect(throws: BinaryStarError.self) { try await withTimeout { try await star.run() } }
        #expect(error?.code == .endpointUnavailable)
        #expect(error?.underlyingError?.isAddressInUse == true)
        #expect(error?.underlyingError?.operation == "bind")
        #expect(error?.message.hasPrefix("listen: cannot bind \(occupant.endpoint): ") == true)
        #expect(error?.message.contains("choose another endpoint") == true)
        // What was bound before is free again.
        let next = try RawSocket(.pull, bind: voter)
        await next.close()
        await occupant.close()
    }

    @Test func hostThatIsNotThisMachines() async throws {
        let star = try BinaryStar(
            configuration: .init(
                seat: .primary, listen: "tcp://192.0.2.1:5003", connect: endpoints.backup, timing: .quick))
        let error = await #expect(throws: BinaryStarError.self) { try await withTimeout { try await star.run() } }
        #expect(error?.code == .endpointUnavailable)
        #expect(error?.underlyingError?.isAddressInUse == false)
    }

    @Test func voterEndpointInUse() async throws {
        let occupant = try RawSocket(.pull, bind: "tcp://127.0.0.1:*")
        let star = try endpoints.star(.primary)
        let endpoint = occupant.endpoint
        let error = await #expect(throws: BinaryStarError.self) {
            try await star.addVoter(.router, bind: endpoint) { $0.body }
        }
        #expect(error?.code == .endpointUnavailable)
        #expect(error?.message.hasPrefix("voter: cannot bind \(endpoint): ") == true)
        // The star is none the worse for it.
        try await running(star) {
            let other = try await star.addVoter(.router, bind: "tcp://127.0.0.1:*") { $0.body }
            #expect(other != endpoint)
        }
        await occupant.close()
    }

    // MARK: One pump for many

    @Test func manyPairsOnOnePump() async throws {
        let pump = Pump()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    let endpoints = PairEndpoints()
                    let primary = try endpoints.star(.primary, pump: pump)
                    let backup = try endpoints.star(.backup, pump: pump)
                    try await running(primary, backup) {
                        try await primary.becomes(.active)
                        try await backup.becomes(.passive)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
